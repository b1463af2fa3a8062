"""Routes of /api/v1/. Whatever is not here is a 404 in problem+json."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path, re_path, register_converter

from apps.api.problem import problem_response
from apps.api.views import (
    artefacts,
    assets,
    catalogue,
    docs,
    glossaries,
    iterations,
    jobs,
    lipsync,
    money,
    provider_accounts,
    transcripts,
    translations,
    uploads,
    webhook_messages,
    webhooks,
)
from apps.core import errors

app_name = "api"


class PublicId:
    """An id as `apps.core.ids` makes them, or anything that could be mistaken for one: unknown ones are 404 in the view."""

    regex = r"[A-Za-z0-9_-]{1,64}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(PublicId, "id")


def unknown(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """No such address."""
    return problem_response(errors.not_found("address"), request)


urlpatterns = [
    path("translations", translations.TranslationListView.as_view(), name="translations"),
    path("translations/<id:translation_id>", translations.TranslationView.as_view(), name="translation"),
    path("translations/<id:translation_id>/transcript", transcripts.TranscriptView.as_view(), name="transcript"),
    path("translations/<id:translation_id>/iterations", iterations.IterationListView.as_view(), name="iterations"),
    path(
        "translations/<id:translation_id>/iterations/estimate",
        iterations.IterationEstimateView.as_view(),
        name="iteration-estimate",
    ),
    path("jobs", jobs.JobListView.as_view(), name="jobs"),
    path("jobs/<id:job_id>", jobs.JobView.as_view(), name="job"),
    path("jobs/<id:job_id>/cancel", jobs.JobCancelView.as_view(), name="job-cancel"),
    path("jobs/<id:job_id>/resume", jobs.JobResumeView.as_view(), name="job-resume"),
    path("jobs/<id:job_id>/retry", jobs.JobRetryView.as_view(), name="job-retry"),
    path("jobs/<id:job_id>/events", jobs.JobEventsView.as_view(), name="job-events"),
    path("jobs/<id:job_id>/artefacts", artefacts.ArtefactListView.as_view(), name="artefacts"),
    path("jobs/<id:job_id>/artefacts.zip", artefacts.ArtefactZipView.as_view(), name="artefacts-zip"),
    path("artefacts/<id:artefact_id>", artefacts.ArtefactView.as_view(), name="artefact"),
    path("lipsync-video", lipsync.LipsyncVideoView.as_view(), name="lipsync-video"),
    path("lipsync-image", lipsync.LipsyncImageView.as_view(), name="lipsync-image"),
    path("lipsync-image-multi", lipsync.LipsyncImageMultiView.as_view(), name="lipsync-image-multi"),
    path("estimates", money.EstimateView.as_view(), name="estimates"),
    path("assets", assets.AssetListView.as_view(), name="assets"),
    path("assets/<id:asset_id>", assets.AssetView.as_view(), name="asset"),
    path("assets/<id:asset_id>/faces", assets.AssetFacesView.as_view(), name="asset-faces"),
    path("uploads", uploads.UploadListView.as_view(), name="uploads"),
    path("uploads/<id:upload_id>", uploads.UploadView.as_view(), name="upload"),
    path("glossaries", glossaries.GlossaryListView.as_view(), name="glossaries"),
    path("glossaries/<id:glossary_id>", glossaries.GlossaryView.as_view(), name="glossary"),
    path("glossaries/<id:glossary_id>/terms", glossaries.GlossaryTermsView.as_view(), name="glossary-terms"),
    path("languages", catalogue.LanguagesView.as_view(), name="languages"),
    path("providers", catalogue.ProvidersView.as_view(), name="providers"),
    path("provider-accounts", provider_accounts.ProviderAccountListView.as_view(), name="provider-accounts"),
    path("provider-accounts/<id:account_id>", provider_accounts.ProviderAccountView.as_view(), name="provider-account"),
    path(
        "provider-accounts/<id:account_id>/test",
        provider_accounts.ProviderAccountTestView.as_view(),
        name="provider-account-test",
    ),
    path("errors", catalogue.ErrorCodesView.as_view(), name="errors"),
    path("plan", money.PlanView.as_view(), name="plan"),
    path("balance", money.BalanceView.as_view(), name="balance"),
    path("ledger", money.LedgerView.as_view(), name="ledger"),
    path("webhook-event-types", webhooks.EventTypesView.as_view(), name="webhook-event-types"),
    path("webhook-endpoints", webhooks.EndpointListView.as_view(), name="webhook-endpoints"),
    path("webhook-endpoints/<id:endpoint_id>", webhooks.EndpointView.as_view(), name="webhook-endpoint"),
    path("webhook-endpoints/<id:endpoint_id>/secret", webhooks.EndpointSecretView.as_view(), name="webhook-secret"),
    path(
        "webhook-endpoints/<id:endpoint_id>/rotate-secret", webhooks.EndpointRotateView.as_view(), name="webhook-rotate"
    ),
    path("webhook-endpoints/<id:endpoint_id>/test", webhooks.EndpointTestView.as_view(), name="webhook-test"),
    path("webhook-endpoints/<id:endpoint_id>/recover", webhooks.EndpointRecoverView.as_view(), name="webhook-recover"),
    path("callback-secret", webhooks.CallbackSecretView.as_view(), name="callback-secret"),
    path("callback-secret/rotate", webhooks.CallbackRotateView.as_view(), name="callback-secret-rotate"),
    path("webhook-messages", webhook_messages.MessageListView.as_view(), name="webhook-messages"),
    path("webhook-messages/<id:message_id>", webhook_messages.MessageView.as_view(), name="webhook-message"),
    path(
        "webhook-messages/<id:message_id>/resend", webhook_messages.MessageResendView.as_view(), name="webhook-resend"
    ),
    path("openapi.json", docs.openapi_json, name="schema"),
    path("docs", docs.docs, name="docs"),
    re_path(r"^.*$", unknown),
]
