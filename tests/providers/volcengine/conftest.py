"""Fixtures of the tests of Volcengine's adapters."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.providers.volcengine.vod_stub import VodStub


@pytest.fixture
def vendor() -> Iterator[VodStub]:
    """Volcengine VOD, listening."""
    with VodStub() as running:
        yield running
