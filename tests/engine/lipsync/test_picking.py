"""Faces that an order names, and first parts: who is painted and who is not, in every shot; what was named wrongly, by number."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import msgspec
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from apps.core.errors import JobError
from apps.engine import runner
from apps.engine.lipsync import frames
from apps.engine.lipsync.faces import Face, FaceFinder
from apps.engine.lipsync.picking import pick_faces
from apps.engine.lipsync.types import TASK_FILE, LipsyncReport, LipsyncTask, Pick
from apps.engine.media import read_info
from apps.engine.settings import EngineSettings
from apps.engine.task import EngineTask, Limits
from apps.engine.workspace import Workspace
from tests.engine.lipsync.measure import exact_sound, load_pictures, load_sound, look_at, psnr

Picture = NDArray[np.uint8]
JORDI = "oncamera/en-jordi-open-dubbing.mp4"
TWO_FACES = "oncamera/en-obama-2015-07-14-two-faces.mp4"
ON_THE_LEFT, ON_THE_RIGHT = Pick(x=0.26, y=0.32), Pick(x=0.62, y=0.25)


class Made(NamedTuple):
    """A finished job."""

    path: Path
    report: LipsyncReport


Run = Callable[..., Made]


@pytest.fixture(scope="module")
def run(engine_settings: EngineSettings, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs the stage as the portal does: run(picture or video, sound, ..., **fields of LipsyncTask)."""

    def make(source: Path, *sounds: Path, **fields: Any) -> Made:
        root = tmp_path_factory.mktemp("picking")
        workspace = Workspace.create(root, EngineTask(steps=()))
        workspace.write_json(TASK_FILE, LipsyncTask(**fields))
        shutil.copyfile(source, workspace.path("source"))
        for name, sound in zip(("audio",) if len(sounds) == 1 else ("left", "right"), sounds, strict=True):
            shutil.copyfile(sound, workspace.path(name))
        runner.run_stage(root, "lipsync", None, engine_settings)
        report = msgspec.json.decode(workspace.path("out/report.json").read_bytes(), type=LipsyncReport)
        return Made(workspace.path("out/lipsync.mp4"), report)

    return make


@pytest.fixture(scope="module")
def speech(shared_media: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[float], Path]:
    """The first seconds of a reading."""
    whole, rate = soundfile.read(shared_media / "speech/en-librivox-sense-0870.wav", dtype="int16")
    folder = tmp_path_factory.mktemp("speech")

    def cut(seconds: float) -> Path:
        path = folder / f"{seconds}.wav"
        soundfile.write(path, whole[: round(seconds * rate)], rate)
        return path

    return cut


@pytest.fixture(scope="module")
def portrait(shared_media: Path) -> Picture:
    return np.asarray(cv2.imread(str(shared_media / "faces/astronaut-eileen-collins-nasa.png")), np.uint8)


@pytest.fixture(scope="module")
def three(portrait: Picture, shared_media: Path) -> Picture:
    """The astronaut, a small astronaut, and Jordi, side by side: 840 x 280."""
    woman = cv2.resize(portrait[:384, 20:404], (280, 280), interpolation=cv2.INTER_AREA)
    small = np.full((280, 280, 3), 90, np.uint8)
    small[90:210, 80:200] = cv2.resize(portrait, (120, 120), interpolation=cv2.INTER_AREA)
    man = cv2.resize(_pictures(shared_media / JORDI, 1)[0][:, 240:720], (280, 280), interpolation=cv2.INTER_AREA)
    return np.hstack([woman, small, man])


