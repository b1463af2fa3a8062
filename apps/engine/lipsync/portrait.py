"""A talking portrait: one picture whose faces (one or two) speak, blink and move their heads a little."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.core import errors
from apps.core.errors import JobError
from apps.engine import ffmpeg
from apps.engine.lipsync import frames, speech
from apps.engine.lipsync.backend import PREVIEW_BACKEND, Backend
from apps.engine.lipsync.eyes import Eye, eyes_of
from apps.engine.lipsync.faces import MAX_YAW, Face, FaceFinder, Picture, Points
from apps.engine.lipsync.mel import Heard, hear
from apps.engine.lipsync.motion import HeadMotion, HeadWarps, head_motion
from apps.engine.lipsync.mouth import MouthPainter, Person
from apps.engine.lipsync.neural import StillMouth
from apps.engine.lipsync.picking import pick_faces
from apps.engine.lipsync.types import (
    MIN_FACE_PIXELS,
    FaceReport,
    LipsyncReport,
    LipsyncResolution,
    LipsyncTask,
    MouthTrack,
    SpeakingOrder,
)
from apps.engine.settings import EngineSettings

FPS = 25
"""Pictures a second of the result."""

ALIKE = 0.5
"""Faces at least so wide as this part of the widest are all meant; smaller ones stand in the background."""

SIDES = ("left", "right")

Tell = Callable[[float, float, str], None]
Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Turn:
    """When one speaker's sound plays: seconds from the start."""

    start: float
    length: float


def timetable(lengths: Sequence[float], order: SpeakingOrder) -> list[Turn]:
    """Who speaks when, in the order of `lengths` (left, right): all at once, or one after the other."""
    if len(lengths) == 1 or order == "meanwhile":
        return [Turn(0.0, length) for length in lengths]
    left, right = lengths
    if order == "left_right":
        return [Turn(0.0, left), Turn(left, right)]
    return [Turn(right, left), Turn(0.0, right)]


def choose_faces(faces: Sequence[Face], count: int) -> list[Face]:
    """The faces that are to speak where the order names none, from left to right.

    Raises JobError 10911 (no face, or only one where two are to speak), 10912 (more than are to speak), 10913 (too small), 10914 (from
    the side).
    """
    if not faces:
        raise JobError(errors.NO_FACE, "no face was found in the picture")
    large = [face for face in faces if face.width >= ALIKE * max(other.width for other in faces)]
    if len(large) > count:
        wanted = "one face" if count == 1 else f"{count} faces"
        raise JobError(errors.TOO_MANY_FACES, f"the picture shows {len(large)} faces; this form takes {wanted}")
    chosen = sorted(faces, key=lambda face: face.width, reverse=True)[:count]
    if len(chosen) < count:
        raise JobError(
            errors.NO_FACE, "two faces are needed, one on the left and one on the right; the picture shows one"
        )
    if min(face.width for face in chosen) < MIN_FACE_PIXELS:
        raise JobError(
            errors.FACE_TOO_SMALL, f"the face is too small: it must be at least {MIN_FACE_PIXELS:.0f} pixels wide"
        )
    if max(abs(face.yaw) for face in chosen) > MAX_YAW:
        raise JobError(
            errors.FACE_IN_PROFILE, "the face is seen from the side; lip sync needs the whole mouth in sight"
        )
    return sorted(chosen, key=lambda face: face.centre[0])


def render_image(
    task: LipsyncTask, picture: Picture, sounds: Sequence[frames.Sound], mask: Picture | None, target: Path, tell: Tell,
    backend: Backend = PREVIEW_BACKEND,
) -> LipsyncReport:  # fmt: skip
    """Writes an MP4 of `picture` (BGR) speaking `sounds` (one; or the left and the right face's), as long as they take.

    One sound goes into the file as it is; two are mixed or joined. The same input and seed give the same pictures. Raises JobError 10042
    (nobody speaks), and 10911 to 10914 as choose_faces and pick_faces do.
    """
    settings = EngineSettings.from_env()
    picture, mask = fitted(picture, mask, task.resolution)
    height, width = picture.shape[:2]
    found = FaceFinder(settings).find(picture)
    faces = pick_faces(found, task.faces, (width, height)) if task.faces else choose_faces(found, len(sounds))
    heard = [frames.read_sound(sound) for sound in sounds]
    turns = timetable([len(sound) / frames.SOUND_RATE for sound in heard], task.order)
    length = max(turn.start + turn.length for turn in turns)
    if task.first_seconds is not None:
        length = min(length, task.first_seconds)
    total = max(1, math.ceil(length * FPS - 1e-6))
    tracks = [_track(sound, turn, total, task.language) for sound, turn in zip(heard, turns, strict=True)]
    speaks = [bool((track.open > 0.05).any()) for track in tracks]
    if not any(speaks):
        raise JobError(errors.NO_SPEECH, f"nobody speaks in {task.heard}: there is nothing for lips to follow")
    points = [face.points for face in faces]
    mouths = _drawn_mouths(backend, picture, points, heard, turns, total)
    scene = Scene(picture, mask, points, tracks, task.seed or 0, mouths)
    with frames.Encoder(target, (width, height), Fraction(FPS), settings) as encoder:
        for number in range(total):
            encoder.write(scene.picture(number))
            tell(number + 1, total, "frame")
    if len(sounds) == 1:
        frames.add_sound(target, sounds[0])
    else:
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            mixed = Path(folder) / "mixed.wav"
            join_sounds(sounds, task.order, mixed, task.first_seconds)
            frames.add_sound(target, frames.Sound(mixed, "wav", 0, "pcm_s16le"))
    report = LipsyncReport(
        model=task.model, width=width, height=height, fps=float(FPS), frames=total, frames_painted=total,
        duration=round(total / FPS, 3), seed=task.seed or 0, faces=[_reported(face, picture, total) for face in faces],
    )  # fmt: skip
    for side, said, turn in zip(SIDES, speaks, turns, strict=False):
        if not said and turn.start < length:
            report.remarks.append(f"Nobody speaks in the sound of the {side} face: it only listens.")
    return report


