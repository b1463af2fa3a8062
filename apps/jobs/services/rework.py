"""What an iteration is made of: the job that it starts from, the text, the order, and what changed between the two."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec

from apps.core import errors
from apps.core.options import SpeakerCount, SubtitleStyle, Timing, VoiceOptions
from apps.engine.changes import Changes, Say, compare
from apps.engine.transcript import Transcript as Document
from apps.jobs import states
from apps.jobs.models import Job
from apps.jobs.services import validate
from apps.plans.pricing import billable_items
from apps.plans.services import price_changes
from apps.projects.models import Transcript, Translation
from apps.providers.orders import ExportType, ReviewAfter, Source, TranslationOrder
from apps.providers.registry import PROVIDERS

REVISION: Final = "revision"
VOICES: Final = "voices"
NOT_MADE: Final = "not_made"
"""What the built-in engine remembers in Job.provider_memo: the transcript revision that it rendered, who spoke with which voice, and
which items of the price were ordered and could not be made."""
SETTLED: Final = (
    "source",
    "subtitle",
    "subtitle_source",
    "source_language",
    "glossaries",
    "prompt",
    "title",
    "project",
)
"""Fields of the order that the first job used up: they are kept as a record and not checked again."""


class IterationChanges(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What shall differ from the order of the job that the iteration starts from; None: as it was there."""

    subtitle_style: SubtitleStyle | None = None
    voice: VoiceOptions | None = None
    speaker_count: SpeakerCount | None = None
    export_type: ExportType | None = None
    timing: Timing | None = None
    review_after: ReviewAfter | None = None


@dataclass(frozen=True, slots=True)
class Rework:
    """An iteration before it is admitted. `options` names the fields of the order that differ from the base job's."""

    base: Job
    base_revision: int
    revision: int
    order: TranslationOrder
    changes: Changes
    options: tuple[str, ...]

    @property
    def nothing(self) -> bool:
        """True when the result would be that of the base job again."""
        return not self.options and self.changes.lines == 0


def plan_rework(
    translation: Translation,
    *,
    revision: int | None,
    changes: IterationChanges | None,
    callback_url: str | None = None,
    document: Document | None = None,
) -> Rework:
    """The iteration that is asked for; `document` is text that is not saved yet, in place of the revision's.

    Raises ApiError 409 without a finished job or a transcript, 5 for what does not fit.
    """
    base = newest_completed(translation)
    base_row = rendered_transcript(base) if base is not None else None
    if base is None or base_row is None:
        raise errors.conflict(
            "There is nothing to render again: the translation has no finished job with a transcript."
        )
    row = _revision(translation, revision)
    order, wrong = _order(base, changes or IterationChanges(), callback_url)
    if wrong:
        raise errors.invalid(errors=wrong)
    before = msgspec.convert(base.order, TranslationOrder)
    return Rework(
        base=base,
        base_revision=base_row.revision,
        revision=row.revision,
        order=order,
        changes=_compare(before, order, base_row, document or msgspec.convert(row.document, Document)),
        options=_differing(before, order),
    )


def newest_completed(translation: Translation) -> Job | None:
    """The job whose result an iteration starts from."""
    rows = Job.objects.filter(translation=translation, status=states.COMPLETED, model="translate")
    return rows.select_related("provider_account").order_by("-iteration", "-id").first()


def rendered_transcript(job: Job) -> Transcript | None:
    """The revision that a finished job was rendered from; None when its provider gave no text.

    A reviewed or edited job names it; the engine remembers it; else it is the newest text that was there when the job ended.
    """
    rows = Transcript.objects.filter(translation=job.translation_id)
    number = job.reviewed_revision if job.reviewed_stage == states.TRANSLATE else _remembered(job)
    found = rows.filter(revision=number).first() if number else None
    if found is None and job.finished_at is not None:
        found = rows.filter(created_at__lte=job.finished_at).exclude(origin=Transcript.Origin.EDITED).first()
    return found or rows.order_by("revision").first()


def not_made(job: Job) -> frozenset[str]:
    """Items of the price (plans.pricing.billable_items) that were ordered and came to nothing: lip sync of a film without a face."""
    found = _memo(job).get(NOT_MADE)
    return frozenset(map(str, found)) if isinstance(found, list) else frozenset()


