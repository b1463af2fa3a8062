"""Stage 3, recognize: timed lines with speakers, from the sound, from the picture, or from given subtitle files."""

from __future__ import annotations

from pathlib import Path

from apps.core.errors import JobError
from apps.core.languages import AUTO, base_language, traditional, whisper_language
from apps.engine import given, segment, sound, speakers, subtitles, textlang
from apps.engine.media import MediaInfo
from apps.engine.settings import EngineSettings
from apps.engine.stages import Report
from apps.engine.stages.probe import read_probe
from apps.engine.task import EngineTask
from apps.engine.transcript import Line, Speaker, Transcript
from apps.engine.workspace import ASR_FILE, PROBE_FILE, RECOGNIZED_FILE, Workspace

VERSION = 1


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
        """Everything that the words, the cuts and the speakers depend on."""
        settings = EngineSettings.from_env()
        asks = [
            task.source_language, task.target_locale, task.subtitle_source, task.subtitle_usage, task.text_box,
            task.speaker_count, task.timing.punctuation_split, settings.whisper_model, settings.whisper_beam,
            speakers.available(settings),
        ]  # fmt: skip
        return ws.key_of(self.name, self.inputs(task), VERSION, *asks)

    def run(self, ws: Workspace, task: EngineTask, report: Report) -> None:
        """Recognizes by the way that the task names."""
        info, settings = read_probe(ws), EngineSettings.from_env()
        audio: Path | None = None
        if info.has_audio:
            with ws.writing(ASR_FILE) as target:
                sound.extract_for_speech(ws, task.source, info, target)
            audio = ws.path(ASR_FILE)
        try:
            ways = {"asr": by_ear, "ocr": by_eye, "file": by_file}
            transcript = ways[task.subtitle_source](ws, task, info, audio, settings, report)
        finally:
            ws.path(ASR_FILE).unlink(missing_ok=True)
        if task.limits.max_lines and len(transcript.lines) > task.limits.max_lines:
            raise JobError(10905, f"there are more than {task.limits.max_lines} lines")
        ws.write_transcript(RECOGNIZED_FILE, transcript)
        report(info.duration, info.duration, "second")


def by_ear(
    ws: Workspace, task: EngineTask, info: MediaInfo, audio: Path | None, settings: EngineSettings, report: Report
) -> Transcript:
    """Whisper, then corrected word times, sentences, speakers."""
    from apps.engine import align, asr

    if audio is None:
        raise JobError(10002, "the file has no audio stream: there is no speech to recognize")
    recognizer = asr.Recognizer(settings)
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
    add_english(recognizer, lines, audio, language, heard.language, task, settings)
    return _transcript(task, info, language, people, lines)


def prompt_for(locale: str) -> str | None:
    """Whisper writes Chinese in either script unless it is shown which."""
    from apps.engine.asr import SIMPLIFIED_PROMPT, TRADITIONAL_PROMPT

    if locale == AUTO or base_language(locale) not in ("zh", "yue"):
        return None
    return TRADITIONAL_PROMPT if traditional(locale) else SIMPLIFIED_PROMPT


def by_eye(
    ws: Workspace, task: EngineTask, info: MediaInfo, audio: Path | None, settings: EngineSettings, report: Report
) -> Transcript:
    """Text burnt into the picture, inside the box."""
    from apps.engine import ocr

    if info.video is None:
        raise JobError(10001, "reading text off the picture needs a video stream")
    cues = ocr.read_text(ws.path(task.source), info, task.text_box, task.source_language, settings, report)
    lines, names = given.lines_from_cues(cues, info.duration, task.timing.punctuation_split, 0)
    language = _language(task, " ".join(line.source for line in lines))
    people = speakers.by_names(lines, names, audio) or speakers.assign(lines, audio, task.speaker_count, settings)
    return _transcript(task, info, language, people, lines)


def by_file(
    ws: Workspace, task: EngineTask, info: MediaInfo, audio: Path | None, settings: EngineSettings, report: Report
) -> Transcript:
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
    return _transcript(task, info, language, people, lines)


def add_english(
    recognizer: object,
    lines: list[Line],
    audio: Path,
    language: str,
    whisper: str,
    task: EngineTask,
    settings: EngineSettings,
) -> None:
    """Fills pivot_english where no installed text model leads from the source language to English."""
    from apps.engine import asr
    from apps.engine.capabilities import needs_english_pivot

    assert isinstance(recognizer, asr.Recognizer)
    if base_language(language or "en") == "en":
        return
    if not needs_english_pivot(settings, language, task.target_locale):
        return
    for line, piece in zip(lines, speakers.cut_pieces(lines, audio), strict=True):
        line.pivot_english = recognizer.english(piece, whisper or None)


def _language(task: EngineTask, text: str) -> str:
    return task.source_language if task.source_language != AUTO else textlang.detect(text)


def _transcript(
    task: EngineTask, info: MediaInfo, language: str, people: list[Speaker], lines: list[Line]
) -> Transcript:
    return Transcript(
        source_language=language, target_locale=task.target_locale, duration=info.duration, speakers=people, lines=lines
    )


STAGE = Recognize()
