"""Stage speak: transcript.json -> voice.wav, every line in the target language inside its slot, and speak.json with how each was fitted.

A line's file is named by text, voice and slot (apps/engine/spoken_lines.py): a killed process goes on after the last finished
line, an edited line is the only one spoken again, and both end with the same track as a run in one go.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from apps.core.errors import PAIR_UNAVAILABLE, JobError
from apps.engine import fit, samples, spoken_lines
from apps.engine.reuse import Reuse
from apps.engine.settings import EngineSettings
from apps.engine.spoken_text import speakable
from apps.engine.stages import Report
from apps.engine.task import EngineTask
from apps.engine.transcript import Line
from apps.engine.voice_kind import Kind, kinds
from apps.engine.voices import VoiceSet, cast, is_voice, voice_set
from apps.engine.workspace import RECOGNIZED_FILE, SPEECH_FILE, TRANSCRIPT_FILE, VOICE_FILE, Workspace

FACTS_FILE = "speak.json"


class SpeakFacts(msgspec.Struct):
    """What the report says about this stage. `voices` maps a speaker id to its voice."""

    backend: str = ""
    model: str = ""
    language: str = ""
    voices: dict[str, str] = {}
    lines: list[fit.Fit] = []
    remarks: list[str] = []


class Speak:
    """The dub's voices, one track, no background."""

    name = "speak"

    def inputs(self, task: EngineTask) -> tuple[str, ...]:
        return (TRANSCRIPT_FILE,)

    def outputs(self, task: EngineTask) -> tuple[str, ...]:
        return (VOICE_FILE, FACTS_FILE)

    def key(self, task: EngineTask, ws: Workspace) -> str:
        voices = voice_set(EngineSettings.from_env(), task.target_locale)
        return ws.key_of(
            self.name,
            self.inputs(task),
            task.target_locale,
            task.voice,
            task.cast,
            voices.model if voices else "",
            spoken_lines.RECIPE,
        )

    def run(self, ws: Workspace, task: EngineTask, report: Report) -> None:
        if task.voice.kind == "personal":
            raise JobError(10040, "this engine cannot clone voices; order the platform voice")
        settings = EngineSettings.from_env()
        voices = voice_set(settings, task.target_locale)
        if voices is None:
            raise JobError(PAIR_UNAVAILABLE, f"no installed voice speaks {task.target_locale}")
        transcript = ws.read_transcript(TRANSCRIPT_FILE)
        lines = [line for line in transcript.lines if speakable(line.target)]
        lines.sort(key=lambda line: (line.start, line.end, line.id))
        if not lines:
            raise JobError(10044, "the transcript has no text to speak")
        speakers = {*(speaker.id for speaker in transcript.speakers), *(line.speaker for line in transcript.lines)}
        known = {who: voice for who, voice in task.cast.items() if is_voice(settings, voices, voice)}
        heard: dict[str, Kind] = {}
        if not speakers <= known.keys():
            # as recognized, not as reviewed: an edited line must not change who sounds how
            heard = kinds(ws.read_transcript(RECOGNIZED_FILE), ws.path(SPEECH_FILE), settings)
        facts = SpeakFacts(voices.backend, voices.model, voices.spoken, cast(voices, speakers, heard, known))
        facts.remarks = [*([voices.remark] if voices.remark else []), *_not_honoured(task)]
        pieces = _speak_lines(ws, settings, voices, lines, transcript.duration, facts, report)
        with ws.writing(VOICE_FILE) as path:
            placed = [(start, ws.path(name)) for start, name in pieces]
            samples.assemble(placed, transcript.duration, spoken_lines.RATE, path)
        ws.write_json(FACTS_FILE, facts)


def load_voice(settings: EngineSettings, voices: VoiceSet) -> spoken_lines.Voice:
    """The backend of a voice set, loaded."""
    if voices.backend == "kokoro":
        from apps.engine.tts_kokoro import KokoroVoice

        return KokoroVoice(settings)
    from apps.engine.tts_espeak import EspeakVoice

    return EspeakVoice()


def _speak_lines(
    ws: Workspace,
    settings: EngineSettings,
    voices: VoiceSet,
    lines: Sequence[Line],
    duration: float,
    facts: SpeakFacts,
    report: Report,
) -> list[tuple[float, str]]:
    """Speak what is not there yet; (start second, workspace name) of every line."""
    tts: spoken_lines.Voice | None = None
    reuse = Reuse.of(settings)
    places: list[tuple[float, str]] = []
    report(0, len(lines), "line")
    for number, (line, slot) in enumerate(zip(lines, fit.slots(lines, duration), strict=True), start=1):
        voice, remark = facts.voices[line.speaker], ""
        if line.voice and is_voice(settings, voices, line.voice):
            voice = line.voice
        elif line.voice:
            remark = f"there is no voice {line.voice}"
        text = speakable(line.target)
        key = spoken_lines.key_of(text, voices, voice, slot)
        spoken = spoken_lines.kept(ws, key, reuse)
        if spoken is None:
            tts = tts or load_voice(settings, voices)  # not loaded at all when every line is there
            spoken = spoken_lines.make(ws, key, tts, text, voices, voice, slot)
            spoken_lines.share(ws, key, reuse)
        start = max(0.0, line.start - spoken.lead)
        places.append((start, spoken_lines.wav_name(key)))
        facts.lines.append(_fit(line, slot, spoken, start, voice, remark))
        report(number, len(lines), "line")
    return places


def _fit(line: Line, slot: fit.Slot, spoken: spoken_lines.Spoken, start: float, voice: str, remark: str) -> fit.Fit:
    if spoken.cut:
        remark = f"too long for its time even when said fast: the last {spoken.cut:.1f} s were cut"
    return fit.Fit(
        id=line.id, start=round(start, 3), end=round(start + spoken.seconds, 3), slot=slot.length, room=slot.room,
        natural=spoken.natural, speed=spoken.speed, tempo=spoken.tempo, cut=spoken.cut, voice=voice, remark=remark,
    )  # fmt: skip


def _not_honoured(task: EngineTask) -> list[str]:
    said = []
    if task.voice.emotion == "on":
        said.append("Emotion transfer was asked for; this engine's voices have none.")
    if task.voice.by_scene:
        said.append("A voice per scene was asked for; this engine gives each speaker one voice.")
    if task.voice.lexicon_url:
        said.append("A pronunciation lexicon was given; this engine does not read one.")
    return said


STAGE = Speak()
