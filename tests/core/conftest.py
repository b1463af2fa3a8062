"""What the tests of the outbound door share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.core.hostile import Hostile, hostile


@pytest.fixture
def host() -> Iterator[Hostile]:
    with hostile() as made:
        yield made
