"""Lip sync at Vozo: a reference video or picture, or a reusable model of Vozo's, speaks an audio file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, get_args
from urllib.parse import quote

from apps.core import errors
from apps.core.errors import JobError
from apps.providers.conversation import Account, Output, Step, Unavailable, Verdict, WireReply, Work
from apps.providers.lipsync import LipsyncAbility
from apps.providers.orders import LipsyncOrder
from apps.providers.vozo import replies, results, wire
from apps.providers.vozo.calls import call

CREATE: Final = "createVideo"
CREATE_REUSABLE: Final = "createReusableVideo"
CREATES: Final = (CREATE, CREATE_REUSABLE)
GET: Final = "getVideo"

_ABILITY: Final = LipsyncAbility(resolutions=frozenset({"480p"}))
ABLE: Final[Mapping[str, LipsyncAbility]] = {"lipsync-video": _ABILITY, "lipsync-image": _ABILITY}
"""One face, nothing optional. Vozo renders in the reference's own size and takes no resolution: only our default passes."""


def next_step(work: Work, order: LipsyncOrder, account: Account) -> Step:
    """The create call, then polls. Raises JobError 10908 when the account's setting names no model of Vozo's."""
    task = work.memo.get("task")
    if task:
        return Step(GET, call(account, "GET", f"{wire.VIDEOS}/{quote(str(task), safe='')}"), "read")
    callback = work.callback_url or None if work.memo.get("callback") != "refused" else None
    audio = work.links.get("audio", "")
    if (reusable := reusable_model(order, account)) is not None:
        again = wire.CreateReusableVideo(model_id=reusable, audio_url=audio, callback_url=callback)
        return Step(CREATE_REUSABLE, call(account, "POST", wire.REUSABLE_VIDEOS, again), "create", "once")
    kind: wire.ReferenceType = "video" if order.model == "lipsync-video" else "image"
    body = wire.CreateVideo(
        reference_file_url=work.links.get(kind, ""),
        audio_url=audio,
        model=_model(account),
        reference_file_type=kind,
        callback_url=callback,
    )
    return Step(CREATE, call(account, "POST", wire.VIDEOS, body), "create", "once")


def reusable_model(order: LipsyncOrder, account: Account) -> str | None:
    """Vozo's id of the reusable model that was made from the order's video, by the account's setting "ast_… = id"."""
    asset = order.video.asset if order.video is not None else None
    for pair in account.values.get("lipsync_reusable", "").replace(",", "\n").splitlines():
        ours, equals, theirs = pair.partition("=")
        if equals and asset and ours.strip() == asset and theirs.strip():
            return theirs.strip()
    return None


def take(reply: WireReply) -> Verdict:
    """Reads a poll's answer. Raises JobError, Throttled, Unavailable or AccountRefused."""
    try:
        return verdict(replies.read(reply, wire.VideoStatus))
    except replies.CallbackRefused as error:
        raise Unavailable(str(error)) from None
    except JobError as error:
        raise JobError(errors.PROVIDER_FAILED, f"Vozo does not know the task any more: {error.reason}") from None


def verdict(status: wire.VideoStatus) -> Verdict:
    """Where the task stands; `unknown` for words that no page names, and for `done` without a link."""
    if status.status == wire.PENDING:
        return Verdict("working", stage="queued", fraction=0.0)
    if status.status == wire.VIDEO_PROCESSING:
        return Verdict("working", stage="lipsync")
    if status.status == wire.FAILED:
        code, reason = _failure(status)
        return Verdict("failed", error_code=code, error=reason)
    if status.status == wire.DONE and status.video_url:
        output = Output("video", results.video_format(status.video_url), status.video_url, main=True)
        return Verdict("succeeded", fraction=1.0, outputs=(output,))
    return Verdict("unknown", error=f"Vozo's status is {status.status[:40]!r}")


def _failure(status: wire.VideoStatus) -> tuple[int, str]:
    """1502, the one code that Vozo names for lip sync, is damaged media; the rest as for translations."""
    if (status.err_code or "").strip() == str(wire.LIPSYNC_AUDIO):
        return errors.DAMAGED, (status.err_message or "").strip()[:500] or "Vozo cannot use the audio"
    told = wire.Status(status=status.status, err_code=status.err_code, err_message=status.err_message)
    return results.failure(told)


def _model(account: Account) -> wire.LipsyncModel:
    match account.values.get("lipsync_model", ""):
        case "" | "standard_v1":
            return "standard_v1"
        case "precision_v1":
            return "precision_v1"
    known = ", ".join(get_args(wire.LipsyncModel))
    raise JobError(errors.PROVIDER_FAILED, f"The account's lip-sync model is none of Vozo's: {known}.")
