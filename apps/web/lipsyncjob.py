"""A lip-sync job in words: what was ordered, its files, what the engine reports, and what can be done next."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from django.core.cache import cache
from django.db.models import Prefetch, prefetch_related_objects
from django.utils import formats
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from apps.accounts.actor import Actor
from apps.accounts.permissions import allows
from apps.core import errors
from apps.core.errors import ApiError
from apps.engine.capabilities import lipsync_backend
from apps.engine.lipsync.types import PREVIEW, LipsyncReport
from apps.jobs.models import Artefact, Job, JobInput
from apps.jobs.services.estimating import estimate_order
from apps.jobs.services.lipsync_files import inputs_of
from apps.jobs.services.orders import is_lipsync, lipsync_order
from apps.plans.services import Estimate
from apps.projects import storage
from apps.projects.models import Asset
from apps.projects.services.fetch import engine_settings
from apps.providers.orders import LipsyncOrder
from apps.web.coverage import BUILT_IN
from apps.web.lipsyncform import by_assets, without_first
from apps.web.lipsyncpage import FORMS, preview_url

_MOST_REPORT: Final = 1 << 20
_LATER: Final = 20
_DAY: Final = 24 * 3600
_PICTURES: Final = ("video", "image")
_NAMES: Final[dict[str, tuple[Any, str]]] = {
    "video": (_("Video"), "film"),
    "image": (_("Picture"), "image"),
    "audio": (_("Sound"), "audio-lines"),
    "left_audio": (_("Left voice"), "audio-lines"),
    "right_audio": (_("Right voice"), "audio-lines"),
    "mask_image": (_("Mask"), "scan"),
}


@dataclass(frozen=True)
class InputRow:
    """A file that the job works on; `url` shows or plays it, "" while its bytes are not here."""

    name: str
    title: str | Promise
    icon: str
    asset: Asset
    url: str

    @property
    def plays(self) -> bool:
        """It is a sound that a browser may play."""
        return bool(self.url) and self.name.endswith("audio")


@dataclass(frozen=True)
class Whole:
    """All of a job of which only the first part was made: its price, or the job that made it meanwhile."""

    price: Estimate | None
    other: Job | None

    @property
    def short(self) -> bool:
        """The balance does not cover it."""
        return self.price is not None and self.price.available < self.price.total


def with_inputs(jobs: Iterable[Job]) -> None:
    """Reads the files of those jobs that are lip-sync jobs, in one query; in none when there is no such job."""
    wanted = [job for job in jobs if is_lipsync(job)]
    if wanted:
        rows = JobInput.objects.select_related("asset").order_by("position")
        prefetch_related_objects(wanted, Prefetch("inputs", queryset=rows))


def picture_of(job: Job) -> Asset | None:
    """The video or picture that the job works on; None for jobs that are no lip-sync jobs."""
    return next((row.asset for row in job.inputs.all() if row.name in _PICTURES), None) if is_lipsync(job) else None


def title_of(job: Job) -> str:
    """The name that people gave, else that of the picture's file."""
    if given := job.order.get("title"):
        return str(given)
    asset = picture_of(job)
    return (asset.file_name or asset.source_url) if asset else job.public_id


def part(order: dict[str, Any]) -> str:
    """Whether it is the whole or a first part: "first 5 s"."""
    seconds = order.get("first_seconds")
    return gettext("first %(n)d s") % {"n": seconds} if seconds else gettext("the whole")


def facts(job: Job) -> dict[str, Any]:
    """The words of the line under the title."""
    name, icon = FORMS.get(job.model, (job.model, "film"))  # type: ignore[call-overload]
    turns = {"left_right": gettext("left speaks first"), "right_left": gettext("right speaks first")}
    order = job.order
    faces = len(order.get("faces") or [])
    if job.model == "lipsync-image-multi":
        who = turns.get(order.get("order", ""), gettext("both speak at once"))
    elif faces:
        who = ngettext("%(n)d face chosen", "%(n)d faces chosen", faces) % {"n": faces}
    else:
        who = gettext("whoever speaks") if job.model == "lipsync-video" else ""
    return {
        "form": name,
        "icon": icon,
        "resolution": order.get("resolution") or "480p",
        "who": who,
        "region": bool(order.get("mask_image")),
        "part": part(order),
    }


