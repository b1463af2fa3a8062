"""The console's sidebar: groups in the order in which staff need them."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

# group, (title, icon, admin page)
_GROUPS: Final = (
    (
        _("Work"),
        (
            (_("Jobs"), "work", "jobs_job"),
            (_("Artefacts"), "draft", "jobs_artefact"),
            (_("Provider accounts"), "hub", "jobs_provideraccount"),
            (_("Provider calls"), "call_made", "jobs_providercall"),
            (_("Inbound callbacks"), "call_received", "jobs_inboundcallback"),
            (_("Concurrency"), "speed", "jobs_concurrencycounter"),
            (_("Callback proofs"), "verified", "jobs_callbackproof"),
        ),
    ),
    (
        _("Webhooks"),
        (
            (_("Endpoints"), "webhook", "webhooks_endpoint"),
            (_("Messages"), "outgoing_mail", "webhooks_message"),
            (_("Attempts"), "send", "webhooks_attempt"),
            (_("Lanes"), "conveyor_belt", "webhooks_lane"),
            (_("Callback secrets"), "password", "webhooks_callbacksecret"),
        ),
    ),
    (
        _("Content"),
        (
            (_("Projects"), "movie", "projects_project"),
            (_("Translations"), "translate", "projects_translation"),
            (_("Transcripts"), "subtitles", "projects_transcript"),
            (_("Assets"), "folder", "projects_asset"),
            (_("Uploads"), "upload", "projects_upload"),
            (_("Glossaries"), "menu_book", "glossaries_glossary"),
            (_("Glossary versions"), "history", "glossaries_glossaryversion"),
            (_("Terms"), "match_word", "glossaries_term"),
        ),
    ),
    (
        _("Customers"),
        (
            (_("Organizations"), "domain", "accounts_organization"),
            (_("Memberships"), "groups", "accounts_membership"),
            (_("Invitations"), "mail", "accounts_invitation"),
            (_("API keys"), "key", "accounts_apikey"),
            (_("Idempotency"), "repeat_one", "accounts_idempotencyrecord"),
            (_("Signatures"), "signature", "accounts_usedsignature"),
        ),
    ),
    (
        _("Money"),
        (
            (_("Subscriptions"), "event_repeat", "plans_subscription"),
            (_("Wallets"), "account_balance_wallet", "plans_wallet"),
            (_("Ledger"), "receipt_long", "plans_ledgerentry"),
            (_("Holds"), "lock_clock", "plans_hold"),
            (_("Plans"), "sell", "plans_plan"),
            (_("Rate card"), "request_quote", "plans_ratecard"),
        ),
    ),
    (
        _("Staff and audit"),
        (
            (_("Event log"), "list_alt", "events_event"),
            (_("Readers of the log"), "bookmark", "events_cursor"),
            (_("Console changes"), "edit_note", "admin_logentry"),
            (_("People"), "person", "accounts_user"),
            (_("E-mail addresses"), "alternate_email", "account_emailaddress"),
            (_("Second factors"), "fingerprint", "mfa_authenticator"),
            (_("Groups"), "shield_person", "auth_group"),
        ),
    ),
)


def groups(request: HttpRequest) -> list[dict[str, Any]]:
    """The sidebar for this member of staff: only lists that they may see (settings.UNFOLD names this function)."""
    overview = {"title": _("Overview"), "icon": "dashboard", "link": reverse("admin:index")}
    books = {"title": _("Books"), "icon": "balance", "link": reverse("console-books")}
    shown: list[dict[str, Any]] = [{"items": [overview]}]
    for title, items in _GROUPS:
        links = [
            {"title": name, "icon": icon, "link": reverse(f"admin:{page}_changelist")}
            for name, icon, page in items
            if _may_see(request, page)
        ]
        if title == _("Money") and _may_see(request, "plans_ledgerentry"):
            links.append(books)
        if links:
            shown.append({"title": title, "separator": True, "items": links})
    return shown


def _may_see(request: HttpRequest, page: str) -> bool:
    app, model = page.split("_", 1)
    user = request.user
    return user.has_perm(f"{app}.view_{model}") or user.has_perm(f"{app}.change_{model}")
