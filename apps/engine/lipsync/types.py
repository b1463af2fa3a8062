"""The words of lip sync: the order as the engine sees it, mouth shapes over time, and what is told afterwards.

numpy is named for types only: the portal reads orders and reports without the engine's libraries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from apps.core import errors
from apps.engine.task import Limits

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Flags = NDArray[np.bool_]

LipsyncModel = Literal["lipsync-video", "lipsync-image", "lipsync-image-multi"]
LipsyncResolution = Literal["480p", "720p", "source"]
SpeakingOrder = Literal["meanwhile", "left_right", "right_left"]

TASK_FILE = "lipsync.json"
SOURCE_FILE = "source"
AUDIO_FILE = "audio"
LEFT_FILE = "left"
RIGHT_FILE = "right"
MASK_FILE = "mask"
RESULT_FILE = "out/lipsync.mp4"
REPORT_FILE = "out/report.json"
DUB_PICTURES_FILE = "mouths.mp4"
"""Pictures of a translated film, without sound, whose mouths follow the dub; empty where they stay as they are."""
DUB_FACTS_FILE = "mouths.json"
SEEN_FILE = "faces.json"
STILL_FILE = "faces.jpg"

SHORTER_SIDE: dict[str, int] = {"480p": 480, "720p": 720}
"""Pixels of the result's shorter side, at most; "source" has no such limit."""
MIN_FACE_PIXELS = 26.0
"""A face less wide than this on the result has a mouth of under ten pixels: nothing to draw."""

PREVIEW = "preview"
"""Name of the local backend wherever a person reads it: API, page, report."""


class MouthShape(NamedTuple):
    """The mouth at one moment. open 0 (lips touch) .. 1 (as wide as this person speaks), width -1 (narrow) .. 1
    (spread), round 0 .. 1 (lips pushed forward); 0, 0, 0 is the mouth at rest.
    """

    open: float = 0.0
    width: float = 0.0
    round: float = 0.0


REST = MouthShape()


@dataclass(frozen=True)
class MouthTrack:
    """Mouth shapes of a speech, one value per picture at `fps`; all four arrays have the same length.

    open 0..1, width -1..1, round 0..1 (see MouthShape); closed is True where the lips must touch: silence and p, b, m.
    """

    fps: float
    open: Floats
    width: Floats
    round: Floats
    closed: Flags

    def __len__(self) -> int:
        return len(self.open)

    def at(self, frame: int) -> MouthShape:
        """The shape at a picture; past the end the mouth is at rest."""
        if not 0 <= frame < len(self.open):
            return REST
        return MouthShape(float(self.open[frame]), float(self.width[frame]), float(self.round[frame]))


class Pick(msgspec.Struct, frozen=True, kw_only=True):
    """A face that shall speak, by a point inside of it: shares (0 to 1) of the picture's width and height, in a video at `at` seconds."""

    x: float
    y: float
    at: float = 0.0


class LipsyncTask(msgspec.Struct, frozen=True, kw_only=True):
    """One lip-sync job. Files have fixed names in the workspace: `source` (video or picture), `audio` (or `left` and
    `right` for lipsync-image-multi), `mask` when has_mask. resolution is the length of the picture's shorter side;
    nothing is ever enlarged by it, "source" leaves the size as it is. The same seed gives the same result; None is 0.
    faces names who speaks (of two voices first the left one's face), first_seconds how much of the sound is made; None is all.
    """

    model: LipsyncModel = "lipsync-video"
    resolution: LipsyncResolution = "480p"
    order: SpeakingOrder = "meanwhile"
    has_mask: bool = False
    prompt: str = ""
    seed: int | None = None
    faces: tuple[Pick, ...] = ()
    first_seconds: int | None = None
    language: str = ""
    limits: Limits = Limits()

    @property
    def files(self) -> tuple[str, ...]:
        """The names of the files that this task reads."""
        sounds = (LEFT_FILE, RIGHT_FILE) if self.model == "lipsync-image-multi" else (AUDIO_FILE,)
        return (SOURCE_FILE, *sounds, *((MASK_FILE,) if self.has_mask else ()))

    @property
    def heard(self) -> str:
        """What is made of the sound, in words."""
        return "the sound" if self.first_seconds is None else f"the first {self.first_seconds} seconds of the sound"


class SeenFace(msgspec.Struct, frozen=True, kw_only=True):
    """A face that was found: its box as shares (0 to 1) of the picture; turned when the mouth is not in sight."""

    x: float
    y: float
    width: float
    height: float
    turned: bool = False


class FacesSeen(msgspec.Struct, frozen=True, kw_only=True):
    """The faces of a picture, or of that picture of a video that shows most of them, from left to right.

    width and height are pixels of the picture as people see it; at is its second in the video, 0 for a picture.
    """

    width: int
    height: int
    at: float = 0.0
    faces: list[SeenFace] = []

    def problem(self, face: SeenFace, resolution: LipsyncResolution = "480p") -> int | None:
        """Why a face cannot speak in a result of this resolution: 10913 (too small), 10914 (from the side), or None."""
        shorter = max(1, min(self.width, self.height))
        scale = min(1.0, SHORTER_SIDE.get(resolution, shorter) / shorter)
        if face.width * self.width * scale < MIN_FACE_PIXELS:
            return errors.FACE_TOO_SMALL
        return errors.FACE_IN_PROFILE if face.turned else None


class FaceReport(msgspec.Struct, kw_only=True):
    """One face that was followed: its mean place as fractions of the picture, pictures it was seen on, and painted on."""

    x: float
    y: float
    width: float
    height: float
    frames: int
    speaks: bool
    painted: int = 0


class LipsyncReport(msgspec.Struct, kw_only=True):
    """What the job's report says. duration in seconds; frames_without_face are passed through untouched."""

    model: str = "lipsync-video"
    backend: str = PREVIEW
    preview: bool = True
    width: int = 0
    height: int = 0
    fps: float = 0.0
    frames: int = 0
    duration: float = 0.0
    frames_without_face: int = 0
    frames_painted: int = 0
    extended_frames: int = 0
    cuts: int = 0
    seed: int = 0
    faces: list[FaceReport] = []
    remarks: list[str] = []


class DubReport(msgspec.Struct, kw_only=True):
    """What a translation's report says of its lip sync. Of `frames` pictures `frames_painted` show a mouth that was painted anew."""

    backend: str = PREVIEW
    preview: bool = True
    frames: int = 0
    frames_painted: int = 0
    frames_without_face: int = 0
    cuts: int = 0
    faces: list[FaceReport] = []
    remarks: list[str] = []
