"""New job: the form, its live price and code sample, and the submission."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.views.decorators.http import require_POST

from apps.accounts.actor import Actor
from apps.accounts.permissions import require
from apps.core import languages
from apps.core.errors import ApiError
from apps.glossaries.selectors import glossaries_for
from apps.jobs import services
from apps.jobs.services.offered import providers_offered
from apps.jobs.services.routing import usable_for
from apps.plans.selectors import plan_for
from apps.plans.services import estimate
from apps.projects.selectors import asset_for
from apps.web import coverage, orderform, samples
from apps.web.access import PageRequest, actor_of, member_page
from apps.web.messages import sentence
from apps.web.sampleclip import sample_asset
from apps.web.templatetags.web import autonym, language

SAMPLE_LANGUAGE = "en-US"
# What most people translate into; shown above the rest of the list.
COMMON = ("es-ES", "pt-BR", "fr-FR", "de-DE", "zh-CN", "ja-JP", "hi-IN", "ar-SA", "it-IT", "ru-RU", "ko-KR", "id-ID")


@member_page
def new(request: PageRequest) -> HttpResponse:
    """The form; POST submits it."""
    actor = actor_of(request)
    require(actor, "jobs.submit")
    draft = orderform.read(request.POST, usable_for(actor))
    if request.method == "POST":
        if draft.ready and draft.order is not None:
            try:
                admitted = services.submit(actor=actor, order=draft.order)
                return redirect("web:job", public_id=admitted.jobs[0].id)
            except ApiError as error:
                if error.http_status >= 500:
                    raise
                if error.errors:
                    draft.errors = error.errors
                else:
                    messages.error(request, sentence(error))
        elif draft.missing:
            messages.error(request, orderform.say_missing(draft))
    status = 200 if request.method == "GET" else 422
    return render(request, "web/job_new.html", _context(request, draft), status=status)


@member_page
@require_POST
def preview(request: PageRequest) -> HttpResponse:
    """The rail beside the form: price, button and code sample for what is chosen so far."""
    draft = orderform.read(request.POST, usable_for(actor_of(request)))
    return render(request, "web/partials/newjob_rail.html", rail(request, draft))


@member_page
def available(request: PageRequest) -> HttpResponse:
    """Which targets the installed providers can make from a source with these steps, as JSON for the picker."""
    steps = orderform.steps_of(request.GET)
    source, provider = request.GET.get("source") or "auto", request.GET.get("provider", "")
    return JsonResponse(coverage.targets_for(actor_of(request), source, steps, provider))


@member_page
@require_POST
def sample(request: PageRequest) -> HttpResponse:
    """Orders a translation of our own short clip."""
    actor = actor_of(request)
    require(actor, "jobs.submit")
    asset = sample_asset(actor)
    body = {"source": {"asset": asset.public_id}, "source_language": SAMPLE_LANGUAGE}
    target, steps = _sample_target(actor)
    order = orderform.from_body(body | {"target_locales": [target], "steps": steps})
    admitted = services.submit(actor=actor, order=order)
    return redirect("web:job", public_id=admitted.jobs[0].id)


def _sample_target(actor: Actor) -> tuple[str, list[str]]:
    """The reader's own language if it can be made here, else the first usual one that can; with a voice if possible."""
    mine = {"es": "es-ES", "zh-hans": "zh-CN", "ru": "ru-RU"}.get(get_language() or "", COMMON[0])
    for steps in (["subtitles", "voice"], ["subtitles"]):
        able = coverage.targets_for(actor, SAMPLE_LANGUAGE, steps, coverage.BUILT_IN)
        for code in (mine, *COMMON, *able):
            if code in able:
                return code, steps
    return mine, ["subtitles"]  # nothing is installed: the refusal says so in words


def rail(request: PageRequest, draft: orderform.Draft) -> dict[str, Any]:
    """Context of the rail: the price at the known or supposed length, and what is set aside until it is measured."""
    actor = actor_of(request)
    cost, held = None, 0
    if draft.order is not None and "target_locales" not in draft.missing and not draft.errors:
        measured = _measured(request, draft)
        cost = estimate(actor=actor, order=draft.order, duration_ms=measured or draft.duration_ms)
        held = cost.total if measured else estimate(actor=actor, order=draft.order, duration_ms=None).total
    body = dict(draft.body)
    body["source"] = body["source"] or {"asset": "ast_…"}
    return {
        "draft": draft,
        "cost": cost,
        "held": held,
        "short": cost is not None and cost.available < held,
        "missing": orderform.say_missing(draft),
        "curl": samples.highlighted(samples.curl(body)),
        "python": samples.highlighted(samples.python(body)),
    }


def _measured(request: PageRequest, draft: orderform.Draft) -> int | None:
    """Length of the chosen asset in ms, once a worker has measured it."""
    asset_id = draft.body["source"].get("asset")
    try:
        return asset_for(actor_of(request), asset_id).duration_ms if asset_id else None
    except ApiError:
        return None  # the order's own check will say what is wrong with it


def _context(request: PageRequest, draft: orderform.Draft) -> dict[str, Any]:
    actor = actor_of(request)
    plan = plan_for(actor.organization)
    provider = str(draft.body.get("provider", ""))
    able = coverage.targets_for(actor, str(draft.body["source_language"]), list(draft.body["steps"]), provider)
    chosen = draft.body["target_locales"]
    offered = [row for row in providers_offered(actor=actor) if row.capabilities["steps"]]
    return rail(request, draft) | {
        "post": request.POST,
        "body": draft.body,
        "sources": sorted(
            ((code, language(code), autonym(code)) for code in languages.sources()), key=lambda row: row[1]
        ),
        "targets": [(*row, able.get(row[0])) for row in sorted(_targets(), key=lambda row: row[0] not in able)],
        "off_from": next(
            (row[0] for row in sorted(_targets(), key=lambda row: row[0] not in able) if row[0] not in able), ""
        ),
        "chosen": chosen,
        "glossaries": glossaries_for(actor, limit=100),
        # Some do lip sync only.
        "providers": offered,
        "lipsync_offered": any(row.available and "lipsync" in row.capabilities["steps"] for row in offered),
        "plan": plan,
        "max_bytes": plan.max_file_bytes if plan else settings.ENGINE["max_source_mb"] << 20,
    }


def _targets() -> list[tuple[str, str, str]]:
    """Name, own name and code of each target, the usual ones first."""
    rows = [(code, language(code), autonym(code)) for code in languages.targets()]
    place = {code: index for index, code in enumerate(COMMON)}
    return sorted(rows, key=lambda row: (place.get(row[0], len(place)), row[1]))
