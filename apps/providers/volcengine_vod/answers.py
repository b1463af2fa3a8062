"""Reads the answer of each action of the conversation into the memo."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final

from apps.core import errors
from apps.core.errors import JobError
from apps.providers import volcengine_call as vc
from apps.providers.conversation import Unavailable, Verdict, WireReply, Work
from apps.providers.volcengine_vod import plan, results, steps, termbases, texts, wire

UPLOAD_PAUSE: Final = 5.0
BUSY_PAUSE: Final = 30.0
LOST_UPLOADS: Final = 5
"""So many answers that do not know an upload's id, and the file is brought in again."""
SKEW_SECONDS: Final = 60.0
"""How much earlier than the vendor's clock before the submit a project of ours may seem to be."""


def take(work: Work, action: str, reply: WireReply) -> Verdict:
    """Raises JobError, Throttled, Unavailable or AccountRefused."""
    if action == wire.CREATE_TERMBASE:
        return _termbase_made(work, reply)
    result = vc.field(vc.read(reply), "Result")
    reader = _READERS.get(action)
    return reader(work, result, reply) if reader is not None else Verdict("working")


def find(work: Work, action: str, reply: WireReply) -> Verdict | None:
    """Whether a Submit, Continue or Refresh whose answer was never seen was done."""
    result = vc.field(vc.read(reply), "Result")
    if action == wire.SUBMIT:
        return _find_project(work, result)
    info = _info(result)
    status, version = vc.text(info, "Status"), vc.text(info, "ProjectVersion")
    if action == wire.CONTINUE:
        return None if results.is_suspended(status) else _on(work, {"done": True, "details": False})
    refreshed = status in wire.WORKING or (bool(version) and version != _before_refresh(work))
    return _on(work, _refreshed(work, version)) if refreshed else None


def _on(work: Work, news: Mapping[str, Any], *, wait: float | None = 0.0, ref: str = "", stage: str = "") -> Verdict:
    return Verdict("working", memo={**work.memo, **news}, wait=wait, ref=ref, stage=stage)


def _info(result: Any) -> Mapping[str, Any]:
    info = vc.field(result, "ProjectInfo")
    if not isinstance(info, Mapping):
        raise Unavailable("Volcengine's answer holds no project")
    return info


# ---- bringing files in


def _uploaded(work: Work, result: Any, reply: WireReply) -> Verdict:
    roles = plan.missing_uploads(work)
    jobs = [vc.text(row, "JobId") for row in vc.rows(result, "Data")]
    if len(jobs) != len(roles) or not all(jobs):
        raise Unavailable("Volcengine's answer names no job for an upload")
    return _on(work, {"upload": dict(zip(roles, jobs, strict=True))}, wait=UPLOAD_PAUSE, stage="fetch")


def _upload_state(work: Work, result: Any, reply: WireReply) -> Verdict:
    left: dict[str, str] = dict(work.memo["upload"])
    states = {vc.text(row, "JobId"): row for row in vc.rows(result, "Data", "MediaInfoList")}
    news: dict[str, Any] = {"files": dict(work.memo.get("files") or {})}
    for role, job in sorted(left.items()):
        state = states.get(job)
        if state is None:
            continue
        if vc.text(state, "State") == wire.UPLOAD_FAILED:
            raise JobError(
                errors.FETCH_FAILED, f"Volcengine could not fetch the {'source' if role == plan.MEDIA else 'subtitles'}"
            )
        if vc.text(state, "State") == wire.UPLOAD_SUCCESS:
            news |= _arrived(role, state, news["files"])
            if role == plan.MEDIA:
                # Its Vid is ours alone, so a project of it is ours whenever it was made.
                news |= {"ours": True, "since": 0.0}
            del left[role]
    news["upload"] = left
    if not left:
        return _on(work, news)
    lost = work.memo.get("lost", 0) + 1 if not states else 0
    if lost >= LOST_UPLOADS:
        return _on(work, {**news, "upload": {}, "lost": 0})
    return _on(work, {**news, "lost": lost}, wait=UPLOAD_PAUSE)


def _arrived(role: str, state: Mapping[str, Any], files: dict[str, str]) -> dict[str, Any]:
    if role == plan.MEDIA:
        if not (vid := vc.text(state, "Vid")):
            raise Unavailable("Volcengine fetched the source and gives no Vid")
        return {"vid": vid}
    name = vc.text(state, "SourceInfo", "FileName") or vc.text(state, "SourceInfo", "StoreUri").partition("/")[2]
    if not name:
        raise Unavailable("Volcengine fetched the subtitles and gives no FileName")
    return {"files": {**files, role: name}}


# ---- termbases


def _termbases_listed(work: Work, result: Any, reply: WireReply) -> Verdict:
    known = termbases.known(vc.rows(result, "Termbases"), termbases.termbases_of(work))
    if work.memo.get("refused") and "" in known.values():
        raise JobError(errors.PROVIDER_FAILED, str(work.memo["refused"]))
    return _on(work, {"termbases": known})


def _termbase_made(work: Work, reply: WireReply) -> Verdict:
    name = next(name for name, known in sorted(work.memo["termbases"].items()) if not known)
    try:
        made = vc.text(vc.read(reply), "Result", "Termbase", "Id")
    except JobError as error:
        # The name may be taken: by us, a moment ago. The list tells; if it does not have it, the refusal stands.
        memo = {key: value for key, value in work.memo.items() if key != "termbases"}
        return Verdict("working", memo={**memo, "refused": error.reason}, wait=0.0)
    if not made:
        raise Unavailable("Volcengine's answer names no termbase")
    return _on(work, {"termbases": {**work.memo["termbases"], name: made}})


