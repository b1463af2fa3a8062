"""Lists and doors of jobs: query counts that do not grow, keyset pages, search, and strangers."""

from __future__ import annotations

from typing import Any

import pytest

from apps.core.errors import ApiError
from apps.jobs import selectors
from apps.jobs.models import Artefact, Job
from apps.jobs.services.submit import submit
from tests.factories import make_organization, owner_of
from tests.jobs.helpers import order

pytestmark = pytest.mark.django_db


@pytest.fixture
def actor() -> Any:
    return owner_of(make_organization())


def some(actor: Any, count: int) -> list[str]:
    ids = [submit(actor=actor, order=order(title=f"Talk {n}")).jobs[0].id for n in range(count)]
    for job in Job.objects.filter(public_id__in=ids):
        Artefact.objects.create(
            organization=actor.organization, job=job, kind="video", format="mp4", file_name="a.mp4",
            storage_key=f"artefacts/{job.public_id}", content_type="video/mp4", size=1, sha256="0" * 64,
        )  # fmt: skip
    return ids


@pytest.mark.parametrize("count", [1, 3])
def test_a_list_costs_two_queries(actor: Any, count: int, django_assert_num_queries: Any) -> None:
    some(actor, count)
    with django_assert_num_queries(2):
        for job in selectors.jobs_for(actor).items:
            assert job.translation is not None and job.hold is not None
            assert job.translation.project.source_asset.public_id and job.hold.amount
            assert len(job.artefacts.all()) == 1


def test_pages_are_complete_and_without_repeats(actor: Any) -> None:
    ids = some(actor, 5)
    seen, cursor = [], ""
    while True:
        page = selectors.jobs_for(actor, limit=2, cursor=cursor)
        seen += [job.public_id for job in page.items]
        if not (cursor := page.next_cursor):
            break
    assert seen == ids[::-1]


def test_search_and_filters(actor: Any) -> None:
    ids = some(actor, 3)
    assert [job.public_id for job in selectors.jobs_for(actor, search="talk 1").items] == [ids[1]]
    assert [job.public_id for job in selectors.jobs_for(actor, search=ids[2]).items] == [ids[2]]
    assert len(selectors.jobs_for(actor, search="PT-br").items) == 3
    assert selectors.jobs_for(actor, status="failed").items == []
    assert len(selectors.jobs_for(actor, model="translate", status="processing").items) == 3
    for status, cursor in (("sleeping", ""), ("", "-1")):
        with pytest.raises(ApiError) as caught:
            selectors.jobs_for(actor, status=status, cursor=cursor)
        assert caught.value.code == 5


def test_strangers_find_nothing(actor: Any) -> None:
    (public_id,) = some(actor, 1)
    stranger = owner_of(make_organization())
    job = selectors.job_for(actor, public_id)
    translation = job.translation
    assert translation is not None
    assert selectors.jobs_for(stranger).items == []
    assert selectors.artefacts_for(stranger, job) == [] and selectors.events_for_job(stranger, job) == []
    for ask in (
        lambda: selectors.job_for(stranger, public_id),
        lambda: selectors.artefact_for(stranger, job.artefacts.get().public_id),
        lambda: selectors.transcript_for(stranger, translation),
    ):
        with pytest.raises(ApiError) as caught:
            ask()
        assert caught.value.http_status == 404


def test_the_timeline_is_in_order_and_goes_on_after_an_event(actor: Any) -> None:
    (public_id,) = some(actor, 1)
    job = selectors.job_for(actor, public_id)
    events = selectors.events_for_job(actor, job)
    assert [event.type for event in events] == ["job.created"]
    assert selectors.events_for_job(actor, job, after=events[-1].pk) == []
