"""Stage translate: transcript.source.json -> transcript.json with a target text on every line, and translate.json with how it was done."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from apps.core.errors import PAIR_UNAVAILABLE, JobError
from apps.core.languages import base_language
from apps.engine import sentences, translators
from apps.engine.glossary import Glossary, Outcome
from apps.engine.routes import Route, find_route
from apps.engine.settings import EngineSettings
from apps.engine.stages import Report
from apps.engine.task import EngineTask
from apps.engine.transcript import Line, Transcript
from apps.engine.workspace import RECOGNIZED_FILE, TRANSCRIPT_FILE, Workspace

FACTS_FILE = "translate.json"


class TranslateFacts(msgspec.Struct):
    """What the report says about this stage. Terms are glossary sources; `failed_terms` maps a line id to terms."""

    route: str = ""
    experimental: bool = False
    translated: int = 0
    given: int = 0
    terms_enforced: int = 0
    terms_in_pieces: int = 0
    failed_terms: dict[str, list[str]] = {}
    remarks: list[str] = []


class Translate:
    """Text into the target language, by whole sentences, with the glossary enforced."""

    name = "translate"

    def inputs(self, task: EngineTask) -> tuple[str, ...]:
        return (RECOGNIZED_FILE,)

    def outputs(self, task: EngineTask) -> tuple[str, ...]:
        return (FACTS_FILE,)  # not the transcript: review may replace it, and that must not start this stage again

    def key(self, task: EngineTask, ws: Workspace) -> str:
        return ws.key_of(
            self.name, self.inputs(task), task.target_locale, task.glossary, task.subtitle_usage, task.timing.rewrite
        )

    def run(self, ws: Workspace, task: EngineTask, report: Report) -> None:
        transcript = ws.read_transcript(RECOGNIZED_FILE)
        transcript.target_locale = task.target_locale
        facts = TranslateFacts()
        if task.timing.rewrite:
            facts.remarks.append(
                "Rewriting lines to fit their time was asked for; this engine has no rewriter, so the text was left as translated."
            )
        todo = [line for line in transcript.lines if not line.target.strip() and line.source.strip()]
        facts.given = len(transcript.lines) - len(todo)
        glossary = Glossary(task.glossary)
        if todo:
            _translate_lines(EngineSettings.from_env(), transcript, task, todo, glossary, facts, report)
        for line in transcript.lines:
            if line not in todo and (lost := glossary.missing(line.source, line.target)):
                facts.failed_terms[line.id] = lost
        if transcript.lines and not any(line.target.strip() for line in transcript.lines):
            raise JobError(10030, "the translation came out empty")
        ws.write_json(FACTS_FILE, facts)
        ws.write_transcript(TRANSCRIPT_FILE, transcript)


def _translate_lines(
    settings: EngineSettings,
    transcript: Transcript,
    task: EngineTask,
    todo: list[Line],
    glossary: Glossary,
    facts: TranslateFacts,
    report: Report,
) -> None:
    source = transcript.source_language
    if not source or source == "auto":
        source = transcript.source_language = _guess_language(todo)
        facts.remarks.append(f"The language of the given text was taken to be {source}.")
    route = find_route(
        settings, source, task.target_locale, from_speech=any(line.pivot_english.strip() for line in todo)
    )
    if route is None:
        raise JobError(PAIR_UNAVAILABLE, f"no installed model translates {source} into {task.target_locale}")
    facts.route, facts.experimental = route.describe(), route.experimental
    if route.via == "copy":
        facts.remarks.append(
            f"Source and target are the same language ({source}, {task.target_locale}): the text was copied, not translated."
        )
    if base_language(task.target_locale) == "pt" and task.target_locale != "pt-BR" and route.via != "copy":
        facts.remarks.append(
            "The Portuguese model was made of texts of all Portuguese-speaking countries and leans to Brazilian wording."
        )
    if route.experimental:
        facts.remarks.append("This pair goes through rule-based translation: understandable, but rough.")
    through = translators.load(settings, route.hops)
    texts = [_heard_english(line) if route.via == "speech" else line.source for line in todo]
    done = 0
    report(0, len(todo), "line")
    for group in sentences.groups(todo, texts):
        _translate_group([todo[i] for i in group], [texts[i] for i in group], through, route, glossary, facts)
        done += len(group)
        report(done, len(todo), "line")
    facts.translated = len(todo)


def _translate_group(
    lines: Sequence[Line],
    texts: Sequence[str],
    through: translators.Translate,
    route: Route,
    glossary: Glossary,
    facts: TranslateFacts,
) -> None:
    whole = sentences.join(texts)
    if not re.search(r"[^\W\d_]", whole):  # "...", "42", "♪": nothing to translate
        outcome = Outcome(whole)
    else:
        try:
            outcome = glossary.translate(whole, through)
        except ValueError as error:
            raise JobError(10030, f"the model could not translate the line at {lines[0].start:.1f} s") from error
    parts = sentences.cut(outcome.text, [max(1, len(text)) for text in texts]) if len(lines) > 1 else [outcome.text]
    facts.terms_enforced += len(outcome.enforced)
    if outcome.how == "pieces":
        facts.terms_in_pieces += len(outcome.enforced)
    failed = list(outcome.failed)
    if route.via == "speech":  # terms are written in the source language, which this route never translates as text
        failed += [
            term
            for term in glossary.missing(" ".join(line.source for line in lines), outcome.text)
            if term not in failed
        ]
    if failed:
        facts.failed_terms[lines[0].id] = failed
    for line, text in zip(lines, parts, strict=True):
        line.target = text.strip()


def _heard_english(line: Line) -> str:
    """The recognizer's English with the sentence's own capital and end: its translations leave both out, and questions need them."""
    text, source = line.pivot_english.strip(), line.source.strip()
    if source.endswith(("?", "？", "؟", "!", "！")) and text.endswith("."):
        text = text[:-1] + ("!" if source[-1] in "!！" else "?")
    if source[:1].isupper() or source[:1] in "¿¡":
        text = text[:1].upper() + text[1:]
    return text


def _guess_language(lines: Sequence[Line]) -> str:
    import py3langid

    code, _ = py3langid.classify(" ".join(line.source for line in lines)[:4000])
    return str(code)


STAGE = Translate()
