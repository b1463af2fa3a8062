"""The conversation with SubmitAudio/QueryAudio: one call makes a task, then it is asked for until the sentences are there. Pure.

The vendor stops for no review and renders nothing: a person's text, after the review or in an iteration, becomes the subtitle files
here. The finished task is asked for once more then, so that what is delivered still is a work that the vendor did.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from apps.core import errors
from apps.core.errors import JobError
from apps.engine.captions import lay_out, rows_for_files
from apps.engine.subtitles import Side, SubtitleFormat, cues_of, write
from apps.engine.transcript import Line, Transcript
from apps.providers import volcengine_call as vc
from apps.providers.base import AccountField, RemoteAdapter
from apps.providers.conversation import (
    Account,
    Output,
    Step,
    Throttled,
    Unavailable,
    Verdict,
    WireReply,
    WireRequest,
    Work,
)
from apps.providers.orders import TranslationOrder
from apps.providers.volcengine_translate import wire

_NO_TASK: Final = "kinoglot-connection-test"
_ALWAYS: Final[tuple[SubtitleFormat, ...]] = ("srt", "vtt")


class VolcengineTranslateAdapter(RemoteAdapter):
    """Carries orders for subtitles out. There is no list of tasks, none can be stopped or removed, and nobody is called back.

    Memo: `task`, the id; `version` that it was made with.
    """

    fields: tuple[AccountField, ...] = (
        *vc.FIELDS,
        AccountField(
            "version",
            "API version",
            required=False,
            default=wire.FLAT,
            help=f"{wire.FLAT} (flat answers) or {wire.WRAPPED} (Result wrapper).",
        ),
    )
    default_endpoint = wire.ENDPOINT
    submits_per_second = 5.0
    polls_per_second = 10.0
    poll_seconds = 30.0
    """The sample program sleeps a minute; the vendor's advice is 0.3 of the media's length."""

    def next_step(self, work: Work, account: Account) -> Step:
        """SubmitAudio, then QueryAudio. Raises JobError for an iteration whose task nobody remembers."""
        known = work.memo if work.memo.get("task") else work.earlier if work.iteration > 1 else {}
        if known.get("task"):
            request = _call(account, wire.QUERY, str(known.get("version") or wire.FLAT), {"TaskId": str(known["task"])})
            # The edited text is known to workers only.
            return Step(wire.QUERY, request, "change" if work.reviewed or work.iteration > 1 else "read")
        if work.iteration > 1:
            raise JobError(errors.PROVIDER_FAILED, "the task that this iteration starts from is not known any more")
        body = {
            "SourceLanguage": wire.language_of(work.order.source_language),
            "TargetLanguage": wire.language_of(work.target_locale),
            "Uri": work.source_url,
        }
        # Neither an id of ours nor a list: what was never answered can only be sent once more.
        return Step(wire.SUBMIT, _call(account, wire.SUBMIT, version_of(account), body), "create", "once")

    def take(self, work: Work, operation: str, reply: WireReply) -> Verdict:
        """Reads either answer, in either version. Raises JobError, Throttled, Unavailable or AccountRefused."""
        document = vc.read(reply)
        found = wire.unwrapped(document)
        if operation == wire.SUBMIT:
            task = found.get("TaskId")
            if not task:
                raise Unavailable("Volcengine's answer names no task")
            version = wire.WRAPPED if found is not document else wire.FLAT
            return Verdict("working", memo={"task": str(task), "version": version}, ref=str(task), stage="recognize")
        return _progress(work, found)

    def test_step(self, account: Account) -> Step:
        """Asks for a task that does not exist: an accepted signature is told that, any other is refused."""
        return Step(wire.QUERY, _call(account, wire.QUERY, version_of(account), {"TaskId": _NO_TASK}), "read")

    def take_test(self, reply: WireReply) -> str:
        """Raises AccountRefused or Unavailable."""
        try:
            vc.read(reply)
        except JobError:
            pass
        except Throttled:
            return "The key is accepted; Volcengine asks to slow down."
        return "The key is accepted."


def version_of(account: Account) -> str:
    """The API version of an account's setting."""
    version = account.values.get("version", "").strip()
    return version if version in wire.VERSIONS else wire.FLAT