def _items_set(work: Work, result: Any, reply: WireReply) -> Verdict:
    return _on(work, {"items": [*(work.memo.get("items") or ()), steps.pending_items(work)]})


# ---- the project


def _looked(work: Work, result: Any, reply: WireReply) -> Verdict:
    return _on(work, {"since": _clock(reply) or _newest(result)})


def _submitted(work: Work, result: Any, reply: WireReply) -> Verdict:
    project = vc.text(result, "ProjectBaseInfo", "ProjectId")
    if not project:
        raise Unavailable("Volcengine's answer names no project")
    memo = {**work.memo, **_born(work, project)}
    told = termbases.remarks(work.glossaries)
    return Verdict("working", memo=memo, ref=project, stage="recognize", remarks=told)


def _got(work: Work, result: Any, reply: WireReply) -> Verdict:
    return _compared(work, _info(result)) if plan.comparing(work) else results.verdict(work, _info(result))


def _compared(work: Work, info: Mapping[str, Any]) -> Verdict:
    side, project = plan.side_of(work), plan.project_of(work)
    if plan.reuses(work) and vc.text(info, "Status") in wire.WORKING:
        # Another iteration is at work on the same project.
        return _on(work, {"waited": work.memo.get("waited", 0) + 1}, wait=BUSY_PAUSE)
    news: dict[str, Any] = {"sent": 0, "before": vc.text(info, "ProjectVersion"), "edits": []}
    if work.transcript is not None:
        now = texts.transcript_of(info, side, work.order.source_language, work.target_locale)
        edits = texts.edits_of(work.transcript, now, side)
        news["edits"] = plan.BY_FILE if edits is None else edits
    if plan.reuses(work):
        news |= _born(work, project) | {
            "reused": True,
            "vid": plan.vid_of(work),
            "process": work.earlier.get("process"),
        }
    return _on(work, news, ref=project)


def _updated(work: Work, result: Any, reply: WireReply) -> Verdict:
    edits, sent = work.memo["edits"], work.memo.get("sent", 0)
    sent = min(sent + steps.UTTERANCES_PER_CALL, plan.count_of(edits))
    version = vc.text(result, "ProjectBaseInfo", "ProjectVersion")
    return _on(work, {"sent": sent, "before": version or work.memo.get("before", "")})


def _configured(work: Work, result: Any, reply: WireReply) -> Verdict:
    return _on(work, {"configured": True, "process": plan.process_of(work)})


def _continued(work: Work, result: Any, reply: WireReply) -> Verdict:
    return _on(
        work, {"done": True, "details": False}, wait=None, stage="speak" if "voice" in work.order.steps else "render"
    )


def _refresh_taken(work: Work, result: Any, reply: WireReply) -> Verdict:
    version = vc.text(result, "ProjectBaseInfo", "ProjectVersion")
    return _on(work, _refreshed(work, version), wait=None, ref=plan.project_of(work), stage="render")


def _refreshed(work: Work, version: str) -> dict[str, Any]:
    return {"done": True, "details": False, "version": version, "project": plan.project_of(work)}


def _before_refresh(work: Work) -> str:
    return str(work.memo.get("before") or "")


def _born(work: Work, project: str) -> dict[str, Any]:
    return {"project": project, "options": plan.options_of(work), "process": plan.process_of(work)}


# ---- looking for a project


def _find_project(work: Work, result: Any) -> Verdict | None:
    listed = vc.rows(result, "Projects")
    found = sorted((row for row in listed if _is_ours(work, row)), key=_created)
    if found:
        project = vc.text(found[0], "ProjectId")
        return _on(work, _born(work, project), wait=None, ref=project, stage="recognize")
    page = int(work.memo.get("page", 1))
    total = vc.number(result, "TotalCount")
    if not listed or (total is not None and page * steps.LIST_PAGE >= total):
        return None
    return Verdict("unknown", memo={**work.memo, "page": page + 1})


def _is_ours(work: Work, row: Mapping[str, Any]) -> bool:
    """Same media, same language, same kinds of work and, when others may use the media too, made since we looked."""
    if not vc.text(row, "ProjectId") or vc.text(row, "InputVideo", "Vid") != plan.vid_of(work):
        return False
    if work.memo.get("since") and _created(row) < float(work.memo["since"]) - SKEW_SECONDS:
        return False
    types = vc.field(row, "TranslationTypeList")
    if isinstance(types, list) and types and set(types) != set(wire.types_of(work.order.steps)):
        return False
    languages = {vc.text(blueprint, "Language") for blueprint in vc.rows(row, "TargetBlueprints")} - {""}
    return not languages or wire.language_of(work.target_locale) in languages


def _created(row: Mapping[str, Any]) -> float:
    return vc.number(row, "CreatedAt") or 0.0


def _newest(result: Any) -> float:
    return max((_created(row) for row in vc.rows(result, "Projects")), default=0.0)


def _clock(reply: WireReply) -> float:
    """The vendor's own clock, by its Date header; 0 without one."""
    try:
        return parsedate_to_datetime(reply.headers.get("date", "")).timestamp()
    except (TypeError, ValueError):
        return 0.0


_READERS: Final = {
    wire.UPLOAD: _uploaded,
    wire.UPLOAD_STATE: _upload_state,
    wire.LIST_TERMBASE: _termbases_listed,
    wire.SET_TERM_ITEM: _items_set,
    wire.LIST: _looked,
    wire.SUBMIT: _submitted,
    wire.GET: _got,
    wire.UPDATE_UTTERANCES: _updated,
    wire.UPDATE_CONFIG: _configured,
    wire.CONTINUE: _continued,
    wire.REFRESH: _refresh_taken,
}
