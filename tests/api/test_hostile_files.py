"""Hostile names, hostile subtitle files and files that are something else: by upload and by link, through the whole API."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from apps.jobs.models import Job
from apps.plans.models import LedgerEntry, Plan
from apps.projects.models import Asset
from apps.projects.services import probe_asset
from tests.api.conftest import Api, problem
from tests.api.test_nasty_files import run, settled, upload
from tests.factories import make_key, make_organization
from tests.jobs import bad_media
from tests.jobs.helpers import SRT
from tests.sites import hosted

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]

NAMES = {
    "240 letters": "a" * 236 + ".mp4",
    "many scripts": "имя файла 你好 العربية 🎬 (final) [v2] %20 &amp;.mp4",
    "long in Chinese": "本" * 80 + ".mp4",
    "pictures only": "🎬🎬.mp4",
    "turned around": "invoice\u202e4pm.exe",
    "quotes and header ends": "a\"b\\c;d='e'\r\nSet-Cookie: x=1.mp4",
    "a way out": "../../../../etc/cron.d/talk.mp4",
    "a device": "CON.mp4",
    "dots": "...mp4",
}
FOREIGN = {
    "page.mp4": b"<!DOCTYPE html><html><body>Please log in</body></html>",
    "archive.mp4": b"PK\x03\x04" + bytes(200),
    "program.mp4": b"\x7fELF\x02\x01\x01" + bytes(400),
    "script.mp4": b"#!/bin/sh\nrm -rf ~\n",
    "paper.mp4": b"%PDF-1.7\n" + bytes(100),
    "empty.mp4": b"",
}
BOMB = "<!DOCTYPE tt [" + "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(9)) + "]>"
TTML = '<tt xmlns="http://www.w3.org/ns/ttml"><body><div><p begin="0s" end="1s">{}</p></div></body></tt>'
DEEP = "<b>" * 50_000
HOSTILE_SUBTITLES: dict[str, bytes] = {
    "bomb.ttml": (BOMB + TTML.format("&a9;")).encode(),
    "reads-a-file.ttml": ('<!DOCTYPE tt [<!ENTITY x SYSTEM "file:///etc/hostname">]>' + TTML.format("&x;")).encode(),
    "deep.ttml": TTML.format(DEEP).encode(),
    "deep.srt": f"1\n00:00:00,000 --> 00:00:01,000\n{DEEP}Bom dia\n".encode(),
    "times.srt": b"1\n99999999:99:99,999 --> -1:00:00,000\nUm\n\n2\n00:00:00,100 --> 00:00:01,000\nDois\n",
    "one-line.srt": b"1\n00:00:00,000 --> 00:00:02,000\n" + b"palavra " * 100_000,
    "not-text.srt": zlib.compress(bytes(range(256)) * 500, 0),
    "zeros.vtt": b"WEBVTT\n\n00:00.000 --> 00:01.000\nBom\x00 dia\n",
    "page.vtt": b"<html><script>alert(1)</script></html>",
    "overrides.ass": (
        "[Script Info]\n\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
        "Dialogue: 0,0:00:00.00,0:00:01.00,Default,,0,0,0,,{\\fn/etc/hostname\\k99999999}Bom dia{\\"
        + "(" * 20_000
        + "\n"
    ).encode(),
    "half.utf16.srt": ("1\n00:00:00,000 --> 00:00:01,000\nBom dia\n".encode("utf-16"))[:-1],
    "surrogates.srt": b"1\n00:00:00,000 --> 00:00:01,000\n\xed\xa0\x80 bom \xff\xfe\xf0 dia\n",
}


@pytest.fixture
def program(transactional_db: None) -> Api:
    organization = make_organization(credits=100_000)
    Plan.objects.update(requests_per_minute=10_000)
    return Api(make_key(organization)[1])


def header_name(answer: Any) -> str:
    """The name that a browser saves a download under."""
    header = answer["Content-Disposition"]
    assert header.isascii() and header.isprintable()
    return unquote(header.rpartition("filename*=UTF-8''")[2])


@pytest.mark.parametrize("name", NAMES.values(), ids=list(NAMES))
def test_names_survive_and_can_be_saved_everywhere(program: Api, name: str, tmp_path: Path) -> None:
    media = upload(program, bad_media.clip(tmp_path).read_bytes(), name)["Kinoglot-Asset"]
    subtitle = upload(program, SRT.encode(), name, "subtitle")["Kinoglot-Asset"]
    shown = program.get(f"assets/{media}").json()["file_name"]
    assert len(shown) <= 255 and "/" not in shown
    if name.isprintable() and "/" not in name and "\\" not in name:
        assert shown == name

    job = run(program, media, subtitle, export_type="subtitles")
    settled(job)
    assert job["status"] == "completed", job
    names = {item["file_name"] for item in job["artefacts"]}
    for item in job["artefacts"][:2]:
        followed: Any = program.client.get(program.get(f"artefacts/{item['id']}")["Location"])
        assert b"".join(followed.streaming_content)
        assert header_name(followed) == item["file_name"]
    packed = program.get(f"jobs/{job['id']}/artefacts.zip")
    with zipfile.ZipFile(io.BytesIO(b"".join(packed.streaming_content))) as archive:
        assert set(archive.namelist()) == names
        archive.extractall(tmp_path / "unpacked")
    assert {path.name for path in (tmp_path / "unpacked").iterdir()} == names
    for each in [*names, header_name(packed)]:
        assert len(each.encode()) <= 255, "file systems take 255 bytes"
        assert each.isprintable() and not set(each) & set('/\\:*?"<>|')
        assert ".pt-BR." in each or each.endswith(".zip")


def test_what_is_no_media_is_refused_at_upload(program: Api) -> None:
    for name, data in FOREIGN.items():
        for kind in ("media", "subtitle"):
            body = problem(upload(program, data, name, kind), 400, 5)
            assert body["errors"], name
    assert not Asset.objects.exists()


@pytest.fixture
def site(tmp_path: Path, settings: Any) -> Iterator[tuple[str, Path]]:
    folder = tmp_path / "site"
    folder.mkdir()
    with hosted(folder) as url:
        settings.PRIVATE_HOSTS_ALLOWED = (url.removeprefix("http://"),)
        yield url, folder


def test_what_is_no_media_is_refused_by_link(program: Api, site: tuple[str, Path]) -> None:
    base, folder = site
    for name, data in FOREIGN.items():
        (folder / name).write_bytes(data)
        made = program.post("assets", {"url": f"{base}/{name}"})
        assert made.status_code in (201, 202), made.content
        probe_asset(Asset.objects.get(public_id=made.json()["id"]))
        shown = program.get(f"assets/{made.json()['id']}").json()
        assert (shown["status"], shown["error_code"]) == ("failed", 10904 if data else 10902), shown
        assert len(shown["error"]) > 10 and "/" not in shown["error"]


def test_moving_pictures_and_wrong_endings_are_media_all_the_same(program: Api, tmp_path: Path) -> None:
    """A GIF, a film called .txt, a film without an ending: what the bytes are decides."""
    subtitle = upload(program, SRT.encode(), "given.srt", "subtitle")["Kinoglot-Asset"]
    gif = tmp_path / "dance.gif"
    bad_media.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=96x64:r=5:d=3", gif)
    film = bad_media.clip(tmp_path)
    for path, name in ((gif, "dance.gif"), (film, "film.txt"), (film, "film"), (gif, "dance.mp4")):
        media = upload(program, path.read_bytes(), name)["Kinoglot-Asset"]
        job = run(program, media, subtitle, export_type="subtitles")
        settled(job)
        assert job["status"] == "completed", (name, job["error"])


def test_hostile_subtitles_end_in_a_number_or_in_clean_text(program: Api, tmp_path: Path) -> None:
    media = upload(program, bad_media.clip(tmp_path).read_bytes(), "film.mp4")["Kinoglot-Asset"]
    host = Path("/etc/hostname").read_text().strip() if Path("/etc/hostname").exists() else ""
    ends: dict[str, int | None] = {}
    for name, data in HOSTILE_SUBTITLES.items():
        answer = upload(program, data, name, "subtitle")
        if answer.status_code == 400:
            problem(answer, 400, 5)
            ends[name] = 5
            continue
        job = run(program, media, answer["Kinoglot-Asset"], export_type="subtitles")
        settled(job)
        ends[name] = job["error_code"]
        for item in job["artefacts"] or []:
            followed: Any = program.client.get(program.get(f"artefacts/{item['id']}")["Location"])
            text = b"".join(followed.streaming_content).decode()
            assert "\x00" not in text and "<script" not in text
            assert not host or len(host) < 4 or host not in text
    assert {name for name, end in ends.items() if end is None} == {
        "deep.srt", "times.srt", "one-line.srt", "zeros.vtt", "overrides.ass", "half.utf16.srt", "surrogates.srt",
    }  # fmt: skip
    assert {end for end in ends.values() if end is not None} == {5, 10034}
    assert LedgerEntry.objects.filter(kind="capture").count() == Job.objects.filter(status="completed").count()
