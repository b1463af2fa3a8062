"""Lip sync of videos: right length, sound untouched, lips in step, the rest of the picture kept, only the one who speaks; bad input."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import cv2
import msgspec
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from apps.core.errors import JobError
from apps.engine import runner
from apps.engine.lipsync import frames
from apps.engine.lipsync.faces import Face, FaceFinder, Points, lower_face_mask, opening_of
from apps.engine.lipsync.mouth import MouthPainter, Person
from apps.engine.lipsync.types import REST, TASK_FILE, LipsyncReport, LipsyncTask, MouthShape
from apps.engine.lipsync.video import watch
from apps.engine.media import read_info
from apps.engine.settings import EngineSettings
from apps.engine.task import EngineTask, Limits
from apps.engine.workspace import Workspace
from tests.engine.lipsync.measure import (
    Seen,
    agree,
    exact_sound,
    load_pictures,
    load_sound,
    look_at,
    outside_psnr,
    psnr,
)

Picture = NDArray[np.uint8]
JORDI = "oncamera/en-jordi-open-dubbing.mp4"
TWO_FACES = "oncamera/en-obama-2015-07-14-two-faces.mp4"


class Made(NamedTuple):
    """A finished job."""

    path: Path
    report: LipsyncReport
    workspace: Workspace


Run = Callable[..., Made]


@pytest.fixture(scope="module")
def run(engine_settings: EngineSettings, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs the stage as the portal does: run(video, sound, mask=path, **fields of LipsyncTask)."""

    def make(source: Path, sound: Path, mask: Path | None = None, **fields: object) -> Made:
        root = tmp_path_factory.mktemp("lipsync")
        workspace = Workspace.create(root, EngineTask(steps=()))
        workspace.write_json(TASK_FILE, LipsyncTask(has_mask=mask is not None, **fields))  # type: ignore[arg-type]
        shutil.copyfile(source, workspace.path("source"))
        shutil.copyfile(sound, workspace.path("audio"))
        if mask is not None:
            shutil.copyfile(mask, workspace.path("mask"))
        runner.run_stage(root, "lipsync", None, engine_settings)
        report = msgspec.json.decode(workspace.path("out/report.json").read_bytes(), type=LipsyncReport)
        return Made(workspace.path("out/lipsync.mp4"), report, workspace)

    return make


