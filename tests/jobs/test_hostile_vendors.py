"""Vendors that lie: an organization may bring an account whose address is a host of its own, and only its own jobs may suffer."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.accounts.actor import Actor
from apps.core import clock
from apps.core.errors import ApiError
from apps.jobs import actors
from apps.jobs.models import InboundCallback, Job, ProviderAccount
from apps.jobs.services import account_health, accounts, inbound
from apps.jobs.services.account_changes import AccountDraft, change_account, create_account
from apps.jobs.services.account_check import check_account
from apps.jobs.services.leases import Lease
from apps.jobs.services.vendor import collect, crowd, watch
from apps.providers import registry
from tests.factories import make_organization, owner_of
from tests.providers.azure.stub import SECRET, AzureStub
from tests.providers.road import LONG, Road
from tests.providers.stub import StubReply, StubRequest
from tests.providers.tiny import KEY, TinyProvider, TinyStub, sign

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def registered(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.PRIVATE_HOSTS_ALLOWED = ("127.0.0.1",)
    settings.PUBLIC_URL = "https://portal.example.com"
    settings.ALLOWED_HOSTS = ["*"]
    settings.VENDOR_CALL_SECONDS = 5.0
    monkeypatch.setitem(registry.PROVIDERS, "tiny", TinyProvider())
    monkeypatch.setattr(Lease, "_renew", lambda lease: None)
    account_health.forget_writes()


@pytest.fixture
def stubs() -> Iterator[tuple[TinyStub, TinyStub]]:
    with TinyStub() as honest, TinyStub() as hostile:
        yield honest, hostile


def road_of(stub: TinyStub, folder: Path, client: Any) -> Road:
    """An organization with an account of its own."""
    actor = owner_of(make_organization())
    row = Road.make_account(registry.PROVIDERS["tiny"], stub.base, {"key": KEY})
    ProviderAccount.objects.filter(pk=row.pk).update(organization=actor.organization)
    folder.mkdir()
    return Road("tiny", row, actor, folder, client, {})


def poll_all(*jobs: Job) -> None:
    """One round of the poller with all of them due."""
    account_health.forget_writes()
    for job in jobs:
        job.refresh_from_db()
        Job.objects.filter(pk=job.pk).exclude(next_poll_at=None).update(next_poll_at=job.created_at - LONG)
    ProviderAccount.objects.update(next_poll_at=None)
    watch.poll_once()
    for job in jobs:
        job.refresh_from_db()


def test_what_one_vendor_says_keeps_nobody_elses_polls_from_being_settled(
    stubs: tuple[TinyStub, TinyStub], tmp_path: Path, client: Any
) -> None:
    honest, hostile = stubs
    ours, theirs = road_of(honest, tmp_path / "a", client), road_of(hostile, tmp_path / "b", client)
    job, bad = ours.until_polled(ours.order()), theirs.until_polled(theirs.order())
    hostile.plan("poll", "429:inf", "429:nan", "429:-inf")
    for round_ in range(1, 4):
        poll_all(job, bad)
        assert job.progress_fraction == pytest.approx(0.2 * round_), "taken over in the same round"
        assert bad.status == "processing" and bad.poll_failures == round_ and bad.next_poll_at is not None
    hostile.outcome, hostile.reason = "broken", "the \x00 voices"
    honest.outcome = "ready"
    poll_all(job, bad)
    assert (bad.status, bad.error) == ("failed", "the \ufffd voices")
    assert ours.until(job, "completed").charged > 0


def test_slow_hosts_of_one_organization_leave_threads_for_the_others(
    stubs: tuple[TinyStub, TinyStub], tmp_path: Path, client: Any
) -> None:
    theirs = road_of(stubs[1], tmp_path / "b", client)
    job, second = theirs.order(), theirs.order()
    with crowd.place_for(job.public_id) as first, crowd.place_for(second.public_id) as another:
        assert first and not another
        Job.objects.filter(pk=second.pk).update(next_run_at=clock.now())
        actors.submit_remote.fn(second.public_id)
        second.refresh_from_db()
        assert second.next_run_at is not None and second.next_run_at > clock.now(), "it comes again"
        assert not stubs[1].works and Job.objects.get(pk=second.pk).lease_owner == ""
    actors.submit_remote.fn(second.public_id)
    assert len(stubs[1].works) == 1
    ProviderAccount.objects.update(organization=None)
    with crowd.place_for(job.public_id) as first, crowd.place_for(second.public_id) as another:
        assert first and another, "the operator's own account"


class BadEntra(AzureStub):
    """Its token lives longer than any number that a computer counts in."""

    def _token(self, request: StubRequest) -> StubReply:
        return StubReply(200, {"access_token": "t", "expires_in": 10**400})


def test_an_account_whose_token_is_trouble_neither_stops_nor_delays_the_poller(
    stubs: tuple[TinyStub, TinyStub], tmp_path: Path, client: Any
) -> None:
    ours = road_of(stubs[0], tmp_path / "a", client)
    job = ours.until_polled(ours.order())
    with BadEntra() as entra:
        values = {"tenant": "t", "client_id": "c", "client_secret": SECRET, "authority": entra.base}
        row = Road.make_account(registry.PROVIDERS["azure"], entra.base, values)
        entra.plan("GetToken", "slow:5")
        poll_all(job)
        assert job.progress_fraction == pytest.approx(0.2)
        assert entra.seen("GetToken") == [], "nothing of it is due, so nobody asks"
        entra._faults.clear()
        assert accounts.open_account(row).token == "t"
        accounts.forget_token(row)


def test_an_output_that_would_fill_the_memory_is_not_taken(
    stubs: tuple[TinyStub, TinyStub], tmp_path: Path, client: Any, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.JOB_MAX_TRIES = 1
    monkeypatch.setattr(collect, "MAX_TEXT", 16)
    ours = road_of(stubs[0], tmp_path / "a", client)
    stubs[0].outcome = "ready"
    job = ours.until(ours.order(), "failed")
    assert job.error_code == 10908 and "at most 16" in job.error and job.charged == 0

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", b"\0" * 100_000)
    (tmp_path / "bomb.zip").write_bytes(packed.getvalue())
    collect._check_archive(tmp_path / "bomb.zip", "report")
    monkeypatch.setattr(collect, "MAX_UNPACKED", 99_999)
    with pytest.raises(collect.Spoiled, match="too large when unpacked"):
        collect._check_archive(tmp_path / "bomb.zip", "report")


def test_a_key_that_no_header_can_carry_is_told_and_no_fault(stubs: tuple[TinyStub, TinyStub]) -> None:
    actor = owner_of(make_organization())
    draft = AccountDraft(name="Typed by hand", endpoint=stubs[0].base, values={"key": "schlüssel–4"})
    checked = check_account(actor=actor, account=create_account(actor=actor, provider="tiny", draft=draft))
    assert not checked.ok and "header" in checked.said and "schl" not in checked.said


def test_callbacks_of_one_job_neither_fill_the_table_nor_hold_up_those_of_others(
    stubs: tuple[TinyStub, TinyStub], tmp_path: Path, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbound, "MOST_WAITING", 6)
    monkeypatch.setattr(inbound, "BATCH", 2)
    ours, theirs = road_of(stubs[0], tmp_path / "a", client), road_of(stubs[1], tmp_path / "b", client)
    job, bad = ours.until_polled(ours.order()), theirs.until_polled(theirs.order())
    Job.objects.filter(pk=bad.pk).update(lease_owner="a worker that takes long")
    bodies = [f'{{"event":"e{number}","id":"{bad.provider_ref}"}}'.encode() for number in range(8)]
    answers = [theirs.post(theirs.callback_url(bad), body, {"X-Signature": sign(body)}) for body in bodies]
    assert answers == [200] * 6 + [429] * 2
    body = f'{{"event":"mine","id":"{job.provider_ref}"}}'.encode()
    assert ours.post(ours.callback_url(job), body, {"X-Signature": sign(body)}) == 200
    assert inbound.work_off() == 1
    assert InboundCallback.objects.get(job=job).state == "done"
    assert InboundCallback.objects.filter(job=bad, state="new").count() == 6
    monkeypatch.setattr(inbound, "MOST_KEPT", 6)
    InboundCallback.objects.filter(job=bad).update(state="done")
    assert theirs.post(theirs.callback_url(bad), bodies[7], {}) == 429, "also when none waits"


def test_whoever_moves_an_account_to_another_host_must_know_its_secrets(
    stubs: tuple[TinyStub, TinyStub], tmp_path: Path, client: Any
) -> None:
    ours = road_of(stubs[0], tmp_path / "a", client)
    actor: Actor = ours.actor
    row = ProviderAccount.objects.get(pk=ours.row.pk)
    with pytest.raises(ApiError) as caught:
        change_account(actor=actor, account=row, draft=AccountDraft(endpoint=stubs[1].base, values={"key": ""}))
    assert list(caught.value.errors) == ["values.key"]
    row.refresh_from_db()
    assert row.endpoint == stubs[0].base
    change_account(actor=actor, account=row, draft=AccountDraft(endpoint=row.endpoint, name="Renamed"))
    change_account(actor=actor, account=row, draft=AccountDraft(endpoint=stubs[1].base, values={"key": "another"}))
    row.refresh_from_db()
    assert (row.endpoint, accounts.open_secrets(row)) == (stubs[1].base, {"key": "another"})

    with AzureStub() as entra:
        values = {"tenant": "t", "client_id": "c", "client_secret": SECRET, "authority": entra.base}
        moved = Road.make_account(registry.PROVIDERS["azure"], entra.base, values)
        ProviderAccount.objects.filter(pk=moved.pk).update(organization=actor.organization)
        with pytest.raises(ApiError) as caught:
            draft = AccountDraft(values={"authority": "https://mine.example.com"})
            change_account(actor=actor, account=moved, draft=draft)
        assert list(caught.value.errors) == ["values.client_secret"]
        for bad in ("http://mine.example.com", "https://10.0.0.1"):
            draft = AccountDraft(values={"authority": bad, "client_secret": "another"})
            with pytest.raises(ApiError) as caught:
                change_account(actor=actor, account=moved, draft=draft)
            assert list(caught.value.errors) == ["values.authority"]