def price_of(job: Job, *, plan_id: int, duration_ms: int, without: Container[str] = ()) -> int:
    """What an admitted iteration costs, milli-credits: decided by immutable revisions and orders, so always the same.

    Items in `without` are left out.
    """
    order = msgspec.convert(job.order, TranslationOrder)
    assert job.base_job_id is not None and job.reviewed_revision is not None, "not an iteration"
    base = Job.objects.get(pk=job.base_job_id)
    before = msgspec.convert(base.order, TranslationOrder)
    base_row = rendered_transcript(base)
    row = Transcript.objects.get(translation=job.translation_id, revision=job.reviewed_revision)
    found = _compare(before, order, base_row or row, msgspec.convert(row.document, Document))
    rows = priced(before, order, found, plan_id=plan_id, duration_ms=duration_ms)
    return sum(amount for item, *_, amount in rows if item not in without)


def priced(
    before: TranslationOrder, order: TranslationOrder, changes: Changes, *, plan_id: int, duration_ms: int
) -> list[tuple[str, str, int, int]]:
    """(item, unit, quantity, milli-credits) of rendering again."""
    items, paid = billable_items(order), billable_items(before)
    return price_changes(
        plan_id=plan_id,
        items=items,
        newly=[item for item in items if item not in paid],
        changed_ms=changes.spoken_ms,
        duration_ms=duration_ms,
    )


def _memo(job: Job) -> dict[str, Any]:
    """What the built-in engine remembers; a vendor's memo has keys of its own."""
    memo = job.provider_memo if job.provider == "local" else {}
    return memo if isinstance(memo, dict) else {}


def _remembered(job: Job) -> int | None:
    number = _memo(job).get(REVISION)
    return number if isinstance(number, int) else None


def _revision(translation: Translation, number: int | None) -> Transcript:
    rows = Transcript.objects.filter(translation=translation)
    row = rows.first() if number is None else rows.filter(revision=number).first()
    if row is None:
        raise errors.invalid("revision", f"The transcript of this translation has no revision {number}.")
    return row


def _order(
    base: Job, changes: IterationChanges, callback_url: str | None
) -> tuple[TranslationOrder, dict[str, list[str]]]:
    """The base job's order with the changes, and what is wrong with it."""
    assert base.translation is not None
    before = msgspec.convert(base.order, TranslationOrder)
    project = base.translation.project
    given = {name: value for name in changes.__struct_fields__ if (value := getattr(changes, name)) is not None}
    order = msgspec.structs.replace(
        before,
        source=Source(asset=project.source_asset.public_id),
        project=project.public_id,
        provider=base.provider or None,
        target_locales=[base.target_locale],
        **given | {"review_after": "never", "callback_url": callback_url},
    )
    checked, found = validate.normalize(order)
    wrong = {name: reasons for name, reasons in found.items() if name.partition(".")[0] not in SETTLED}
    if changes.review_after not in (None, "never"):
        wrong["review_after"] = ["An iteration begins with reviewed text: there is no gate in it."]
    if not _is_remote(base):
        again = "The built-in engine does not recognize or translate again in an iteration; order a new translation."
        if order.speaker_count != before.speaker_count:
            wrong["speaker_count"] = [again]
        if order.timing.punctuation_split != before.timing.punctuation_split:
            wrong["timing.punctuation_split"] = [again]
    return msgspec.structs.replace(checked, target_locales=[base.target_locale]), wrong


def _is_remote(job: Job) -> bool:
    provider = PROVIDERS.get(job.provider)
    return provider is not None and provider.remote is not None


def _compare(before: TranslationOrder, order: TranslationOrder, old: Transcript, new: Document) -> Changes:
    say: Say = "nothing"
    if "voice" in order.steps:
        say = "changed" if _sound(before.voice) == _sound(order.voice) else "all"
    return compare(msgspec.convert(old.document, Document), new, say=say)


def _sound(voice: VoiceOptions) -> VoiceOptions:
    """What of the voice options every spoken line depends on: the background's volume is mixed in afterwards."""
    return msgspec.structs.replace(voice, background_volume=100)


def _differing(before: TranslationOrder, order: TranslationOrder) -> tuple[str, ...]:
    names: tuple[Literal["subtitle_style", "voice", "speaker_count", "export_type", "timing"], ...] = (
        "subtitle_style", "voice", "speaker_count", "export_type", "timing",
    )  # fmt: skip
    return tuple(name for name in names if getattr(before, name) != getattr(order, name))