@pytest.fixture(scope="module")
def speech(shared_media: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[float], Path]:
    """The start of a reading, so many seconds of it, with half a second of silence before."""
    whole, rate = soundfile.read(shared_media / "speech/en-librivox-sense-0870.wav", dtype="int16")
    folder = tmp_path_factory.mktemp("speech")

    def cut(seconds: float) -> Path:
        path = folder / f"{seconds}.wav"
        quiet = np.zeros(rate // 2, np.int16)
        soundfile.write(path, np.concatenate([quiet, whole])[: round(seconds * rate)], rate)
        return path

    return cut


@pytest.fixture(scope="module")
def dubbed(run: Run, shared_media: Path, speech: Callable[[float], Path]) -> Made:
    """Jordi with somebody else's words."""
    return run(shared_media / JORDI, speech(5.0))


def _source(path: Path, resolution: str = "480p", limit: int = 10_000) -> list[Picture]:
    info = read_info(path, Limits())
    return list(frames.Source(path, info, resolution).pictures(limit))  # type: ignore[arg-type]


def test_length_sound_and_report(dubbed: Made, speech: Callable[[float], Path]) -> None:
    info = read_info(dubbed.path, Limits())
    assert info.video is not None
    assert (info.video.frames, info.video.width, info.video.height, info.video.codec) == (150, 720, 480, "h264")
    assert np.array_equal(exact_sound(dubbed.path), exact_sound(speech(5.0)))
    assert (dubbed.report.frames, dubbed.report.backend, dubbed.report.preview) == (150, "preview", True)
    assert [face.speaks for face in dubbed.report.faces] == [True]
    assert "preview" in dubbed.report.remarks[0]
    listed = dubbed.workspace.read_json("out/manifest.json")
    assert [(row["kind"], row["path"], row["main"]) for row in listed] == [
        ("video", "lipsync.mp4", True), ("report", "report.json", False),
    ]  # fmt: skip


def test_lips_follow_and_the_rest_stays(
    dubbed: Made, shared_media: Path, speech: Callable[[float], Path], engine_settings: EngineSettings
) -> None:
    shown = look_at(dubbed.path, engine_settings)
    found = agree(shown.openings, load_sound(speech(5.0), 16_000), 16_000, 30)
    assert found.correlation >= 0.6
    assert abs(found.lag) <= 1
    assert found.silent >= 10
    assert found.closed >= 0.9
    before = Seen(_source(shared_media / JORDI, limit=150), shown.points)
    assert outside_psnr(before, shown.pictures) >= 38
    # No flicker: the lower face does not change more from picture to picture than a filmed speaker's does.
    steps = [_steps(seen.pictures, shown.points) for seen in (before, shown)]
    assert np.quantile(steps[1], 0.95) < 1.6 * np.quantile(steps[0], 0.95)


def _steps(pictures: list[Picture], points: list[NDArray[np.float32]]) -> list[float]:
    masks = [lower_face_mask(p, pictures[0].shape) > 0 for p in points]
    pairs = zip(pictures, pictures[1:], masks, strict=False)
    return [float(np.abs(a.astype(np.int16) - b.astype(np.int16))[mask].mean()) for a, b, mask in pairs]


def test_only_the_one_who_speaks(run: Run, shared_media: Path, speech: Callable[[float], Path]) -> None:
    made = run(shared_media / TWO_FACES, speech(3.0))
    obama, biden = sorted(made.report.faces, key=lambda face: -face.x)
    assert (obama.speaks, biden.speaks) == (True, False)
    before, after = _source(shared_media / TWO_FACES, limit=40), load_pictures(made.path)
    assert abs(len(after) - 3.0 * made.report.fps) <= 1
    for first, second in zip(before, after, strict=False):
        assert psnr(first[:, :110], second[:, :110]) > 35  # his half, as the encoder left it
    assert any("left alone" in remark for remark in made.report.remarks)


def test_cuts_and_pictures_without_a_face(
    run: Run, shared_media: Path, speech: Callable[[float], Path], tmp_path: Path
) -> None:
    jordi = [
        cv2.resize(picture, (360, 240), interpolation=cv2.INTER_AREA)
        for picture in _source(shared_media / JORDI, limit=60)
    ]
    empty = np.tile(np.linspace(30, 200, 360).astype(np.uint8)[None, :, None], (240, 1, 3))
    film = [*jordi[:30], *[empty] * 20, *[picture[:, ::-1].copy() for picture in jordi[30:]]]
    with frames.Encoder(tmp_path / "film.mp4", (360, 240), Fraction(25), EngineSettings()) as encoder:
        for picture in film:
            encoder.write(picture)
    made = run(tmp_path / "film.mp4", speech(4.0))
    assert (made.report.frames, made.report.frames_without_face, made.report.cuts) == (100, 20, 2)
    assert made.report.extended_frames == 20
    shown, before = load_pictures(made.path), load_pictures(tmp_path / "film.mp4")
    assert min(psnr(before[k], shown[k]) for k in range(30, 50)) > 38
    assert any("swings" in remark for remark in made.report.remarks)
    assert any("No face on 20 pictures" in remark for remark in made.report.remarks)
    assert psnr(shown[80], shown[78]) > 28  # goes back the way it came


def test_a_mask_and_a_repeated_order(
    run: Run, shared_media: Path, speech: Callable[[float], Path], tmp_path: Path
) -> None:
    mask = np.zeros((720, 1080), np.uint8)
    cv2.imwrite(str(tmp_path / "mask.png"), mask)
    source = shared_media / "nasty/base.mp4"
    masked = run(source, speech(0.9), mask=tmp_path / "mask.png", prompt="with a smile", resolution="source")
    before = _source(source, "source", 40)
    assert min(psnr(a, b) for a, b in zip(before, load_pictures(masked.path), strict=False)) > 38
    assert any("prompt was not used" in remark for remark in masked.report.remarks)
    one, two = (run(source, speech(0.9), seed=5) for _ in range(2))
    assert one.path.read_bytes() == two.path.read_bytes()


@pytest.mark.parametrize(
    ("video", "sound", "code"),
    [
        ("oncamera/nospeech-dog-android.mp4", "speech/en-librivox-sense-0870.wav", 10911),
        ("nasty/no-video-stream.mp4", "speech/en-librivox-sense-0870.wav", 10001),
        ("nasty/zero-bytes.mp4", "speech/en-librivox-sense-0870.wav", 10902),
        ("nasty/html-named.mp4", "speech/en-librivox-sense-0870.wav", 10904),
        (JORDI, "nasty/silence-only.mp4", 10042),
        (JORDI, "nasty/no-audio-stream.mp4", 10002),
        (JORDI, "nasty/zero-bytes.mp4", 10902),
    ],
)
def test_bad_input(video: str, sound: str, code: int, run: Run, shared_media: Path) -> None:
    with pytest.raises(JobError) as raised:
        run(shared_media / video, shared_media / sound)
    assert raised.value.code == code


def test_faces_too_small(run: Run, shared_media: Path, speech: Callable[[float], Path], tmp_path: Path) -> None:
    portrait = cv2.imread(str(shared_media / "faces/astronaut-eileen-collins-nasa.png"))
    small = np.full((240, 240, 3), 90, np.uint8)
    small[60:180, 60:180] = cv2.resize(portrait, (120, 120), interpolation=cv2.INTER_AREA)
    with frames.Encoder(tmp_path / "small.mp4", (240, 240), Fraction(10), EngineSettings()) as encoder:
        for _ in range(10):
            encoder.write(small)
    with pytest.raises(JobError) as raised:
        run(tmp_path / "small.mp4", speech(1.2))
    assert raised.value.code == 10913


def test_a_head_seen_from_the_side_only(shared_media: Path, engine_settings: EngineSettings) -> None:
    class Turned(FaceFinder):
        """The models, on a head that is turned by 65 degrees more than it is: there is no such clip."""

        def find(self, picture: Picture) -> list[Face]:
            angle = np.radians(65)
            turn = np.array([[np.cos(angle), 0, -np.sin(angle)], [0, 1, 0], [np.sin(angle), 0, np.cos(angle)]])
            middles = [(face, face.points.mean(axis=0)) for face in super().find(picture)]
            return [Face((face.points - middle) @ turn + middle, face.score) for face, middle in middles]

        def follow(self, picture: Picture, last: Points) -> Face | None:
            return self.find(picture)[0]

    clip = shared_media / "nasty/very-short-0.15s.mp4"
    source = frames.Source(clip, read_info(clip, Limits()), "480p")
    with pytest.raises(JobError) as raised:
        watch(source, Turned(engine_settings), 10, lambda _: None)
    assert raised.value.code == 10914


def test_closing_a_toothy_smile_hides_the_teeth(shared_media: Path, engine_settings: EngineSettings) -> None:
    picture = cv2.imread(str(shared_media / "faces/astronaut-eileen-collins-nasa.png"))
    finder = FaceFinder(engine_settings)
    points = finder.find(picture)[0].points
    painter = MouthPainter(Person.learn([points], [(picture, points)]))
    shut, wide = painter.paint(picture, points, REST), painter.paint(picture, points, MouthShape(0.9, 0, 0))
    outside = lower_face_mask(points, picture.shape) == 0
    for painted in (shut, wide):
        assert np.array_equal(painted[outside], picture[outside])
    assert np.array_equal(shut, painter.paint(picture, points, REST))
    teeth = [_teeth(p, points) for p in (picture, shut, wide)]
    assert teeth[1] < 0.3 * teeth[0]
    assert teeth[2] > 0.7 * teeth[0]
    openings = [opening_of(finder.follow(p, points).points) for p in (shut, picture, wide)]  # type: ignore[union-attr]
    assert openings[0] < 0.4 * openings[1]
    assert openings[2] > openings[1]


def _teeth(picture: Picture, points: NDArray[np.float32]) -> int:
    """Pixels around the mouth that are light and of hardly any colour."""
    low, high = points[[61, 291, 0, 17], :2].min(axis=0), points[[61, 291, 0, 17], :2].max(axis=0)
    (left, top), (right, bottom) = low.astype(int), high.astype(int) + 4
    part = picture[top:bottom, left:right].astype(int)
    return int(((part.min(axis=2) > 165) & (np.ptp(part, axis=2) < 35)).sum())
