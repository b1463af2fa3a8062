"""Lip sync of a video: its pictures with mouths that follow another sound, as long as that sound, with that sound untouched.

Two passes over the pictures: the first follows the faces, the second paints and encodes. Nothing is kept in memory but landmarks,
a few pieces of faces, and the last pictures (for a sound that is longer than the video: they swing to and fro).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.core import errors
from apps.core.errors import JobError
from apps.engine.lipsync import frames, speech
from apps.engine.lipsync.backend import PREVIEW_BACKEND, Backend
from apps.engine.lipsync.faces import MAX_YAW, FaceFinder, Picture, yaw_of
from apps.engine.lipsync.lips import Lips
from apps.engine.lipsync.mel import hear
from apps.engine.lipsync.mouth import MouthPainter, Person
from apps.engine.lipsync.neural import paint_video
from apps.engine.lipsync.picking import pick_tracks, pictures_needed
from apps.engine.lipsync.tracking import Box, Track, Tracker, speaking
from apps.engine.lipsync.types import FaceReport, LipsyncReport, LipsyncTask, MouthShape, MouthTrack
from apps.engine.settings import EngineSettings

SWING_SECONDS = 2.0
"""How much of the end swings to and fro where the sound goes on after the video's end."""
SWING_BYTES = 256 * 1024**2
FADE_SECONDS = 0.2
"""Where a face comes, goes, or turns away, the painted mouth comes and goes over this time."""
MIN_TRACK_SECONDS = 0.25


class Tell(Protocol):
    """Progress, as apps.engine.stages.Report."""

    def __call__(self, done: float, total: float, unit: str) -> None: ...


@dataclass
class Role:
    """A face that is painted: how strongly on each picture of its track, and where its lips rest."""

    track: Track
    painter: MouthPainter
    strength: NDArray[np.float32]
    rests: list[Lips]
    painted: int = 0


@dataclass
class Cast:
    """What the first pass found."""

    roles: list[Role] = field(default_factory=list)
    tracks: list[Track] = field(default_factory=list)
    frames: int = 0
    cuts: list[int] = field(default_factory=list)
    small: list[tuple[int, Box]] = field(default_factory=list)

    def end(self, frames: int) -> None:
        """Forgets what was followed beyond so many pictures."""
        self.frames = min(self.frames, frames)
        self.cuts = [cut for cut in self.cuts if cut < frames]
        self.tracks = [track for track in self.tracks if track.first < frames]
        for track in self.tracks:
            del track.points[frames - track.first :]


def render_video(
    task: LipsyncTask,
    source: frames.Source,
    sound: frames.Sound,
    mask: Picture | None,
    target: Path,
    tell: Tell,
    shapes: MouthTrack | None = None,
    backend: Backend = PREVIEW_BACKEND,
) -> LipsyncReport:
    """Writes an MP4: `source`'s pictures, `sound`'s audio as it is, mouths in step. `shapes`, where the caller knows them better (from
    words with their times), are at source.fps; else they are heard in the sound. `backend` moves the mouths.

    Raises JobError 10042 (nobody speaks in the sound), 10911 (no face), 10913 (faces too small), 10914 (only in profile); the
    last three also of a face that the order names.
    """
    settings = EngineSettings.from_env()
    heard = frames.read_sound(sound)
    length = len(heard) / frames.SOUND_RATE
    total = max(1, math.ceil(length * source.fps - 1e-6))
    followed = pictures_needed(task.faces, total, source.fps)
    first = min(followed, source.frames)
    steps = first + total
    if shapes is None:
        shapes = speech.mouth_track(heard, source.fps, total, language=task.language)
    if not (shapes.open > 0.05).any():
        raise JobError(errors.NO_SPEECH, f"nobody speaks in {task.heard}: there is nothing for lips to follow")
    cast = follow(source, FaceFinder(settings), followed, lambda done: tell(min(done, first), steps, "frame"))
    picked = pick_tracks(cast, task.faces, source.fps, source.size) if task.faces else None
    cast.end(total)
    give_roles(cast, source.fps, picked)
    report = _report(task, source, cast)
    room = SWING_BYTES // (3 * source.size[0] * source.size[1])
    swing = deque[tuple[Picture, int]](maxlen=max(2, min(room, round(SWING_SECONDS * source.fps))))
    with frames.Encoder(target, source.size, source.rate, settings, source.colours) as encoder:
        number, moments = -1, _stretch(source, total, swing)
        for number, (picture, changed) in enumerate(paint(backend, cast.roles, moments, shapes, heard, mask)):
            report.frames_painted += changed
            encoder.write(picture)
            tell(first + number + 1, steps, "frame")
        if number < 0:
            raise JobError(errors.DAMAGED, "the video's pictures cannot be decoded")
    report.frames, report.duration = number + 1, round((number + 1) / source.fps, 3)
    report.extended_frames = max(0, number + 1 - cast.frames) if total > source.frames else 0
    for face, role in zip([f for f in report.faces if f.speaks], cast.roles, strict=True):
        face.painted = role.painted
    _remark(report, source, length, cut=sound.seconds is not None, named=bool(task.faces))
    frames.add_sound(target, sound)
    return report


