"""Stage dub_lipsync: voice.wav and the source's pictures -> mouths.mp4, the whole film with mouths that follow the dub, and mouths.json.

The film is cut into stretches of a few seconds. Each is encoded apart, named by what its pictures are made of, and kept: after an edit only
stretches in which mouths move otherwise are painted and encoded again, all others are joined as they are. A killed process goes on after
the last finished stretch. mouths.mp4 is empty where the pictures stay as they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import av
import msgspec
import numpy as np
from numpy.typing import NDArray

from apps.core import errors
from apps.core.errors import JobError
from apps.engine import ffmpeg, models, pictures
from apps.engine.lipsync import dub, film, kept, video
from apps.engine.lipsync.backend import Backend, choose, model_stamp
from apps.engine.lipsync.faces import FaceFinder
from apps.engine.lipsync.types import DUB_FACTS_FILE, DUB_PICTURES_FILE, DubReport, MouthTrack
from apps.engine.media import MediaInfo, read_info
from apps.engine.mix import bitexact
from apps.engine.reuse import Reuse
from apps.engine.settings import EngineSettings
from apps.engine.spoken_text import speakable
from apps.engine.stages import Report
from apps.engine.stages.probe import read_probe
from apps.engine.stages.speak import FACTS_FILE as SPEAK_FACTS
from apps.engine.stages.speak import SpeakFacts
from apps.engine.task import EngineTask
from apps.engine.workspace import PROBE_FILE, TRANSCRIPT_FILE, VOICE_FILE, Workspace

FOLDER = "mouths"
RECIPE = 1
STRETCH_SECONDS = 2.0
UNEVEN_FPS = 60.0
"""Mouth shapes a second for a film whose pictures do not come in even time."""
VISIBLE = 0.02
PLAIN_CRF = 12
HEARD_AHEAD = 0.5
"""Seconds of sound behind its end that a model may hear of a stretch."""
Places = NDArray[np.int64]
Flags = NDArray[np.bool_]
UNPAINTABLE = frozenset({errors.NO_FACE, errors.FACE_TOO_SMALL, errors.FACE_IN_PROFILE})


class DubLipsync:
    """The faces of a translated video. A film in which nobody can be painted is no error: its pictures stay as they are."""

    name = "dub_lipsync"

    def inputs(self, task: EngineTask) -> tuple[str, ...]:
        """The source, the dub's voices, and which words are said when."""
        return (task.source, PROBE_FILE, VOICE_FILE, SPEAK_FACTS, TRANSCRIPT_FILE)

    def outputs(self, task: EngineTask) -> tuple[str, ...]:
        """The pictures without sound, and what was done."""
        return (DUB_PICTURES_FILE, DUB_FACTS_FILE)

    def key(self, task: EngineTask, ws: Workspace) -> str:
        """All of its inputs."""
        return ws.key_of(
            self.name, self.inputs(task), task.target_locale, model_stamp(EngineSettings.from_env()), RECIPE
        )

    def run(self, ws: Workspace, task: EngineTask, report: Report) -> None:
        """Makes the pictures. Raises JobError 10001 without pictures, 10902, 10903, 10907."""
        facts = DubReport()
        made = _Job(ws, task, report, facts).run()
        with ws.writing(DUB_PICTURES_FILE) as path:
            if made is None:
                path.touch()
            else:
                film.join(*made, path)
        ws.write_json(DUB_FACTS_FILE, facts)


@dataclass
class _Part:
    """One stretch: its pictures `first` to `last` (excluded), which of its shapes each shows, and what a model hears from its start on."""

    first: int
    last: int
    places: Places
    shapes: MouthTrack
    sound: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))


