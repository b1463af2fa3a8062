"""Random bodies, queries and headers: numbered refusals or results, never a 500."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.models import Organization
from apps.core import errors
from apps.plans.models import Plan
from apps.plans.services import check_books
from tests.api.conftest import ORDER, Api
from tests.api.rows import document
from tests.factories import make_key, make_organization

pytestmark = pytest.mark.django_db
many = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)

TEXTS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["", "auto", "pt-BR", "en", "\x00", "\ud7ff", "a" * 5000, "../..", "job_0000000000000000", "http://[", "http://a:99999/",
                     "https://media.example.com/a.mp4", "٣", "1e999", "null", "%00", "💥"]),
)  # fmt: skip
NUMBERS = st.one_of(
    st.integers(-5, 200),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([2**63, -(2**63) - 1, 2**200, 1e308, 0.0, -0.0]),
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=12,
)
FIELDS = [*ORDER, "voice", "timing", "subtitle_style", "speaker_count", "ocr_text_box", "glossaries", "prompt", "review_after",
          "hls", "provider", "callback_url", "project", "title", "media_type", "export_type", "vision"]  # fmt: skip
CHANGES = st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4)


@pytest.fixture
def api(db: None) -> Api:
    organization: Organization = make_organization(credits=10**9)
    Plan.objects.update(requests_per_minute=10**8, translate_concurrency=10**8)
    return Api(make_key(organization)[1])


def survives(answer: Any) -> None:
    assert answer.status_code < 500, answer.content
    if answer.status_code >= 400 and answer.status_code != 405:
        body = json.loads(answer.content)
        assert body["code"] in errors.api_codes()
        assert body["request_id"] == answer["X-Request-Id"]


@many
@given(changes=CHANGES)
def test_orders(api: Api, changes: dict[str, Any]) -> None:
    body = json.dumps({**ORDER, **changes})
    answer = api.post("translations", body)
    survives(answer)
    estimate = api.post("estimates", body)
    survives(estimate)
    # 7-9 come after the parameters: what can be ordered can be priced, and the other way round.
    if answer.status_code == 202:
        assert estimate.status_code == 200, estimate.content
    if estimate.status_code == 400:
        assert answer.status_code == 400
        assert answer.json()["errors"].keys() == estimate.json()["errors"].keys()


@many
@given(body=st.one_of(JSON.map(json.dumps), st.binary(max_size=60), st.just("[" * 100_000)))
def test_any_body_anywhere(api: Api, body: str | bytes) -> None:
    for path in ("translations", "estimates", "assets", "jobs/job_0000000000000000/cancel"):
        survives(api.post(path, body))
    survives(api.put("translations/trn_0000000000000000/transcript", body, If_Match='"1"'))


@many
@given(
    names=st.lists(
        st.tuples(st.sampled_from(["limit", "cursor", "status", "search", "pool", "kind", "after", "x"]), TEXTS),
        max_size=3,
    )
)
def test_any_query(api: Api, names: list[tuple[str, str]]) -> None:
    from urllib.parse import urlencode

    query = urlencode(names)
    for path in ("jobs", "translations", "assets", "ledger"):
        survives(api.get(f"{path}?{query}"))


@many
@given(path=st.text(max_size=40))
def test_any_path(api: Api, path: str) -> None:
    from urllib.parse import quote

    survives(api.get(f"/api/v1/jobs/{quote(path)}"))
    survives(api.get(f"/api/v1/{quote(path)}"))
    assert api.get(f"/files/{quote(path, safe='')}/x").status_code in (404, 410)


LATIN = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=40)
HEADERS = st.dictionaries(
    st.sampled_from(["Idempotency-Key", "Authorization", "If-Match", "If-None-Match", "Upload-Length", "Upload-Metadata",
                     "Upload-Offset", "Upload-Checksum", "Accept", "Accept-Language", "X-Request-Id", "X-HTTP-Method-Override",
                     "Tus-Resumable", "Range"]),
    LATIN,
    max_size=4,
)  # fmt: skip


@many
@given(
    headers=HEADERS,
    method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "FOO"]),
)
def test_any_header(api: Api, headers: dict[str, str], method: str) -> None:
    for path in ("translations", "uploads", "jobs", "uploads/upl_0000000000000000", "estimates"):
        answer = api.call(method, path, "{}", **headers)
        assert answer.status_code < 500, (method, path, headers, answer.content)


@many
@given(
    line=st.dictionaries(
        st.sampled_from(["id", "start", "end", "source", "target", "speaker", "voice", "words"]), JSON, max_size=3
    )
)
def test_transcripts(api: Api, line: dict[str, Any]) -> None:
    import msgspec

    from apps.jobs.models import Job
    from apps.projects.services import save_revision

    made = (
        Job.objects.filter(public_id=api.post("translations", ORDER).json()["id"]).select_related("translation").get()
    )
    assert made.translation is not None
    save_revision(actor=None, translation=made.translation, document=document(), origin="translated")
    body = {"document": msgspec.to_builtins(document())}
    body["document"]["lines"][0].update(line)
    survives(api.put(f"translations/{made.translation.public_id}/transcript", json.dumps(body), If_Match="*"))
    survives(api.get(f"translations/{made.translation.public_id}/transcript?format=srt"))


def test_the_books_are_right_after_all_of_it(api: Api) -> None:
    assert check_books() == []
