"""lipsync.studio's webhook: the job, posted when it has ended. It is not signed: our address for the job is the secret."""

from __future__ import annotations

import msgspec

from apps.providers.conversation import Forged, Verdict, Work
from apps.providers.lipsync_studio import wire


def read(body: bytes) -> wire.Job:
    """The posted job. Raises Forged for anything that is not one."""
    try:
        return msgspec.json.decode(body, type=wire.Job)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Forged("not a job of lipsync.studio's schema") from None


def take(work: Work, body: bytes) -> Verdict | None:
    """None while the job's id is known: then it only says that it is time to poll.

    When the answer of our submit was never seen, the webhook is what tells that the job was made, by its id.
    """
    if work.memo.get("job"):
        return None
    told = read(body)
    if not told.id:
        return None
    return Verdict("working", memo={**work.memo, "job": told.id}, ref=told.id, stage="lipsync", wait=0.0)
