"""A job as its adapter sees it: links, glossaries, transcript and memo put together into a `Work`."""

from __future__ import annotations

import ipaddress
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import msgspec
from django.conf import settings
from django.core.signing import BadSignature, Signer

from apps.core.http import OutboundError, download
from apps.engine.transcript import Transcript as Document
from apps.glossaries.models import Glossary, Term
from apps.jobs.models import Job, ProviderAccount
from apps.jobs.services.fetching import MAX_SUBTITLE_BYTES
from apps.jobs.services.lipsync_files import inputs_of
from apps.jobs.services.orders import order_of
from apps.jobs.services.routing import client_id
from apps.projects import sniff, storage
from apps.projects.models import Asset
from apps.projects.selectors import transcript_for
from apps.projects.services.assets import outbound_policy
from apps.projects.services.fetch import store_remote_asset
from apps.providers.base import RemoteAdapter
from apps.providers.conversation import PinnedGlossary, PinnedTerm, Work

LINK_SECONDS: Final = 24 * 3600
_SALT: Final = "kinoglot.callbacks"
Stopped = Callable[[], bool]


@dataclass(slots=True)
class _File:
    """What storage.signed_url needs."""

    storage_key: str
    file_name: str
    content_type: str


def plain_work(job: Job) -> Work:
    """A job without its files: what cancelling, forgetting and reading a callback need."""
    return Work(
        asked=order_of(job),
        client_id=client_id(job),
        memo=job.provider_memo,
        iteration=job.iteration,
        earlier=_earlier(job),
        reviewed=bool(job.reviewed_stage),
    )


def full_work(job: Job, remote: RemoteAdapter, should_stop: Stopped) -> Work:
    """A job with everything: the source is brought into storage first, attachments are stored, links are good for a day.

    Raises JobError when the source or a given subtitle cannot be had.
    """
    work = plain_work(job)
    if job.translation is None:
        return _lipsync_work(job, work, should_stop)
    project = job.translation.project
    probe = project.source_asset.probe
    if work.order.media_type == "auto" and probe:
        kind: Literal["video", "audio"] = "video" if probe.get("video") else "audio"
        work = replace(work, asked=msgspec.structs.replace(work.order, media_type=kind))
    work = replace(
        work,
        title=job.order.get("title") or project.name,
        source_url=_link(store_remote_asset(project.source_asset, should_stop=should_stop)),
        subtitle_url=_subtitle_link(job, should_stop),
        callback_url=job_callback_url(job),
        glossaries=_glossaries(job),
        transcript=_transcript(job),
    )
    return replace(work, links=_attach(job, remote.attachments(work)))


def with_memo(work: Work, memo: Mapping[str, Any] | None) -> Work:
    """The work after a step that remembered something (None: nothing new)."""
    return work if memo is None else replace(work, memo=memo)


# ---- callbacks' addresses


def job_callback_url(job: Job) -> str:
    """Our inbound address for this job and attempt; "" when the portal cannot be reached from outside."""
    return _callback_url(job.provider, client_id(job))


def account_callback_url(row: ProviderAccount) -> str:
    """The address of a whole account, for vendors that know only one (entered by staff in the vendor's console)."""
    return _callback_url(row.provider, row.public_id)


def read_opaque(opaque: str) -> str | None:
    """What an address stands for: a client id or an account's public id; None when it is not one of ours."""
    try:
        return Signer(sep=".", salt=_SALT).unsign(opaque)
    except BadSignature:
        return None


def _callback_url(provider: str, name: str) -> str:
    if not reachable(settings.PUBLIC_URL):
        return ""
    return f"{settings.PUBLIC_URL}/callbacks/{provider}/{Signer(sep='.', salt=_SALT).sign(name)}"


