"""Talking portraits: the right length and sound, lips in step, lids that blink, a head that moves; two faces that take turns."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
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
from apps.engine.lipsync.faces import Face, FaceFinder, size_of
from apps.engine.lipsync.motion import head_motion
from apps.engine.lipsync.portrait import FPS, Scene, Turn, choose_faces, fitted, render_image, timetable
from apps.engine.lipsync.speech import mouth_track
from apps.engine.lipsync.types import REPORT_FILE, RESULT_FILE, TASK_FILE, LipsyncReport, LipsyncTask, MouthTrack
from apps.engine.media import read_info
from apps.engine.settings import ENVIRONMENT_KEY, EngineSettings
from apps.engine.task import EngineTask, Limits
from apps.engine.workspace import Workspace
from tests.engine.lipsync.measure import Seen, agree, exact_sound, load_sound, look_at, psnr

Picture = NDArray[np.uint8]


class Made(NamedTuple):
    """A rendered file and what was told of it."""

    path: Path
    report: LipsyncReport


@pytest.fixture(scope="module", autouse=True)
def _weights(engine_settings: EngineSettings) -> Iterator[None]:
    """render_image reads its settings from the environment, as in a stage's process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ENVIRONMENT_KEY, engine_settings.to_env())
        yield


@pytest.fixture(scope="module")
def portrait(shared_media: Path) -> Picture:
    """A woman who smiles with her teeth, 512 x 512."""
    return _read(shared_media / "faces/astronaut-eileen-collins-nasa.png")


@pytest.fixture(scope="module")
def couple(portrait: Picture) -> Picture:
    """The same woman twice, one of them mirrored, 384 x 256."""
    small = cv2.resize(portrait[0:384, 20:404], (256, 256), interpolation=cv2.INTER_AREA)[:, 16:208]
    return np.hstack([small, small[:, ::-1]])


@pytest.fixture(scope="module")
def finder(engine_settings: EngineSettings) -> FaceFinder:
    """The models."""
    return FaceFinder(engine_settings)


@pytest.fixture(scope="module")
def speech(shared_media: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[float, float], Path]:
    """A piece of the JFK speech as a WAV."""
    whole, rate = soundfile.read(shared_media / "speech/en-jfk.flac", dtype="int16")
    folder = tmp_path_factory.mktemp("speech")

    def cut(start: float, end: float) -> Path:
        path = folder / f"{start}-{end}.wav"
        soundfile.write(path, whole[int(start * rate) : int(end * rate)], rate)
        return path

    return cut


