"""Upload by URL (version 2020-08-01): a link becomes an asset, whose id is JobId and Vid."""

from __future__ import annotations

from typing import Any

from apps.core import errors
from apps.core.errors import ApiError
from apps.dialects import parsing
from apps.dialects.volcengine import shapes
from apps.dialects.volcengine.actions import MEDIA_VERSION, Call, Result, action
from apps.projects.models import Asset
from apps.projects.selectors import asset_for
from apps.projects.services import check_folder, create_asset_from_url
from apps.providers.volcengine_vod import wire

MAX_TASKS = 100
_SUBTITLES = (".srt", ".vtt", ".ass", ".ttml")


@action(wire.UPLOAD, MEDIA_VERSION, permission="assets.write")
def upload_by_url(call: Call) -> Result:
    """One asset for each link; a worker fetches it. Category or the name's ending makes it a subtitle file."""
    asked = call.read(shapes.UploadByUrl)
    check_folder(asked.SpaceName, "SpaceName")
    sources = asked.URLSets
    if isinstance(sources, str):  # in a query it is JSON
        sources = parsing.decode(sources.encode(), list[shapes.UploadSource])
    if not 1 <= len(sources) <= wire.URLS_PER_UPLOAD:
        raise errors.invalid("URLSets", f"Needs 1 to {wire.URLS_PER_UPLOAD} links.")
    made = []
    call.name_fields({"url": "URLSets.SourceUrl"})
    for source in sources:
        name = source.FileName or (f"{source.Title}{source.FileExtension}" if source.Title else "")
        path = (name or source.FileExtension or source.SourceUrl).partition("?")[0].lower()
        subtitle = source.Category == "subtitle" or path.endswith(_SUBTITLES)
        kind = Asset.Kind.SUBTITLE if subtitle else Asset.Kind.MEDIA
        asset = create_asset_from_url(actor=call.actor, url=source.SourceUrl, kind=kind, file_name=name)
        made.append({"JobId": asset.public_id, "SourceUrl": source.SourceUrl, "ImageUrls": []})
    return {"Data": made}


@action(wire.UPLOAD_STATE, MEDIA_VERSION, reads=True)
def upload_state(call: Call) -> Result:
    """Where the fetching of each link stands."""
    asked = call.read(shapes.UploadTasks)
    ids = [part.strip() for part in asked.JobIds.split(",") if part.strip()]
    if not 1 <= len(ids) <= MAX_TASKS:
        raise errors.invalid("JobIds", f"Needs 1 to {MAX_TASKS} ids.")
    shown: list[dict[str, Any]] = []
    unknown: list[str] = []
    for task in ids:
        try:
            shown.append(_state(asset_for(call.actor, task[:64].replace("\x00", ""))))
        except ApiError:
            unknown.append(task)
    return {"Data": {"MediaInfoList": shown, "NotExistJobIds": unknown}}


def _state(asset: Asset) -> dict[str, Any]:
    state = {
        Asset.Status.REMOTE: "processing",
        Asset.Status.STORED: wire.UPLOAD_SUCCESS,
    }.get(Asset.Status(asset.status), wire.UPLOAD_FAILED)
    probe = asset.probe or {}
    picture = probe.get("video") or {}
    return {
        "JobId": asset.public_id,
        "SourceUrl": asset.source_url,
        "State": state,
        "Vid": asset.public_id if state == wire.UPLOAD_SUCCESS else "",
        "SourceInfo": {
            "FileName": asset.public_id,  # names may repeat, and an order is about this very file
            "Duration": (asset.duration_ms or 0) / 1000,
            "Size": asset.size or 0,
            "Width": picture.get("width") or 0,
            "Height": picture.get("height") or 0,
        },
    }
