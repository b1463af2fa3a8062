"""Looking for faces in a stranger's picture or video: where they are, which of them can speak, on which picture; bad files by number."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from apps.core.errors import JobError
from apps.engine import runner
from apps.engine.lipsync import frames
from apps.engine.lipsync.types import FacesSeen, SeenFace
from apps.engine.settings import EngineSettings
from apps.engine.task import Limits

Picture = NDArray[np.uint8]
PORTRAIT = "faces/astronaut-eileen-collins-nasa.png"


@pytest.fixture(scope="module")
def portrait(shared_media: Path) -> Picture:
    return np.asarray(cv2.imread(str(shared_media / PORTRAIT)), np.uint8)


def test_a_picture_and_its_still(
    shared_media: Path, portrait: Picture, engine_settings: EngineSettings, tmp_path: Path
) -> None:
    seen, still = runner.find_faces(shared_media / PORTRAIT, engine_settings)
    (face,) = seen.faces
    assert (seen.width, seen.height, seen.at, seen.problem(face)) == (512, 512, 0.0, None)
    # Her nose is at 225, 117 of 512.
    assert face.x < 225 / 512 < face.x + face.width and face.y < 117 / 512 < face.y + face.height
    assert cv2.imdecode(np.frombuffer(still, np.uint8), cv2.IMREAD_COLOR).shape == (512, 512, 3)
    large = cv2.resize(portrait, (2600, 1300))
    cv2.imwrite(str(tmp_path / "large.jpg"), large)
    seen, still = runner.find_faces(tmp_path / "large.jpg", engine_settings)
    assert (seen.width, seen.height) == (2600, 1300)
    assert cv2.imdecode(np.frombuffer(still, np.uint8), cv2.IMREAD_COLOR).shape == (640, 1280, 3)


def test_two_faces_from_left_to_right(shared_media: Path, engine_settings: EngineSettings) -> None:
    seen, _ = runner.find_faces(shared_media / "oncamera/en-obama-2015-07-14-two-faces.mp4", engine_settings)
    left, right = seen.faces
    assert left.x + left.width < right.x
    assert [seen.problem(face) for face in seen.faces] == [None, None]


def test_the_picture_of_a_video_that_shows_most_faces(
    portrait: Picture, engine_settings: EngineSettings, tmp_path: Path
) -> None:
    one = cv2.resize(portrait[:384, 20:404], (256, 256), interpolation=cv2.INTER_AREA)
    nobody = np.full((256, 512, 3), 90, np.uint8)
    alone, both = np.hstack([one, nobody[:, :256]]), np.hstack([one, one[:, ::-1]])
    film = [nobody] * 12 + [alone] * 12 + [both] * 12 + [nobody] * 12
    with frames.Encoder(tmp_path / "film.mp4", (512, 256), Fraction(2), EngineSettings()) as encoder:
        for picture in film:
            encoder.write(np.asarray(picture, np.uint8))
    # One key picture at the start and one at each cut at the most: the look must not depend on where they are.
    seen, _ = runner.find_faces(tmp_path / "film.mp4", engine_settings)
    assert len(seen.faces) == 2 and 12 <= seen.at < 18
    sparse = tmp_path / "sparse.mp4"
    command = [_ffmpeg(), "-nostdin", "-v", "error", "-y", "-i", str(tmp_path / "film.mp4"), "-c:v", "libx264"]
    subprocess.run([*command, "-g", "1000", "-sc_threshold", "0", str(sparse)], check=True)
    seen, _ = runner.find_faces(sparse, engine_settings)
    assert len(seen.faces) == 2 and 12 <= seen.at < 18


def test_small_and_turned_faces_are_told() -> None:
    small, turned, both = (
        SeenFace(x=0, y=0, width=0.03, height=0.05),
        SeenFace(x=0, y=0, width=0.3, height=0.5, turned=True),
        0.02,
    )
    wide = FacesSeen(width=1920, height=1080, faces=[small, turned])
    assert [wide.problem(face) for face in wide.faces] == [10913, 10914]  # 57.6 pixels there are 25.6 at 480p
    assert [wide.problem(face, "720p") for face in wide.faces] == [None, 10914]
    assert wide.problem(SeenFace(x=0, y=0, width=both, height=both, turned=True), "720p") == 10913
    assert FacesSeen(width=320, height=240).problem(SeenFace(x=0, y=0, width=0.1, height=0.1), "720p") is None


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("oncamera/nospeech-dog-android.mp4", 10911),
        ("nasty/tiny-16x16.mp4", 10911),
        ("nasty/no-video-stream.mp4", 10001),
        ("nasty/mp3-with-cover-art.mp3", 10001),
        ("nasty/zero-bytes.mp4", 10902),
        ("nasty/truncated-mdat-cut.mp4", 10902),
        ("nasty/html-named.mp4", 10904),
        ("nasty/hls-local-file-read.mp4", 10904),
        ("nasty/huge-8192x8192-1frame.mp4", 10905),
    ],
)
def test_bad_files(path: str, code: int, shared_media: Path, engine_settings: EngineSettings) -> None:
    with pytest.raises(JobError) as raised:
        runner.find_faces(shared_media / path, engine_settings)
    assert raised.value.code == code


def test_limits_hold_and_a_look_can_be_stopped(shared_media: Path, engine_settings: EngineSettings) -> None:
    with pytest.raises(JobError) as raised:
        runner.find_faces(shared_media / PORTRAIT, engine_settings, Limits(max_still_pixels=100 * 100))
    assert raised.value.code == 10905
    with pytest.raises(JobError) as raised:
        runner.find_faces(shared_media / PORTRAIT, engine_settings, should_stop=lambda: True)
    assert raised.value.code == 10909


def test_the_asking_process_loads_no_engine_library() -> None:
    code = "import sys, apps.engine.runner; assert not {'cv2', 'av', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).resolve().parents[2])


def _ffmpeg() -> str:
    import imageio_ffmpeg

    return str(imageio_ffmpeg.get_ffmpeg_exe())
