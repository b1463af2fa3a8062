"""Shapes of POST /translations/{id}/iterations and of its estimate."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from apps.api.schemas.common import Credits
from apps.api.schemas.money import EstimateLine, WalletChange
from apps.core.options import SpeakerCount, SubtitleStyle, Timing, VoiceOptions
from apps.providers.orders import ExportType, ReviewAfter, WebUrl


class IterationOrder(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Render a finished translation again. What is left out stays as it was in the job that the iteration starts from."""

    revision: Annotated[int | None, Meta(description="Transcript revision to render; the newest by default.")] = None
    subtitle_style: SubtitleStyle | None = None
    voice: VoiceOptions | None = None
    speaker_count: SpeakerCount | None = None
    export_type: ExportType | None = None
    timing: Timing | None = None
    review_after: Annotated[ReviewAfter | None, Meta(description="Only `never`: the text is reviewed already.")] = None
    callback_url: WebUrl | None = None


class IterationEstimate(Struct, frozen=True, kw_only=True):
    """What an iteration would change and cost. Charged are the seconds of `changed_lines`, never more than `total`."""

    base_job: Annotated[str, Meta(description="The newest completed job: what the iteration is compared with.")]
    base_revision: int
    revision: int
    changed_lines: Annotated[list[str], Meta(description="Ids of lines that are spoken anew, in the order of time.")]
    changed_seconds: Annotated[float, Meta(description="Their length in the source.")]
    silent_changes: Annotated[
        int, Meta(description="Lines whose text changes without being spoken anew, and removed ones.")
    ]
    options: Annotated[list[str], Meta(description="Fields of the order that differ from the base job's.")]
    unchanged: Annotated[bool, Meta(description="True when the result would be the one that is there.")]
    lines: list[EstimateLine]
    total: Credits
    wallet: WalletChange
