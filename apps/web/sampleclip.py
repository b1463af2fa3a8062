"""The sample clip as an asset of an organization. `make run` makes the clip; elsewhere `manage.py make_sample` does."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from apps.accounts.actor import Actor
from apps.core import errors
from apps.projects.models import Asset
from apps.projects.services import assets

NAME = "kinoglot-sample.mp4"


def sample_path() -> Path:
    """Where the clip lies on this machine once it has been made."""
    return Path(settings.DATA_DIR) / "sample" / NAME


def sample_available() -> bool:
    """Whether to offer it."""
    return sample_path().is_file()


def sample_asset(actor: Actor) -> Asset:
    """The organization's copy of the clip, stored once. Raises ApiError 5030 where the clip has not been made."""
    found = Asset.objects.filter(organization=actor.organization, file_name=NAME, status=Asset.Status.STORED).first()
    if found is not None:
        return found
    if not sample_available():
        raise errors.unavailable("The sample clip is not installed on this server.")
    return assets.create_asset_from_file(actor=actor, path=sample_path(), file_name=NAME)
