"""Ids, money, time and the numbered errors."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core import clock, errors, ids, money


def test_ids_name_their_kind_never_repeat_and_sort_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [ids.new_id("job") for _ in range(20_000)]
    assert len(set(made)) == len(made)
    assert all(ids.is_id(text, "job") and len(text) == 20 for text in made)
    assert not ids.is_id(made[0], "org")
    assert not ids.is_id("job_0123456789abcdeu")  # u is not in the alphabet
    assert not ids.is_id(made[0] + "\n")
    now = ids.time.time()
    monkeypatch.setattr(ids.time, "time", lambda: now + 1)
    assert ids.new_id("job") > max(made)
    with pytest.raises(ValueError, match="prefix"):
        ids.new_id("xyz")


@pytest.mark.parametrize(
    ("millicredits", "text"),
    [(36000, "36.0"), (36500, "36.5"), (1, "0.001"), (0, "0.0"), (-1500, "-1.5"), (-1, "-0.001"), (18_420, "18.42")],
)
def test_credits_as_text(millicredits: int, text: str) -> None:
    assert money.to_text(millicredits) == text


@given(st.integers(-(10**17), 10**17))
def test_the_text_is_the_exact_amount(millicredits: int) -> None:
    assert Decimal(money.to_text(millicredits)) * money.MILLI == millicredits


def test_a_price_is_rounded_up_and_never_negative() -> None:
    assert money.price(Decimal(61) / 60, 12_000) == 12_200
    assert money.price(Decimal(1) / 3, 1) == 1
    assert money.price(0, 5) == 0
    with pytest.raises(ValueError):
        money.price(-1, 5)


def test_times_are_utc_text() -> None:
    moment = datetime(2026, 11, 21, 22, 0, 0, 123_000, tzinfo=UTC)
    assert clock.to_text(moment) == "2026-11-21T22:00:00.123Z"
    with pytest.raises(ValueError):
        clock.to_text(moment.replace(tzinfo=None))


def test_the_code_tables_hold_every_code_of_the_seed_with_its_words(shared_seeds: Path) -> None:
    reference = json.loads((shared_seeds.parent / "reference" / "error_codes.json").read_text(encoding="utf-8"))
    for name, table in (("api", errors.api_codes()), ("job", errors.job_codes())):
        for code, title in reference[name].items():
            row = table[int(code)]
            assert (row.title, row.seed) == (title, True)
        assert all(row.explanation.endswith(".") or "`" in row.explanation for row in table.values())
        assert all(not row.seed for code, row in table.items() if str(code) not in reference[name])


def test_an_api_error_takes_status_and_title_from_the_table() -> None:
    error = errors.ApiError(errors.CONCURRENCY, headers={"Retry-After": "5"})
    assert (error.code, error.http_status, error.headers) == (1304, 429, {"Retry-After": "5"})
    several = errors.invalid(errors={"target_locales.0": ["Unknown."], "steps": ["Empty."]})
    assert (several.code, several.http_status, len(several.errors)) == (5, 400, 2)
    assert errors.not_found("job").http_status == 404
    assert errors.precondition(revision=4).extra == {"revision": 4}
    assert errors.rate(0).headers == {"Retry-After": "1"}
    with pytest.raises(KeyError):
        errors.ApiError(31337)


def test_a_job_error_crosses_processes() -> None:
    error = pickle.loads(pickle.dumps(errors.JobError(errors.FETCH_FAILED, "The host said no.")))
    assert (error.code, error.reason, error.retry) == (10901, "The host said no.", True)
    assert errors.JobError(10042).reason == "No speech detected"


def test_the_page_of_codes_is_the_table() -> None:
    from scripts.error_codes_page import page

    root = Path(__file__).resolve().parents[2]
    assert (root / "docs" / "error-codes.md").read_text(encoding="utf-8") == page()