def watch(source: frames.Source, finder: FaceFinder, limit: int, tell: frames.Counter) -> Cast:
    """The first pass: every face of the first `limit` pictures, and which of them are to be painted.

    Raises JobError 10911, 10913, 10914.
    """
    cast = follow(source, finder, limit, tell)
    give_roles(cast, source.fps)
    return cast


def follow(source: frames.Source, finder: FaceFinder, limit: int, tell: frames.Counter) -> Cast:
    """Every face of the first `limit` pictures, smoothed; nobody has a role yet. Raises JobError 10911, 10913, 10914."""
    tracker, count = Tracker(finder, source.fps), 0
    for picture in source.pictures(limit):
        tracker.take(picture)
        count += 1
        tell(count)
    least = max(2, round(MIN_TRACK_SECONDS * source.fps))
    tracks = [track for track in tracker.tracks if len(track.points) >= min(least, count)]
    if not tracks:
        if tracker.small:
            raise JobError(
                errors.FACE_TOO_SMALL, "the faces in the video are too small: a face must be at least 26 pixels wide"
            )
        raise JobError(errors.NO_FACE, "no face was found in the video")
    if all(track.yaw > MAX_YAW for track in tracks):
        raise JobError(
            errors.FACE_IN_PROFILE, "the video shows faces only from the side; lip sync needs the mouth in sight"
        )
    for track in tracks:
        track.smooth(source.fps)
    return Cast(tracks=tracks, frames=count, cuts=tracker.cuts, small=tracker.small)


def give_roles(cast: Cast, fps: float, picked: Sequence[Track] | None = None) -> None:
    """Who of the cast speaks when: a role for each that is to be painted. `picked` ones speak all the time, and nobody else does.

    Raises JobError 10911 when none of those that were picked is in the cast.
    """
    if picked is not None and not any(track is one for track in cast.tracks for one in picked):
        raise JobError(errors.NO_FACE, "none of the named faces is seen in the part that is made")
    flags = speaking(cast.tracks, cast.frames, fps) if picked is None else _named(cast, picked)
    for track, speaks in zip(cast.tracks, flags, strict=True):
        if speaks.any() and track.yaw <= MAX_YAW:
            cast.roles.append(_role(track, speaks, fps))


def _named(cast: Cast, picked: Sequence[Track]) -> list[NDArray[np.bool_]]:
    return [np.full(len(track.points), any(track is one for one in picked)) for track in cast.tracks]


def _role(track: Track, speaks: NDArray[np.bool_], fps: float) -> Role:
    person = Person.learn(track.points, [(picture, points) for _, picture, points in track.shown])
    turned = np.array([abs(yaw_of(points)) for points in track.points], np.float32)
    strength = np.minimum(speaks.astype(np.float32), np.clip((MAX_YAW + 5 - turned) / 10, 0, 1))
    fade = max(1, round(FADE_SECONDS * fps))
    window = np.ones(2 * fade + 1) / (2 * fade + 1)
    eased = np.convolve(np.pad(strength, fade, mode="edge"), window, mode="valid")
    eased = np.minimum(np.clip(2 * eased - 1, 0, 1), np.where(strength > 0, 1, 0))
    return Role(track, MouthPainter(person), eased.astype(np.float32), track.rests(person.geometry, fps))


