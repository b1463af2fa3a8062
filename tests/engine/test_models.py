"""Weights are taken from the first source that has the right bytes, are verified, and an interrupted installation goes on."""

from __future__ import annotations

import hashlib
import http.server
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.engine import models
from apps.engine.carriers import HostDownError, Hub, TransportError, fetch_url
from apps.engine.model_table import MODELS
from apps.engine.settings import EngineSettings
from tests.sites import listening


def test_the_table_names_each_file_once_with_a_hash_and_two_ways_to_get_it() -> None:
    blobs = [blob for model in MODELS for blob in model.blobs]
    assert len({blob.path for blob in blobs}) == len(blobs)
    for blob in blobs:
        assert len(bytes.fromhex(blob.sha256)) == 32
        assert blob.size > 0
        assert len(blob.sources) >= 2, blob.path


def test_the_operators_directory_is_enough_and_what_is_there_is_not_fetched_again(
    model_dir: Path, tmp_path: Path
) -> None:
    placed = models.install(tmp_path, ["firefox-en-pt"], from_dir=model_dir, offline=True)
    assert sorted(p.name for p in placed) == [
        "lex.50.50.enpt.s2t.bin",
        "model.enpt.intgemm.alphas.bin",
        "vocab.enpt.spm",
    ]
    (row,) = [row for row in models.status(tmp_path, verify=True) if row.model.name == "firefox-en-pt"]
    assert row.ok
    assert models.install(tmp_path, ["firefox-en-pt"], offline=True) == []


def test_other_bytes_than_expected_are_refused_and_leave_nothing(model_dir: Path, tmp_path: Path) -> None:
    blob = next(b for b in models.by_name("firefox-en-pt").blobs if b.path.endswith("vocab.enpt.spm"))
    bad = tmp_path / "operator" / "vocab.enpt.spm"
    bad.parent.mkdir()
    bad.write_bytes(b"\0" * blob.size)
    good = tmp_path / "operator" / "firefox" / "en-pt"
    good.mkdir(parents=True)
    for other in models.by_name("firefox-en-pt").blobs:
        if other is not blob:
            (good / Path(other.path).name).symlink_to(model_dir / other.path)
    with pytest.raises(models.InstallError, match=r"vocab\.enpt\.spm.*SHA-256"):
        models.install(tmp_path / "models", ["firefox-en-pt"], from_dir=tmp_path / "operator", offline=True)
    assert not (tmp_path / "models" / blob.path).exists()
    assert not list((tmp_path / "models").rglob("*.part"))


def test_missing_files_are_named_and_the_command_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert models.main(["status", "--dir", str(tmp_path), "--only", "kokoro"]) == 1
    assert "kokoro/kokoro-v1.0.int8.onnx" in capsys.readouterr().out
    assert models.main(["install", "--dir", str(tmp_path), "--only", "kokoro", "--offline"]) == 1
    assert "offline" in capsys.readouterr().err


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """A small hub that understands Range, and the ranges it was asked for."""
    content = bytes(range(256)) * 400
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers.get("Range", ""))
            if self.path != "/file":
                self.send_error(404)
                return
            start = int((self.headers.get("Range") or "bytes=0-").split("=")[1].rstrip("-"))
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            self.wfile.write(content[start:])

        def log_message(self, format: str, *args: object) -> None:
            pass

    with listening(Handler) as server:
        yield f"http://127.0.0.1:{server.server_port}", asked


def test_a_download_that_was_cut_goes_on_where_it_stopped(hub: tuple[str, list[str]], tmp_path: Path) -> None:
    address, asked = hub
    target = tmp_path / "weights.bin"
    (tmp_path / "weights.bin.download").write_bytes((bytes(range(256)) * 400)[:1000])
    counted: list[int] = []
    fetch_url(Hub(f"{address}/file"), target, counted.append)
    assert asked == ["bytes=1000-"]
    assert sum(counted) == 102_400
    assert hashlib.sha256(target.read_bytes()).digest() == hashlib.sha256(bytes(range(256)) * 400).digest()


def test_an_absent_file_is_told_from_an_absent_host(hub: tuple[str, list[str]], tmp_path: Path) -> None:
    address, _ = hub
    with pytest.raises(TransportError, match="404") as missing:
        fetch_url(Hub(f"{address}/other"), tmp_path / "x", lambda _: None)
    assert not isinstance(missing.value, HostDownError)
    with pytest.raises(HostDownError):
        fetch_url(Hub("http://127.0.0.1:9/x"), tmp_path / "x", lambda _: None)


def test_every_weight_the_settings_name_is_where_the_stages_look(model_dir: Path) -> None:
    settings = EngineSettings(model_dir=str(model_dir))
    assert settings.model_path("whisper-base", "model.bin").is_file()
    assert all(row.ok for row in models.status(model_dir))
