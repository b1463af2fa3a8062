"""A lip-sync model of Wav2Lip's kind, run by onnxruntime: it draws the lower half of a face from the face and the sound.

The graph comes from a directory that settings name (apps.engine.lipsync.installed). What it draws is laid back with a soft edge inside of
the lower face, as the preview is: not one pixel outside of that changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.core import errors
from apps.core.errors import JobError
from apps.engine.lipsync import blend
from apps.engine.lipsync.faces import Picture, Points, lower_face, lower_face_mask, size_of
from apps.engine.lipsync.installed import InstalledModel, ModelBroken, ModelManifest
from apps.engine.lipsync.mel import Floats, Heard
from apps.engine.lipsync.tracking import Track, blurred

BOX_SECONDS = 0.1
"""Over this time the boxes that are cut out are smoothed: the chin of the old speech must not shake them."""
LEAST_SIDE = 8
"""A box of fewer pixels shows too little of a face to be drawn."""
EDGE_STEP = 1 / 34
"""Nodes of the soft edge, in sizes of the face (as the preview's)."""
EDGE_NODES = 5
"""How many nodes wide the edge is: a model's colours are never quite those of the skin around."""
LEAST_STRENGTH = 0.02
BYTES_AT_ONCE = 256 * 1024**2
"""Of pictures that wait for the batch to be full."""


class FaceModel:
    """The loaded graph. Raises ModelBroken when it cannot be loaded or is not of the form that its manifest tells."""

    def __init__(self, installed: InstalledModel, cores: int) -> None:
        self.manifest = installed.manifest
        self._session = _session(installed, cores)
        shapes = {one.name: list(one.shape) for one in self._session.get_inputs()}
        size, mel = self.manifest.face_size, self.manifest.mel
        wanted = {
            self.manifest.sound_input: [1, mel.bands, mel.steps],
            self.manifest.face_input: [6, size, size],
        }
        if set(shapes) != set(wanted):
            raise ModelBroken(f"the graph's inputs are {', '.join(sorted(shapes))}, not {', '.join(sorted(wanted))}")
        for name, sizes in wanted.items():
            if not _fits(shapes[name][1:], sizes):
                raise ModelBroken(f"the graph's input {name} has the shape {shapes[name]}, not (pictures, {sizes})")
        fixed = next((found[0] for found in shapes.values() if isinstance(found[0], int)), 0)
        self._fixed = fixed > 0
        self.batch = fixed if self._fixed else self.manifest.batch

    def draw(self, faces: Sequence[Picture], sounds: Sequence[Floats]) -> list[Picture]:
        """Each face (BGR, of any size) with the mouth for its piece of sound, as face_size squares. Raises JobError 10999."""
        return [
            drawn
            for start in range(0, len(faces), self.batch)
            for drawn in self._draw(faces[start : start + self.batch], sounds[start : start + self.batch])
        ]

    def _draw(self, faces: Sequence[Picture], sounds: Sequence[Floats]) -> Iterator[Picture]:
        size, rows = self.manifest.face_size, self.batch if self._fixed else len(faces)
        seen = np.zeros((rows, 6, size, size), np.float32)
        heard = np.zeros((rows, 1, *sounds[0].shape), np.float32)
        for row, (face, sound) in enumerate(zip(faces, sounds, strict=True)):
            whole = self._turned(_resized(face, size, size)).transpose(2, 0, 1).astype(np.float32) / 255
            seen[row, :3, : size // 2] = whole[:, : size // 2]
            seen[row, 3:] = whole
            heard[row, 0] = sound
        given = {self.manifest.sound_input: heard, self.manifest.face_input: seen}
        try:
            drawn = np.asarray(self._session.run(None, given)[0], np.float32)
        except Exception as error:  # onnxruntime's errors have no class of their own in common
            raise self._fault("failed") from error
        if drawn.shape != (rows, 3, size, size) or not np.isfinite(drawn).all():
            raise self._fault("gave something that is not a picture")
        pictures = np.rint(np.clip(drawn[: len(faces)], 0, 1) * 255).astype(np.uint8).transpose(0, 2, 3, 1)
        yield from (self._turned(picture) for picture in pictures)

    def _fault(self, what: str) -> JobError:
        return JobError(errors.ENGINE_FAULT, f"the lip-sync model {self.manifest.name} {what}")

    def _turned(self, picture: Picture) -> Picture:
        """Between our order of colours and the model's."""
        return picture if self.manifest.colours == "bgr" else np.ascontiguousarray(picture[..., ::-1])


class Part(Protocol):
    """A face that speaks (apps.engine.lipsync.video.Role)."""

    track: Track
    strength: NDArray[np.float32]
    painted: int


@dataclass(frozen=True)
class _Task:
    """One face on one waiting picture."""

    place: int
    part: Part
    box: blend.Box
    points: Points
    strength: float


def paint_video(
    model: FaceModel,
    parts: Sequence[Part],
    moments: Iterable[tuple[int, int, Picture]],
    heard: Heard,
    fps: float,
    mask: Picture | None,
) -> Iterator[tuple[Picture, bool]]:
    """The pictures of `moments` (number in the result, number in the source, picture) with the mouths that the model draws, and
    whether any was drawn. As many wait as fill one batch.
    """
    boxes = {id(part): blurred(part.track.corners, BOX_SECONDS * fps) for part in parts}
    for group in _groups(moments, model.batch):
        shown = [picture for _, _, picture in group]
        tasks = [
            task
            for place, (_, index, picture) in enumerate(group)
            for part in parts
            if (task := _task(place, part, index, boxes[id(part)], model.manifest, picture)) is not None
        ]
        faces = [task.box.cut(group[task.place][2]) for task in tasks]
        sounds = [heard.at(group[task.place][0] / fps) for task in tasks]
        for task, drawn in zip(tasks, model.draw(faces, sounds), strict=True):
            shown[task.place] = lay(shown[task.place], drawn, task.box, task.points, mask, task.strength)
            task.part.painted += 1
        changed = {task.place for task in tasks}
        yield from ((picture, place in changed) for place, picture in enumerate(shown))


class StillMouth:
    """The mouth of one face of a still picture, moment after moment, drawn a batch ahead.

    `hears` gives the piece of sound of a moment; there are `moments` of them.
    """

    def __init__(
        self, model: FaceModel, picture: Picture, points: Points, hears: Callable[[int], Floats], moments: int
    ) -> None:
        low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
        self._box = box_of(low, high, model.manifest, picture.shape)
        self._face = self._box.cut(picture).copy()
        self._model, self._points, self._hears, self._moments = model, points, hears, moments
        self._drawn: dict[int, Picture] = {}

    def paint(self, picture: Picture, number: int, mask: Picture | None) -> Picture:
        """The picture with this face's mouth as it is at moment `number`."""
        if min(self._box.width, self._box.height) < LEAST_SIDE:
            return picture
        if number not in self._drawn:
            ahead = range(number, max(number + 1, min(number + self._model.batch, self._moments)))
            drawn = self._model.draw([self._face] * len(ahead), [self._hears(moment) for moment in ahead])
            self._drawn = dict(zip(ahead, drawn, strict=True))
        return lay(picture, self._drawn[number], self._box, self._points, mask)


def lay(
    picture: Picture, drawn: Picture, box: blend.Box, points: Points, mask: Picture | None = None, strength: float = 1.0
) -> Picture:
    """A copy of the picture with a drawn face laid over its box, softly, inside the lower face and `mask` (255: may change) only."""
    grid = blend.Grid(box, EDGE_STEP * size_of(points))
    inner = grid.window(lower_face(points)).reshape(grid.rows, grid.columns)
    softer = cv2.blur(inner, (EDGE_NODES, EDGE_NODES), borderType=cv2.BORDER_CONSTANT)
    allowed = box.cut(lower_face_mask(points, picture.shape))
    if mask is not None:
        allowed = np.minimum(allowed, box.cut(mask))
    alpha = strength * grid.full(inner * softer) * (allowed.astype(np.float32) / 255)
    out = picture.copy()
    face = _resized(drawn, box.width, box.height)
    box.cut(out)[:] = blend.over(box.cut(picture), face, alpha)
    return out


def box_of(low: Floats, high: Floats, manifest: ModelManifest, shape: tuple[int, ...]) -> blend.Box:
    """What is cut out around landmarks between two corners, as far as it is on the picture."""
    height = float(high[1] - low[1])
    beside = manifest.beside * height
    corners = np.array(
        [[low[0] - beside, low[1] - manifest.above * height], [high[0] + beside, high[1] + manifest.below * height]]
    )
    return blend.box_around(corners, 0, shape)


def _session(installed: InstalledModel, cores: int) -> Any:
    try:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = cores, 1
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(str(installed.path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no class of their own in common
        raise ModelBroken(f"{installed.path.name} cannot be loaded by onnxruntime ({type(error).__name__})") from error


def _fits(found: list[object], wanted: list[int]) -> bool:
    """A graph's sizes, of which some may be open (None or a name), against those that we send."""
    same = len(found) == len(wanted)
    return same and all(not isinstance(a, int) or a == b for a, b in zip(found, wanted, strict=True))


def _groups(moments: Iterable[tuple[int, int, Picture]], most: int) -> Iterator[list[tuple[int, int, Picture]]]:
    group: list[tuple[int, int, Picture]] = []
    for moment in moments:
        group.append(moment)
        if len(group) >= most or len(group) * moment[2].nbytes >= BYTES_AT_ONCE:
            yield group
            group = []
    if group:
        yield group


def _task(
    place: int, part: Part, index: int, corners: NDArray[np.float32], manifest: ModelManifest, picture: Picture
) -> _Task | None:
    """What is to be drawn of a face on one picture of the source; None when nothing is."""
    row = index - part.track.first
    if not 0 <= row < len(part.track.points) or part.strength[row] <= LEAST_STRENGTH:
        return None
    box = box_of(corners[row, :2], corners[row, 2:], manifest, picture.shape)
    if min(box.width, box.height) < LEAST_SIDE:
        return None
    return _Task(place, part, box, part.track.points[row], float(part.strength[row]))


def _resized(picture: Picture, width: int, height: int) -> Picture:
    smaller = width < picture.shape[1]
    how = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, (width, height), interpolation=how), np.uint8)
