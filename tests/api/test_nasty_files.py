"""Every nasty file by upload and order, through the engine: a numbered, worded error or a right result, and never a charge for nothing."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from apps.core import errors
from apps.jobs import services
from apps.jobs.models import Job
from apps.plans.models import Hold, Plan
from apps.plans.services import check_books
from tests.api.conftest import Api, problem
from tests.factories import make_key, make_organization
from tests.jobs.helpers import SRT

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]

# What the job must say; files that are not here must come out right.
REFUSED = {
    "ffconcat-local-file.mp4": {10902, 10904},
    "hls-local-file-read.mp4": {10902, 10904},
    "hls-ssrf.m3u8": {10902, 10904},
    "huge-8192x8192-1frame.mp4": {10905, 10002},
    "long-6h-silence.mp4": {10905},
    "random-bytes.mp4": {10902, 10904},
    "truncated-mdat-cut.mp4": {10902},
    "truncated-moov-missing.mp4": {10902},
    # Shorter than its subtitles.
    "very-short-0.15s.mp4": {10034, 10042, 10902, 10905},
}
# Not media at all by its first bytes: refused at the upload.
FOREIGN = {"html-named.mp4"}
# A picture, whatever its name says: taken for lip sync, refused as the source of a translation.
PICTURES = {"png-named.mp4"}
# Rendered whole; of the others only subtitles are asked for, which is much cheaper.
RENDERED = {"base.mp4", "portrait.mp4", "mp3-with-cover-art.mp3", "animated.gif", "no-audio-stream.mp4"}
SUBTITLES = {"subtitle-bad.vtt", "subtitle-bom-crlf-overlap.srt", "subtitle-gbk.srt"}


def upload(api: Api, data: bytes, name: str, kind: str = "media") -> Any:
    """One tus request with the whole file."""
    pairs = {"filename": name, "kind": kind}
    given = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs.items())
    return api.post(
        "uploads",
        data,
        Tus_Resumable="1.0.0",
        Upload_Length=str(len(data)),
        Upload_Metadata=given,
        Content_Type="application/offset+octet-stream",
    )


def run(api: Api, media: str, subtitle: str, **more: Any) -> dict[str, Any]:
    """Order subtitles that are given, work the job off, and return the job as the API shows it."""
    answer = api.post(
        "translations",
        {
            "source": {"asset": media},
            "source_language": "en-US",
            "target_locales": ["pt-BR"],
            "steps": ["subtitles"],
            "subtitle_source": "file",
            "subtitle": {"asset": subtitle, "usage": "final_translated"},
            **more,
        },
    )
    assert answer.status_code == 202, answer.content
    identifier = answer.json()["id"]
    services.advance(identifier)
    services.run_engine(identifier)
    found: dict[str, Any] = api.get(f"jobs/{identifier}").json()
    return found


def settled(job: dict[str, Any]) -> None:
    """Ended, explained, and paid only when it was done."""
    assert job["status"] in ("completed", "failed"), job
    assert job["held"] == "0.0"
    assert check_books() == []
    assert Hold.objects.filter(status="placed").count() == 0
    if job["status"] == "failed":
        assert job["error_code"] in errors.job_codes()
        assert job["error_code"] != errors.ENGINE_FAULT, job["error"]
        assert len(job["error"]) > 8
        assert job["charged"] == "0.0"
    else:
        assert job["output"]
        assert job["artefacts"]


@pytest.fixture
def api(transactional_db: None) -> Api:
    organization = make_organization(credits=100_000)
    Plan.objects.update(requests_per_minute=10_000)
    return Api(make_key(organization)[1])


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name not in SUBTITLES)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One case a file, where the sample media are."""
    from tests.conftest import SHARED

    if "nasty" in metafunc.fixturenames:
        folder = SHARED / "media" / "nasty"
        files = names(folder) if folder.is_dir() else ["(sample media not found)"]
        metafunc.parametrize("nasty", files, ids=[name[:30].encode("ascii", "replace").decode() for name in files])


def test_file(api: Api, nasty: str, shared_media: Path) -> None:
    data = (shared_media / "nasty" / nasty).read_bytes()
    if not data or nasty in FOREIGN:
        problem(upload(api, data, nasty), 400, 5)
        return
    answer = upload(api, data, nasty)
    assert answer.status_code == 201, answer.content
    if nasty in PICTURES:
        source = {"asset": answer["Kinoglot-Asset"]}
        refused = api.post("translations", {"source": source, "target_locales": ["pt-BR"], "steps": ["subtitles"]})
        problem(refused, 400, 5)
        assert list(refused.json()["errors"]) == ["source.asset"]
        return
    subtitle = upload(api, SRT.encode(), "given.srt", "subtitle")["Kinoglot-Asset"]
    job = run(api, answer["Kinoglot-Asset"], subtitle, **({} if nasty in RENDERED else {"export_type": "subtitles"}))
    settled(job)
    expected = REFUSED.get(nasty)
    if expected:
        assert job["error_code"] in expected, job
    else:
        assert job["status"] == "completed", (job["error_code"], job["error"])
    assert Job.objects.get().status == job["status"]


@pytest.mark.parametrize("name", sorted(SUBTITLES))
def test_subtitles(api: Api, name: str, shared_media: Path) -> None:
    answer = upload(api, (shared_media / "nasty" / name).read_bytes(), name, "subtitle")
    assert answer.status_code == 201, answer.content
    media = upload(api, (shared_media / "nasty" / "base.mp4").read_bytes(), "base.mp4")["Kinoglot-Asset"]
    # Encodings, byte order marks, overlaps and broken cues are repaired or left out, never fatal.
    assert_completed(run(api, media, answer["Kinoglot-Asset"], export_type="subtitles"))


def assert_completed(job: dict[str, Any]) -> None:
    settled(job)
    assert job["status"] == "completed", job


@pytest.mark.parametrize(("name", "code"), [("no-audio-stream.mp4", 10002), ("animated.gif", 10002)])
def test_listening_needs_sound(api: Api, name: str, code: int, shared_media: Path, model_dir: Path) -> None:
    media = upload(api, (shared_media / "nasty" / name).read_bytes(), name)["Kinoglot-Asset"]
    answer = api.post("translations", {"source": {"asset": media}, "target_locales": ["pt-BR"], "steps": ["subtitles"]})
    assert answer.status_code == 202, answer.content
    services.advance(answer.json()["id"])
    services.run_engine(answer.json()["id"])
    job = api.get(f"jobs/{answer.json()['id']}").json()
    settled(job)
    assert job["error_code"] == code