@pytest.fixture(scope="module")
def still(three: Picture, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("still") / "three.png"
    cv2.imwrite(str(path), three)
    return path


def _pictures(path: Path, limit: int) -> list[Picture]:
    return list(frames.Source(path, read_info(path, Limits()), "480p").pictures(limit))


def _film(path: Path, pictures: list[Picture], fps: int = 25) -> Path:
    height, width = pictures[0].shape[:2]
    with frames.Encoder(path, (width, height), Fraction(fps), EngineSettings()) as encoder:
        for picture in pictures:
            encoder.write(picture)
    return path


def _refused(run: Run, code: int, *args: Any, **fields: Any) -> str:
    with pytest.raises(JobError) as raised:
        run(*args, **fields)
    assert raised.value.code == code, raised.value
    return raised.value.reason


def test_the_named_one_speaks_even_if_silent_before(
    run: Run, shared_media: Path, speech: Callable[[float], Path]
) -> None:
    made = run(shared_media / TWO_FACES, speech(2.0), faces=(msgspec.structs.replace(ON_THE_LEFT, at=1.0),))
    left, right = sorted(made.report.faces, key=lambda face: face.x)
    assert (left.speaks, right.speaks) == (True, False) and left.painted > 20
    before, after = _pictures(shared_media / TWO_FACES, 24), load_pictures(made.path)
    assert min(psnr(a[:, 130:], b[:, 130:]) for a, b in zip(before, after, strict=False)) > 35  # as the encoder left it
    assert min(psnr(a[50:130, 55:115], b[50:130, 55:115]) for a, b in zip(before, after, strict=False)) < 33
    assert any("were not named" in remark for remark in made.report.remarks)
    both = run(shared_media / TWO_FACES, speech(2.0), faces=(ON_THE_LEFT, ON_THE_RIGHT))
    assert [face.speaks for face in both.report.faces] == [True, True]


def test_a_face_is_known_again_after_a_cut_and_others_are_not_taken_for_it(
    run: Run, shared_media: Path, portrait: Picture, speech: Callable[[float], Path], tmp_path: Path
) -> None:
    jordi = [cv2.resize(p, (360, 240), interpolation=cv2.INTER_AREA) for p in _pictures(shared_media / JORDI, 250)]
    woman = [cv2.resize(portrait[60:400, :510], (360, 240), interpolation=cv2.INTER_AREA)] * 25
    closer = [cv2.resize(p[20:220, 30:330], (360, 240)) for p in jordi[200:225]]
    film = _film(tmp_path / "film.mp4", [*jordi[:25], *woman, *closer])
    pick = Pick(x=0.62, y=0.55, at=0.4)
    made = run(film, speech(3.0), faces=(pick,))
    assert (made.report.frames, made.report.cuts) == (75, 2)
    assert [(face.frames, face.speaks) for face in made.report.faces] == [(25, True), (25, False), (25, True)]
    # A first part, while he is named in a shot that comes later: the same face is found in what is made.
    part = run(film, speech(3.0), faces=(Pick(x=0.62, y=0.55, at=2.5),), first_seconds=1)
    assert (part.report.frames, [face.speaks for face in part.report.faces]) == (25, [True])
    named = _refused(run, 10911, film, speech(3.0), faces=(Pick(x=0.4, y=0.35, at=1.5),), first_seconds=1)
    assert "part that is made" in named


def test_picks_that_meet_nobody_in_a_video(
    run: Run, shared_media: Path, portrait: Picture, speech: Callable[[float], Path], tmp_path: Path
) -> None:
    clip = shared_media / TWO_FACES
    assert "faces.1 (x 0.9, y 0.9" in _refused(run, 10911, clip, speech(1.0), faces=(ON_THE_LEFT, Pick(x=0.9, y=0.9)))
    assert "60 seconds" in _refused(run, 10911, clip, speech(1.0), faces=(Pick(x=0.26, y=0.32, at=61.0),))
    assert "at 30 s" in _refused(run, 10911, clip, speech(1.0), faces=(Pick(x=0.26, y=0.32, at=30.0),))
    far = np.full((280, 280, 3), 90, np.uint8)
    far[90:210, 80:200] = cv2.resize(portrait, (120, 120), interpolation=cv2.INTER_AREA)
    near = cv2.resize(portrait[:384, 20:404], (280, 280), interpolation=cv2.INTER_AREA)
    film = _film(tmp_path / "small.mp4", [far] * 10 + [near] * 10, 10)
    small = Pick(x=132 / 280, y=118 / 280, at=0.5)
    assert "video: faces.0" in _refused(run, 10913, film, speech(2.0), faces=(small,))


def test_a_first_part_is_a_cut_and_nothing_else(run: Run, shared_media: Path, speech: Callable[[float], Path]) -> None:
    part = run(shared_media / JORDI, speech(4.0), first_seconds=2)
    assert (part.report.frames, part.report.duration) == (60, 2.0)
    assert np.array_equal(exact_sound(part.path), exact_sound(speech(2.0)))
    assert any("first 2 seconds" in remark for remark in part.report.remarks)
    assert not any("shorter than the video" in remark for remark in part.report.remarks)
    whole = run(shared_media / JORDI, speech(2.0), first_seconds=5)
    assert whole.report.frames == 60 and not any("first" in remark for remark in whole.report.remarks)


def test_a_compressed_sound_is_stored_anew_where_it_is_cut(
    run: Run, shared_media: Path, still: Path, tmp_path: Path
) -> None:
    made = run(still, shared_media / JORDI, model="lipsync-image", first_seconds=3, faces=(Pick(x=0.15, y=0.4),))
    info = read_info(made.path, Limits())
    assert info.audio[0].codec == "flac" and made.report.frames == 75
    sound, whole = load_sound(made.path, 44_100), load_sound(shared_media / JORDI, 44_100)
    assert abs(sound.size - 3 * 44_100) <= 1
    assert float(np.abs(sound - whole[: sound.size]).max()) < 1e-3


@pytest.mark.parametrize(
    ("order", "first", "expected"), [("left_right", 2, 50), ("left_right", 1, 25), ("meanwhile", 1, 25)]
)
def test_a_first_part_of_two_voices(
    order: str, first: int, expected: int, run: Run, still: Path, speech: Callable[[float], Path], engine_settings: EngineSettings
) -> None:  # fmt: skip
    picks = (Pick(x=0.15, y=0.4), Pick(x=0.88, y=0.5))
    made = run(
        still, speech(1.2), speech(1.7), model="lipsync-image-multi", order=order, first_seconds=first, faces=picks
    )
    assert made.report.frames == expected
    assert abs(load_sound(made.path, 48_000).size / 48_000 - first) < 0.001
    assert not any("only listens" in remark for remark in made.report.remarks) or order == "meanwhile"
    left, right = (look_at(made.path, engine_settings, face).openings for face in (0, -1))
    if order == "left_right" and first == 1:
        assert left[3:].std() > 3 * right[3:].std(), "the right one's turn is not in it"


def test_one_of_three_speaks(run: Run, still: Path, three: Picture, speech: Callable[[float], Path]) -> None:
    assert "faces" in _refused(run, 10912, still, speech(1.0), model="lipsync-image")
    made = run(still, speech(1.0), model="lipsync-image", faces=(Pick(x=0.88, y=0.5),), resolution="source")
    (face,) = made.report.faces
    assert face.x > 0.7
    assert min(psnr(picture[:, :500], three[:, :500]) for picture in load_pictures(made.path)) > 35


def test_picks_that_meet_nobody_in_a_picture(
    run: Run, still: Path, three: Picture, engine_settings: EngineSettings, speech: Callable[[float], Path]
) -> None:
    def refused(code: int, *picks: Pick) -> str:
        with pytest.raises(JobError) as raised:
            pick_faces(faces, picks, (840, 280))
        assert raised.value.code == code
        return raised.value.reason

    faces = FaceFinder(engine_settings).find(three)
    left, right = Pick(x=0.15, y=0.4), Pick(x=0.88, y=0.5)
    assert [face.centre[0] > 420 for face in pick_faces(faces, [right, left], (840, 280))] == [True, False]
    assert "faces.1 (x 0.6, y 0.95)" in refused(10911, left, Pick(x=0.6, y=0.95))
    assert "twice" in refused(10912, left, Pick(x=0.16, y=0.42))
    large = faces
    faces = [Face((face.points - face.points.mean(axis=0)) * 0.25 + face.points.mean(axis=0), 1.0) for face in large]
    assert "26 pixels" in refused(10913, Pick(x=large[-1].centre[0] / 840, y=large[-1].centre[1] / 280))
    faces = [Face(_turned(face), face.score) for face in large]
    assert "side" in refused(10914, left)
    assert _refused(run, 10911, still, speech(1.0), model="lipsync-image", faces=(Pick(x=0.6, y=0.95),)).startswith(
        "image: "
    )


def _turned(face: Face) -> NDArray[np.float32]:
    angle = np.radians(70)
    turn = np.array([[np.cos(angle), 0, -np.sin(angle)], [0, 1, 0], [np.sin(angle), 0, np.cos(angle)]], np.float32)
    middle = face.points.mean(axis=0)
    return np.asarray((face.points - middle) @ turn + middle, np.float32)
