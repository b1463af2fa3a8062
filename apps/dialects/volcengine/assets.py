"""Vid and FileName: our assets, by public id, by file name, or (ours alone) by link."""

from __future__ import annotations

from apps.accounts.actor import Actor
from apps.core import errors
from apps.core.errors import ApiError
from apps.core.ids import is_id
from apps.projects.models import Asset
from apps.projects.selectors import asset_for, newest_asset_named


def asset_of(actor: Actor, name: str, *, kind: str, field: str, folder: str = "") -> Asset:
    """The asset of that id, else the newest file of that name: one of the folder's projects first. Raises ApiError 5 on `field`."""
    name = name.strip()
    found: Asset | None = None
    if is_id(name, "ast"):
        try:
            found = asset_for(actor, name)
        except ApiError:
            found = None
    elif name:
        found = newest_asset_named(actor, name[:255], kind=kind, folder=folder)
    if found is None or found.status == Asset.Status.DELETED:
        raise errors.invalid(field, f"There is no file {name[:80]!r} in this space.")
    return found


def is_link(name: str) -> bool:
    """Whether a Vid is an address: then the file is fetched from there."""
    return name.startswith(("https://", "http://"))
