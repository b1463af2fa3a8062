"""Pages of Azure's lists: top, skip and maxpagesize, and the link to the next page, which goes on from a row and not from a number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.db.models import QuerySet

from apps.dialects.azure import calls
from apps.dialects.azure.calls import Call
from apps.dialects.azure.store import MOST_PER_PAGE
from apps.dialects.models import Resource
from apps.projects.selectors import read_cursor

PAGE_SIZE: Final = 50
TOKEN: Final = "skiptoken"


@dataclass(frozen=True)
class Page:
    """What is asked for: at most `size` rows now and `top` in all (None: all), after `skip` rows or below the row `token`."""

    size: int
    top: int | None
    skip: int
    token: str


def read(call: Call) -> Page:
    """The page in the query. Raises ApiError 5."""
    size = calls.count_parameter(call.request, "maxpagesize")
    return Page(
        size=min(size or PAGE_SIZE, MOST_PER_PAGE),
        top=calls.count_parameter(call.request, "top"),
        skip=calls.count_parameter(call.request, "skip") or 0,
        token=calls.parameter(call.request, TOKEN),
    )


def cut(rows: QuerySet[Resource], page: Page) -> tuple[list[Resource], dict[str, str] | None]:
    """The rows of the page, newest first, and the parameters of the next one (None: there is none)."""
    if page.token:
        rows = rows.filter(id__lt=read_cursor(page.token))
    size = page.size if page.top is None else min(page.size, page.top)
    start = 0 if page.token else page.skip
    found = list(rows.order_by("-id")[start : start + size + 1])
    left = None if page.top is None else page.top - size
    if len(found) <= size or left == 0:
        return found[:size], None
    following = {TOKEN: str(found[size - 1].pk), "maxpagesize": str(page.size)}
    return found[:size], following if left is None else following | {"top": str(left)}


def document(call: Call, path: str, values: list[dict[str, Any]], following: dict[str, str] | None) -> dict[str, Any]:
    """The list; the C# client reads the link to the next page under another name."""
    body: dict[str, Any] = {"value": values}
    if following is not None:
        link = call.link(path, **following)
        body |= {"nextLink": link, "@nextLink": link}
    return body
