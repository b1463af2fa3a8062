"""The state machine: the table itself, and a real job driven at random through the verbs (hypothesis)."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from pathlib import Path

import pytest
from django.conf import settings
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from apps.core.errors import ApiError, JobError
from apps.engine.transcript import Line, Transcript
from apps.events.models import Event
from apps.jobs import services, states
from apps.jobs.models import ConcurrencyCounter, Job
from apps.jobs.services import publish, review
from apps.jobs.services.leases import claim, give_back
from apps.plans.models import Hold, LedgerEntry
from apps.plans.services import check_books
from tests.factories import make_organization, owner_of
from tests.jobs.helpers import submitted, subtitles_order

DOCUMENT = Transcript(
    source_language="en-US", target_locale="pt-BR", duration=3.0, lines=[Line(id="1", start=0, end=1)]
)


def test_every_status_is_known_and_final_ones_are_left_only_by_retry() -> None:
    assert set(Job.Status.values) == set(states.STATUSES)
    for step in states.TRANSITIONS:
        assert step.target in states.STATUSES and set(step.sources) <= set(states.STATUSES)
    leaving = {step.verb for step in states.TRANSITIONS if set(step.sources) & set(states.FINAL)}
    assert leaving == {"retry"}
    assert not any(states.may(verb, "completed") for verb in states.BY_VERB), "completed is the end"


@given(voice=st.booleans(), lipsync=st.booleans(), review_after=st.sampled_from(["never", "recognize", "translate"]))
def test_stages_begin_queued_end_done_and_are_all_known(voice: bool, lipsync: bool, review_after: str) -> None:
    stages = states.stages_for(voice=voice, review_after=review_after, lipsync=lipsync)
    assert stages[0] == "queued" and stages[-2:] == ["publish", "done"]
    assert set(stages) <= set(Job.Stage.values) and len(set(stages)) == len(stages)
    assert ("speak" in stages) == voice and ("lipsync" in stages) == lipsync
    if review_after != "never":
        assert stages[stages.index("review") - 1] == review_after


def test_the_drawn_table_is_the_one_in_the_docs() -> None:
    document = Path(settings.BASE_DIR) / "docs" / "architecture.md"
    assert states.draw_table() in document.read_text(encoding="utf-8"), "run: manage.py draw_states"


class JobMachine(RuleBasedStateMachine):
    """Drives one job by every verb in any order; whatever is not in the table must refuse and change nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="kinoglot-states-"))
        self.actor = owner_of(make_organization(credits=100_000))
        self.job = submitted(self.actor, subtitles_order(self.actor, self.folder, review_after="translate"))
        self.expected = "processing"

    def teardown(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _taken(self) -> Job | None:
        Job.objects.filter(pk=self.job.pk).update(tries=0)
        return claim(self.job.public_id)

    def _moves(self, verb: str, moved: bool) -> None:
        assert moved == states.may(verb, self.expected)
        if moved:
            self.expected = states.BY_VERB[verb].target

    @rule()
    def pause(self) -> None:
        job = self._taken()
        assert (job is not None) == (self.expected == "processing")
        if job is not None:
            self._moves("pause", review.pause_job(job, owner=job.lease_owner, stage="translate", document=DOCUMENT))

    @rule()
    def complete(self) -> None:
        job = self._taken()
        if job is not None:
            done = {"artefacts": [], "measured_ms": 3000, "timings": {}}
            self._moves("complete", publish.complete(job, owner=job.lease_owner, **done))  # type: ignore[arg-type]
            assert not publish.complete(job, owner=job.lease_owner, **done), "twice"  # type: ignore[arg-type]

    @rule()
    def complete_late(self) -> None:
        job = self._taken()
        if job is not None:
            assert give_back(job)
            assert not publish.complete(job, owner=job.lease_owner, artefacts=[], measured_ms=3000, timings={})

    @rule()
    def fail(self) -> None:
        self._moves("fail", services.fail_job(self.job, JobError(10903)))

    @rule(verb=st.sampled_from(["cancel", "resume", "retry"]))
    def ask(self, verb: str) -> None:
        call = {"cancel": services.cancel_job, "resume": services.resume_job, "retry": services.retry_job}[verb]
        if verb == "cancel" and self.expected == "canceled":
            assert services.cancel_job(actor=self.actor, job=self.job).status == "canceled"
            return
        try:
            call(actor=self.actor, job=self.job)
        except ApiError as error:
            assert error.http_status == 409
            self._moves(verb, False)
        else:
            self._moves(verb, True)

    @precondition(lambda self: self.expected == "processing")
    @rule()
    def worker_dies(self) -> None:
        assert self._taken() is not None
        Job.objects.filter(pk=self.job.pk).update(lease_owner="", lease_until=None)

    @invariant()
    def everything_agrees(self) -> None:
        job = Job.objects.get(pk=self.job.pk)
        assert job.status == self.expected
        counter = ConcurrencyCounter.objects.get(organization=self.actor.organization, api_key=None)
        assert counter.running == (job.status == "processing")
        holds = list(Hold.objects.filter(job_public_id=job.public_id).order_by("attempt"))
        assert len(holds) == job.attempt
        assert all(hold.status != "placed" for hold in holds[:-1])
        ends = {"completed": "captured", "failed": "released", "canceled": "released"}
        assert holds[-1].status == ends.get(job.status, "placed")
        captured = LedgerEntry.objects.filter(job_public_id=job.public_id, kind="capture").count()
        assert captured == (job.status == "completed")
        assert check_books() == []

    @invariant()
    def every_step_is_told(self) -> None:
        told = list(
            Event.objects.filter(subject_id=self.job.public_id)
            .exclude(type__in=["job.stage", "job.routed", "job.created"])
            .order_by("id")
            .values_list("type", flat=True)
        )
        targets = {step.event: step.target for step in states.TRANSITIONS}
        walked = ["processing", *(targets[kind] for kind in told)]
        assert walked[-1] == self.expected
        for old, new in itertools.pairwise(walked):
            assert any(old in step.sources and step.target == new for step in states.TRANSITIONS)


@pytest.mark.django_db
def test_any_order_of_verbs_keeps_the_table_the_books_and_the_slots() -> None:
    run_state_machine_as_test(
        JobMachine,
        settings=hypothesis_settings(
            max_examples=12,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