def context(actor: Actor, job: Job, artefacts: Sequence[Artefact]) -> dict[str, Any]:
    """What the job page shows of a lip-sync job beside what it shows of every job; {} for other jobs."""
    if not is_lipsync(job):
        return {}
    report = told(artefacts)
    may_order = allows(actor, "jobs.submit")
    return {
        "lipsync": facts(job),
        "inputs": [_row(row) for row in job.inputs.all()],
        "preview": report.preview if report else job.provider == BUILT_IN and _paints(),
        "remarks": remarks(report) if report else [],
        "whole": whole(actor, job) if may_order else None,
        "way_out": way_out(job.error_code) if job.status == Job.Status.FAILED else "",
        "reason": reason(job.error),
        "may_order": may_order,
    }


def _paints() -> bool:
    """Whether the built-in engine moves and paints mouths, as it does where no model is named."""
    return lipsync_backend(engine_settings()) == PREVIEW


def _row(row: JobInput) -> InputRow:
    title, icon = _NAMES.get(row.name, (row.name, "file-text"))
    return InputRow(row.name, title, icon, row.asset, preview_url(row.asset))


def told(artefacts: Sequence[Artefact]) -> LipsyncReport | None:
    """The engine's report; None before there is one, or where a provider made the result."""
    found = next((row for row in artefacts if row.kind == "report" and row.format == "json"), None)
    if found is None or found.size > _MOST_REPORT:
        return None
    key = f"web.lipsync.{found.sha256 or found.public_id}"
    data: bytes | None = cache.get(key)
    try:
        if data is None:
            with storage.open_key(found.storage_key) as stream:
                data = stream.read(_MOST_REPORT)
            cache.set(key, data, _DAY)
        return msgspec.json.decode(data, type=LipsyncReport)
    except (OSError, msgspec.DecodeError):
        return None


# The engine writes English; these are its sentences with what a reader of another language is told instead.
_ABOUT: Final = re.compile(r"preview: mouths are moved")
_KNOWN: Final = (
    (
        re.compile(r"^No face on (?P<n>\d+) pictures \((?P<s>[\d.]+) s\)"),
        _("No face can be seen for %(s)s s (%(n)s pictures): they are as they were."),
    ),
    (
        re.compile(r"^(?P<n>\d+) of (?P<all>\d+) faces do not speak"),
        _("%(n)s of %(all)s faces do not speak, or look away: they were left alone."),
    ),
    (
        re.compile(r"^(?P<n>\d+) of (?P<all>\d+) faces were not named"),
        _("%(n)s of %(all)s faces were not chosen, or look away: they were left alone."),
    ),
    (
        re.compile(r"^The sound is longer than the video: .* for (?P<s>[\d.]+) s"),
        _("The sound is %(s)s s longer than the video: its end swings to and fro meanwhile."),
    ),
    (
        re.compile(r"^The sound is shorter than the video: .* after (?P<s>[\d.]+) s"),
        _("The sound is shorter than the video: the result ends with it, after %(s)s s."),
    ),
    (
        re.compile(r"^Nobody speaks in the sound of the left face"),
        _("Nobody speaks in the left voice's sound: that face only listens."),
    ),
    (
        re.compile(r"^Nobody speaks in the sound of the right face"),
        _("Nobody speaks in the right voice's sound: that face only listens."),
    ),
    (
        re.compile(r"^Made of the first (?P<n>\d+) seconds? of the sound alone"),
        _("Made of the first %(n)s seconds of the sound alone, as ordered."),
    ),
    (
        re.compile(r"^The mask \(.*\) has another shape"),
        _("The region's picture has another shape than what is shown: it was stretched over it."),
    ),
    (
        re.compile(r"^The mask is black everywhere"),
        _("The region is black everywhere: no mouth was moved."),
    ),
    (
        re.compile(r"^(left_|right_)?audio goes on for longer"),
        _("A sound goes on for longer than its file tells: it was cut there."),
    ),
    (
        re.compile(r"^The prompt was not used"),
        _("The hint about style was not used: the built-in engine cannot follow one."),
    ),
    (
        re.compile(r"^Made by (?P<name>.+?)\. Licence: (?P<licence>.+)$", re.DOTALL),
        _("Made by %(name)s. Its licence: %(licence)s"),
    ),
    (
        re.compile(r"^This installation's own model could not be used"),
        _("The model of this installation could not be used, so the preview stood in."),
    ),
)


