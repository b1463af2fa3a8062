"""Vozo's callbacks: the status answer, posted on each change. No signature is documented: our address for the job is the secret."""

from __future__ import annotations

import msgspec

from apps.providers.conversation import Forged, Verdict, Work
from apps.providers.vozo import lipsync, results, wire


def read(body: bytes) -> wire.Status:
    """The posted status. Raises Forged for anything that is not one."""
    try:
        return msgspec.json.decode(body, type=wire.Status)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Forged("not a status of Vozo's schema") from None


def take(work: Work, body: bytes) -> Verdict | None:
    """None while the task's id is known: then it only says that it is time to poll.

    When the answer of our create call was never seen, the callback is what tells that the task was made: by its id, when it
    carries one, or by what it made when it is at its end.
    """
    if work.memo.get("task"):
        return None
    status = read(body)
    if status.task_id:
        memo = {**work.memo, "task": status.task_id}
        return Verdict("working", memo=memo, ref=status.task_id, wait=0.0)
    if work.lipsync is not None:
        found = lipsync.verdict(msgspec.json.decode(body, type=wire.VideoStatus))
    else:
        found = results.verdict(work, status)
    return found if found.status in ("succeeded", "failed") else None
