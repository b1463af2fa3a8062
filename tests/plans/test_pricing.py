"""Prices: started minutes and seconds, the plan's own rows, unknown lengths; and the pages that show them."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from apps.core.errors import ApiError
from apps.core.options import SubtitleStyle
from apps.plans import catalog
from apps.plans.models import Plan, RateCard, Subscription
from apps.plans.services import estimate, price_items, price_measured
from apps.providers.orders import Source, TranslationOrder
from tests.factories import make_key, make_organization, owner_of

pytestmark = pytest.mark.django_db
MINUTE = 60_000


def order(*locales: str, **extra: object) -> TranslationOrder:
    return TranslationOrder(source=Source(url="https://example.org/a.mp4"), target_locales=list(locales), **extra)  # type: ignore[arg-type]


def business() -> Plan:
    return Plan.objects.get(code="business")


@pytest.mark.parametrize(("ms", "minutes"), [(0, 1), (1, 1), (MINUTE, 1), (MINUTE + 1, 2), (10 * MINUTE, 10)])
def test_translation_is_billed_by_started_minute(ms: int, minutes: int) -> None:
    assert price_measured(plan_id=business().pk, order=order("de"), measured_ms=ms) == minutes * 8000


@pytest.mark.parametrize(
    ("item", "ms", "price"),
    [
        ("480p", 1, 10_000),
        ("480p", 5000, 10_000),
        ("480p", 5001, 12_000),
        ("720p", 3000, 20_000),
        ("720p", 60_000, 240_000),
    ],
)
def test_lip_sync_is_billed_by_started_second_from_five_on(item: str, ms: int, price: int) -> None:
    rows = price_items(plan_id=business().pk, service="lipsync", items=[item], duration_ms=ms)
    assert [amount for *_, amount in rows] == [price]


def test_each_step_and_erasing_has_its_price() -> None:
    steps = order("de", steps=["voice", "subtitles"], subtitle_style=SubtitleStyle(erase_source=True))
    got = estimate(actor=owner_of(make_organization()), order=steps, duration_ms=90_000)
    assert [(line.stage, line.unit, line.quantity, line.millicredits) for line in got.lines] == [
        ("subtitles", "minute", 2, 6000),
        ("voice", "minute", 2, 10_000),
        ("erase", "minute", 2, 4000),
    ]
    assert (got.total, got.max_total, got.assumed) == (20_000, 20_000, False)


def test_an_estimate_tells_lines_by_language_and_the_wallet() -> None:
    organization = make_organization(plan="business")
    got = estimate(actor=owner_of(organization), order=order("de", "pt-BR"), duration_ms=MINUTE)
    assert {line.locale for line in got.lines} == {"de", "pt-BR"}
    assert got.for_locale("de") == 8000
    assert got.total == 16_000
    assert (got.pool, got.available) == ("portal", 2_060_000)  # Free's first month and Business's
    assert got.available_after == got.available - 16_000


def test_programs_pay_from_their_own_pool() -> None:
    from apps.accounts.services import authenticate_bearer

    _, text = make_key(make_organization(plan="business"))
    got = estimate(actor=authenticate_bearer(f"Bearer {text}"), order=order("de"), duration_ms=MINUTE)
    assert (got.pool, got.available) == ("api", 2_000_000)


def test_an_unknown_length_is_assumed_and_the_most_is_told() -> None:
    organization = make_organization(plan="free")
    got = estimate(actor=owner_of(organization), order=order("de"))
    assert (got.assumed, got.total) == (True, catalog.ASSUMED_SECONDS // 60 * 8000)
    assert got.max_total == 10 * 8000
    Plan.objects.filter(code="free").update(max_duration=60)
    shorter = estimate(actor=owner_of(organization), order=order("de"))
    assert shorter.total == shorter.max_total == 8000


def test_a_plans_own_row_wins() -> None:
    RateCard.objects.create(plan=business(), service="translate", item="voice", unit="minute", millicredits=1000)
    assert price_measured(plan_id=business().pk, order=order("de"), measured_ms=1) == 4000
    free = Plan.objects.get(code="free")
    assert price_measured(plan_id=free.pk, order=order("de"), measured_ms=1) == 8000


def test_work_without_a_price_is_refused() -> None:
    RateCard.objects.filter(item="voice").delete()
    with pytest.raises(LookupError, match="voice"):
        price_measured(plan_id=business().pk, order=order("de"), measured_ms=1)
    with pytest.raises(DatabaseError, match="no price"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT price_order(%s, 'translate', ARRAY['subtitles', 'voice'], 1)", [business().pk])


def test_admission_and_estimate_use_the_same_price() -> None:
    got = estimate(actor=owner_of(make_organization()), order=order("de"), duration_ms=123_456)
    with connection.cursor() as cursor:
        cursor.execute("SELECT price_order(%s, 'translate', ARRAY['subtitles', 'voice'], 123456)", [business().pk])
        assert cursor.fetchone() == (got.total,)


def test_no_estimate_without_a_subscription() -> None:
    organization = make_organization()
    Subscription.objects.filter(organization=organization).update(status="canceled")
    with pytest.raises(ApiError) as caught:
        estimate(actor=owner_of(organization), order=order("de"), duration_ms=1)
    assert caught.value.code == 814
