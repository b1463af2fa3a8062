"""Every list of the console costs a fixed number of queries, however many rows there are, and counts no table."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from tests.console.conftest import add_everything
from tests.console.test_pages import IDS, MODELS, name, queries_of
from tests.factories import make_user

pytestmark = pytest.mark.django_db
OneRow = dict[type, list[str]]


@pytest.fixture(scope="module")
def one_row(populated: None, django_db_blocker: pytest.FixtureRequest) -> OneRow:
    """The queries of each list with one row of everything; afterwards there are three."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        client = Client()
        client.force_login(make_user(is_staff=True, is_superuser=True))
        found = {}
        for model in MODELS:
            url = reverse(name(model, "changelist"))
            queries_of(client, url)  # content types and the like are cached now
            found[model] = queries_of(client, url)
        add_everything()
        add_everything()
    return found


@pytest.mark.parametrize("model", MODELS, ids=IDS)
def test_a_list_costs_the_same_at_three_rows_as_at_one_and_counts_nothing(
    staff: Client, one_row: OneRow, model: type
) -> None:
    one, three = one_row[model], queries_of(staff, reverse(name(model, "changelist")))
    assert len(three) == len(one), "\n".join(three)
    assert not [sql for sql in three if "COUNT(" in sql.upper()]
    # session and user, then the list; a date hierarchy and an annotated list may add two more.
    assert len(three) <= 6, "\n".join(three)
