"""Stage 3, recognize: timed lines with speakers, from the sound, from the picture, or from given subtitle files."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from apps.core.errors import JobError
from apps.core.languages import AUTO, base_language, traditional, whisper_language
from apps.engine import given, segment, sound, speakers, subtitles, textlang
from apps.engine.media import MediaInfo
from apps.engine.reuse import Reuse
from apps.engine.settings import EngineSettings
from apps.engine.stages import Report
from apps.engine.stages.probe import read_probe
from apps.engine.task import EngineTask
from apps.engine.transcript import Line, Speaker, Transcript
from apps.engine.workspace import ASR_FILE, PROBE_FILE, RECOGNIZED_FILE, Workspace

if TYPE_CHECKING:
    from apps.engine.asr import Recognizer

VERSION = 1


class Heard(msgspec.Struct):
    """A source's words, whatever language they are to be translated into; `whisper` is the recognizer's name of the language.

    Jobs of one source share it (apps/engine/reuse.py): the first that is done, the others take over.
    """

    transcript: Transcript
    whisper: str = ""


def heard_name(ws: Workspace, task: EngineTask, asks: list[object]) -> str:
    """Where a source's words are kept: named by the source and everything that was asked of the recognition."""
    return f"heard-{ws.key_of('heard', (task.source, PROBE_FILE), *asks)[:32]}.json"


def heard_before(ws: Workspace, name: str, reuse: Reuse) -> Heard | None:
    """The words that another job of this source has recognized; None when none has."""
    if not reuse.bring(ws, name):
        return None
    try:
        return msgspec.json.decode(ws.path(name).read_bytes(), type=Heard)
    except (OSError, msgspec.MsgspecError):
        return None


class Recognize:
    """Writes transcript.source.json.

    Raises 10020 (recognition), 10021 (speakers), 10032 and 10033 (reading the picture), 10034 (subtitle files), 10041
    (sound like speech, but no words), 10042 (nobody speaks).
    """

    name = "recognize"

    def inputs(self, task: EngineTask) -> tuple[str, ...]:
        """The source, what the probe found, and subtitle files when given."""
        files = [task.source, PROBE_FILE]
        if task.subtitle_source == "file":
            files += [name for name in (task.subtitle_file, task.subtitle_target_file) if name]
        return tuple(files)

    def outputs(self, task: EngineTask) -> tuple[str, ...]:
        """The source transcript (which review may change later)."""
        return (RECOGNIZED_FILE,)

    def key(self, task: EngineTask, ws: Workspace) -> str:
        """Everything that the words, the cuts and the speakers depend on, and the target (some need the English beside)."""
        asks = self._asks(task, EngineSettings.from_env())
        return ws.key_of(self.name, self.inputs(task), task.target_locale, *asks)

    def _asks(self, task: EngineTask, settings: EngineSettings) -> list[object]:
        """What is the same for all target languages of an order."""
        return [
            VERSION, task.source_language, task.subtitle_source, task.subtitle_usage, task.text_box,
            task.speaker_count, task.timing.punctuation_split, settings.whisper_model, settings.whisper_beam,
            speakers.available(settings),
        ]  # fmt: skip

    def run(self, ws: Workspace, task: EngineTask, report: Report) -> None:
        """Recognizes by the way that the task names."""
        info, settings = read_probe(ws), EngineSettings.from_env()
        reuse, name = Reuse.of(settings), heard_name(ws, task, self._asks(task, settings))
        heard = heard_before(ws, name, reuse) if task.subtitle_source != "file" else None
        audio: Path | None = None
        try:
            if info.has_audio and (heard is None or wants_english(heard, task, settings)):
                with ws.writing(ASR_FILE) as target:
                    sound.extract_for_speech(ws, task.source, info, target)
                audio = ws.path(ASR_FILE)
            if heard is None:
                ways = {"asr": by_ear, "ocr": by_eye, "file": by_file}
                heard = ways[task.subtitle_source](ws, task, info, audio, settings, report)
                ws.write_json(name, heard)
                reuse.keep(ws, name)
            if wants_english(heard, task, settings):
                assert audio is not None, "heard words have a sound"
                add_english(heard, audio, settings)
        finally:
            ws.path(ASR_FILE).unlink(missing_ok=True)
        transcript = heard.transcript
        transcript.target_locale = task.target_locale
        if task.limits.max_lines and len(transcript.lines) > task.limits.max_lines:
            raise JobError(10905, f"there are more than {task.limits.max_lines} lines")
        ws.write_transcript(RECOGNIZED_FILE, transcript)
        report(info.duration, info.duration, "second")


