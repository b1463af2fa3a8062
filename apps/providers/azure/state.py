"""Where a conversation with Azure stands: the memo read, what the review gate changes in it, and what its end gives."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import msgspec

from apps.core.errors import JobError
from apps.engine.transcript import Transcript
from apps.providers.azure import results, wire
from apps.providers.azure.webvtt import Metadata, write_metadata, write_plain
from apps.providers.conversation import Verdict, Work

TEXT_FILE: Final = "transcript.vtt"
"""Name of the attachment that holds the edited text."""


class Phase(StrEnum):
    """What is done next."""

    TRANSLATION = "translation"
    TRANSLATION_OPERATION = "translation-operation"
    TRANSLATION_READ = "translation-read"
    ITERATION = "iteration"
    ITERATION_OPERATION = "iteration-operation"
    ITERATION_READ = "iteration-read"
    METADATA = "metadata"
    REVIEW = "review"


@dataclass(frozen=True)
class State:
    """The memo in words. `number` counts the iterations that this job sent or is about to send, from 1.

    `borrowed`: the translation is an earlier job's. `fresh`: that one was gone, and all is made anew. `edited`: the next iteration
    carries a text of ours. `shown` is the digest of the text at the gate. `speakers` and `genders` are what metadata files carry
    and a Transcript does not. `page` is the page of a search, `unreadable` counts metadata files that made no sense.
    """

    phase: Phase
    translation: str
    iteration: str = ""
    operation: str = ""
    number: int = 1
    borrowed: bool = False
    fresh: bool = False
    edited: bool = False
    links: Mapping[str, str] = field(default_factory=dict)
    shown: str = ""
    speakers: Mapping[str, Any] = field(default_factory=dict)
    genders: Mapping[str, str] = field(default_factory=dict)
    page: str = ""
    unreadable: int = 0

    def memo(self, **changes: Any) -> dict[str, Any]:
        """The memo with changes; what is empty is left out."""
        values: dict[str, Any] = {name: getattr(self, name) for name in self.__dataclass_fields__} | changes
        values["phase"] = str(values["phase"])
        return {name: value for name, value in values.items() if value}

    def iteration_id(self, work: Work) -> str:
        """Ours of the iteration that is next, the same at every repeat."""
        return f"{work.client_id}-i{self.number}"

    def operation_id(self, work: Work) -> str:
        """Ours of the create that is next, the same at every repeat."""
        return f"{work.client_id}-t" if self.phase == Phase.TRANSLATION else f"{work.client_id}-i{self.number}"


def read_state(work: Work) -> State:
    """The state that a memo means for this work: a new one begins, and a reviewed one goes on from the gate."""
    memo = work.memo
    if not memo.get("translation"):
        return _begun(work, fresh=bool(memo.get("fresh")))
    known = {name: memo[name] for name in State.__dataclass_fields__ if name in memo}
    state = State(**{**known, "phase": Phase(memo["phase"])})
    if state.phase != Phase.REVIEW or not work.reviewed:
        return state
    if work.transcript is not None and digest(work.transcript, work) != state.shown:
        return State(**{**known, "phase": Phase.ITERATION, "number": state.number + 1, "edited": True})
    return State(**{**known, "phase": Phase.ITERATION_READ})  # nothing was changed: what is made already is taken


def _begun(work: Work, *, fresh: bool) -> State:
    edited = work.transcript is not None
    earlier = str(work.earlier.get("translation") or "")
    if work.iteration > 1 and earlier and not fresh:
        spoken: dict[str, Any] = {name: work.earlier.get(name) or {} for name in ("speakers", "genders")}
        return State(Phase.ITERATION, earlier, borrowed=True, edited=edited, **spoken)
    return State(Phase.TRANSLATION, work.client_id, fresh=fresh, edited=edited)


def digest(transcript: Transcript, work: Work) -> str:
    """What tells whether a reviewer changed anything that matters: texts, times, voices, and who speaks."""
    sides = ("source",) if gate_is_early(work) else ("source", "target")
    rows = [
        [round(line.start, 3), round(line.end, 3), line.speaker, line.voice, *(getattr(line, side) for side in sides)]
        for line in transcript.lines
    ]
    return hashlib.sha256(msgspec.json.encode(rows)).hexdigest()


def gate_is_early(work: Work) -> bool:
    """Whether the gate shows the recognized text, which Azure translates again once it is edited."""
    return work.order.review_after == "recognize"


def attached(work: Work) -> dict[str, bytes]:
    """The text of ours that the next create names."""
    state = read_state(work)
    if not state.edited or work.transcript is None or state.phase not in (Phase.TRANSLATION, Phase.ITERATION):
        return {}
    if text_kind(work, state) == wire.SOURCE_SUBTITLE:
        return {TEXT_FILE: write_plain(work.transcript, "source").encode()}

    def line_id(ours: str) -> str:
        return ours if wire.GUID.fullmatch(ours) else str(uuid.uuid5(uuid.NAMESPACE_URL, f"{work.client_id}/{ours}"))

    text = write_metadata(work.transcript, speakers=state.speakers, genders=state.genders, line_id=line_id)
    return {TEXT_FILE: text.encode()}


def text_kind(work: Work, state: State) -> str:
    """What our text is to the service: after the early gate only the source counts."""
    early = gate_is_early(work) and work.iteration == 1 and not state.borrowed
    return wire.SOURCE_SUBTITLE if early else wire.METADATA_JSON


def settled(work: Work, state: State, links: Mapping[str, str], found: Metadata | None) -> Verdict:
    """The iteration is done and its text read: the gate when it is not passed yet, else the end.

    The memo goes back to reading the iteration, so that a repeat finds links that are not expired.
    Raises JobError 10908 when the result lacks what was ordered.
    """
    known: dict[str, Any] = {"phase": Phase.ITERATION_READ, "links": {}}
    if found is not None:
        known |= {"speakers": dict(found.speakers), "genders": dict(found.genders)}
    if work.order.review_after != "never" and not work.reviewed:
        if found is None:
            raise JobError(10908, "Azure gave no text to review")
        shown = _shown(work, found.transcript)
        known |= {"phase": Phase.REVIEW, "shown": digest(shown, work)}
        return Verdict("review", memo=state.memo(**known), ref=state.translation, transcript=shown)
    text = found.transcript if found is not None else None
    outputs = results.outputs(work, links, text)
    memo = state.memo(**known)
    return Verdict("succeeded", memo=memo, ref=state.translation, fraction=1.0, outputs=outputs, transcript=text)


def _shown(work: Work, transcript: Transcript) -> Transcript:
    """The text at the gate; at the early one without its translation, which is made anew from what comes back."""
    if not gate_is_early(work):
        return transcript
    return msgspec.structs.replace(
        transcript, lines=[msgspec.structs.replace(line, target="") for line in transcript.lines]
    )
