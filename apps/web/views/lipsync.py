"""The lip-sync studio: the form with its live price, faces to pick, the latest jobs; and all of a job whose first part was made."""

from __future__ import annotations

from typing import Any

import msgspec
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from apps.accounts.actor import Actor
from apps.accounts.permissions import require
from apps.core import errors
from apps.core.errors import ApiError
from apps.jobs import selectors, services
from apps.jobs.services.estimating import estimate_order
from apps.jobs.services.offered import providers_offered
from apps.jobs.services.orders import is_lipsync
from apps.jobs.services.routing import usable_for
from apps.plans.models import Service
from apps.plans.selectors import plan_for
from apps.projects.models import Asset
from apps.projects.selectors import asset_for
from apps.projects.services import create_asset_from_url
from apps.projects.services.faces import face_picture_url, look_for_faces
from apps.providers.orders import LipsyncResolution
from apps.web import lipsyncform, lipsyncjob, lipsyncpage, samples
from apps.web.access import PageRequest, actor_of, member_page
from apps.web.listing import items_for
from apps.web.messages import sentence

LATEST = 8
# Fields of the form that have a place of their own for what is wrong with them.
FIELDS = (
    "video",
    "image",
    "audio",
    "left_audio",
    "right_audio",
    "order",
    "faces",
    "mask_image",
    "resolution",
    "seed",
    "prompt",
    "provider",
    "title",
)


@member_page
def studio(request: PageRequest) -> HttpResponse:
    """The form; POST orders the first part or the whole. `?from=` fills it in as that job was ordered."""
    actor = actor_of(request)
    require(actor, "jobs.submit")
    post = request.POST if request.method == "POST" else _given(actor, request.GET.get("from", ""))
    draft = lipsyncform.read(post, usable_for(actor))
    refusal: ApiError | None = None
    if request.method == "POST":
        if draft.unmasked:
            draft.errors["mask_image"] = [gettext("The region was not sent. Draw it again, or choose everywhere.")]
        if draft.ready and draft.order is not None:
            try:
                admitted = services.submit(actor=actor, order=draft.order)
                return redirect("web:job", public_id=admitted.jobs[0].id)
            except ApiError as error:
                if error.http_status >= 500:
                    raise
                draft.errors = by_field(error)
                refusal = None if error.errors else error
        for name in draft.missing:
            draft.errors.setdefault(name, [gettext("This is still missing.")])
    status = 200 if request.method == "GET" else 422
    return render(request, "web/lipsync.html", _context(request, post, draft, refusal), status=status)


@member_page
@require_POST
def preview(request: PageRequest) -> HttpResponse:
    """The rail beside the form: prices, buttons and code sample for what is chosen so far; and what is wrong, beside its fields."""
    actor = actor_of(request)
    require(actor, "jobs.submit")
    draft = lipsyncform.read(request.POST, usable_for(actor))
    context = _rail(actor, draft) | {"fields": FIELDS, "beside": True}
    return render(request, "web/partials/lipsync_rail.html", context)


@member_page
def faces(request: PageRequest) -> HttpResponse:
    """The still of an uploaded picture or video with the faces on it; asked for again while they are looked for."""
    actor = actor_of(request)
    require(actor, "jobs.submit")
    asset = asset_for(actor, request.GET.get("asset", ""))
    model = request.GET.get("model", "")
    resolution: LipsyncResolution = "720p" if request.GET.get("resolution") == "720p" else "480p"
    try:
        look = look_for_faces(actor=actor, asset=asset, resolution=resolution)
    except ApiError as error:
        if error.http_status >= 500 or error.code == errors.NOT_FOUND:
            raise
        return render(request, "web/partials/lipsync_faces.html", {"refused": sentence(error), "status": "failed"})
    picked = [text for text in request.GET.getlist("picked") if text]
    listed = lipsyncpage.faces_of(look, model, picked) if look.status == "ready" else []
    usable = [face for face in listed if not face.problem]
    told = errors.job_codes().get(look.code or 0)
    context = {
        "look": look,
        "status": look.status,
        "model": model,
        "faces": listed,
        "usable": usable,
        "picture": face_picture_url(actor=actor, asset=asset) if look.status == "ready" else None,
        "title": told.title if told else "",
        "way_out": lipsyncjob.way_out(look.code),
    }
    return render(request, "web/partials/lipsync_faces.html", context)


@member_page
@require_POST
def take(request: PageRequest) -> HttpResponse:
    """A link becomes an asset that a worker fetches before anything is ordered: {"asset", "name"}, or {"error"} with 422."""
    actor = actor_of(request)
    kinds = {place.name: place.kind for place in lipsyncpage.PLACES}
    try:
        kind = kinds.get(request.POST.get("place", ""), Asset.Kind.MEDIA)
        asset = create_asset_from_url(actor=actor, url=request.POST.get("url", "").strip(), kind=kind)
    except ApiError as error:
        if error.http_status >= 500:
            raise
        texts = [text for given in error.errors.values() for text in given]
        return JsonResponse({"error": " ".join(texts) or sentence(error)}, status=422)
    return JsonResponse({"asset": asset.public_id, "name": asset.file_name or asset.source_url})


