"""Shapes that many answers share: text types, pages, problems."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Credits = Annotated[
    str, Meta(description="Credits as a decimal string.", examples=["36.0"], pattern=r"^-?\d+\.\d{1,3}$")
]
Limit = Annotated[int, Meta(ge=1, le=100, description="Rows on a page.")]
Cursor = Annotated[str, Meta(max_length=64, description="`next_cursor` of the page before.")]
NextCursor = Annotated[str | None, Meta(description="Give it as `cursor` to get the next page; null on the last.")]


class PageQuery(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keyset paging: `?limit=&cursor=`."""

    limit: Limit = 50
    cursor: Cursor = ""


class Problem(Struct, frozen=True, kw_only=True):
    """An error (RFC 9457, application/problem+json)."""

    type: Annotated[str, Meta(description="Address of the code's description.")]
    title: Annotated[str, Meta(description="What the code means, always the same for a code.")]
    status: Annotated[int, Meta(description="HTTP status.")]
    code: Annotated[int, Meta(description="Number of the error; see GET /errors.")]
    detail: Annotated[str, Meta(description="What is wrong this time.")]
    errors: Annotated[
        dict[str, list[str]], Meta(description="Field path (`target_locales.0`) to what is wrong with it.")
    ]
    request_id: Annotated[str, Meta(description="Quote it when you report a fault.")]
    needed: Annotated[Credits | None, Meta(description="Only with code 104: the estimate.")] = None
    available: Annotated[Credits | None, Meta(description="Only with code 104: the wallet's balance.")] = None
    revision: Annotated[int | None, Meta(description="Only with code 4120: the newest revision.")] = None