def transcript_of(order: TranslationOrder, target_locale: str, rows: list[Mapping[str, Any]]) -> Transcript:
    """The sentences as a transcript; their times are milliseconds."""
    lines = []
    for place, row in enumerate(rows, 1):
        start, end = vc.number(row, "StartTime") or 0.0, vc.number(row, "EndTime") or 0.0
        lines.append(
            Line(
                id=f"l{place}",
                start=max(0.0, start / 1000),
                end=max(0.0, start / 1000, end / 1000),
                source=vc.text(row, "Text").strip(),
                target=vc.text(row, "Translation").strip(),
            )
        )
    return Transcript(
        source_language=order.source_language,
        target_locale=target_locale,
        duration=max((line.end for line in lines), default=0.0),
        lines=lines,
    )


def check(order: TranslationOrder) -> dict[str, list[str]]:
    """What a look at single options does not show: field -> reasons."""
    found: dict[str, list[str]] = {}
    if not order.timing.punctuation_split:
        found["timing.punctuation_split"] = ["Volcengine SubmitAudio always splits at punctuation."]
    if order.review_after == "recognize":
        found["review_after"] = ["Volcengine SubmitAudio tells its text when it is translated; review it then."]
    return found


def pair(source: str, target: str, heard: bool, speaks: bool) -> str:
    """ "" when the pair is in seed 004's lists, else why not."""
    if source == "auto":
        return "Volcengine SubmitAudio cannot find out the source language; name it (English, Chinese or Korean)."
    spoken, wanted = wire.language_of(source), wire.language_of(target)
    if spoken not in wire.SOURCE_LANGUAGES:
        return f"Volcengine SubmitAudio does not recognize {source}."
    if wanted not in wire.TARGET_LANGUAGES:
        return f"Volcengine SubmitAudio does not translate into {target}."
    if spoken == wanted:
        return "Volcengine SubmitAudio does not translate a language into itself."
    return ""


def _progress(work: Work, found: Mapping[str, Any]) -> Verdict:
    status = vc.text(found, "Status")
    if status == wire.CREATED:
        return Verdict("working", stage="recognize")
    if status in wire.FAILURES:
        code, reason = wire.FAILURES[status]
        return Verdict("failed", error_code=code, error=f"{reason} ({status})")
    if status != wire.SUCCESS:
        return Verdict("unknown")
    transcript = transcript_of(work.order, work.target_locale, vc.rows(found, "Subtitles"))
    if not any(line.target or line.source for line in transcript.lines):
        return Verdict("failed", error_code=10042, error="the provider found no speech")
    if work.reviewed or work.iteration > 1:
        transcript = work.transcript or transcript
    elif work.order.review_after == "translate":
        return Verdict("review", transcript=transcript)
    return Verdict("succeeded", outputs=tuple(_outputs(work, transcript)), transcript=transcript)


def _outputs(work: Work, transcript: Transcript) -> list[Output]:
    chosen = work.order.subtitle_style.format
    made = []
    sides: tuple[tuple[Side, str], ...] = (("target", work.target_locale), ("source", transcript.source_language))
    for side, language in sides:
        cues = lay_out(cues_of(transcript, side), rows_for_files(work.order.subtitle_style, language or "en"))
        for form in dict.fromkeys((chosen, *_ALWAYS)) if cues else ():
            content = write(cues, form, language=language, title=work.title)
            main = side == "target" and form == chosen
            made.append(Output(f"subtitle_{side}", form, body=content.encode(), language=language, main=main))
    return made


def _call(account: Account, action: str, version: str, body: Mapping[str, str]) -> WireRequest:
    return vc.call(account, service=wire.SERVICE, region=wire.REGION, action=action, version=version, body=body)