@member_page
def latest(request: PageRequest) -> HttpResponse:
    """Only the list of the latest jobs, for the live page."""
    return render(request, "web/partials/lipsync_latest.html", {"items": _latest(actor_of(request))})


@member_page
@require_POST
def render_whole(request: PageRequest, public_id: str) -> HttpResponse:
    """Orders all of what a job made the first part of, once; back with the new price, when it is more than the page showed."""
    actor = actor_of(request)
    require(actor, "jobs.submit")
    job = selectors.job_for(actor=actor, public_id=public_id)
    if not is_lipsync(job) or not job.order.get("first_seconds"):
        raise errors.not_found("first part")
    found = lipsyncjob.whole(actor, job)
    if found is not None and found.other is not None:
        return redirect("web:job", public_id=found.other.public_id)  # another tab or a colleague was faster
    order = lipsyncjob.whole_order(job)
    shown = request.POST.get("price", "")
    price = int(shown) if shown.isascii() and shown.isdigit() and len(shown) < 16 else 0
    if estimate_order(actor=actor, order=order).total > price:
        messages.info(request, gettext("The price has changed. Look at it once more before you render."))
        return redirect("web:job", public_id=public_id)
    admitted = services.submit(actor=actor, order=order)
    messages.success(request, gettext("All of it is being rendered, with the same files and choices."))
    return redirect("web:job", public_id=admitted.jobs[0].id)


def by_field(error: ApiError) -> dict[str, list[str]]:
    """What admission says about fields, by the field that shows it: "video.url" belongs to video."""
    found: dict[str, list[str]] = {}
    for name, texts in error.errors.items():
        found.setdefault(name.partition(".")[0], []).extend(texts)
    return found


def _given(actor: Actor, public_id: str) -> QueryDict:
    """The form as an earlier job was ordered; empty without one."""
    if not public_id:
        return QueryDict()
    job = selectors.job_for(actor=actor, public_id=public_id)
    if not is_lipsync(job):
        raise errors.not_found("job")
    kept = lipsyncjob.with_kept_files(job)
    return lipsyncform.of_order(msgspec.structs.replace(kept, callback_url=None))


def _latest(actor: Actor) -> list[Any]:
    return items_for(selectors.jobs_for(actor=actor, service=Service.LIPSYNC, limit=LATEST).items)


def _rail(actor: Actor, draft: lipsyncform.Draft) -> dict[str, Any]:
    price = lipsyncpage.price_of(actor, draft)
    draft.errors = by_field(errors.invalid(errors=draft.errors)) if draft.errors else {}
    body = {"formState": lipsyncjob.form_state(draft.fields)}
    body |= {name: draft.fields[name] for name in ("provider", "title") if name in draft.fields}
    for name in draft.missing:
        body["formState"].setdefault(name, "ast_…")
    path = f"/{draft.model}"
    return {
        "draft": draft,
        "price": price,
        "missing": lipsyncform.say_missing(draft),
        # What is missing is said in one sentence.
        "wrong": [texts for name, texts in draft.errors.items() if name not in draft.missing],
        "first_seconds": lipsyncform.FIRST_SECONDS,
        "curl": samples.highlighted(samples.curl(body, path)),
        "python": samples.highlighted(samples.python(body, path)),
    }


def _context(
    request: PageRequest, post: QueryDict, draft: lipsyncform.Draft, refusal: ApiError | None
) -> dict[str, Any]:
    actor = actor_of(request)
    plan = plan_for(actor.organization)
    able = [row for row in providers_offered(actor=actor) if row.capabilities["lipsync"]]
    labels = {"x": gettext("Left"), "y": gettext("Top"), "width": gettext("Width"), "height": gettext("Height")}
    return _rail(actor, draft) | {
        "post": post,
        "refusal": sentence(refusal) if refusal else "",
        "poor": refusal is not None and refusal.code == errors.INSUFFICIENT_CREDITS,
        "forms": lipsyncpage.FORMS.items(),
        "places": lipsyncpage.places(actor, post, draft.model),
        "rates": lipsyncpage.rates(actor),
        "box": [(name, label, post.get(f"box_{name}") or lipsyncform.BOX[name]) for name, label in labels.items()],
        "picked": lipsyncform.picks(post, draft.model),
        "providers": able,
        "items": _latest(actor),
        "plan": plan,
        "max_bytes": plan.max_file_bytes if plan else settings.ENGINE["max_source_mb"] << 20,
    }
