"""What lip sync finds on this machine: the face weights, and a stronger model where settings name its directory.

Only files' names and a small JSON are looked at: the portal asks this at orders, without the engine's libraries. The model itself is
loaded by apps.engine.lipsync.neural.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from apps.engine import models
from apps.engine.settings import EngineSettings

MANIFEST_FILE: Final = "kinoglot.json"
"""Name of the manifest in the model's directory."""
MAX_MANIFEST_BYTES: Final = 64 * 1024
FACES: Final = "faces"
"""The set of weights (apps.engine.models) that finds faces and landmarks; needed with any mouth."""

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
Positive = Annotated[int, msgspec.Meta(ge=1, le=16_384)]
Share = Annotated[float, msgspec.Meta(ge=-0.5, le=1)]


class ModelBroken(Exception):
    """The directory named in settings holds no model that can be used; the message says why, without paths."""


class MelForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the model wants to hear: a mel spectrogram in decibels. Defaults are those published with Wav2Lip (hparams.py).

    rate in Hz; window, transform and hop in samples; low and high in Hz are the ends of the bands; steps is the length of what one picture
    hears. Levels are taken relative to reference_db, cut off at floor_db, and spread over -most..most.
    """

    rate: Literal[16_000] = 16_000
    bands: Positive = 80
    window: Positive = 800
    transform: Positive = 800
    hop: Positive = 200
    low: Annotated[float, msgspec.Meta(ge=0)] = 55.0
    high: Annotated[float, msgspec.Meta(gt=0, le=8000)] = 7600.0
    emphasis: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.97
    reference_db: float = 20.0
    floor_db: Annotated[float, msgspec.Meta(lt=0)] = -100.0
    most: Annotated[float, msgspec.Meta(gt=0)] = 4.0
    steps: Positive = 16


class ModelManifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """kinoglot.json of a model's directory. `name` is what people read in report, API and page; `licence` is kept in the report.

    file "" is the only .onnx there. The graph takes the sound (pictures, 1, bands, steps) and faces (pictures, 6, face_size,
    face_size): the face with its lower half black, then the face whole, 0..1; it gives (pictures, 3, face_size, face_size), 0..1.
    What is cut out around a face is the box of its landmarks, grown by `above`, `below` and `beside` in heights of the face.
    """

    name: Name
    licence: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    file: Annotated[str, msgspec.Meta(max_length=200)] = ""
    sound_input: Name = "mel_spectrogram"
    face_input: Name = "video_frames"
    face_size: Annotated[int, msgspec.Meta(ge=16, le=1024)] = 96
    colours: Literal["bgr", "rgb"] = "bgr"
    batch: Annotated[int, msgspec.Meta(ge=1, le=256)] = 16
    above: Share = 0.0
    below: Share = 0.06
    beside: Share = 0.0
    mel: MelForm = MelForm()


class InstalledModel(msgspec.Struct, frozen=True):
    """A manifest and where its graph is."""

    manifest: ModelManifest
    path: Path

    @property
    def stamp(self) -> list[object]:
        """What changes when manifest or graph are others: a part of the stage's key."""
        facts = self.path.stat()
        return [msgspec.to_builtins(self.manifest), facts.st_size, facts.st_mtime_ns]


def find_model(settings: EngineSettings) -> InstalledModel | None:
    """The model that settings name; None when they name none. Raises ModelBroken."""
    if not settings.lipsync_dir:
        return None
    folder = Path(settings.lipsync_dir)
    if not folder.is_dir():
        raise ModelBroken("the directory of the lip-sync model does not exist")
    manifest = _manifest(folder / MANIFEST_FILE)
    graphs = [folder / manifest.file] if manifest.file else sorted(folder.glob("*.onnx"))
    if len(graphs) != 1:
        raise ModelBroken(f"{len(graphs)} .onnx files lie beside {MANIFEST_FILE}; its field `file` must name one")
    path = graphs[0]
    if Path(manifest.file).name != manifest.file or not path.is_file():
        raise ModelBroken(f"{MANIFEST_FILE}: the file that it names is not in its directory")
    return InstalledModel(manifest, path)


def _manifest(path: Path) -> ModelManifest:
    try:
        with path.open("rb") as stream:
            found = msgspec.json.decode(stream.read(MAX_MANIFEST_BYTES), type=ModelManifest)
    except OSError as error:
        raise ModelBroken(f"the lip-sync model's directory has no readable {MANIFEST_FILE}") from error
    except msgspec.DecodeError as error:
        raise ModelBroken(f"{MANIFEST_FILE}: {error}") from error
    mel = found.mel
    if mel.window > mel.transform or mel.low >= mel.high:
        raise ModelBroken(f"{MANIFEST_FILE}: mel: window must not exceed transform, nor low reach high")
    return found


def faces_missing(settings: EngineSettings) -> bool:
    """Whether the weights that find faces, or OpenCV, which runs them, are absent."""
    blobs = models.by_name(FACES).blobs
    there = bool(settings.model_dir) and all(settings.model_path(blob.path).is_file() for blob in blobs)
    return not there or importlib.util.find_spec("cv2") is None
