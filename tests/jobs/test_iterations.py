"""Iterations: a finished translation rendered again from edited text; what is spoken, what is charged, what is refused."""

from __future__ import annotations

import io
import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import soundfile
from django.db import connections
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from apps.accounts.actor import Actor
from apps.core import clock
from apps.core.errors import ApiError
from apps.core.options import SubtitleStyle, VoiceOptions
from apps.engine.transcript import Line, Speaker
from apps.engine.transcript import Transcript as Document
from apps.events.models import Event
from apps.jobs import services
from apps.jobs.models import ConcurrencyCounter, Job
from apps.jobs.services import publish, reuse
from apps.jobs.services.iterations import IterationChanges, estimate_iteration, submit_iteration
from apps.jobs.services.leases import claim
from apps.plans.models import Hold, Plan, RateCard
from apps.plans.services import check_books, price_changes, price_items
from apps.projects import storage
from apps.projects.models import Asset, Transcript, Translation
from apps.projects.services import create_asset_from_file, save_revision
from tests.factories import make_organization, owner_of
from tests.jobs.helpers import make_clip, order, stored_asset, submitted
from tests.jobs.helpers import subtitle_asset as given_subtitles
from tests.sites import challenged
from tests.threads import at_once

pytestmark = [pytest.mark.django_db(transaction=True)]
VOICE_A_MINUTE = 5000  # the card that is installed (apps/plans/catalog.py)
DUB = {"target_locales": ["de-DE"], "steps": ["subtitles", "voice"]}


@pytest.fixture
def actor() -> Any:
    return owner_of(make_organization())


def run(job: Job) -> Job:
    services.advance(job.public_id)
    assert services.run_engine(job.public_id)
    return Job.objects.select_related("hold", "translation").get(pk=job.pk)


def finish(job: Job) -> Job:
    """The good end of a job without the engine's work."""
    taken = claim(job.public_id)
    assert taken is not None
    Job.objects.filter(pk=job.pk).update(provider="local")
    assert publish.complete(taken, owner=taken.lease_owner, artefacts=[], measured_ms=61_200, timings={})
    return Job.objects.select_related("hold", "translation").get(pk=job.pk)


def rendered(actor: Actor, **fields: Any) -> tuple[Job, Translation]:
    """A finished German dub of a minute as rows: two lines, of 1.2 s each."""
    asset = stored_asset(actor.organization)
    job = submitted(actor, order(source={"asset": asset.public_id}, **(DUB | fields)))
    assert job.translation is not None
    lines = [
        Line(id="l1", start=0.2, end=1.4, source="Good morning.", target="Guten Morgen.", speaker="s1"),
        Line(id="l2", start=1.6, end=2.8, source="Let us start.", target="Fangen wir an.", speaker="s1"),
    ]
    document = Document(
        source_language="en-US", target_locale="de-DE", duration=61.2, speakers=[Speaker("s1", "S")], lines=lines
    )
    save_revision(actor=None, translation=job.translation, document=document, origin=Transcript.Origin.TRANSLATED)
    return finish(job), job.translation


def edited(actor: Actor, translation: Translation, **texts: str) -> Transcript:
    """The newest revision with other words for some lines ("line0", "line1", ...)."""
    newest = Transcript.objects.filter(translation=translation).first()
    assert newest is not None
    document = msgspec.convert(newest.document, Document)
    for name, text in texts.items():
        document.lines[int(name.removeprefix("line"))].target = text
    return services.edit_transcript(
        actor=actor, translation=translation, document=document, expected_revision=newest.revision
    )


def voice(job: Job) -> Any:
    """Samples of the dub's voice track."""
    with storage.open_key(job.artefacts.get(kind="voice").storage_key) as stream:
        samples, rate = soundfile.read(io.BytesIO(stream.read()), dtype="int16")
    assert rate == 48_000
    return samples


def assert_open_books(actor: Actor, running: int = 0) -> None:
    assert check_books() == []
    assert ConcurrencyCounter.objects.get(organization=actor.organization, api_key=None).running == running
    for hold in Hold.objects.all():
        assert hold.captured <= hold.amount