@pytest.fixture(scope="module")
def talking(portrait: Picture, shared_media: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The portrait with the whole speech."""
    return _render(tmp_path_factory.mktemp("talking"), portrait, [shared_media / "speech/en-jfk.flac"], seed=7)


@pytest.fixture(scope="module")
def seen(talking: Made, engine_settings: EngineSettings) -> Seen:
    """What the landmarks say of it."""
    return look_at(talking.path, engine_settings)


def test_length_and_sound(talking: Made, shared_media: Path) -> None:
    original = exact_sound(shared_media / "speech/en-jfk.flac")
    assert np.array_equal(exact_sound(talking.path), original)
    info = read_info(talking.path, Limits())
    assert info.video is not None
    assert abs(info.video.frames / FPS - 11.0) <= 1 / FPS
    assert (info.video.width, info.video.height, info.video.codec) == (480, 480, "h264")
    assert (talking.report.frames, talking.report.backend) == (275, "preview")
    assert [face.speaks for face in talking.report.faces] == [True]


def test_lips_follow_the_speech_and_close_in_silence(seen: Seen, shared_media: Path) -> None:
    found = agree(seen.openings, load_sound(shared_media / "speech/en-jfk.flac", 16_000), 16_000, FPS)
    assert found.correlation >= 0.6
    assert abs(found.lag) <= 1
    assert found.silent >= 10
    assert found.closed >= 0.9
    assert found.widest - found.rest > 0.03


def test_she_blinks_and_moves_but_the_room_does_not(seen: Seen) -> None:
    shut = seen.eyes < 0.86 * float(
        np.median(seen.eyes)
    )  # the landmarks of closed eyes are drawn to the brows: they tell less than is seen
    blinks = int((shut[1:] & ~shut[:-1]).sum())
    assert 1 <= blinks <= 7
    assert shut.mean() < 0.2
    noses = np.array([points[1, :2] for points in seen.points])
    size = size_of(seen.points[0])
    assert 0.01 < np.ptp(noses, axis=0).max() / size < 0.2
    assert np.abs(np.diff(noses, axis=0)).max() / size < 0.03  # no jumps
    room = np.ones(seen.pictures[0].shape[:2], np.bool_)
    room[8:360, 60:360] = False  # what is left is far from the head
    assert min(psnr(seen.pictures[0], picture, room) for picture in seen.pictures[25::25]) > 40


def test_the_same_seed_gives_the_same_pictures(portrait: Picture, finder: FaceFinder) -> None:
    one, same, other = (_scene(portrait, finder, seed) for seed in (3, 3, 4))
    for number in (0, 20, 49):
        assert np.array_equal(one.picture(number), same.picture(number))
    assert not np.array_equal(one.picture(49), other.picture(49))
    again = one.picture(20)
    assert np.array_equal(again, same.picture(20))  # any moment, in any order


def test_a_mask_keeps_the_mouth(portrait: Picture, finder: FaceFinder) -> None:
    wide = MouthTrack(FPS, *(np.full(2, value, np.float32) for value in (0.0, 0.0, 0.0)), np.ones(2, np.bool_))
    face = finder.find(portrait)[0]
    plain, masked = (
        Scene(portrait, mask, [face.points], [wide], 0) for mask in (None, np.zeros(portrait.shape[:2], np.uint8))
    )
    assert psnr(masked.picture(0), portrait) > 50  # begins as the picture shows her
    assert psnr(plain.picture(0), portrait) < 45


@pytest.mark.parametrize(("order", "frames_expected"), [("left_right", 75), ("meanwhile", 45)])
def test_two_faces(
    order: str, frames_expected: int, couple: Picture, speech: Callable[[float, float], Path], tmp_path: Path,
    engine_settings: EngineSettings,
) -> None:  # fmt: skip
    workspace = Workspace.create(tmp_path, EngineTask(steps=()))
    workspace.write_json(TASK_FILE, {"model": "lipsync-image-multi", "order": order, "seed": 11})
    cv2.imwrite(str(tmp_path / "picture.png"), couple)
    for name, file in (("source", tmp_path / "picture.png"), ("left", speech(0.3, 1.5)), ("right", speech(3.3, 5.1))):
        shutil.copyfile(file, workspace.path(name))
    runner.run_stage(tmp_path, "lipsync", None, engine_settings)
    report = msgspec.json.decode(workspace.path(REPORT_FILE).read_bytes(), type=LipsyncReport)
    made = Made(workspace.path(RESULT_FILE), report)
    left, right = (look_at(made.path, engine_settings, face).openings for face in (0, 1))
    assert len(left) == frames_expected == made.report.frames
    assert abs(len(load_sound(made.path, 48_000)) / 48_000 - frames_expected / FPS) < 1 / FPS
    turn = slice(3, 30), slice(33, 75)
    if order == "left_right":
        assert left[turn[0]].std() > 3 * left[turn[1]].std()
        assert right[turn[1]].std() > 3 * right[turn[0]].std()
    else:
        assert min(left[turn[0]].std(), right[turn[0]].std()) > 0.005


def test_turns() -> None:
    assert timetable([2.0], "left_right") == [Turn(0.0, 2.0)]
    assert timetable([2.0, 3.0], "meanwhile") == [Turn(0.0, 2.0), Turn(0.0, 3.0)]
    assert timetable([2.0, 3.0], "left_right") == [Turn(0.0, 2.0), Turn(2.0, 3.0)]
    assert timetable([2.0, 3.0], "right_left") == [Turn(3.0, 2.0), Turn(0.0, 3.0)]


def test_pictures_that_cannot_speak(portrait: Picture, couple: Picture, finder: FaceFinder) -> None:
    face = finder.find(portrait)[0]
    tiny = Face(face.points * 0.2, 1.0)
    angle = np.radians(70)
    turn = np.array([[np.cos(angle), 0, -np.sin(angle)], [0, 1, 0], [np.sin(angle), 0, np.cos(angle)]], np.float32)
    profile = Face((face.points - face.points.mean(axis=0)) @ turn + face.points.mean(axis=0), 1.0)
    wrong = [
        (10911, finder.find(np.full((300, 300, 3), 127, np.uint8)), 1),
        (10911, [face], 2),
        (10912, finder.find(couple), 1),
        (10913, [tiny], 1),
        (10914, [profile], 1),
    ]
    for code, faces, count in wrong:
        with pytest.raises(JobError) as raised:
            choose_faces(faces, count)
        assert raised.value.code == code
    assert choose_faces([face, tiny], 1) == [face]  # somebody small in the background
    assert [round(f.centre[0] / couple.shape[1]) for f in choose_faces(finder.find(couple), 2)] == [0, 1]


def test_silence_is_refused(portrait: Picture, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silence.wav", np.zeros(16_000, np.float32), 16_000)
    with pytest.raises(JobError) as raised:
        _render(tmp_path, portrait, [tmp_path / "silence.wav"])
    assert raised.value.code == 10042


def test_sizes() -> None:
    picture = np.zeros((1001, 1500, 3), np.uint8)
    mask = np.zeros((50, 75), np.uint8)
    shapes = [
        tuple(part.shape[:2] for part in fitted(picture, mask, size) if part is not None) for size in ("480p", "720p")
    ]
    assert shapes == [((480, 720), (480, 720)), ((720, 1078), (720, 1078))]
    assert fitted(picture[:301, :205], None, "720p")[0].shape[:2] == (300, 204)  # never enlarged, both sides even


def test_heads_move_softly_and_blink_at_a_human_pace() -> None:
    minute = 60 * FPS
    listening = head_motion(5, 0, FPS, np.zeros(minute, np.float32))
    for values in (listening.x, listening.y, listening.roll, listening.yaw, listening.pitch, listening.near):
        assert values[0] == 0
        assert 0 < np.abs(values).max() < 0.15
        assert np.abs(np.diff(values)).max() < 0.012
    shut = listening.lids > 0.5
    assert 8 <= int((shut[1:] & ~shut[:-1]).sum()) <= 32
    other = head_motion(5, 1, FPS, np.zeros(minute, np.float32))
    assert abs(float(np.corrcoef(listening.yaw, other.yaw)[0, 1])) < 0.9  # two people do not move as one


def _scene(picture: Picture, finder: FaceFinder, seed: int) -> Scene:
    time = np.arange(2 * 16_000) / 16_000
    sound = (0.3 * np.sin(2 * np.pi * 150 * time) * (np.sin(2 * np.pi * 2 * time) > 0)).astype(np.float32)
    return Scene(picture, None, [finder.find(picture)[0].points], [mouth_track(sound, FPS, 50)], seed)


def _render(folder: Path, picture: Picture, sounds: list[Path], **fields: object) -> Made:
    task = LipsyncTask(**{"model": "lipsync-image", **fields})  # type: ignore[arg-type]
    told: list[tuple[float, float, str]] = []
    opened = [frames.Sound.of(sound, read_info(sound, Limits())) for sound in sounds]
    target = folder / "result.mp4"
    report = render_image(task, picture, opened, None, target, lambda *step: told.append(step))
    assert told[-1] == (report.frames, report.frames, "frame")
    assert [path.name for path in folder.glob("*.mp4")] == ["result.mp4"]
    return Made(target, report)


def _read(path: Path) -> Picture:
    return np.asarray(cv2.imread(str(path)), np.uint8)
