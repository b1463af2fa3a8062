"""The demo organization of `make run`: an owner, the business plan, credits in both wallets, an API key, a first job.

What the screen shows again at every start (password, key) is kept in DATA_DIR/demo.json, readable by its owner only.
Everything here may be called any number of times.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from django.conf import settings

EMAIL = "demo@example.com"  # example.com is reserved: no mail can reach a stranger
ORGANIZATION = "Demo Studio"
CREDITS = 10_000_000  # milli-credits given to each wallet, once
SCOPES = ["jobs:read", "jobs:write", "assets:write", "glossaries:write", "billing:read"]


@dataclass
class Demo:
    """What the screen shows, and the job that the first start submitted."""

    email: str
    password: str
    api_key: str
    organization: str
    job: str = ""


def _file() -> Path:
    return Path(settings.DATA_DIR) / "demo.json"


def load() -> Demo | None:
    """The notes of an earlier start, if there are any."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        return Demo(**json.loads(_file().read_text(encoding="utf-8")))
    return None


def save(demo: Demo) -> None:
    """Write the notes: whole or not at all, closed to others from the first byte."""
    descriptor, draft = tempfile.mkstemp(dir=_file().parent, prefix="demo-")  # made with mode 0600
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        json.dump(asdict(demo), out, indent=1)
    Path(draft).replace(_file())


def ensure() -> Demo:
    """Have the demo organization in the database and its secrets at hand."""
    from allauth.account.models import EmailAddress

    from apps.accounts.models import ApiKey, Organization, User
    from apps.accounts.selectors import actor_for_user
    from apps.accounts.services import authenticate_bearer, create_api_key, sign_up_organization
    from apps.core.errors import ApiError
    from apps.plans.services import grant_credits, set_subscription

    known = load()
    user = User.objects.filter(email=EMAIL).first()
    if user is None:
        user = User.objects.create_user(EMAIL, name="Demo Owner", is_staff=True, is_superuser=True)
    if known is None or not user.check_password(known.password):
        known = Demo(EMAIL, secrets.token_urlsafe(9), known.api_key if known else "", "", known.job if known else "")
        user.set_password(known.password)
        user.save(update_fields=["password"])
    EmailAddress.objects.get_or_create(user=user, email=EMAIL, defaults={"verified": True, "primary": True})
    organization = Organization.objects.filter(name=ORGANIZATION, memberships__user=user).first()
    if organization is None:
        organization = sign_up_organization(user=user, name=ORGANIZATION)
    known.organization = organization.public_id
    actor = actor_for_user(user=user, organization=organization)
    set_subscription(actor=actor, organization=organization, plan="business")
    for pool in ("portal", "api"):
        grant_credits(
            actor=actor,
            organization=organization,
            pool=pool,
            amount=CREDITS,
            business_key=f"demo:{organization.public_id}:{pool}",
            note="Demo credits",
        )
    try:
        authenticate_bearer(header=f"Bearer {known.api_key}")
    except ApiError:
        ApiKey.objects.filter(organization=organization, name="Demo key").delete()
        _, known.api_key = create_api_key(actor=actor, name="Demo key", scopes=SCOPES, volcengine=True)
    save(known)
    return known


def sample_path() -> Path:
    """Where the clip lies that this project makes itself (our own voice over our own pictures)."""
    return Path(settings.DATA_DIR) / "sample" / "kinoglot-sample.mp4"


def submit(demo: Demo, clip: Path, target: str) -> str:
    """Translate a file as the demo owner; returns the job's public id. Raises ApiError with the reason."""
    from apps.accounts.models import Organization, User
    from apps.accounts.selectors import actor_for_user
    from apps.jobs.services import submit as submit_order
    from apps.projects.services.assets import create_asset_from_file
    from apps.providers.orders import Source, TranslationOrder

    user = User.objects.get(email=demo.email)
    actor = actor_for_user(user=user, organization=Organization.objects.get(public_id=demo.organization))
    asset = create_asset_from_file(actor=actor, path=clip, file_name=clip.name)
    order = TranslationOrder(source=Source(asset=asset.public_id), target_locales=[target], title=clip.stem)
    submission = submit_order(actor=actor, order=order)
    return submission.jobs[0].id
