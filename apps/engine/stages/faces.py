"""A look for faces before lip sync is ordered: source -> faces.json and faces.jpg, the picture that shows most of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import cv2
import numpy as np

from apps.core import errors
from apps.core.errors import JobError
from apps.engine.lipsync.faces import MAX_YAW, Face, FaceFinder, Picture
from apps.engine.lipsync.frames import Source, scaled
from apps.engine.lipsync.pictures import is_picture, read_picture
from apps.engine.lipsync.types import SEEN_FILE, STILL_FILE, FacesSeen, LipsyncResolution, SeenFace
from apps.engine.media import read_info
from apps.engine.settings import EngineSettings
from apps.engine.stages import Report
from apps.engine.task import EngineTask
from apps.engine.workspace import Workspace

RECIPE: Final = 1
RESOLUTION: Final[LipsyncResolution] = "720p"
"""The largest at which lip sync looks for faces itself."""
EVERY: Final = 5.0
UNTIL: Final = 60.0
"""Seconds between the pictures of a video that are looked at, and where that ends."""
RARE: Final = 12.0
"""Key pictures further apart than these seconds are not enough to know a video by."""
STILL_SIDE: Final = 1280
STILL_QUALITY: Final = 85


class Look(NamedTuple):
    """One picture with its faces; size is the whole picture's, in pixels, before it was made smaller for the look."""

    at: float
    picture: Picture
    faces: list[Face]
    size: tuple[int, int]

    def seen(self) -> FacesSeen:
        """What is told of it."""
        height, width = self.picture.shape[:2]
        faces = sorted(self.faces, key=lambda face: face.centre[0])
        return FacesSeen(
            width=self.size[0],
            height=self.size[1],
            at=round(self.at, 3),
            faces=[_seen(face, width, height) for face in faces],
        )

    def worth(self) -> tuple[int, int]:
        """How many can be picked, and how many there are."""
        seen = self.seen()
        return sum(seen.problem(face, RESOLUTION) is None for face in seen.faces), len(seen.faces)


class Faces:
    """Finds faces as lip sync does. Raises 10001, 10902, 10904, 10905, 10911."""

    name = "faces"

    def inputs(self, task: EngineTask) -> tuple[str, ...]:
        """The picture or video."""
        return (task.source,)

    def outputs(self, task: EngineTask) -> tuple[str, ...]:
        """What was found, and the picture that it was found on."""
        return (SEEN_FILE, STILL_FILE)

    def key(self, task: EngineTask, ws: Workspace) -> str:
        """The source's bytes and the limits."""
        return ws.key_of(self.name, self.inputs(task), RECIPE, task.limits)

    def run(self, ws: Workspace, task: EngineTask, report: Report) -> None:
        """Looks at a picture, or at a dozen pictures of a video's first minute."""
        finder = FaceFinder(EngineSettings.from_env())
        still = is_picture(ws.path(task.source))
        looks = _picture(ws, task, finder) if still else _video(ws, task, finder)
        best: Look | None = None
        for look in looks:
            best = look if best is None or look.worth() > best.worth() else best
        if best is None:
            raise JobError(errors.DAMAGED, "the pictures cannot be decoded")
        if not best.faces:
            where = "in the picture" if still else f"in the first {UNTIL:.0f} seconds of the video"
            raise JobError(errors.NO_FACE, f"no face was found {where}")
        ws.write_bytes(STILL_FILE, _still(best.picture))
        ws.write_json(SEEN_FILE, best.seen())
        report(1, 1, "picture")


def _picture(ws: Workspace, task: EngineTask, finder: FaceFinder) -> Iterator[Look]:
    picture = read_picture(ws.path(task.source), task.limits)
    size = picture.shape[1], picture.shape[0]
    small = np.asarray(cv2.resize(picture, scaled(size, RESOLUTION), interpolation=cv2.INTER_AREA), np.uint8)
    yield Look(0.0, small, finder.find(small), size)


def _video(ws: Workspace, task: EngineTask, finder: FaceFinder) -> Iterator[Look]:
    """Key pictures first, since they are quick to get at; all others only where those are rare, or show nobody."""
    path = ws.path(task.source)
    info = read_info(path, task.limits)
    source = Source(path, info, RESOLUTION)
    assert info.video is not None, "Source has seen to it"
    size = info.video.display_width, info.video.display_height
    for keys_only in (True, False):
        last = apart = 0.0
        found = False
        for at, picture in source.samples(EVERY, UNTIL, keys_only=keys_only):
            look = Look(at, picture, finder.find(picture), size)
            found, apart, last = found or look.worth()[0] > 0, max(apart, at - last), at
            yield look
        if found and max(apart, min(info.video.duration, UNTIL) - last) <= RARE:
            return


def _seen(face: Face, width: int, height: int) -> SeenFace:
    left, top, right, bottom = face.box
    x, y = max(0.0, left / width), max(0.0, top / height)
    return SeenFace(
        x=round(x, 4),
        y=round(y, 4),
        width=round(min(1.0, right / width) - x, 4),
        height=round(min(1.0, bottom / height) - y, 4),
        turned=abs(face.yaw) > MAX_YAW,
    )


def _still(picture: Picture) -> bytes:
    height, width = picture.shape[:2]
    factor = min(1.0, STILL_SIDE / max(width, height))
    if factor < 1:
        size = max(1, round(width * factor)), max(1, round(height * factor))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    made, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, STILL_QUALITY])
    if not made:
        raise JobError(errors.ENGINE_FAULT, "the still could not be written")
    return data.tobytes()


STAGE = Faces()
