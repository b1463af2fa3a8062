"""Resumable uploads: offsets, broken streams, checksums, limits, two writers, and what a finished one becomes."""

from __future__ import annotations

import hashlib
import io
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connections
from django.utils import timezone

from apps.core.errors import ApiError
from apps.plans.models import Plan
from apps.projects import services, storage
from apps.projects.models import Asset, Upload
from apps.projects.selectors import upload_for
from apps.projects.services.uploads import part_path
from tests.factories import add_member, make_organization, owner_of

pytestmark = pytest.mark.django_db
BODY = b"\x00\x00\x00\x18ftypisom" + bytes(range(256)) * 40


@pytest.fixture
def actor() -> Any:
    return owner_of(make_organization())


def opened(actor: Any, **metadata: str) -> Upload:
    return services.create_upload(actor=actor, length=len(BODY), metadata={"filename": "talk.mp4"} | metadata)


def append(actor: Any, upload: Upload, offset: int, data: bytes, **more: Any) -> Upload:
    return services.append_upload(actor=actor, upload=upload, offset=offset, stream=io.BytesIO(data), **more)


class Breaking(io.BytesIO):
    """A client that goes away after its bytes."""

    def read(self, size: int | None = -1, /) -> bytes:
        piece = super().read(100)
        if not piece:
            raise ConnectionResetError("gone")
        return piece


def test_in_pieces_it_becomes_a_stored_asset(actor: Any) -> None:
    upload = opened(actor)
    upload = append(actor, upload, 0, BODY[:1000])
    assert (upload.offset, upload.asset) == (1000, None)
    upload = append(actor, upload, 1000, BODY[1000:])
    asset = upload.asset
    assert asset is not None
    assert (asset.status, asset.kind, asset.file_name, asset.size) == ("stored", "media", "talk.mp4", len(BODY))
    assert asset.sha256 == hashlib.sha256(BODY).hexdigest()
    assert asset.content_type == "video/mp4"
    with storage.open_key(asset.storage_key) as stream:
        assert stream.read() == BODY
    assert not part_path(upload).exists()
    assert append(actor, upload, len(BODY), b"").asset == asset, "the last request once more"
    assert Asset.objects.count() == 1


def test_another_offset_is_a_conflict(actor: Any) -> None:
    upload = append(actor, opened(actor), 0, BODY[:10])
    for wrong in (0, 5, 11):
        with pytest.raises(ApiError) as caught:
            append(actor, upload, wrong, BODY[:10])
        assert caught.value.http_status == 409
    assert upload_for(actor, upload.public_id).offset == 10


def test_a_broken_stream_keeps_what_arrived(actor: Any) -> None:
    upload = opened(actor)
    with pytest.raises(ApiError):
        services.append_upload(actor=actor, upload=upload, offset=0, stream=Breaking(BODY[:350]))
    row = upload_for(actor, upload.public_id)
    assert row.offset == 350
    assert append(actor, row, 350, BODY[350:]).asset is not None
    with storage.open_key(Asset.objects.get().storage_key) as stream:
        assert stream.read() == BODY


def test_bytes_of_a_request_that_died_before_it_told_are_dropped(actor: Any) -> None:
    upload = append(actor, opened(actor), 0, BODY[:100])
    with part_path(upload).open("ab") as part:
        part.write(b"x" * 500)
    upload = append(actor, upload, 100, BODY[100:])
    assert upload.asset is not None and upload.asset.sha256 == hashlib.sha256(BODY).hexdigest()


def test_a_wrong_checksum_drops_the_piece(actor: Any) -> None:
    upload = opened(actor)
    with pytest.raises(ApiError) as caught:
        append(actor, upload, 0, BODY[:100], checksum=("sha1", b"0" * 20))
    assert caught.value.http_status == 460
    assert upload_for(actor, upload.public_id).offset == 0
    right = hashlib.sha1(BODY, usedforsecurity=False).digest()
    assert append(actor, upload, 0, BODY, checksum=("sha1", right)).asset is not None


def test_more_than_announced_is_refused(actor: Any) -> None:
    upload = opened(actor)
    for more in ({"length": len(BODY) + 1}, {}):
        with pytest.raises(ApiError) as caught:
            append(actor, upload, 0, BODY + b"x", **more)
        assert caught.value.http_status == 413
    assert upload_for(actor, upload.public_id).offset == 0


def test_limits_and_rights(actor: Any) -> None:
    Plan.objects.update(max_file_bytes=1000)
    for length, status in ((0, 400), (-1, 400), (1001, 413)):
        with pytest.raises(ApiError) as caught:
            services.create_upload(actor=actor, length=length, metadata={})
        assert caught.value.http_status == status
    with pytest.raises(ApiError) as caught:
        services.create_upload(actor=actor, length=10, metadata={"kind": "shoe"})
    assert "kind" in caught.value.errors
    with pytest.raises(ApiError) as caught:
        services.create_upload(actor=add_member(actor.organization, "viewer"), length=10, metadata={})
    assert caught.value.code == 1503


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"%PDF-1.7 ...", "PDF"),
        (b"PK\x03\x04....", "archive"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"MZ\x90", "program"),
    ],
)
def test_what_is_no_media_is_refused_at_the_end(actor: Any, content: bytes, what: str) -> None:
    upload = services.create_upload(actor=actor, length=len(content), metadata={"filename": "film.mp4"})
    with pytest.raises(ApiError) as caught:
        append(actor, upload, 0, content)
    assert caught.value.code == 5 and what in caught.value.errors["file"][0]
    assert not Upload.objects.exists() and not Asset.objects.exists()


def test_the_file_name_cannot_leave_its_folder(actor: Any) -> None:
    upload = append(actor, opened(actor, filename="..\\..\\etc/passwd\x00.mp4".replace("\x00", "")), 0, BODY)
    assert upload.asset is not None
    assert upload.asset.file_name == "passwd.mp4"
    path = storage.local_path(upload.asset.storage_key)
    assert path is not None and Path(settings.DATA_DIR) in path.parents


def test_terminated_expired_and_strange_uploads_are_gone(actor: Any) -> None:
    upload = append(actor, opened(actor), 0, BODY[:10])
    with pytest.raises(ApiError) as caught:
        upload_for(owner_of(make_organization()), upload.public_id)
    assert caught.value.http_status == 404
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(ApiError) as caught:
        upload_for(actor, upload.public_id)
    assert caught.value.http_status == 410
    assert services.expire_uploads() == 1
    assert not part_path(upload).exists()
    other = opened(actor)
    services.terminate_upload(actor=actor, upload=other)
    assert not Upload.objects.exists() and not part_path(other).exists()


@pytest.mark.django_db(transaction=True)
def test_only_one_of_two_writers_gets_in(actor: Any) -> None:
    upload = opened(actor)
    inside, go_on = threading.Event(), threading.Event()

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            inside.set()
            assert go_on.wait(10)
            return super().read(size)

    def write() -> None:
        try:
            services.append_upload(actor=actor, upload=Upload.objects.get(pk=upload.pk), offset=0, stream=Slow(BODY))
        finally:
            connections.close_all()

    first = threading.Thread(target=write)
    first.start()
    assert inside.wait(10)
    with pytest.raises(ApiError) as caught:
        append(actor, upload, 0, BODY)
    assert caught.value.http_status == 423
    go_on.set()
    first.join(10)
    assert Asset.objects.get().sha256 == hashlib.sha256(BODY).hexdigest()
