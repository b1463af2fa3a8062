"""The hooks and fixtures of the contract of adapters (tests/providers/contract.py)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from apps.accounts.actor import Actor
from apps.engine.transcript import Transcript as Document
from apps.jobs.models import Job, ProviderAccount, ProviderCall
from apps.jobs.services import account_health
from apps.jobs.services.leases import Lease
from apps.plans.models import Hold
from apps.plans.services import check_books
from apps.projects.models import Transcript
from apps.providers import registry
from apps.providers.base import Provider
from tests.factories import make_organization, owner_of
from tests.providers.road import Road
from tests.providers.stub import FILE_OPERATION, StubVendor

PORTAL = "https://portal.example.com"


@dataclass(frozen=True)
class Delivery:
    """A callback as the vendor would post it. `url` is the address that it was given, with what the vendor adds to it."""

    url: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Failure:
    """A way in which the vendor's work fails: `arrange` makes the stub do it, `code` is the job's error code then."""

    label: str
    arrange: Callable[[Any], None]
    code: int


@pytest.mark.django_db
class Hooks:
    """What a vendor's test class fills in, and the fixtures made of it."""

    # ---- hooks: constants

    name: ClassVar[str]
    """The provider's key in the registry."""
    create: ClassVar[str]
    """Operation (Step.operation and StubVendor.operation_of) of the step that makes the paid work."""
    poll: ClassVar[str]
    """Operation of the step that the poller sends."""
    order_fields: ClassVar[Mapping[str, Any]] = {}
    """Fields of the order besides source, source_language en-US and target_locales [pt-BR].

    With `model` among them it is a lip-sync order, besides the files that its form needs; True stands for a file.
    """
    finds: ClassVar[bool] = True
    """False when the vendor can neither take our id nor be asked for a list (Step.repeat "once")."""

    # ---- hooks: methods

    def make_vendor(self) -> StubVendor:
        """The stub, not started. Its work stays unfinished until `succeed` or a Failure says otherwise."""
        raise NotImplementedError

    def provider(self) -> Provider:
        """The entry of the registry."""
        return registry.PROVIDERS[self.name]

    def account(self, vendor: Any) -> Mapping[str, str]:
        """AccountField name -> value that the stub accepts."""
        raise NotImplementedError

    def works(self, vendor: Any) -> int:
        """How many works (paid ones) the vendor has made."""
        raise NotImplementedError

    def succeed(self, vendor: Any) -> None:
        """From the next poll on the work is done; outputs are real small files (tests/providers/media.py) behind vendor.publish."""
        raise NotImplementedError

    def failures(self) -> list[Failure]:
        """Every failure that the vendor's document names: of the order and of the work."""
        raise NotImplementedError

    def reach_review(self, vendor: Any) -> None:
        """The vendor stops for review, with a text of two lines at least. Needed when "review" is among the options."""
        raise NotImplementedError

    def reviewed_text(self, vendor: Any) -> str:
        """The target texts that the vendor was sent after the review, joined by newlines."""
        raise NotImplementedError

    def callback(self, vendor: Any, url: str, job: Job) -> Delivery | None:
        """A genuine callback about the job; None when the vendor has none."""
        return None

    def forged(self, vendor: Any, url: str, job: Job) -> Delivery | None:
        """The same with a signature that does not hold; None when the vendor signs nothing (only the address is secret then)."""
        return None

    # ---- fixtures

    @pytest.fixture
    def entry(self, monkeypatch: pytest.MonkeyPatch) -> Provider:
        """The provider under test, in the registry."""
        made = self.provider()
        monkeypatch.setitem(registry.PROVIDERS, self.name, made)
        # The lease's thread has a connection of its own, which does not see this test's transaction.
        monkeypatch.setattr(Lease, "_renew", lambda lease: None)
        return made

    @pytest.fixture
    def vendor(self, settings: Any, entry: Provider) -> Iterator[StubVendor]:
        """The stub, listening. Pauses after trouble are short, and the portal has an address that a vendor could call."""
        settings.PRIVATE_HOSTS_ALLOWED = ("127.0.0.1",)
        settings.PUBLIC_URL = PORTAL
        settings.ALLOWED_HOSTS = ["*"]
        settings.SECURE_SSL_REDIRECT = False
        settings.VENDOR_CALL_SECONDS = 5.0
        with self.make_vendor() as running:
            yield running

    @pytest.fixture
    def row(self, vendor: StubVendor, entry: Provider) -> ProviderAccount:
        """The account that staff would have entered."""
        account_health.forget_writes()
        return Road.make_account(entry, vendor.base, self.account(vendor))

    @pytest.fixture
    def actor(self) -> Actor:
        """The owner of an organization that may order."""
        return owner_of(make_organization())

    @pytest.fixture
    def road(self, row: ProviderAccount, actor: Actor, tmp_path: Path, client: Any) -> Road:
        """Drives jobs."""
        return Road(self.name, row, actor, tmp_path, client, self.order_fields)

    def failed_with(self, road: Road, job: Job) -> int:
        """The code of a job that is to fail; its credits are back."""
        road.until(job, "failed")
        assert Hold.objects.get(job_public_id=job.public_id, attempt=job.attempt).status == "released"
        assert check_books() == [] and job.charged == 0 and job.error
        return job.error_code or 0


def until_sent(road: Road, job: Job, vendor: StubVendor, operation: str) -> None:
    """Turns until the vendor has seen an operation once."""
    for _ in range(20):
        if vendor.seen(operation):
            road.fresh(job)
            return
        road.turn(job)
    raise AssertionError(f"{operation} was never sent; seen were {vendor.counts()}")


def made(job: Job, operation: str) -> list[ProviderCall]:
    """The calls of one operation, in order."""
    return list(ProviderCall.objects.filter(job=job, operation=operation).order_by("id"))


def first_lines(job: Job) -> list[Any]:
    """The lines of the first revision."""
    row = Transcript.objects.filter(translation=job.translation).order_by("revision").first()
    assert row is not None
    return msgspec.convert(row.document, Document).lines


def any_link(road: Road, job: Job, vendor: StubVendor) -> bool:
    """Whether the vendor's results are behind links."""
    for _ in range(4):
        road.turn(job)
        if FILE_OPERATION in vendor.counts():
            return True
    return False