def dubbed(actor: Actor, folder: Path) -> tuple[Job, Translation]:
    """A German dub by the engine: espeak-ng speaks it, which needs no weights."""
    clip = create_asset_from_file(actor=actor, path=make_clip(folder / "clip.wav", video=False), file_name="clip.wav")
    given = {"asset": given_subtitles(actor, folder).public_id, "usage": "final_translated"}
    job = run(submitted(actor, order(source={"asset": clip.public_id}, subtitle=given, export_type="audio", **DUB)))
    assert (job.status, job.error) == ("completed", "")
    assert job.translation is not None
    return job, job.translation


def run_killed_at(job: Job, stage: str) -> None:
    """A process works on the job and is killed with -9 in that stage; its lease then runs out."""
    services.advance(job.public_id)
    connections.close_all()
    child = os.fork()
    if child == 0:
        try:
            services.run_engine(job.public_id)
        finally:
            os._exit(0)
    deadline = time.monotonic() + 60
    while Job.objects.get(pk=job.pk).stage != stage and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    job.refresh_from_db()
    assert (job.status, job.stage) == ("processing", stage)
    Job.objects.filter(pk=job.pk).update(lease_until=clock.now())


@pytest.mark.engine
def test_one_changed_line_is_spoken_and_charged_and_the_other_is_untouched(actor: Any, tmp_path: Path) -> None:
    first, translation = dubbed(actor, tmp_path)
    newest = Transcript.objects.get(translation=translation)
    document = msgspec.convert(newest.document, Document)
    document.lines[1].target = "Wir fangen gleich an."
    document.speakers = [Speaker("a0", "A new one"), *document.speakers]
    document.lines.append(Line(id="new", start=2.85, end=2.99, source="", target="Ja.", speaker="a0"))
    row = services.edit_transcript(
        actor=actor, translation=translation, document=document, expected_revision=newest.revision
    )
    estimate = estimate_iteration(actor=actor, translation=translation)
    assert len(estimate.rework.changes.spoken) == 2 and estimate.rework.changes.spoken_ms == 1340
    assert estimate.total == -(-2 * VOICE_A_MINUTE // 60), "2 started seconds"
    job = submit_iteration(actor=actor, translation=translation)
    assert (job.iteration, job.base_job_id, job.reviewed_revision) == (2, first.pk, row.revision)
    told = Event.objects.get(subject_id=job.public_id, type="job.created")
    assert (told.data["changed_lines"], told.data["base"]) == (2, first.public_id)
    run_killed_at(job, "speak")
    job = run(job)
    assert (job.status, job.error, job.tries) == ("completed", "", 2)
    assert set(job.timings) == {"fetch", "probe", "separate", "speak", "render", "publish"}
    assert job.charged == estimate.total == job.estimate
    with storage.open_key(job.artefacts.get(kind="subtitle_target", format="srt").storage_key) as stream:
        text = stream.read().decode()
    assert "Wir fangen gleich an." in text and "Bom dia" in text
    kept = {who: spoken for who, spoken in job.provider_memo["voices"].items() if who != "a0"}
    assert kept == first.provider_memo["voices"], "nobody speaks with another voice than before"
    before, after = voice(first), voice(job)
    edge = round(1.5 * 48_000)  # between the two lines
    assert len(before) == len(after)
    assert np.array_equal(before[:edge], after[:edge]), "the first line is the same, sample by sample"
    assert not np.array_equal(before[edge:], after[edge:])

    # What was kept may vanish: the first text again gives the first sound again.
    folder = reuse.folder_for(translation.project.source_asset)
    assert folder is not None and any(folder.glob("separate-*")) and any(folder.glob("lines/*.wav"))
    shutil.rmtree(folder)
    again = run(submit_iteration(actor=actor, translation=translation, revision=newest.revision))
    assert np.array_equal(before, voice(again))
    Asset.objects.update(status="deleted")
    assert reuse.clean_reuse() >= 1 and not folder.exists()
    assert_open_books(actor)


def test_the_next_iteration_is_compared_with_the_one_before(actor: Any) -> None:
    _first, translation = rendered(actor)
    edited(actor, translation, line0="Guten Tag.")
    second = finish(submit_iteration(actor=actor, translation=translation))
    edited(actor, translation, line1="Also los.")
    estimate = estimate_iteration(actor=actor, translation=translation)
    assert len(estimate.rework.changes.spoken) == 1, "the first line was paid in the second iteration"
    assert estimate.rework.base == second
    back = estimate_iteration(actor=actor, translation=translation, revision=1)
    assert len(back.rework.changes.spoken) == 1, "only the line that the second iteration changed"
    third = finish(submit_iteration(actor=actor, translation=translation, revision=1))
    assert (third.iteration, third.status, third.charged) == (3, "completed", back.total)
    assert_open_books(actor)


def test_new_words_cost_their_speech_however_short_their_times_are_made(actor: Any) -> None:
    _first, translation = rendered(actor)
    newest = Transcript.objects.get(translation=translation)
    document = msgspec.convert(newest.document, Document)
    for line in document.lines:
        line.end, line.target = line.start, "Die Stille hinter einer Zeile gehört ihr auch. " * 4
    services.edit_transcript(actor=actor, translation=translation, document=document, expected_revision=newest.revision)
    estimate = estimate_iteration(actor=actor, translation=translation)
    assert estimate.rework.changes.spoken_ms >= 2 * 4 * 46 * 30
    done = finish(submit_iteration(actor=actor, translation=translation))
    assert done.charged == estimate.total >= 11 * VOICE_A_MINUTE // 60
    assert_open_books(actor)


def test_style_and_volume_are_free_and_another_voice_is_every_line(actor: Any) -> None:
    _first, translation = rendered(actor)
    style = IterationChanges(subtitle_style=SubtitleStyle(font_size=40), voice=VoiceOptions(background_volume=30))
    estimate = estimate_iteration(actor=actor, translation=translation, changes=style)
    assert (estimate.total, estimate.rework.options, estimate.rework.nothing) == (0, ("subtitle_style", "voice"), False)
    done = finish(submit_iteration(actor=actor, translation=translation, changes=style))
    assert (done.status, done.charged, done.order["subtitle_style"]["font_size"]) == ("completed", 0, 40)
    assert done.hold is not None and done.hold.status == "released"
    flat = IterationChanges(voice=VoiceOptions(emotion="off"))
    estimate = estimate_iteration(actor=actor, translation=translation, changes=flat)
    assert len(estimate.rework.changes.spoken) == 2
    assert estimate.total == 3 * VOICE_A_MINUTE // 60, "2.4 s are 3 started seconds"
    RateCard.objects.create(service="translate", item="render", unit="minute", millicredits=700)
    assert estimate_iteration(actor=actor, translation=translation, changes=flat).total == estimate.total + 1400
    assert_open_books(actor)


def test_what_was_not_part_of_the_first_order_costs_its_full_price(actor: Any) -> None:
    _first, translation = rendered(actor)
    covered = IterationChanges(subtitle_style=SubtitleStyle(erase_source=True))
    with pytest.raises(ApiError) as caught:
        submit_iteration(actor=actor, translation=translation, changes=covered)
    assert (caught.value.code, list(caught.value.errors)) == (5, ["ocr_text_box"])
    assert_open_books(actor)


def test_refusals(actor: Any) -> None:
    stranger = owner_of(make_organization())
    waiting, translation = waiting_job(actor)

    def refused(code: int, *fields: str, who: Actor = actor, **more: Any) -> ApiError:
        before = Job.objects.count(), Hold.objects.count()
        with pytest.raises(ApiError) as caught:
            submit_iteration(actor=who, translation=translation, **more)
        assert (Job.objects.count(), Hold.objects.count()) == before
        assert (caught.value.code, tuple(caught.value.errors)) == (code, fields)
        return caught.value

    refused(4090)  # not finished, no transcript
    finish(waiting)
    refused(4040, who=stranger)
    refused(5, "revision", revision=77)
    refused(5, "review_after", changes=IterationChanges(review_after="translate"))
    refused(5, "callback_url", callback_url="http://127.0.0.1:1/x")
    refused(5, "export_type", changes=IterationChanges(export_type="audio"))
    edited(actor, translation, line0="Outra vez.")
    open_one = submit_iteration(actor=actor, translation=translation)
    refused(4090)
    finish(open_one)
    Plan.objects.update(translate_concurrency=0)
    assert refused(1304).headers["Retry-After"]
    Plan.objects.update(translate_concurrency=5)
    Asset.objects.update(status="deleted")
    refused(5, "source.asset")
    assert_open_books(actor)


def test_an_iteration_needs_credits_and_a_retry_costs_the_same(actor: Any) -> None:
    _first, translation = rendered(actor)
    edited(actor, translation, line0="Guten Tag.")
    RateCard.objects.filter(item="voice").update(millicredits=600_000_000)
    with pytest.raises(ApiError) as caught:
        submit_iteration(actor=actor, translation=translation)
    assert (caught.value.code, caught.value.extra["needed"]) == (104, "20000.0")
    RateCard.objects.filter(item="voice").update(millicredits=VOICE_A_MINUTE)
    job = submit_iteration(actor=actor, translation=translation)
    price = job.estimate
    services.cancel_job(actor=actor, job=job)
    again = services.retry_job(actor=actor, job=job)
    assert (again.estimate, again.attempt) == (price, 2)
    RateCard.objects.filter(item="voice").update(millicredits=100 * VOICE_A_MINUTE)
    done = finish(again)
    assert (done.status, done.charged) == ("completed", price), "never more than was set aside"
    assert_open_books(actor)


def test_of_two_iterations_at_once_one_is_admitted(actor: Any) -> None:
    _first, translation = rendered(actor)
    edited(actor, translation, line0="Guten Tag.")

    def again(_number: int) -> int:
        try:
            submit_iteration(actor=actor, translation=translation)
        except ApiError as error:
            return error.code
        return 0

    assert sorted(at_once(6, again)) == [0, 4090, 4090, 4090, 4090, 4090]
    assert Job.objects.filter(translation=translation, iteration=2).count() == 1
    assert_open_books(actor, running=1)


def test_a_new_callback_url_is_challenged_once(actor: Any, settings: Any) -> None:
    settings.PRIVATE_HOSTS_ALLOWED = ("127.0.0.1",)
    _first, translation = rendered(actor)
    with challenged() as (root, seen):
        with pytest.raises(ApiError) as caught:
            submit_iteration(actor=actor, translation=translation, callback_url=f"{root}/broken")
        assert (caught.value.code, list(caught.value.errors)) == (1301, ["callback_url"])
        assert not Job.objects.filter(base_job__isnull=False).exists()
        for _ in range(2):
            job = submit_iteration(actor=actor, translation=translation, callback_url=f"{root}/json")
            assert job.callback_url == f"{root}/json"
            services.cancel_job(actor=actor, job=job)
        assert len(seen) == 2, "one refused, one proved, none asked again"
    assert_open_books(actor)


def test_a_settle_that_fails_leaves_nothing(actor: Any) -> None:
    _first, translation = rendered(actor)
    seen: list[Job] = []

    def settle(job: Job) -> None:
        seen.append(job)
        raise RuntimeError("the dialect's own row could not be written")

    with pytest.raises(RuntimeError):
        submit_iteration(actor=actor, translation=translation, settle=settle, dialect="azure")
    assert seen[0].dialect == "azure"
    assert not Job.objects.filter(base_job__isnull=False).exists()
    assert_open_books(actor)


def waiting_job(actor: Actor) -> tuple[Job, Translation]:
    """An order whose text is there already, not finished yet."""
    job = submitted(actor, order(source={"asset": stored_asset(actor.organization).public_id}))
    assert job.translation is not None
    lines = [Line(id="l1", start=0.2, end=1.4, target="Bom dia.")]
    document = Document(source_language="en-US", target_locale="pt-BR", duration=61.2, lines=lines)
    save_revision(actor=None, translation=job.translation, document=document, origin=Transcript.Origin.TRANSLATED)
    return job, job.translation


@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changed=st.lists(st.integers(0, 90_000), max_size=6),
    duration=st.integers(1, 200_000),
    items=st.sampled_from([["subtitles"], ["subtitles", "voice"], ["subtitles", "voice", "lipsync"]]),
)
def test_changed_lines_never_cost_more_than_a_new_order(changed: list[int], duration: int, items: list[str]) -> None:
    plan = Plan.objects.get(code="business")
    whole = sum(
        row[3] for row in price_items(plan_id=plan.pk, service="translate", items=items[1:], duration_ms=duration)
    )
    before = 0
    for number in range(len(changed) + 1):
        spoken = sum(changed[:number])
        rows = price_changes(plan_id=plan.pk, items=items, changed_ms=spoken, duration_ms=duration)
        total = sum(row[3] for row in rows)
        assert before <= total <= whole, "more lines never cost less, all of them never more than the whole"
        assert (total == 0) == (spoken == 0 or items == ["subtitles"])
        before = total
