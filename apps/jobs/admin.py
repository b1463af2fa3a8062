"""Console pages of jobs and what they leave behind. A job's page tells its whole story and can cancel, resume or retry it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as __
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from apps.accounts.selectors import actor_for_staff
from apps.core.errors import job_codes
from apps.events.admin_base import (
    CREATED_FILTER,
    NewestFirst,
    action_page,
    button,
    column,
    credits_text,
    object_or_back,
    pretty_json,
    words_filter,
)
from apps.events.admin_forms import Confirm
from apps.jobs import admin_accounts  # noqa: F401  (registers the pages of accounts and inbound callbacks)
from apps.jobs.admin_story import story_of
from apps.jobs.models import Artefact, CallbackProof, ConcurrencyCounter, Job, JobInput, ProviderCall
from apps.providers.registry import PROVIDERS

ORGANIZATION_FILTER = ("organization", AutocompleteSelectFilter)
PROVIDER_FILTER = words_filter("provider", _("provider"), PROVIDERS)
STATUS_COLOURS = {"processing": "info", "paused": "warning", "completed": "success", "failed": "danger"}


@admin.register(Job)
class JobAdmin(NewestFirst):
    """Search by the job's public id, its translation's or its id at the provider."""

    list_display = (
        "public_id",
        "organization",
        "target_locale",
        "state",
        "stage",
        "percent",
        "provider",
        "error_code",
        "charged_credits",
        "created_at",
    )
    list_filter = (ORGANIZATION_FILTER, "status", "stage", "service", PROVIDER_FILTER, CREATED_FILTER)
    list_select_related = ("organization",)
    search_fields = ("=provider_ref",)
    id_lookups = {"job": "public_id", "trn": "translation__public_id", "org": "organization__public_id"}
    search_help_text = _("Public id of the job or its translation, or its id at the provider")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("public_id", "organization"),
                    ("translation", "target_locale", "iteration"),
                    ("status", "stage", "percent"),
                    ("error_code", "error_title"),
                    "error",
                )
            },
        ),
        (
            _("Money"),
            {"fields": (("pool", "hold"), ("estimated_credits", "held_credits", "charged_credits"), "measured_ms")},
        ),
        (
            _("Work"),
            {
                "fields": (
                    ("provider", "provider_ref", "provider_account"),
                    ("attempt", "tries"),
                    ("lease_owner", "lease_until"),
                    ("next_run_at", "next_poll_at", "deadline_at"),
                    "cancel_requested_at",
                )
            },
        ),
        (
            _("Asked by"),
            {"fields": (("created_by", "api_key"), "callback_url", ("created_at", "started_at", "finished_at"))},
        ),
        (_("Order"), {"fields": ("order_text", "glossary_versions"), "classes": ("collapse",)}),
    )
    readonly_fields = (
        "percent",
        "error_title",
        "estimated_credits",
        "held_credits",
        "charged_credits",
        "order_text",
    )
    change_form_outer_after_template = "console/job_story.html"
    actions_detail = ("cancel", "resume", "retry")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        job = self.get_object(request, object_id)
        story = story_of(job) if job is not None else {}
        response: HttpResponse = super().change_view(request, object_id, form_url, {**(extra_context or {}), **story})
        return response

    @column(_("status"), label=STATUS_COLOURS)
    def state(self, job: Job) -> tuple[str, str]:
        return job.status, job.get_status_display()

    @column(_("progress"))
    def percent(self, job: Job) -> str:
        return f"{job.progress_fraction * 100:.0f} %"

    @column(_("what the code means"))
    def error_title(self, job: Job) -> str:
        row = job_codes().get(job.error_code or 0)
        return row.title if row else "-"

    @column(_("estimate"))
    def estimated_credits(self, job: Job) -> str:
        return credits_text(job.estimate)

    @column(_("held"))
    def held_credits(self, job: Job) -> str:
        return credits_text(job.hold.amount if job.hold and job.hold.status == "placed" else 0)

    @column(_("charged"))
    def charged_credits(self, job: Job) -> str:
        return credits_text(job.charged)

    @column(_("order"))
    def order_text(self, job: Job) -> SafeString:
        return pretty_json(job.order)

    @button(_("Cancel"), url_path="cancel", icon="cancel")
    def cancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._act(request, object_id, "cancel", __("Cancel"), __("What is held is given back."))

    @button(_("Resume"), url_path="resume", icon="play_arrow")
    def resume(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._act(request, object_id, "resume", __("Resume"), __("The review is passed as it stands."))

    @button(_("Retry"), url_path="retry", icon="replay")
    def retry(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._act(request, object_id, "retry", __("Retry"), __("The customer's wallet is asked for a new hold."))

    def _act(self, request: HttpRequest, object_id: str, verb: str, label: str, intro: str) -> HttpResponse:
        from apps.jobs import services

        job: Job = object_or_back(self, request, object_id)
        call = {"cancel": services.cancel_job, "resume": services.resume_job, "retry": services.retry_job}[verb]

        def run(form: Confirm) -> str:
            staff = actor_for_staff(request.user, job.organization)  # type: ignore[arg-type]
            call(actor=staff, job=job)
            return __("Done: %(what)s") % {"what": label}

        return action_page(
            self,
            request,
            permission="jobs.change_job",
            title=f"{label}: {job.public_id}",
            intro=intro,
            back=reverse("admin:jobs_job_change", args=[object_id]),
            submit=label,
            form_class=Confirm,
            run=run,
            danger=verb == "cancel",
        )


@admin.register(Artefact)
class ArtefactAdmin(NewestFirst):
    """Files that jobs made."""

    list_display = (
        "public_id",
        "file_name",
        "job",
        "organization",
        "kind",
        "language",
        "bytes",
        "is_main",
        "created_at",
    )
    list_filter = (ORGANIZATION_FILTER, "is_main", CREATED_FILTER)
    list_select_related = ("job", "organization")
    search_fields = ("=sha256",)
    id_lookups = {"art": "public_id", "job": "job__public_id", "org": "organization__public_id"}
    search_help_text = _("Public id of the file or its job, or SHA-256")

    @column(_("size"))
    def bytes(self, artefact: Artefact) -> str:
        return filesizeformat(artefact.size)


@admin.register(JobInput)
class JobInputAdmin(NewestFirst):
    """Files that lip-sync jobs work on."""

    list_display = ("job", "name", "asset", "position")
    list_select_related = ("job", "asset")
    search_fields = ("=asset__public_id",)
    id_lookups = {"job": "job__public_id", "ast": "asset__public_id"}
    search_help_text = _("Public id of the job or the file")


@admin.register(ProviderCall)
class ProviderCallAdmin(NewestFirst):
    """Every call to a remote provider, kept raw."""

    list_display = (
        "created_at",
        "provider",
        "operation",
        "client_id",
        "job",
        "account",
        "state",
        "http_status",
        "finished_at",
    )
    list_filter = (PROVIDER_FILTER, "outcome", CREATED_FILTER)
    list_select_related = ("job", "account")
    search_fields = ("=client_id",)
    id_lookups = {"job": "job__public_id", "pac": "account__public_id"}
    exclude = ("request", "response")
    readonly_fields = ("sent", "answered")

    def get_queryset(self, request: HttpRequest) -> Any:
        """Without the raw bodies in the list."""
        return super().get_queryset(request).defer("request", "response")

    @column(_("outcome"), label={"ok": "success", "refused": "danger", "unknown": "warning"})
    def state(self, call: ProviderCall) -> tuple[str, str]:
        return call.outcome, call.get_outcome_display()

    @column(_("request"))
    def sent(self, call: ProviderCall) -> SafeString:
        return pretty_json(call.request)

    @column(_("response"))
    def answered(self, call: ProviderCall) -> SafeString:
        return pretty_json(call.response)


@admin.register(CallbackProof)
class CallbackProofAdmin(NewestFirst):
    """Callback URLs that answered the challenge."""

    list_display = ("url", "organization", "proved_at")
    list_filter = (ORGANIZATION_FILTER,)
    list_select_related = ("organization",)
    search_fields = ("url",)
    id_lookups = {"org": "organization__public_id"}
    exclude = ("url_digest",)


@admin.register(ConcurrencyCounter)
class ConcurrencyCounterAdmin(NewestFirst):
    """Jobs queued or running, by organization and key."""

    list_display = ("organization", "api_key", "service", "running")
    list_filter = (ORGANIZATION_FILTER, "service")
    list_select_related = ("organization", "api_key")
    search_fields = ("organization__name",)
    id_lookups = {"org": "organization__public_id"}
