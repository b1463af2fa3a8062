"""lipsync.studio's words: addresses, fields, status words, and what its error texts mean for us.

Its page prints every field of the forms and one error text; how errors of a submit are answered (HTTP status, body) it does not
say, so texts are read by what they speak of.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

from msgspec import Struct

from apps.core import errors

BASE_URL: Final = "https://lipsync.studio"
ROOT: Final = "/api/v1"
"""POST <ROOT>/<model> submits, GET <ROOT>/jobs/<id> asks."""
JOBS: Final = f"{ROOT}/jobs"

Resolution = Literal["480p", "720p"]
SpeakingOrder = Literal["meanwhile", "left_right", "right_left"]

POLL_SECONDS: Final = 7.0
"""The page recommends 5 to 10."""


class FormState(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`formState` of the three forms; None: not given. Links are public."""

    video: str | None = None
    image: str | None = None
    audio: str | None = None
    left_audio: str | None = None
    right_audio: str | None = None
    order: SpeakingOrder | None = None
    resolution: Resolution | None = None
    mask_image: str | None = None
    prompt: str | None = None
    seed: int | None = None


class Submit(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Body of POST <ROOT>/<model>."""

    formState: FormState
    webhook: str | None = None


class Job(Struct, frozen=True, kw_only=True):
    """Answer of a submit (`id` and `status` alone), of GET <ROOT>/jobs/<id>, and body of the webhook.

    `model` is "lipsync" while the job is processing. `executionTime` in milliseconds; what `timings` holds is told nowhere.
    """

    id: str
    status: str
    model: str = ""
    output: str | None = None
    error: str | None = None
    executionTime: float | None = None
    timings: Any = None


PROCESSING: Final = "processing"
COMPLETED: Final = "completed"
FAILED: Final = "failed"
STATUSES: Final = (PROCESSING, COMPLETED, FAILED)
CANCELED: Final = "canceled"
"""Not in the page: what another portal of ours answers, whose jobs can be canceled."""


_MEANINGS: Final[tuple[tuple[str, int], ...]] = (
    (
        r"\bno (\w+ )?faces?\b|\bface.{0,20}\bnot\b.{0,6}(found|detected|visible)|(not|n't) (find|detect) (a |any )?face",
        10911,
    ),
    (r"(multiple|several|too many|more than (one|two)|two) faces", 10912),
    (r"face (is |was )?too small|(tiny|small) face", 10913),
    (r"\b(profile|side) (view|face)|face (is )?turned", 10914),
    (r"(silent|no speech|no voice|empty) ?(audio)?", errors.NO_SPEECH),
    (r"no video (stream|track)", errors.NO_VIDEO),
    (r"no (audio|sound) (stream|track)", errors.NO_AUDIO),
    (r"too (long|large|big)|exceed|longer than", errors.LIMITS),
    (r"(invalid|unsupported|unknown|wrong) (audio|video|image|mask|file|media|format|type)", errors.TYPE_REFUSED),
    (r"corrupt|damaged|cannot be decoded|could not (be )?decode", errors.DAMAGED),
    (r"(download|fetch|retriev|access|reach)", errors.FETCH_FAILED),
)
_PATTERNS: Final = tuple((re.compile(pattern, re.IGNORECASE), code) for pattern, code in _MEANINGS)
_OUR_TROUBLE: Final = re.compile(r"credit|quota|balance|payment|subscription|api.?key", re.IGNORECASE)
_BUSY: Final = re.compile(r"concurren|rate limit|too many (requests|jobs)", re.IGNORECASE)


def job_code(text: str) -> int:
    """Our job code for an error text; 10908 for one that says nothing we know."""
    return next((code for pattern, code in _PATTERNS if pattern.search(text)), errors.PROVIDER_FAILED)


def is_our_trouble(text: str) -> bool:
    """True when the text is about whoever called (key, credits), not about the order."""
    return bool(_OUR_TROUBLE.search(text))


def is_busy(text: str) -> bool:
    """True when the text asks to slow down."""
    return bool(_BUSY.search(text))


def error_text(body: Mapping[str, Any]) -> str:
    """The reason in an error body, under any of the names that such services use."""
    for name in ("error", "detail", "message", "title"):
        found = body.get(name)
        if isinstance(found, Mapping):
            found = found.get("message")
        if isinstance(found, str) and found.strip():
            return found.strip()[:300]
    return ""