def by_ear(
    ws: Workspace, task: EngineTask, info: MediaInfo, audio: Path | None, settings: EngineSettings, report: Report
) -> Heard:
    """Whisper, then corrected word times, sentences, speakers."""
    from apps.engine import align

    if audio is None:
        raise JobError(10002, "the file has no audio stream: there is no speech to recognize")
    recognizer = _recognizer(settings)
    asked = task.source_language
    heard = recognizer.transcribe(
        audio, None if asked == AUTO else whisper_language(asked), prompt_for(asked),
        lambda seconds, total: report(0.9 * min(seconds, total), total, "second"),
    )  # fmt: skip
    if not heard.segments and heard.speech < 0.05:
        raise JobError(10042, "nobody speaks in this file")
    if not heard.segments:
        raise JobError(10041, "something like speech is there, but no words could be made out")
    envelope = align.Envelope(audio)
    words = align.refine([w for s in heard.segments for w in s.words], envelope, info.duration)
    position = 0
    for part in heard.segments:
        part.words = words[position : position + len(part.words)]
        position += len(part.words)
    lines = segment.lines_of(heard.segments, task.timing.punctuation_split)
    if not lines:
        raise JobError(10041, "something like speech is there, but no words could be made out")
    text = " ".join(line.source for line in lines)
    language = asked if asked != AUTO else textlang.locale_of(heard.language, text)
    people = speakers.assign(lines, audio, task.speaker_count, settings)
    return Heard(_transcript(task, info, language, people, lines), heard.language)


def prompt_for(locale: str) -> str | None:
    """Whisper writes Chinese in either script unless it is shown which."""
    from apps.engine.asr import SIMPLIFIED_PROMPT, TRADITIONAL_PROMPT

    if locale == AUTO or base_language(locale) not in ("zh", "yue"):
        return None
    return TRADITIONAL_PROMPT if traditional(locale) else SIMPLIFIED_PROMPT


def by_eye(
    ws: Workspace, task: EngineTask, info: MediaInfo, audio: Path | None, settings: EngineSettings, report: Report
) -> Heard:
    """Text burnt into the picture, inside the box."""
    from apps.engine import ocr

    if info.video is None:
        raise JobError(10001, "reading text off the picture needs a video stream")
    cues = ocr.read_text(ws.path(task.source), info, task.text_box, task.source_language, settings, report)
    lines, names = given.lines_from_cues(cues, info.duration, task.timing.punctuation_split, 0)
    language = _language(task, " ".join(line.source for line in lines))
    people = speakers.by_names(lines, names, audio) or speakers.assign(lines, audio, task.speaker_count, settings)
    return Heard(_transcript(task, info, language, people, lines))


def by_file(
    ws: Workspace, task: EngineTask, info: MediaInfo, audio: Path | None, settings: EngineSettings, report: Report
) -> Heard:
    """Given subtitles: of the source, of the finished translation, or of both."""
    if not task.subtitle_file:
        raise JobError(10034, "no subtitle file was given")
    usage, split = task.subtitle_usage, task.timing.punctuation_split and task.subtitle_usage == "original"
    hint = task.target_locale if usage == "final_translated" else task.source_language
    cues = subtitles.read(ws.path(task.subtitle_file).read_bytes(), hint)
    targets: list[subtitles.Cue] = []
    if usage == "bilingual":
        cues, targets = given.split_bilingual(cues, task.target_locale)
    elif usage == "original" and task.subtitle_target_file:
        targets = subtitles.read(ws.path(task.subtitle_target_file).read_bytes(), task.target_locale)
        split = False
    lines, names = given.lines_from_cues(cues, info.duration, split, task.limits.max_lines)
    given.pair_targets(lines, targets)
    language = _language(task, " ".join(line.source for line in lines))
    if usage == "final_translated":
        language = task.source_language if task.source_language != AUTO else ""
        for line in lines:
            line.source, line.target = "", line.source
    people = speakers.by_names(lines, names, audio) or speakers.assign(lines, audio, task.speaker_count, settings)
    return Heard(_transcript(task, info, language, people, lines))


def wants_english(heard: Heard, task: EngineTask, settings: EngineSettings) -> bool:
    """True when no installed text model leads from what was heard to the target, so that the recognizer's own English must."""
    from apps.engine.capabilities import needs_english_pivot

    language = heard.transcript.source_language
    if task.subtitle_source != "asr" or base_language(language or "en") == "en":
        return False
    return needs_english_pivot(settings, language, task.target_locale)


def add_english(heard: Heard, audio: Path, settings: EngineSettings) -> None:
    """Fills pivot_english."""
    recognizer, lines = _recognizer(settings), heard.transcript.lines
    for line, piece in zip(lines, speakers.cut_pieces(lines, audio), strict=True):
        line.pivot_english = recognizer.english(piece, heard.whisper or None)


@functools.lru_cache(maxsize=1)
def _recognizer(settings: EngineSettings) -> Recognizer:
    """Loaded once in this process."""
    from apps.engine import asr

    return asr.Recognizer(settings)


def _language(task: EngineTask, text: str) -> str:
    return task.source_language if task.source_language != AUTO else textlang.detect(text)


def _transcript(
    task: EngineTask, info: MediaInfo, language: str, people: list[Speaker], lines: list[Line]
) -> Transcript:
    return Transcript(
        source_language=language, target_locale=task.target_locale, duration=info.duration, speakers=people, lines=lines
    )


STAGE = Recognize()