class _Job:
    """One film and one dub of it."""

    def __init__(self, ws: Workspace, task: EngineTask, tell: Report, facts: DubReport) -> None:
        self.ws, self.task, self.tell, self.facts = ws, task, tell, facts
        self.settings = EngineSettings.from_env()
        self.reuse = Reuse.of(self.settings)
        self.info = read_probe(ws)
        if self.info.video is None:
            raise JobError(errors.NO_VIDEO)
        self.begin = self.info.video.start
        # the number of threads decides on the encoder's bytes
        self.film_key = ws.key_of("film", (task.source,), RECIPE, _weights(), av.__version__, self.settings.cores)[:32]

    def run(self) -> tuple[Sequence[Path], Sequence[tuple[int, int]], film.Film] | None:
        """The finished stretches; None when all pictures stay as they are."""
        try:
            shown = film.Film(*self._plain())
        except JobError as error:
            if error.code != errors.LIMITS:
                raise
            self._leave(error.reason)
            return None
        cast = self._cast(shown)
        if cast is None:
            return None
        shapes, places = self._shapes(shown)
        if not dub.speaks(shapes):
            self._leave("nobody speaks in the dub")
            return None
        video.give_roles(cast, shown.fps)
        painted = _painted(cast)
        self._say(cast, shown, painted)
        if not painted.any():
            return None
        backend = choose(self.settings)
        backend.sign(self.facts)
        spans = film.cut(shown.times, shown.tick, STRETCH_SECONDS)
        parts = []
        for first, last in spans:
            part = _Part(
                first,
                last,
                places[first:last] - places[first],
                dub.part_of(shapes, places[first], places[last - 1] + 1),
            )
            if backend.model is not None:
                length = len(part.shapes) / shapes.fps + HEARD_AHEAD
                part.sound = dub.voice_at(self.ws.path(VOICE_FILE), self.begin + places[first] / shapes.fps, length)
            # of a long film only those who are there: their number would count for each stretch again
            there = [role for role in cast.roles if role.track.first < last and role.track.last >= first]
            parts.append(self._stretch(part, shown, there if painted[first:last].any() else [], backend))
            self.tell(shown.frames + last, shown.frames + len(places), "frame")
        return parts, spans, shown

    def _leave(self, why: str) -> None:
        self.facts.remarks.append(f"Lip sync: {why}; the pictures are as they were.")

    def _plain(self) -> tuple[Path, MediaInfo]:
        """The source; where its pictures must be made plain first (interlaced, high dynamic range) a copy for which that is done."""
        source = self.ws.path(self.task.source)
        assert self.info.video is not None  # looked at in the beginning
        filters = pictures.plain_filters(self.info.video)
        if not filters:
            return source, self.info
        name = f"{FOLDER}/{self.film_key}.plain.mp4"
        if not self.ws.exists(name) and not self.reuse.bring(self.ws, name):
            with self.ws.writing(name) as path:
                _make_plain(source, self.info, filters, path)
            self.reuse.keep(self.ws, name)
        return self.ws.path(name), read_info(self.ws.path(name), self.task.limits)

    def _cast(self, shown: film.Film) -> video.Cast | None:
        """The faces of the film, from an earlier pass where there was one; None when nobody can be painted."""
        name = f"{FOLDER}/{self.film_key}.faces.npz"
        if not self.ws.exists(name):
            self.reuse.bring(self.ws, name)
        try:
            cast, problem = kept.load(self.ws.path(name), shown)
        except (OSError, ValueError, KeyError):
            cast, problem = self._watch(shown)
            with self.ws.writing(name) as path:
                kept.save(path, shown, cast, problem)
            self.reuse.keep(self.ws, name)
        self.facts.frames = cast.frames
        if problem is not None:
            self._leave(problem.reason)
            self.facts.frames_without_face = cast.frames
            return None
        return cast

    def _watch(self, shown: film.Film) -> tuple[video.Cast, JobError | None]:
        every, total = 1 << 60, 2 * shown.frames
        try:
            cast = video.follow(shown, FaceFinder(self.settings), every, lambda done: self.tell(done, total, "frame"))
        except JobError as error:
            if error.code not in UNPAINTABLE:
                raise
            return video.Cast(frames=len(shown.times)), error
        return kept.rounded(cast), None

    def _shapes(self, shown: film.Film) -> tuple[MouthTrack, Places]:
        """The dub's mouth, and which of its shapes each picture shows."""
        fps = UNEVEN_FPS if self.info.video is not None and self.info.video.variable_fps else shown.fps
        places = np.round(shown.seconds * fps).astype(np.int64)
        spoken = msgspec.convert(self.ws.read_json(SPEAK_FACTS), SpeakFacts)
        texts = {line.id: speakable(line.target) for line in self.ws.read_transcript(TRANSCRIPT_FILE).lines}
        lines = [dub.DubbedLine(line.start, line.end, texts.get(line.id, "")) for line in spoken.lines]
        voice = self.ws.path(VOICE_FILE)
        return dub.dub_track(voice, lines, self.task.target_locale, fps, int(places[-1]) + 1, self.begin), places

    def _say(self, cast: video.Cast, shown: film.Film, painted: Flags) -> None:
        facts = self.facts
        facts.frames_painted = int(painted.sum())
        facts.frames_without_face, facts.cuts = video.frames_without_face(cast), len(cast.cuts)
        facts.faces = video.faces_of(cast, shown.size)
        for face, role in zip([face for face in facts.faces if face.speaks], cast.roles, strict=True):
            face.painted = int((role.strength > VISIBLE).sum())
        if facts.frames_without_face:
            facts.remarks.append(f"No face on {facts.frames_without_face} pictures: they are as they were.")
        if silent := sum(not face.speaks for face in facts.faces):
            facts.remarks.append(
                f"{silent} of {len(facts.faces)} faces do not speak (or look away) and were left alone."
            )

    def _stretch(self, part: _Part, shown: film.Film, roles: list[video.Role], backend: Backend) -> Path:
        """The file of a stretch; without roles its pictures are encoded as they are."""
        name = f"{FOLDER}/{self._key_of(part, painted=bool(roles))}.mp4"
        path = self.ws.path(name)
        if path.exists() or self.reuse.bring(self.ws, name):
            return path
        for role in roles:
            role.painter.reset()
        numbers = range(part.first, part.last)
        pictures = zip(part.places.tolist(), numbers, shown.stretch(part.first, part.last), strict=True)
        with self.ws.writing(name) as target, film.StretchWriter(target, shown, self.settings) as writer:
            painting = video.paint(backend, roles, pictures, part.shapes, part.sound, None)
            for number, (picture, _) in zip(numbers, painting, strict=True):
                writer.write_at(picture, int(shown.times[number] - shown.times[part.first]))
                self.tell(shown.frames + number, shown.frames + len(shown.times), "frame")
        self.reuse.keep(self.ws, name)
        return path

    def _key_of(self, part: _Part, *, painted: bool) -> str:
        """What the stretch's pictures are made of; where no mouth is painted, nothing of the dub matters."""
        made_of = hashlib.sha256(f"{self.film_key} {part.first} {part.last}".encode())
        if painted:
            made_of.update(msgspec.json.encode(model_stamp(self.settings)))
            for values in (part.shapes.open, part.shapes.width, part.shapes.round, part.places, part.sound):
                made_of.update(values.tobytes())
        return made_of.hexdigest()[:32]


def _painted(cast: video.Cast) -> Flags:
    """For each picture of the film whether a mouth is painted on it."""
    painted = np.zeros(cast.frames, np.bool_)
    for role in cast.roles:
        painted[role.track.first : role.track.last + 1] |= role.strength > VISIBLE
    return painted


def _make_plain(source: Path, info: MediaInfo, filters: Sequence[str], target: Path) -> None:
    assert info.video is not None  # it has filters
    chain = ",".join([*filters, "format=yuv420p"])
    ffmpeg.run(
        [*ffmpeg.media_input(source, info.demuxer), "-map", f"0:{info.video.index}", "-an", "-vf", chain, "-c:v", "libx264",
         "-preset", "veryfast", "-crf", str(PLAIN_CRF), "-fps_mode", "passthrough", "-enc_time_base", "demux", *bitexact(), target],
        what="making the pictures plain",
    )  # fmt: skip


def _weights() -> list[str]:
    return [blob.sha256 for blob in models.by_name("faces").blobs]


STAGE = DubLipsync()