def remarks(report: LipsyncReport) -> list[str]:
    """What the report remarks, in the reader's language where the sentence is known."""
    found = []
    for text in report.remarks:
        if _ABOUT.search(text):
            continue  # the page says it beside the word "preview"
        for pattern, words in _KNOWN:
            if match := pattern.search(text):
                text = str(words) % {name: _number(value) for name, value in match.groupdict().items()}
                break
        found.append(text)
    return found


def _number(text: str | None) -> str:
    """An English number in the reader's way of writing it: "0.5" is "0,5" in Russian."""
    whole_part, _dot, places = (text or "").partition(".")
    return formats.number_format(text, len(places), use_l10n=True) if whole_part.isdigit() and text else text or ""


def reason(text: str) -> str:
    """A failure's words, with the file that it is about called as the page calls it: "Picture: ..."."""
    name, colon, rest = text.partition(": ")
    return f"{_NAMES[name][0]}: {rest}" if colon and name in _NAMES else text


def way_out(code: int | None) -> str:
    """What the customer can do about a failure, "" when there is nothing to say."""
    known = {
        errors.NO_FACE: gettext("Choose a picture or video in which a face is seen from the front."),
        errors.TOO_MANY_FACES: gettext("Pick the face that speaks, or choose the form for two voices."),
        errors.FACE_TOO_SMALL: gettext("Choose a picture in which the face is larger, or cut it out of this one."),
        errors.FACE_IN_PROFILE: gettext("Choose a picture or video in which the face looks towards the camera."),
        errors.NO_SPEECH: gettext("Choose a sound in which somebody speaks."),
        errors.NO_VIDEO: gettext("Choose another file for the picture: this one has none."),
        errors.NO_AUDIO: gettext("Choose another file for the sound: this one has none."),
    }
    return known.get(code or 0, "")


def whole(actor: Actor, job: Job) -> Whole | None:
    """For a finished first part: what all of it costs, or the job that was ordered for it. None for any other job."""
    if not job.order.get("first_seconds") or job.status != Job.Status.COMPLETED:
        return None
    other = _ordered_whole(actor, job)
    if other is not None:
        return Whole(None, other)
    try:
        return Whole(estimate_order(actor=actor, order=whole_order(job)), None)
    except ApiError:
        return None  # no plan any more, or files that were deleted since


def _ordered_whole(actor: Actor, job: Job) -> Job | None:
    """The newest job that is under way or done with the same choices and files, and without an end before the sound's."""
    files = _files(job)
    later = Job.objects.filter(organization=actor.organization, model=job.model, pk__gt=job.pk)
    later = later.filter(inputs__asset_id=next(iter(files.values()), 0))
    rows = list(later.exclude(status__in=[Job.Status.CANCELED, Job.Status.FAILED]).order_by("-pk").distinct()[:_LATER])
    with_inputs(rows)
    wanted = _plain(without_first(lipsync_order(job)))
    return next((row for row in rows if _files(row) == files and _plain(lipsync_order(row)) == wanted), None)


def _files(job: Job) -> dict[str, int]:
    return {row.name: row.asset_id for row in job.inputs.all()}


def whole_order(job: Job) -> LipsyncOrder:
    """The order that makes all of it: same options, and the very files that the first part was made of."""
    return without_first(with_kept_files(job))


def with_kept_files(job: Job) -> LipsyncOrder:
    """The job's order with the files that it has worked on, those that came by link included."""
    stored = {name: asset for name, asset in inputs_of(job).items() if asset.status == Asset.Status.STORED}
    return by_assets(lipsync_order(job), {name: asset.public_id for name, asset in stored.items()})


def _plain(order: LipsyncOrder) -> LipsyncOrder:
    """The order without its files: the same ones may be named by link once and by asset another time."""
    return msgspec.structs.replace(
        order, video=None, image=None, audio=None, left_audio=None, right_audio=None, mask_image=None
    )


def form_state(order: dict[str, Any]) -> dict[str, Any]:
    """A lip-sync order as the API takes it: files by link or asset, and what was chosen."""
    found: dict[str, Any] = {}
    for name, value in order.items():
        if isinstance(value, dict):
            found[name] = value.get("url") or value.get("asset")
        elif name in ("resolution", "seed", "prompt", "faces", "first_seconds") or (
            name == "order" and value != "meanwhile"
        ):
            found[name] = value
    return {name: value for name, value in found.items() if value not in (None, "", [])}
