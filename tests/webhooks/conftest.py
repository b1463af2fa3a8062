"""What the webhook tests share: a receiver, an organization's owner, and a way to send all that is due."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from apps.accounts.actor import Actor
from apps.webhooks.sender import Sender
from tests.factories import make_organization, owner_of
from tests.webhooks.receiver import Receiver


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.PRIVATE_HOSTS_ALLOWED = ("127.0.0.1", "localhost")
    with Receiver() as made:
        yield made


@pytest.fixture
def actor() -> Actor:
    return owner_of(make_organization())


@pytest.fixture
def send() -> Callable[[], int]:
    """Fans out and sends what is due now; returns how many requests were made."""

    def run() -> int:
        sender = Sender()
        asyncio.run(sender.run_until_idle())
        return sender.sent

    return run
