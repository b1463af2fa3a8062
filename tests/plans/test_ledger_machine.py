"""A random walk over the ledger (hypothesis): a plain model in Python and the database must agree after every step."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from apps.accounts.models import Organization
from apps.core import clock
from apps.core.ids import new_id
from apps.plans.models import Hold, Wallet
from apps.plans.services import capture_hold, check_books, expire_holds, grant_credits, release_hold, resize_hold
from tests.plans.holds import balance, place

AMOUNTS = st.integers(min_value=0, max_value=5000)
POOLS = st.sampled_from(["portal", "api"])
TIMES = st.integers(min_value=1, max_value=3)  # everything may be told more than once


@dataclass
class Model:
    """What a hold should be."""

    pool: str
    amount: int
    state: str = "placed"
    captured: int = 0


class Ledger(RuleBasedStateMachine):
    """Place, capture, release, resize, expire and grant in any order, each told one to three times."""

    holds = Bundle("holds")
    grants = Bundle("grants")

    def __init__(self) -> None:
        super().__init__()
        self.organization = Organization.objects.create(name="Machine")
        self.available = {"portal": 0, "api": 0}
        self.models: dict[int, Model] = {}

    def held(self, pool: str) -> int:
        return sum(model.amount for model in self.models.values() if model.state == "placed" and model.pool == pool)

    @rule(target=grants, pool=POOLS, amount=st.integers(min_value=1, max_value=9000), times=TIMES)
    def grant(self, pool: str, amount: int, times: int) -> str:
        key = new_id("led")
        for _ in range(times):
            grant_credits(actor=None, organization=self.organization, pool=pool, amount=amount, business_key=key)
        self.available[pool] += amount
        return f"{pool}:{key}"

    @rule(told=grants, amount=st.integers(min_value=1, max_value=9000))
    def grant_again_later(self, told: str, amount: int) -> None:
        pool, key = told.split(":")
        grant_credits(actor=None, organization=self.organization, pool=pool, amount=amount, business_key=key)

    @rule(target=holds, pool=POOLS, amount=AMOUNTS, times=TIMES)
    def place(self, pool: str, amount: int, times: int) -> int:
        job = new_id("job")
        placed = {
            hold.pk if (hold := place(self.organization, amount, pool=pool, job=job)) else 0 for _ in range(times)
        }
        assert len(placed) == 1
        pk = placed.pop()
        assert (pk != 0) is (amount <= self.available[pool])
        if pk:
            self.available[pool] -= amount
            self.models[pk] = Model(pool, amount)
        return pk

    @precondition(lambda self: self.models)
    @rule(pk=holds, amount=AMOUNTS, times=TIMES)
    def capture(self, pk: int, amount: int, times: int) -> None:
        if not pk:
            return
        model = self.models[pk]
        for _ in range(times):
            charged = capture_hold(hold=Hold(pk=pk, wallet_id=Hold.objects.get(pk=pk).wallet_id), amount=amount)
            if model.state == "placed":
                model.captured, model.state = min(amount, model.amount), "captured"
                self.available[model.pool] += model.amount - model.captured
            assert charged == model.captured

    @precondition(lambda self: self.models)
    @rule(pk=holds, times=TIMES)
    def release(self, pk: int, times: int) -> None:
        if not pk:
            return
        model = self.models[pk]
        for _ in range(times):
            assert release_hold(hold=Hold.objects.get(pk=pk)) is (model.state == "placed")
            if model.state == "placed":
                model.state = "released"
                self.available[model.pool] += model.amount

    @precondition(lambda self: self.models)
    @rule(pk=holds, amount=AMOUNTS)
    def resize(self, pk: int, amount: int) -> None:
        if not pk:
            return
        model = self.models[pk]
        hold = Hold.objects.get(pk=pk)
        done = resize_hold(hold=hold, amount=amount, business_key=new_id("led"))
        fits = model.state == "placed" and amount - model.amount <= self.available[model.pool]
        assert done is fits
        if fits:
            self.available[model.pool] -= amount - model.amount
            model.amount = amount

    @precondition(lambda self: self.models)
    @rule(pks=st.lists(holds, max_size=3))
    def expire(self, pks: list[int]) -> None:
        due = {pk for pk in pks if pk and self.models[pk].state == "placed"}
        Hold.objects.filter(pk__in=due).update(expires_at=clock.now() - timedelta(seconds=1))
        assert expire_holds() == len(due)
        for pk in due:
            model = self.models[pk]
            model.state = "expired"
            self.available[model.pool] += model.amount

    @invariant()
    def books_agree(self) -> None:
        for pool in ("portal", "api"):
            assert balance(self.organization, pool) == (self.available[pool], self.held(pool))
        for hold in Hold.objects.filter(wallet__organization=self.organization):
            model = self.models[hold.pk]
            assert (hold.status, hold.amount, hold.captured) == (model.state, model.amount, model.captured)
        assert check_books() == []

    def teardown(self) -> None:
        assert Wallet.objects.filter(organization=self.organization, available__lt=0).count() == 0


@pytest.mark.django_db
def test_the_ledger_agrees_with_a_plain_model() -> None:
    class Isolated(Ledger):
        """Each example in a savepoint of its own, so that examples do not see each other."""

        def __init__(self) -> None:
            self.atomic = transaction.atomic()
            self.atomic.__enter__()
            super().__init__()

        def teardown(self) -> None:
            try:
                super().teardown()
            finally:
                transaction.set_rollback(True)
                self.atomic.__exit__(None, None, None)

    run_state_machine_as_test(
        Isolated,
        settings=settings(
            max_examples=30,
            stateful_step_count=25,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
