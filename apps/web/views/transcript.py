"""The transcript of a job: read beside the player, corrected while the job waits for review and after it, then rendered again."""

from __future__ import annotations

import msgspec
from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from apps.accounts.actor import Actor
from apps.accounts.permissions import allows, require
from apps.core.errors import PRECONDITION, ApiError
from apps.engine.transcript import Transcript as Document
from apps.jobs import selectors, services
from apps.jobs.models import Job
from apps.jobs.states import OPEN
from apps.projects.models import Transcript
from apps.web import again as rendering
from apps.web import jobpage, listing
from apps.web.access import PageRequest, actor_of, member_page
from apps.web.transcriptlines import lines_of
from apps.web.views.job import order_again


@member_page
def page(request: PageRequest, public_id: str) -> HttpResponse:
    """GET shows the newest revision; POST saves an edited one, and resumes the job if asked to."""
    actor = actor_of(request)
    job = selectors.job_for(actor=actor, public_id=public_id)
    revision = newest(job)
    if revision is None:
        messages.info(request, gettext("There is no transcript yet. It appears once the speech is recognized."))
        return redirect("web:job", public_id=public_id)
    rework = rendering.again_for(actor, job)
    editable = is_editable(actor, job)
    if request.method == "POST":
        require(actor, "transcripts.edit")
        return _save(request, job, revision)
    document = msgspec.convert(revision.document, Document)
    artefacts = list(selectors.artefacts_for(actor=actor, job=job))
    asset = job.translation.project.source_asset if job.translation else None
    media = jobpage.target_media(artefacts) or jobpage.source_media(asset, artefacts)
    context = {
        "job": job,
        "title": listing.title_of(job),
        "revision": revision,
        "document": document,
        "lines": lines_of(document),
        "editable": editable,
        "side": side_of(job),
        "media": media,
        "audio_only": media is not None and media.content_type.startswith("audio/"),
        "source_language": document.source_language or "auto",
        "duration_ms": document.duration * 1000,
        "again": rework,
        "may_resume": job.status == Job.Status.PAUSED and editable and allows(actor, "jobs.resume"),
    }
    return render(request, "web/transcript.html", context)


@member_page
@require_POST
def again(request: PageRequest, public_id: str) -> HttpResponse:
    """What the text in the form, saved or not, would change and cost: the fragment beside the button."""
    actor = actor_of(request)
    job = selectors.job_for(actor=actor, public_id=public_id)
    revision = newest(job)
    document = msgspec.convert(revision.document, Document) if revision is not None else None
    if document is not None:
        apply(document, request.POST, side_of(job))
    return render(
        request,
        "web/partials/again.html",
        {"job": job, "again": rendering.again_for(actor, job, document), "form": True},
    )


def is_editable(actor: Actor, job: Job) -> bool:
    """While the job waits for review, and once it is done; not while another job reads the text."""
    if not allows(actor, "transcripts.edit"):
        return False
    if job.status == Job.Status.PAUSED:
        return True
    rows = rendering.iterations_of(actor, job)
    done = next((row for row in rows if row.status == Job.Status.COMPLETED), None)
    return done == job and not any(row.status in OPEN for row in rows)


def newest(job: Job) -> Transcript | None:
    """The newest revision of the job's translation."""
    return job.translation.transcripts.first() if job.translation else None


def side_of(job: Job) -> str:
    """Which text a review is about: the source before it is translated, the target after."""
    return "source" if job.status == Job.Status.PAUSED and job.order.get("review_after") == "recognize" else "target"


def _save(request: PageRequest, job: Job, revision: Transcript) -> HttpResponse:
    actor = actor_of(request)
    document = msgspec.convert(revision.document, Document)
    edited = apply(document, request.POST, side_of(job))
    try:
        if job.translation is not None and edited:
            given = request.POST.get("revision", "")
            expected = int(given) if given.isascii() and given.isdigit() and len(given) < 10 else 0
            services.edit_transcript(
                actor=actor, translation=job.translation, document=document, expected_revision=expected
            )
    except ApiError as error:
        if error.code != PRECONDITION:
            raise
        messages.error(
            request, gettext("Somebody saved another version meanwhile. Yours was not saved; load the page again.")
        )
        return redirect("web:job-transcript", public_id=job.public_id)
    if request.POST.get("then") == "resume":
        services.resume_job(actor=actor, job=job)
        messages.success(request, gettext("Saved. The job goes on."))
        return redirect("web:job", public_id=job.public_id)
    if request.POST.get("then") == "render":
        return order_again(request, job)
    messages.success(request, gettext("Saved."))
    return redirect("web:job-transcript", public_id=job.public_id)


def apply(document: Document, post: QueryDict, side: str) -> int:
    """Puts the posted texts into the document's lines; returns how many changed."""
    changed = 0
    for line in document.lines:
        text = post.get(f"line-{line.id}")
        if text is None:
            continue
        text = " ".join(text.split())
        if text != getattr(line, side):
            setattr(line, side, text)
            changed += 1
    return changed
