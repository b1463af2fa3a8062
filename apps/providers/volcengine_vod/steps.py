"""Builds the request of each action of the conversation, as an account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from apps.core import errors
from apps.core.errors import JobError
from apps.providers import volcengine_call as vc
from apps.providers.conversation import Account, AccountRefused, Step, WireRequest, Work
from apps.providers.volcengine_vod import plan, requests, rules, termbases, texts, wire

UTTERANCES_PER_CALL: Final = 50
LIST_PAGE: Final = 50
_OLD_VERSION: Final = frozenset({wire.UPLOAD, wire.UPLOAD_STATE, wire.DELETE_MEDIA})


def build(work: Work, account: Account) -> Step:
    """The next step. Raises JobError for terms or sources that the vendor does not take, AccountRefused without a SpaceName."""
    action = plan.operation(work)
    space = space_of(account)
    if not plan.project_of(work):
        termbases.check(work.glossaries)
        _check_source(work, account, space)
    return _BUILDERS[action](work, account, space)


def space_of(account: Account) -> str:
    """The SpaceName of an account."""
    space = account.values.get("space", "").strip()
    if not space:
        raise AccountRefused("the account names no Volcengine VOD space")
    return space


def request(
    account: Account, action: str, fields: Mapping[str, Any], *, form: Mapping[str, str] | None = None
) -> WireRequest:
    """A signed request of an action; GET ones carry their fields in the query."""
    by_query = wire.METHODS[action] == "GET"
    return vc.call(
        account,
        service=wire.SERVICE,
        region=wire.REGION,
        action=action,
        version=wire.UPLOAD_VERSION if action in _OLD_VERSION else wire.VERSION,
        method=wire.METHODS[action],
        query={name: str(value) for name, value in fields.items()} if by_query else None,
        body=None if by_query or form is not None else dict(fields),
        form=form,
    )


def get(account: Account, project: str, additions: str = "") -> WireRequest:
    """GetAITranslationProject."""
    fields = {"SpaceName": space_of(account), "ProjectId": project}
    return request(account, wire.GET, fields | ({"Additions": additions} if additions else {}))


def projects(account: Account, page: int) -> WireRequest:
    """ListAITranslationProject. Titles are not filtered by: what the vendor makes of a title is not documented."""
    return request(account, wire.LIST, {"SpaceName": space_of(account), "PageNumber": page, "PageSize": LIST_PAGE})


def _check_source(work: Work, account: Account, space: str) -> None:
    given = rules.given_vid(work.order)
    if given is None or work.memo.get("vid"):
        return
    if account.values.get("accept_vids", "").strip().lower() != "yes":
        raise JobError(
            errors.PROVIDER_FAILED, "this account does not take Vids of its space as a source; leave out #vod="
        )
    if given[0] != space:
        raise JobError(errors.PROVIDER_FAILED, f"the Vid is in the space {given[0]}, the account works in another one")


def _get(work: Work, account: Account, space: str) -> Step:
    comparing = plan.comparing(work)
    additions = texts.ADDITIONS if comparing or work.memo.get("details") else ""
    # A comparison needs the edited text, which only a worker has: it is no poll, though it changes nothing either.
    return Step(wire.GET, get(account, plan.project_of(work), additions), "change" if comparing else "read")


def _upload(work: Work, account: Account, space: str) -> Step:
    # A repeat brings a file in twice: storage, but no second translation.
    return Step(
        wire.UPLOAD,
        request(account, wire.UPLOAD, {}, form=requests.upload(work, plan.missing_uploads(work), space)),
        "change",
    )


def _upload_state(work: Work, account: Account, space: str) -> Step:
    jobs = ",".join(work.memo["upload"][role] for role in sorted(work.memo["upload"]))
    return Step(wire.UPLOAD_STATE, request(account, wire.UPLOAD_STATE, {"JobIds": jobs}), "read")


def _look(work: Work, account: Account, space: str) -> Step:
    return Step(wire.LIST, projects(account, 1), "change")


def _list_termbases(work: Work, account: Account, space: str) -> Step:
    # Read by a worker: only it knows the terms, and so the names to look for.
    return Step(wire.LIST_TERMBASE, request(account, wire.LIST_TERMBASE, {"SpaceName": space}), "change")


def _create_termbase(work: Work, account: Account, space: str) -> Step:
    name = next(name for name, known in sorted(work.memo["termbases"].items()) if not known)
    termbase = termbases.termbases_of(work).get(name)
    return Step(
        wire.CREATE_TERMBASE,
        request(account, wire.CREATE_TERMBASE, termbase.create(space) if termbase else {"Name": name}),
        "change",
    )


def _set_items(work: Work, account: Account, space: str) -> Step:
    name = pending_items(work)
    termbase = termbases.termbases_of(work).get(name)
    fields = termbase.set_items(space, work.memo["termbases"][name]) if termbase else {}
    return Step(wire.SET_TERM_ITEM, request(account, wire.SET_TERM_ITEM, fields), "change")


def pending_items(work: Work) -> str:
    """The termbase whose terms go next."""
    done = set(work.memo.get("items") or ())
    return next(name for name in sorted(str(name) for name in work.memo["termbases"]) if name not in done)


def _submit(work: Work, account: Account, space: str) -> Step:
    memo = work.memo
    known = memo.get("termbases") or {}
    body = requests.submit(
        work,
        space=space,
        vid=plan.vid_of(work),
        files=memo.get("files") or {},
        termbases=[known[name] for name in sorted(known)],
    )
    return Step(wire.SUBMIT, request(account, wire.SUBMIT, body), "create", "find")


def _update(work: Work, account: Account, space: str) -> Step:
    fields: dict[str, Any] = {"SpaceName": space, "ProjectId": plan.project_of(work)}
    if work.memo["edits"] == plan.BY_FILE:
        kind = wire.INPUT_FILE if plan.side_of(work) == "source" else wire.OUTPUT_FILE
        fields |= {"UpdateType": kind, wire.UPDATE_TYPES[kind]: work.memo["files"][plan.EDIT]}
    else:
        sent = work.memo.get("sent", 0)
        chunk = work.memo["edits"][sent : sent + UTTERANCES_PER_CALL]
        fields |= {"UpdateType": wire.BY_ID, "Utterances": chunk}
    return Step(wire.UPDATE_UTTERANCES, request(account, wire.UPDATE_UTTERANCES, fields), "change")


def _configure(work: Work, account: Account, space: str) -> Step:
    body = requests.project_config(work, space, plan.project_of(work))
    return Step(wire.UPDATE_CONFIG, request(account, wire.UPDATE_CONFIG, body), "change")


def _continue(work: Work, account: Account, space: str) -> Step:
    body = {"SpaceName": space, "ProjectId": plan.project_of(work)}
    return Step(wire.CONTINUE, request(account, wire.CONTINUE, body), "change", "find")


def _refresh(work: Work, account: Account, space: str) -> Step:
    body = {"SpaceName": space, "ProjectId": plan.project_of(work), "RefreshType": wire.REFRESH_WHOLE}
    return Step(wire.REFRESH, request(account, wire.REFRESH, body), "create", "find")


_BUILDERS: Final = {
    wire.GET: _get,
    wire.UPLOAD: _upload,
    wire.UPLOAD_STATE: _upload_state,
    wire.LIST: _look,
    wire.LIST_TERMBASE: _list_termbases,
    wire.CREATE_TERMBASE: _create_termbase,
    wire.SET_TERM_ITEM: _set_items,
    wire.SUBMIT: _submit,
    wire.UPDATE_UTTERANCES: _update,
    wire.UPDATE_CONFIG: _configure,
    wire.CONTINUE: _continue,
    wire.REFRESH: _refresh,
}
