"""The list of all pages, by a short name: what the accessibility test visits and the screenshots show."""

from __future__ import annotations

from tests.web.world import World


def open_pages() -> dict[str, str]:
    """Pages that need no account."""
    return {
        "home": "/",
        "login": "/accounts/login/",
        "login-code": "/accounts/login/code/",
        "signup": "/accounts/signup/",
        "password-reset": "/accounts/password/reset/",
        "password-reset-done": "/accounts/password/reset/done/",
        "not-found": "/there/is/no/such/page/",
    }


def member_pages(world: World) -> dict[str, str]:
    """Pages of a member, with a job in every state."""
    pages = {
        "jobs": "/jobs/",
        "jobs-nothing-matches": "/jobs/?q=zzzz",
        "job-new": "/jobs/new/",
        "jobs-lipsync": "/jobs/?service=lipsync",
        "lipsync": "/lipsync/",
        "keys": "/keys/",
        "key-new": "/keys/new/",
        "webhooks": "/webhooks/",
        "webhook-new": "/webhooks/new/",
        "webhook-log": "/webhooks/log/",
        "webhook-log-nothing-matches": "/webhooks/log/?status=failed&q=job_zzzz",
        "billing": "/billing/",
        "billing-api": "/billing/?pool=api",
        "team": "/team/",
        "settings": "/settings/",
        "providers": "/settings/providers/",
        "provider-choose": "/settings/providers/new/",
        "provider-new": "/settings/providers/new/?provider=azure",
        "account": "/account/",
        "account-email": "/accounts/email/",
        "account-password": "/accounts/password/change/",
        "account-mfa": "/accounts/2fa/",
        "reauthenticate": "/accounts/reauthenticate/",
        "organization-new": "/organizations/new/",
        "job-not-found": "/jobs/job_0000000000000000/",
    }
    pages |= {f"job-{state}": f"/jobs/{public_id}/" for state, public_id in world.jobs.items()}
    if "lipsync-failed" in world.jobs:
        pages["lipsync-again"] = f"/lipsync/?from={world.jobs['lipsync-failed']}"
    for state in ("completed", "paused"):
        pages[f"transcript-{state}"] = f"/jobs/{world.jobs[state]}/transcript/"
    pages |= {f"webhook-{state}": f"/webhooks/{public_id}/" for state, public_id in world.webhooks.items()}
    pages |= {f"webhook-message-{state}": f"/webhooks/messages/{one}/" for state, one in world.messages.items()}
    return pages
