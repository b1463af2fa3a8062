"""Lip sync by a model of Wav2Lip's form, on graphs that tests/engine/lipsync/graph.py writes: what it hears, sees and may change; errors.

The graphs draw a grey that follows the loudness. Nothing here tells how a trained model looks.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from apps.core.errors import JobError
from apps.engine import capabilities, runner
from apps.engine.lipsync.backend import choose
from apps.engine.lipsync.faces import FaceFinder, lower_face_mask
from apps.engine.lipsync.installed import MelForm, ModelManifest, find_model
from apps.engine.lipsync.mel import hear
from apps.engine.lipsync.neural import FaceModel, box_of, lay
from apps.engine.lipsync.types import TASK_FILE, LipsyncReport, LipsyncTask
from apps.engine.settings import EngineSettings
from apps.engine.task import EngineTask
from apps.engine.workspace import Workspace
from tests.engine.lipsync import graph
from tests.engine.lipsync.measure import load_pictures, psnr

Picture = NDArray[np.uint8]
RATE = 16_000
WOMAN = "faces/astronaut-eileen-collins-nasa.png"


def loaded(folder: Path) -> FaceModel:
    found = find_model(EngineSettings(lipsync_dir=str(folder)))
    assert found is not None
    return FaceModel(found, cores=1)


def tone(hertz: float, seconds: float, loud: float = 0.5) -> NDArray[np.float32]:
    return (loud * np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)


class TestHearing:
    def test_eighty_columns_a_second_in_which_a_tone_stands_at_its_place(self) -> None:
        heard = hear(tone(1000, 2.0), MelForm())
        assert heard.mel.shape == (80, 161)
        # 1000 Hz lies 14.175 of Slaney's mels above 55 Hz, of 44.4 to 7600 Hz in 81 steps
        assert {int(column.argmax()) for column in heard.mel.T[5:-5]} <= {25, 26}
        assert float(np.abs(heard.mel).max()) <= 4

    def test_silence_is_the_least_level_and_louder_is_more(self) -> None:
        assert np.all(hear(np.zeros(RATE, np.float32), MelForm()).mel == -4)
        levels = [float(hear(tone(400, 1, loud), MelForm()).mel[:, 40].max()) for loud in (0.01, 0.1, 1.0)]
        # ten times the amplitude is 20 dB, of 100 dB over the range of 8
        assert np.allclose(np.diff(levels), 1.6, atol=0.01)

    def test_each_picture_hears_its_own_fifth_of_a_second(self) -> None:
        heard = hear(np.concatenate([np.zeros(RATE, np.float32), tone(400, 1)]), MelForm())
        assert heard.at(0.5).shape == (80, 16)
        assert float(heard.at(0.5).max()) == -4
        assert float(heard.at(1.0)[:, 2:].max(axis=0).min()) > 0
        assert np.array_equal(heard.at(99.0), heard.mel[:, -16:])

    def test_a_sound_shorter_than_that_goes_on_in_silence(self) -> None:
        heard = hear(tone(400, 0.01), MelForm())
        assert heard.at(0.0).shape == heard.at(0.04).shape == (80, 16)

    def test_an_hour_is_computed_piece_by_piece_as_a_whole_would_be(self, monkeypatch: pytest.MonkeyPatch) -> None:
        sound = np.random.default_rng(1).normal(0, 0.1, 3 * RATE).astype(np.float32)
        whole = hear(sound, MelForm()).mel
        monkeypatch.setattr("apps.engine.lipsync.mel.CHUNK", 50)
        assert np.allclose(hear(sound, MelForm()).mel, whole, atol=1e-4)


class TestDrawing:
    @pytest.mark.parametrize("batch", ["n", 1, 3])
    def test_any_batch_gives_each_face_its_own_mouth(self, batch: int | str, tmp_path: Path) -> None:
        model = loaded(graph.directory(tmp_path, batch=batch))
        assert model.batch == (4 if batch == "n" else batch)
        sounds = [np.full((80, 16), level, np.float32) for level in (-4, -2, 0, 2, 4)]
        faces = [np.full((60, 50, 3), (10, 120, 240), np.uint8)] * 5
        drawn = model.draw(faces, sounds)
        assert [int(face[80, 40, 0]) for face in drawn] == [0, 64, 128, 191, 255]
        assert all(face.shape == (96, 96, 3) and tuple(face[10, 40]) == (10, 120, 240) for face in drawn)

    def test_it_sees_the_face_without_its_lower_half_in_the_colours_that_it_wants(self, tmp_path: Path) -> None:
        face = np.random.default_rng(2).integers(1, 255, (96, 96, 3)).astype(np.uint8)
        for colours in ("bgr", "rgb"):
            model = loaded(graph.directory(tmp_path / colours, "masked", colours=colours))
            (seen,) = model.draw([face], [np.zeros((80, 16), np.float32)])
            assert np.array_equal(seen[:48], face[:48])
            assert not seen[48:].any()

    def test_nothing_outside_of_the_lower_face_or_of_a_mask_changes(
        self, shared_media: Path, engine_settings: EngineSettings
    ) -> None:
        picture = cv2.imread(str(shared_media / WOMAN))
        points = FaceFinder(engine_settings).find(picture)[0].points
        corners = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
        box = box_of(*corners, ModelManifest(name="Tiny", licence="none"), picture.shape)
        green = np.full((96, 96, 3), (0, 255, 0), np.uint8)
        laid = lay(picture, green, box, points)
        outside = lower_face_mask(points, picture.shape) == 0
        assert np.array_equal(laid[outside], picture[outside])
        x, y = np.round(points[13, :2]).astype(int)
        assert tuple(laid[y, x]) == (0, 255, 0)
        half = np.full(picture.shape[:2], 255, np.uint8)
        half[:, x:] = 0
        masked = lay(picture, green, box, points, half)
        assert np.array_equal(masked[:, x:], picture[:, x:])
        assert np.array_equal(masked[:, :x], laid[:, :x])


Render = Callable[..., tuple[Path, LipsyncReport]]


@pytest.fixture
def render(engine_settings: EngineSettings, tmp_path: Path) -> Render:
    """render(picture or video, sounds, settings' fields, **fields of the task) -> (folder of results, report): the stage's own process."""

    def make(
        source: Path, sounds: dict[str, NDArray[np.float32]], more: dict[str, Any], **fields: Any
    ) -> tuple[Path, LipsyncReport]:
        workspace = Workspace.create(tmp_path / "workspace", EngineTask(steps=()))
        workspace.write_json(TASK_FILE, LipsyncTask(**fields))
        shutil.copyfile(source, workspace.path("source"))
        for name, sound in sounds.items():
            soundfile.write(workspace.path(name), sound, RATE, format="WAV")
        settings = msgspec.structs.replace(engine_settings, **more)
        runner.run_stage(workspace.root, "lipsync", None, settings)
        out = workspace.path("out")
        return out, msgspec.json.decode((out / "report.json").read_bytes(), type=LipsyncReport)

    return make


@pytest.fixture(scope="module")
def speech(shared_media: Path) -> NDArray[np.float32]:
    """Two seconds of a reading, then half a second of silence."""
    read, rate = soundfile.read(shared_media / "speech/en-librivox-sense-0870.wav", dtype="float32")
    assert rate == RATE
    return np.concatenate([read[: 2 * RATE], np.zeros(RATE // 2, np.float32)])


@pytest.mark.engine
class TestStage:
    def test_a_video(
        self,
        render: Render,
        shared_media: Path,
        speech: NDArray[np.float32],
        tmp_path: Path,
        engine_settings: EngineSettings,
    ) -> None:
        model = graph.directory(tmp_path / "model")
        source = shared_media / "oncamera/en-jordi-open-dubbing.mp4"
        out, report = render(source, {"audio": speech}, {"lipsync_dir": str(model)}, prompt="smile")
        assert (report.backend, report.preview, report.frames, report.frames_painted) == ("Tiny", False, 75, 75)
        assert report.remarks[0] == f"Made by Tiny. Licence: {graph.LICENCE}"
        assert "The prompt was not used: Tiny has no model that could follow it." in report.remarks
        assert b"preview" not in (out / "manifest.json").read_bytes().lower()
        assert b'"preview": false' in (out / "report.json").read_bytes()

        shown, finder = load_pictures(out / "lipsync.mp4"), FaceFinder(engine_settings)
        before = [cv2.resize(one, (720, 480), interpolation=cv2.INTER_AREA) for one in load_pictures(source)[:75]]
        chins = []
        for old, new in zip(before, shown, strict=True):
            points = finder.find(old)[0].points
            chins.append(new[tuple(np.round(points[[17], :2].mean(axis=0)[::-1]).astype(int))].mean())
            assert psnr(old, new, lower_face_mask(points, old.shape) == 0) >= 38
        mel = hear(speech, MelForm())
        loud = [(float(mel.at(number / 30).mean()) + 4) / 8 * 255 for number in range(75)]
        assert np.abs(np.array(chins) - loud).max() < 12
        assert max(loud) - min(loud) > 50

    def test_a_portrait_of_two_who_take_turns(
        self, render: Render, shared_media: Path, speech: NDArray[np.float32], tmp_path: Path
    ) -> None:
        woman = cv2.imread(str(shared_media / WOMAN))[0:384, 20:404]
        small = cv2.resize(woman, (256, 256), interpolation=cv2.INTER_AREA)[:, 16:208]
        cv2.imwrite(str(tmp_path / "couple.png"), np.hstack([small, small[:, ::-1]]))
        model, half = graph.directory(tmp_path / "model", batch=2), speech[:RATE]
        out, report = render(
            tmp_path / "couple.png", {"left": half, "right": half}, {"lipsync_dir": str(model)},
            model="lipsync-image-multi", order="right_left",
        )  # fmt: skip
        assert (report.backend, report.preview, report.frames) == ("Tiny", False, 50)
        shown = load_pictures(out / "lipsync.mp4")
        # grey is what the graph paints: black in silence, so the one who listens is the darker one
        mouths = [[float(one[96:104, x - 4 : x + 4].mean()) for x in (119, 264)] for one in (shown[12], shown[37])]
        assert mouths[0][1] > mouths[0][0] + 30
        assert mouths[1][0] > mouths[1][1] + 30


def empty(folder: Path) -> None:
    """A directory without a manifest."""
    (folder / "kinoglot.json").unlink()


def no_json(folder: Path) -> None:
    (folder / "kinoglot.json").write_text("{")


def unknown_field(folder: Path) -> None:
    (folder / "kinoglot.json").write_text('{"name": "Tiny", "licence": "x", "face": 96}')


def no_licence(folder: Path) -> None:
    (folder / "kinoglot.json").write_text('{"name": "Tiny"}')


def two_graphs(folder: Path) -> None:
    shutil.copyfile(folder / "tiny.onnx", folder / "other.onnx")


def elsewhere(folder: Path) -> None:
    (folder / "kinoglot.json").write_text('{"name": "Tiny", "licence": "x", "file": "../tiny.onnx"}')
    shutil.move(folder / "tiny.onnx", folder.parent / "tiny.onnx")


def cut_off(folder: Path) -> None:
    whole = (folder / "tiny.onnx").read_bytes()
    (folder / "tiny.onnx").write_bytes(whole[: len(whole) // 2])


def other_names(folder: Path) -> None:
    graph.directory(folder, sound_input="mel")


def other_size(folder: Path) -> None:
    graph.directory(folder, face_size=64)
    (folder / "tiny.onnx").write_bytes(graph.model("energy", 96, "n"))


BROKEN: dict[Callable[[Path], None], str] = {
    empty: "no readable kinoglot.json",
    no_json: "kinoglot.json: ",
    unknown_field: "`face`",
    no_licence: "`licence`",
    two_graphs: "2 .onnx files",
    elsewhere: "not in its directory",
    cut_off: "tiny.onnx cannot be loaded by onnxruntime",
    other_names: "inputs are mel_spectrogram, video_frames, not mel, video_frames",
    other_size: "input video_frames has the shape",
}


class TestBroken:
    @pytest.mark.parametrize("harm", BROKEN, ids=lambda harm: harm.__name__)
    def test_the_check_tells_and_jobs_end_with_a_number(
        self, harm: Callable[[Path], None], engine_settings: EngineSettings, tmp_path: Path
    ) -> None:
        folder = graph.directory(tmp_path / "model")
        settings = msgspec.structs.replace(engine_settings, lipsync_dir=str(folder))
        row = capabilities.check(settings)[-1]
        assert (row.stage, row.backend, row.ok) == ("lipsync", "Tiny", True), row.advice
        harm(folder)
        row = capabilities.check(settings)[-1]
        assert (row.stage, row.ok) == ("lipsync", False)
        assert BROKEN[harm] in row.advice
        assert str(tmp_path) not in row.advice
        with pytest.raises(JobError) as raised:
            choose(settings)
        assert raised.value.code == 10999
        assert BROKEN[harm] in raised.value.reason

    @pytest.mark.engine
    def test_the_preview_stands_in_only_where_settings_say_so(
        self, render: Render, shared_media: Path, speech: NDArray[np.float32], tmp_path: Path
    ) -> None:
        gone = str(tmp_path / "gone")
        asked = (shared_media / WOMAN, {"audio": speech[:RATE]})
        with pytest.raises(JobError) as raised:
            render(*asked, {"lipsync_dir": gone}, model="lipsync-image")
        assert (raised.value.code, gone in raised.value.reason) == (10999, False)
        _, report = render(*asked, {"lipsync_dir": gone, "lipsync_fallback": True}, model="lipsync-image")
        assert (report.backend, report.preview) == ("preview", True)
        assert "preview" in report.remarks[0]
        assert "could not be used" in report.remarks[1]

    def test_a_graph_that_fails_or_gives_no_picture_ends_the_job(self, tmp_path: Path) -> None:
        model = loaded(graph.directory(tmp_path))
        face, sound = np.zeros((50, 50, 3), np.uint8), np.full((80, 16), np.nan, np.float32)
        with pytest.raises(JobError, match="Tiny gave something that is not a picture"):
            model.draw([face], [sound])
        with pytest.raises(JobError, match="Tiny failed"):
            model.draw([face], [np.zeros((79, 16), np.float32)])
