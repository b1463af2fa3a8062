"""Which request of the conversation comes next: a pure function of order and memo, the same for a worker and for the poller.

The poller's work has no links, texts or glossary terms, so nothing here may depend on them. The memo's words:
`vid` (the media at the vendor), `ours` (we brought it in), `upload` (role -> job id under way), `files` (role -> FileName), `since`
(the vendor's clock before the submit), `termbases` (name -> id, "" until made), `items` (names that have their terms), `project`,
`options` and `process` (what it was made with), `reused` (an iteration on an earlier job's project), `edits` (changed utterances,
or "file"), `sent` (how many of them went out), `configured`, `before` (ProjectVersion before the last Refresh), `version`, `done`
(continued or refreshed), `details` (the texts are asked for from now on), `made` (Vid of the result).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from apps.providers.conversation import Work
from apps.providers.volcengine_vod import requests, rules, wire
from apps.providers.volcengine_vod.texts import Side

MEDIA: Final = "media"
SOURCE: Final = "source"
TARGET: Final = "target"
BILINGUAL: Final = "bilingual"
EDIT: Final = "edit"
BY_FILE: Final = "file"
LOOK: Final = wire.LIST
COMPARE: Final = wire.GET


def operation(work: Work) -> str:
    """The action of the next request. GetAITranslationProject is a comparison while `comparing`, else the poll."""
    memo = work.memo
    if not project_of(work):
        return _towards_submit(work)
    if not edits_first(work) or memo.get("done"):
        return wire.GET
    if "edits" not in memo:
        return COMPARE
    if memo["edits"] == BY_FILE and (uploading := _upload(work, (EDIT,))):
        return uploading
    if memo.get("sent", 0) < count_of(memo["edits"]):
        return wire.UPDATE_UTTERANCES
    if not reuses(work):
        return wire.CONTINUE
    if not memo.get("configured") and memo.get("process") != process_of(work):
        return wire.UPDATE_CONFIG
    return wire.REFRESH


def project_of(work: Work) -> str:
    """The vendor's project of this job; "" before there is one."""
    return str(work.memo.get("project") or (work.earlier.get("project") if reuses(work) else "") or "")


def reuses(work: Work) -> bool:
    """Whether an iteration changes the project of the job that it starts from: only the texts and the timing may differ."""
    if work.memo.get("project"):
        return bool(work.memo.get("reused"))
    return work.iteration > 1 and bool(work.earlier.get("project")) and work.earlier.get("options") == options_of(work)


def edits_first(work: Work) -> bool:
    """Whether a person's text goes into the project before it goes on: after the review, and in an iteration on a project."""
    return reuses(work) if work.iteration > 1 else work.reviewed


def comparing(work: Work) -> bool:
    """Whether the next GetAITranslationProject is there to find out what was edited."""
    return bool(project_of(work)) and edits_first(work) and not work.memo.get("done") and "edits" not in work.memo


def side_of(work: Work) -> Side:
    """Which side of the text a person edited."""
    return "source" if work.iteration == 1 and work.order.review_after == "recognize" else "target"


def missing_uploads(work: Work) -> tuple[str, ...]:
    """Roles of the files that the vendor has yet to fetch before the submit, or before the edited text is taken."""
    if work.memo.get("edits") == BY_FILE and project_of(work):
        return _missing(work, (EDIT,))
    return _missing(work, wanted_files(work))


def wanted_files(work: Work) -> tuple[str, ...]:
    """Roles of the files that a submit needs."""
    if work.iteration > 1:
        return (MEDIA, SOURCE, TARGET)
    if work.order.subtitle_source != "file" or work.order.subtitle is None:
        return (MEDIA,)
    return (MEDIA, BILINGUAL if work.order.subtitle.usage == "bilingual" else SOURCE)


def vid_of(work: Work) -> str:
    """The Vid of the source: brought in by us, of an earlier job, or named in the order; "" before it is known."""
    given = rules.given_vid(work.order)
    return str(work.memo.get("vid") or work.earlier.get("vid") or (given[1] if given else "") or "")


def options_of(work: Work) -> str:
    """A digest of everything that a project cannot change once it is made."""
    body = requests.submit(work, space="", vid="", files={}, termbases=())
    body.pop("ProcessConfig")
    body["OperatorConfig"].pop("SubtitleRecognitionConfig")
    body["ByScene"] = work.order.voice.by_scene
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]


def process_of(work: Work) -> str:
    """The part of the settings that UpdateAITranslationProjectConfig can change, as a word for the memo."""
    timing = work.order.timing
    return f"rewrite={timing.rewrite:d} split={timing.punctuation_split:d}"


def count_of(edits: Any) -> int:
    """How many utterances an edit has; a whole file counts as one."""
    return 1 if edits == BY_FILE else len(edits)


def _towards_submit(work: Work) -> str:
    memo = work.memo
    if uploading := _upload(work, wanted_files(work)):
        return uploading
    # What is ours alone is told apart by its Vid; of a Vid that others may use, the vendor's clock has to be known first.
    if "since" not in memo:
        return LOOK
    if work.order.glossaries and "termbases" not in memo:
        return wire.LIST_TERMBASE
    termbases: Mapping[str, str] = memo.get("termbases") or {}
    if "" in termbases.values():
        return wire.CREATE_TERMBASE
    if set(termbases) - set(memo.get("items") or ()):
        return wire.SET_TERM_ITEM
    return wire.SUBMIT


def _upload(work: Work, roles: tuple[str, ...]) -> str:
    if work.memo.get("upload"):
        return wire.UPLOAD_STATE
    return wire.UPLOAD if _missing(work, roles) else ""


def _missing(work: Work, roles: tuple[str, ...]) -> tuple[str, ...]:
    files: Mapping[str, str] = work.memo.get("files") or {}
    return tuple(role for role in roles if not (vid_of(work) if role == MEDIA else files.get(role)))
