"""The requests that are sent to Azure, each a Step; what they hold is decided elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import msgspec

from apps.core.errors import JobError
from apps.providers.azure import mapping, wire
from apps.providers.azure.accounts import authorization, base_url, hours_to_live, version_of
from apps.providers.azure.state import TEXT_FILE, State, text_kind
from apps.providers.conversation import Account, Kind, Step, WireRequest, Work

CREATE_TRANSLATION: Final = "CreateTranslation"
GET_TRANSLATION: Final = "GetTranslation"
DELETE_TRANSLATION: Final = "DeleteTranslation"
LIST_TRANSLATIONS: Final = "ListTranslations"
CREATE_ITERATION: Final = "CreateIteration"
GET_ITERATION: Final = "GetIteration"
LIST_ITERATIONS: Final = "ListIterations"
GET_OPERATION: Final = "GetOperation"
GET_METADATA: Final = "GetMetadata"
PAGE_SIZE: Final = 100
_PAGE_PARAMETERS: Final = frozenset({"top", "skip", "maxpagesize"})
_encoder: Final = msgspec.json.Encoder(order="deterministic")


def create_translation(work: Work, account: Account, state: State) -> Step:
    """PUT translation; with 2026-03-01 its first iteration is ordered by the same request. Raises JobError."""
    version = version_of(account)
    given = mapping.translation_input(work.order, work.source_url)
    body = wire.TranslationBody(input=given, display_name=work.title or None, description=f"Kinoglot {work.client_id}")
    if version >= wire.VERSION_2026:
        given.auto_create_first_iteration = True
        body.first_iteration_input = mapping.iteration_input(work.order, version, _text(work, state))
        if hours := hours_to_live(account):
            body.properties = wire.TranslationProperties(time_to_live_in_hours=hours)
    else:
        mapping.iteration_input(
            work.order, version, None
        )  # what the version cannot carry is found before anything is made
    path = f"/translations/{quote(state.translation)}"
    return _put(CREATE_TRANSLATION, account, path, _encoder.encode(body), state.operation_id(work))


def create_iteration(work: Work, account: Account, state: State) -> Step:
    """PUT iteration. Raises JobError."""
    given = mapping.iteration_input(work.order, version_of(account), _text(work, state))
    body = wire.IterationBody(input=given, description=f"Kinoglot {work.client_id}")
    path = f"/translations/{quote(state.translation)}/iterations/{quote(state.iteration_id(work))}"
    return _put(CREATE_ITERATION, account, path, _encoder.encode(body), state.operation_id(work))


def get_operation(account: Account, state: State) -> Step:
    """GET operation: how the last create goes on."""
    return _step(GET_OPERATION, account, "GET", f"/operations/{quote(state.operation)}")


def get_translation(account: Account, state: State) -> Step:
    """GET translation."""
    return _step(GET_TRANSLATION, account, "GET", f"/translations/{quote(state.translation)}")


def get_iteration(account: Account, state: State) -> Step:
    """GET iteration."""
    path = f"/translations/{quote(state.translation)}/iterations/{quote(state.iteration)}"
    return _step(GET_ITERATION, account, "GET", path)


def get_metadata(state: State) -> Step:
    """The text of the iteration, behind a signed link: our credentials stay at home."""
    return Step(GET_METADATA, WireRequest("GET", state.links["metadataJsonWebvttFileUrl"]), "read")


def list_translations(account: Account, page: str, size: int = PAGE_SIZE) -> Step:
    """GET translations; `page` is what `page_of` made of a nextLink."""
    return _step(LIST_TRANSLATIONS, account, "GET", "/translations", page=page, size=size)


def list_iterations(account: Account, state: State) -> Step:
    """GET iterations of the translation."""
    path = f"/translations/{quote(state.translation)}/iterations"
    return _step(LIST_ITERATIONS, account, "GET", path, page=state.page, size=PAGE_SIZE)


def delete_translation(account: Account, state: State) -> Step:
    """DELETE translation, with all its iterations and files."""
    return _step(DELETE_TRANSLATION, account, "DELETE", f"/translations/{quote(state.translation)}", kind="change")


def page_of(next_link: str) -> str:
    """The parameters of a nextLink that say which page it is.

    Its host and path are not followed: the samples of the service's own document show a path that it does not have, and a link in
    an answer must not lead our credentials anywhere else.
    """
    known = [
        (name, value)
        for name, value in parse_qsl(urlsplit(next_link).query)
        if name.lower() in _PAGE_PARAMETERS or "token" in name.lower()
    ]
    return urlencode(known)


def _text(work: Work, state: State) -> wire.WebvttFile | None:
    """The text that the iteration works from: the edited one, else the order's own subtitle file, else none."""
    if state.edited:
        return wire.WebvttFile(url=work.links.get(TEXT_FILE, ""), kind=text_kind(work, state))
    if work.order.subtitle is None or state.number > 1 or state.borrowed:
        return None
    link = work.subtitle_url
    if link and not urlsplit(link).path.lower().endswith(".vtt"):
        raise JobError(10034, "Azure reads subtitles as WebVTT only; give a .vtt file")
    return wire.WebvttFile(url=link, kind=mapping.webvtt_kind(work.order))


def _put(operation: str, account: Account, path: str, body: bytes, operation_id: str) -> Step:
    headers = {"Operation-Id": operation_id, "Content-Type": "application/json"}
    return _step(operation, account, "PUT", path, body=body, headers=headers, kind="create")


def _step(
    operation: str,
    account: Account,
    method: str,
    path: str,
    *,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    kind: Kind = "read",
    page: str = "",
    size: int = 0,
) -> Step:
    query = [*parse_qsl(page)]
    if size and not any(name.lower() == "maxpagesize" for name, _ in query):
        query.append(("maxpagesize", str(size)))
    query.append(("api-version", version_of(account)))
    url = f"{base_url(account)}{wire.PREFIX}{path}?{urlencode(query)}"
    every = {"Accept": "application/json", **authorization(account), **(headers or {})}
    return Step(operation, WireRequest(method, url, every, body), kind)