def reachable(url: str) -> bool:
    """Whether a vendor could call this address: no loopback, no private network."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host and host.rsplit(".", 1)[-1] not in ("localhost", "local", "internal", "localdomain", "lan")


# ---- parts


def _lipsync_work(job: Job, work: Work, should_stop: Stopped) -> Work:
    """A lip-sync render: every file of its form is brought into storage; `links` hold them by their names in the order."""
    stored = {name: store_remote_asset(asset, should_stop=should_stop) for name, asset in inputs_of(job).items()}
    return replace(
        work,
        title=str(job.order.get("title") or ""),
        links={name: _link(asset) for name, asset in stored.items()},
        callback_url=job_callback_url(job),
    )


def _earlier(job: Job) -> Mapping[str, Any]:
    """The memo of the job that an iteration starts from; empty once its work was removed at the vendor."""
    if job.base_job_id is None:
        return {}
    base = Job.objects.filter(pk=job.base_job_id).values_list("provider", "provider_memo", "attempt").first()
    return base[1] if base is not None and base[0] == job.provider else {}


def _link(file: storage.StoredFile) -> str:
    return storage.signed_url(file, disposition="inline", seconds=LINK_SECONDS, absolute=True)


def _subtitle_link(job: Job, should_stop: Stopped) -> str:
    """Given subtitles: a stored asset, or a link whose content is stored first (vendors meet our storage only)."""
    given = job.order.get("subtitle") or {}
    if given.get("asset"):
        asset = Asset.objects.select_related("organization").get(
            organization=job.organization, public_id=given["asset"]
        )
        return _link(store_remote_asset(asset, should_stop=should_stop))
    if not given.get("url"):
        return ""
    ending = Path(urlsplit(given["url"]).path).suffix.lower()
    name = f"given{ending if ending in ('.srt', '.vtt', '.ass', '.ttml') else '.srt'}"
    key = _key(job, name)
    if not storage.exists(key):
        settings.WORK_DIR.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="fetch-", dir=settings.WORK_DIR) as scratch:
            target = Path(scratch) / name
            try:
                download(given["url"], target, outbound_policy(max_bytes=MAX_SUBTITLE_BYTES), should_stop=should_stop)
            except OutboundError as error:
                raise error.as_job_error() from None
            storage.save_file(target, key, sniff.content_type(target))
    return _link(_File(key, name, "text/plain; charset=utf-8"))


def _attach(job: Job, files: Mapping[str, bytes]) -> dict[str, str]:
    """Stores an adapter's attachments, under keys that depend on job, attempt and name only, and gives their links."""
    links = {}
    for name, content in files.items():
        with tempfile.NamedTemporaryFile(prefix="attach-") as scratch:
            scratch.write(content)
            scratch.flush()
            kind = "text/vtt; charset=utf-8" if name.endswith(".vtt") else "application/octet-stream"
            saved = storage.save_file(Path(scratch.name), _key(job, name), kind)
        links[name] = _link(_File(saved.key, name, kind))
    return links


def _key(job: Job, name: str) -> str:
    return f"artefacts/{job.organization.public_id}/{job.public_id}/{job.attempt}/vendor/{Path(name).name}"


def _glossaries(job: Job) -> tuple[PinnedGlossary, ...]:
    names = dict(
        Glossary.objects.filter(public_id__in=[pinned["glossary"] for pinned in job.glossary_versions]).values_list(
            "public_id", "name"
        )
    )
    return tuple(
        PinnedGlossary(
            id=pinned["glossary"],
            version=int(pinned.get("number") or pinned["version"]),
            name=names.get(pinned["glossary"], pinned["glossary"]),
            terms=tuple(
                PinnedTerm(term.source, term.target, term.case_sensitive, term.do_not_translate)
                for term in Term.objects.filter(version_id=pinned["version"]).order_by("pk")
            ),
        )
        for pinned in job.glossary_versions
    )


def _transcript(job: Job) -> Document | None:
    """The reviewed text after the gate, the edited one of an iteration."""
    if not job.reviewed_stage and job.reviewed_revision is None:
        return None
    assert job.translation is not None
    return msgspec.convert(transcript_for(job.translation, job.reviewed_revision).document, Document)