def paint(
    backend: Backend,
    roles: list[Role],
    moments: Iterable[tuple[int, int, Picture]],
    shapes: MouthTrack,
    sound: NDArray[np.float32],
    mask: Picture | None,
) -> Iterator[tuple[Picture, bool]]:
    """The pictures of `moments` (number in the result, number in the source, picture) with every speaking mouth in step, and whether
    any was changed. The preview follows `shapes`, a model the sound (16 kHz) itself; both begin with the result, at shapes.fps.
    """
    if backend.model is not None:
        heard = hear(sound, backend.model.manifest.mel)
        yield from paint_video(backend.model, roles, moments, heard, shapes.fps, mask)
        return
    for number, index, picture in moments:
        painted = paint_frame(roles, index, picture, shapes.at(number), mask)
        yield painted, painted is not picture


def paint_frame(roles: list[Role], index: int, picture: Picture, shape: MouthShape, mask: Picture | None) -> Picture:
    """The picture with every speaking mouth in this shape; the same object when no face is to be changed."""
    out = picture
    for role in roles:
        place = index - role.track.first
        if not 0 <= place < len(role.track.points) or role.strength[place] <= 0.02:
            continue
        painted = role.painter.paint(out, role.track.points[place], shape, mask, role.rests[place])
        strength = float(role.strength[place])
        out = painted if strength > 0.98 else cv2.addWeighted(painted, strength, out, 1 - strength, 0).astype(np.uint8)
        role.painted += 1
    return out


def _stretch(
    source: frames.Source, total: int, swing: deque[tuple[Picture, int]]
) -> Iterator[tuple[int, int, Picture]]:
    """(number in the result, number in the source, picture) for `total` pictures; past the end the last ones swing."""
    number = 0
    for number, picture in enumerate(source.pictures(total), start=1):
        swing.append((picture, number - 1))
        yield number - 1, number - 1, picture
    last = list(swing)
    if not last:
        return
    order = list(range(len(last) - 2, -1, -1)) + list(range(1, len(last))) or [0]
    for extra in range(total - number):
        picture, index = last[order[extra % len(order)]]
        yield number + extra, index, picture


def _report(task: LipsyncTask, source: frames.Source, cast: Cast) -> LipsyncReport:
    return LipsyncReport(
        model=task.model,
        width=source.size[0],
        height=source.size[1],
        fps=round(source.fps, 4),
        frames_without_face=frames_without_face(cast),
        cuts=len(cast.cuts),
        seed=task.seed or 0,
        faces=faces_of(cast, source.size),
    )


def frames_without_face(cast: Cast) -> int:
    """Pictures on which nobody's face is followed."""
    seen = np.zeros(max(cast.frames, 1), bool)
    for track in cast.tracks:
        seen[track.first : track.last + 1] = True
    return int((~seen[: cast.frames]).sum())


def faces_of(cast: Cast, size: tuple[int, int]) -> list[FaceReport]:
    """Every face of the cast for the report; `painted` is left to the caller."""
    painted = {id(role.track) for role in cast.roles}
    faces = []
    for track in cast.tracks:
        low = np.median([p[:, :2].min(axis=0) for p in track.points], axis=0) / size
        high = np.median([p[:, :2].max(axis=0) for p in track.points], axis=0) / size
        x, y, width, height = (round(float(v), 4) for v in (*low, *(high - low)))
        faces.append(
            FaceReport(x=x, y=y, width=width, height=height, frames=len(track.points), speaks=id(track) in painted)
        )
    return faces


def _remark(report: LipsyncReport, source: frames.Source, length: float, *, cut: bool, named: bool) -> None:
    remarks = report.remarks
    if report.frames_without_face:
        seconds = report.frames_without_face / source.fps
        remarks.append(f"No face on {report.frames_without_face} pictures ({seconds:.1f} s): they are as they were.")
    silent = sum(not face.speaks for face in report.faces)
    if silent:
        why = "were not named" if named else "do not speak"
        remarks.append(f"{silent} of {len(report.faces)} faces {why} (or look away) and were left alone.")
    if report.extended_frames:
        remarks.append(
            f"The sound is longer than the video: its end swings to and fro for {report.extended_frames / source.fps:.1f} s."
        )
    elif not cut and length < source.duration - 1 / source.fps:
        remarks.append(f"The sound is shorter than the video: the video ends with it, after {length:.1f} s.")


__all__ = [
    "Cast", "MouthTrack", "Role", "faces_of", "follow", "frames_without_face", "give_roles", "paint_frame", "render_video", "watch",
]  # fmt: skip