class Scene:
    """A still picture that can be asked for any of its moments. `mouths`, one for each face, are a model's; without them the preview
    paints `tracks`.
    """

    def __init__(
        self,
        picture: Picture,
        mask: Picture | None,
        faces: Sequence[Points],
        tracks: Sequence[MouthTrack],
        seed: int,
        mouths: Sequence[StillMouth] = (),
    ) -> None:
        self._mouths = mouths
        self._still, self._mask, self._faces, self._tracks = picture, mask, faces, tracks
        self._painters = [MouthPainter(Person.learn([points], [(picture, points)])) for points in faces]
        self._eyes: list[list[Eye]] = [eyes_of(picture, points) for points in faces]
        self._motions: list[HeadMotion] = [
            head_motion(seed, number, track.fps, track.open) for number, track in enumerate(tracks)
        ]
        self._warps = HeadWarps(faces, picture.shape)

    def picture(self, number: int) -> Picture:
        """The picture at one moment."""
        shown = self._speaking(number)
        for eyes, motion in zip(self._eyes, self._motions, strict=True):
            if motion.lids[number] > 0:
                shown = shown.copy() if shown is self._still else shown
                for eye in eyes:
                    eye.shut(shown, float(motion.lids[number]))
        return self._warps.move(shown, self._motions, number)

    def _speaking(self, number: int) -> Picture:
        shown = self._still
        if self._mouths:
            for mouth in self._mouths:
                shown = mouth.paint(shown, number, self._mask)
            return shown
        for painter, points, track in zip(self._painters, self._faces, self._tracks, strict=True):
            shown = painter.paint(shown, points, track.at(number), self._mask)
        return shown


def fitted(picture: Picture, mask: Picture | None, resolution: LipsyncResolution) -> tuple[Picture, Picture | None]:
    """Picture and mask at the size of the result: the shorter side as asked for, never enlarged, both sides even."""
    size = frames.scaled((picture.shape[1], picture.shape[0]), resolution)
    if size != (picture.shape[1], picture.shape[0]):
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    if mask is not None and mask.shape[:2] != picture.shape[:2]:
        mask = np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    return picture, mask


def join_sounds(sounds: Sequence[frames.Sound], order: SpeakingOrder, target: Path, seconds: int | None = None) -> None:
    """Left and right sound into one WAV (48 kHz stereo), its first `seconds`: mixed, or one after the other. Raises JobError 10003."""
    inputs = [part for sound in sounds for part in sound.input]
    form = "aresample=48000:async=1:first_pts=0,aformat=sample_fmts=fltp:channel_layouts=stereo"
    chains = [f"[{number}:{sound.index}]{form}[s{number}]" for number, sound in enumerate(sounds)]
    if order == "meanwhile":
        end = "[s0][s1]amix=inputs=2:duration=longest:normalize=0,alimiter=limit=0.97:level=false:latency=true[out]"
    else:
        end = ("[s0][s1]" if order == "left_right" else "[s1][s0]") + "concat=n=2:v=0:a=1[out]"
    graph = ";".join([*chains, end])
    limit = [] if seconds is None else ["-t", str(seconds)]
    tail = ["-map", "[out]", *limit, "-c:a", "pcm_s16le", "-bitexact", "-rf64", "auto", "-f", "wav", str(target)]
    ffmpeg.run([*inputs, "-filter_complex", graph, *tail], code=10003, what="joining the two sounds")


def _drawn_mouths(
    backend: Backend,
    picture: Picture,
    faces: Sequence[Points],
    heard: Sequence[Samples],
    turns: Sequence[Turn],
    total: int,
) -> list[StillMouth]:
    """A model's mouths, each with its own sound in its own turn and silence around it; none for the preview."""
    if backend.model is None:
        return []
    mouths = []
    for points, sound, turn in zip(faces, heard, turns, strict=True):
        placed = np.pad(sound, (round(turn.start * frames.SOUND_RATE), 0))
        rest = max(0, round(total / FPS * frames.SOUND_RATE) - len(placed))
        whole = hear(np.pad(placed, (0, rest)), backend.model.manifest.mel)
        mouths.append(StillMouth(backend.model, picture, points, partial(_piece, whole), total))
    return mouths


def _piece(heard: Heard, moment: int) -> Samples:
    return heard.at(moment / FPS)


def _track(sound: Samples, turn: Turn, total: int, language: str) -> MouthTrack:
    """The mouth of one speaker over the whole video: at rest before and after the speaker's turn."""
    first = min(total, round(turn.start * FPS))
    spoken = speech.mouth_track(sound, FPS, max(0, min(total - first, math.ceil(turn.length * FPS))), language=language)
    around = (first, total - first - len(spoken))
    return MouthTrack(
        fps=FPS,
        open=np.pad(spoken.open, around),
        width=np.pad(spoken.width, around),
        round=np.pad(spoken.round, around),
        closed=np.pad(spoken.closed, around, constant_values=True),
    )


def _reported(face: Face, picture: Picture, total: int) -> FaceReport:
    height, width = picture.shape[:2]
    left, top = face.box[0] / width, face.box[1] / height
    return FaceReport(
        x=round(left, 4), y=round(top, 4), width=round(face.width / width, 4), height=round(face.height / height, 4),
        frames=total, speaks=True, painted=total,
    )  # fmt: skip
