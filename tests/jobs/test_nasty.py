"""Every nasty file by link and by upload: a numbered, worded error or a result; never a hang, a fault or a charge for nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from apps.core.errors import ApiError, job_codes
from apps.jobs import services
from apps.jobs.models import Job
from apps.plans.models import Hold, LedgerEntry
from apps.plans.services import check_books
from apps.projects.models import Asset
from apps.projects.services import create_asset_from_file, probe_asset
from tests.factories import make_organization, owner_of
from tests.jobs.helpers import order, submitted, subtitle_asset
from tests.sites import hosted

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine, pytest.mark.timeout(400)]
# What cannot be used, and why; all other files of the folder are good media in odd dress.
REFUSED = {
    "ffconcat-local-file.mp4": {10902, 10904},
    "hls-local-file-read.mp4": {10902, 10904},
    "hls-ssrf.m3u8": {10902, 10904},
    "html-named.mp4": {10904},
    "huge-8192x8192-1frame.mp4": {10905},
    "long-6h-silence.mp4": {10905},
    "png-named.mp4": {10904},
    "random-bytes.mp4": {10902, 10904},
    "truncated-mdat-cut.mp4": {10902},
    "truncated-moov-missing.mp4": {10902},
    "zero-bytes.mp4": {10902},
}
# Good media, but the subtitles given below lie beyond its end.
TOO_SHORT = {"very-short-0.15s.mp4": {10034}}
GOOD = {"base.mp4", "no-extension", "no-video-stream.mp4", "mp4-named.mkv"}
SLOWEST_SECONDS = 60.0


def media_files(shared_media: Path) -> list[Path]:
    return sorted(path for path in (shared_media / "nasty").iterdir() if not path.name.startswith("subtitle-"))


@pytest.fixture
def site(shared_media: Path, settings: Any) -> Iterator[str]:
    with hosted(shared_media / "nasty") as url:
        settings.PRIVATE_HOSTS_ALLOWED = (url.removeprefix("http://"),)
        yield url


@pytest.mark.long
def test_by_link_each_job_pauses_for_review_or_fails_with_its_number(
    shared_media: Path, site: str, tmp_path: Path
) -> None:
    actor = owner_of(make_organization(credits=100_000))
    words = subtitle_asset(actor, tmp_path).public_id
    found: dict[str, int | None] = {}
    for path in media_files(shared_media):
        given = {"asset": words, "usage": "final_translated"}
        wanted = order(source={"url": f"{site}/{quote(path.name)}"}, subtitle=given, review_after="translate")
        began = time.monotonic()
        job = submitted(actor, wanted)
        services.advance(job.public_id)
        services.run_engine(job.public_id)
        assert time.monotonic() - began < SLOWEST_SECONDS, path.name
        job.refresh_from_db()
        assert job.status in ("paused", "failed"), f"{path.name}: {job.status} after {job.tries} tries"
        found[path.name] = job.error_code
        if job.status == "failed":
            assert job.error_code in job_codes() and len(job.error) > 10, path.name
            assert "/" not in job.error and "Traceback" not in job.error, f"{path.name}: {job.error}"
        else:
            services.cancel_job(actor=actor, job=job)
    wrong = {name: code for name, code in found.items() if code not in (REFUSED | TOO_SHORT).get(name, {None})}
    assert wrong == {}
    assert not LedgerEntry.objects.filter(kind="capture").exists()
    assert not Hold.objects.filter(status="placed").exists()
    assert not Job.objects.filter(status="processing").exists()
    assert check_books() == []


def test_by_upload_each_file_is_refused_at_once_or_probed(shared_media: Path) -> None:
    actor = owner_of(make_organization())
    wrong = {}
    for path in media_files(shared_media):
        if path.name not in REFUSED and path.name not in GOOD and path.name.isascii():
            continue  # the other test probes them all
        try:
            asset = probe_asset(create_asset_from_file(actor=actor, path=path, file_name=path.name))
        except ApiError as error:
            assert error.code == 5 and path.name in REFUSED
            continue
        if asset.kind == Asset.Kind.IMAGE:  # good for lip sync; an order to translate it is refused
            assert path.name == "png-named.mp4" and asset.error_code is None
            continue
        codes: set[int | None] = set(REFUSED.get(path.name, ())) or {None}
        if asset.error_code not in codes:
            wrong[path.name] = (asset.error_code, asset.error)
        elif asset.error_code is None:
            assert asset.duration_ms and asset.probe
    assert wrong == {}
    assert Asset.objects.filter(file_name__startswith="имя файла").get().status == "stored"
