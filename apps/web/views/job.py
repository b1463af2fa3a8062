"""The job page: board, player, downloads, cost, timeline, and the verbs cancel, retry, resume."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from apps.core.errors import not_found
from apps.jobs import selectors, services
from apps.jobs.models import Job
from apps.jobs.services.iterations import estimate_iteration, submit_iteration
from apps.web import jobpage
from apps.web import peaks as waveform
from apps.web.access import PageRequest, actor_of, member_page


@member_page
def page(request: PageRequest, public_id: str) -> HttpResponse:
    """One job among its sister languages."""
    actor = actor_of(request)
    job = selectors.job_for(actor=actor, public_id=public_id)
    return render(request, "web/job.html", jobpage.full(actor, job))


@member_page
def board(request: PageRequest, public_id: str) -> HttpResponse:
    """Only the progress board, for the live page."""
    actor = actor_of(request)
    job = selectors.job_for(actor=actor, public_id=public_id)
    return render(request, "web/partials/board.html", jobpage.board_context(actor, job))


@member_page
def peaks(request: PageRequest, public_id: str) -> HttpResponse:
    """Loudness of the dub (or of the source's background) for the seek bar, as a short JSON list."""
    actor = actor_of(request)
    job = selectors.job_for(actor=actor, public_id=public_id)
    response = JsonResponse({"peaks": waveform.peaks_for(selectors.artefacts_for(actor=actor, job=job))})
    response["Cache-Control"] = "private, max-age=3600" if job.status == Job.Status.COMPLETED else "no-store"
    return response


@member_page
@require_POST
def cancel(request: PageRequest, public_id: str) -> HttpResponse:
    """Stops a job; what it held is given back."""
    actor = actor_of(request)
    services.cancel_job(actor=actor, job=selectors.job_for(actor=actor, public_id=public_id))
    messages.success(request, gettext("The job is being stopped. Its credits are given back."))
    return redirect("web:job", public_id=public_id)


@member_page
@require_POST
def retry(request: PageRequest, public_id: str) -> HttpResponse:
    """Runs a failed or canceled job again, from the last finished stage."""
    actor = actor_of(request)
    services.retry_job(actor=actor, job=selectors.job_for(actor=actor, public_id=public_id))
    messages.success(request, gettext("The job runs again."))
    return redirect("web:job", public_id=public_id)


@member_page
@require_POST
def resume(request: PageRequest, public_id: str) -> HttpResponse:
    """Lets a job that waits for review go on."""
    actor = actor_of(request)
    services.resume_job(actor=actor, job=selectors.job_for(actor=actor, public_id=public_id))
    messages.success(request, gettext("The job goes on."))
    return redirect("web:job", public_id=public_id)


@member_page
@require_POST
def render_again(request: PageRequest, public_id: str) -> HttpResponse:
    """Orders the next iteration of the job's translation, with its newest transcript."""
    actor = actor_of(request)
    job = selectors.job_for(actor=actor, public_id=public_id)
    return order_again(request, job)


def order_again(request: PageRequest, job: Job) -> HttpResponse:
    """The new job's page; or back with the new price, when it is more than the page showed."""
    actor = actor_of(request)
    if job.translation is None:
        raise not_found("translation")
    shown = request.POST.get("price", "")
    price = int(shown) if shown.isascii() and shown.isdigit() and len(shown) < 16 else 0
    found = estimate_iteration(actor=actor, translation=job.translation)
    if found.total > price:
        messages.info(request, gettext("The price has changed. Look at it once more before you render."))
        return redirect("web:job-transcript", public_id=job.public_id)
    made = submit_iteration(actor=actor, translation=job.translation)
    messages.success(request, gettext("Rendering again. Only what changed is charged."))
    return redirect("web:job", public_id=made.public_id)
