"""Addresses of the customer portal."""

from __future__ import annotations

from django.urls import path
from django.views.generic import RedirectView

from apps.web.views import account, billing, job, jobs, keys, newjob, organizations, preferences, team, transcript

app_name = "web"
urlpatterns = [
    path("", preferences.home, name="home"),
    path("favicon.ico", preferences.favicon, name="favicon"),
    path("theme/", preferences.theme, name="theme"),
    path("language/", preferences.language, name="language"),
    path("jobs/", jobs.index, name="jobs"),
    path("jobs/new/", newjob.new, name="job-new"),
    path("jobs/new/languages.json", newjob.available, name="job-languages"),
    path("jobs/new/preview/", newjob.preview, name="job-preview"),
    path("jobs/new/sample/", newjob.sample, name="job-sample"),
    path("jobs/<str:public_id>/", job.page, name="job"),
    path("jobs/<str:public_id>/board/", job.board, name="job-board"),
    path("jobs/<str:public_id>/peaks.json", job.peaks, name="job-peaks"),
    path("jobs/<str:public_id>/cancel/", job.cancel, name="job-cancel"),
    path("jobs/<str:public_id>/retry/", job.retry, name="job-retry"),
    path("jobs/<str:public_id>/resume/", job.resume, name="job-resume"),
    path("jobs/<str:public_id>/transcript/", transcript.page, name="job-transcript"),
    path("reference/", RedirectView.as_view(url="/api/v1/docs"), name="reference"),
    path("keys/", keys.index, name="keys"),
    path("keys/new/", keys.new, name="key-new"),
    path("keys/<str:key_id>/revoke/", keys.revoke, name="key-revoke"),
    path("keys/<str:key_id>/rotate/", keys.rotate, name="key-rotate"),
    path("billing/", billing.index, name="billing"),
    path("team/", team.index, name="team"),
    path("team/invite/", team.invite, name="team-invite"),
    path("team/invitations/<str:public_id>/revoke/", team.revoke_invitation, name="invitation-revoke"),
    path("team/members/<int:membership_id>/role/", team.change_role, name="member-role"),
    path("team/members/<int:membership_id>/remove/", team.remove, name="member-remove"),
    path("invitations/<str:token>/", team.accept, name="invitation-accept"),
    path("organizations/new/", organizations.new, name="organization-new"),
    path("organizations/switch/", organizations.switch, name="organization-switch"),
    path("settings/", organizations.settings_page, name="settings"),
    path("account/", account.profile, name="account"),
]
