"""tus 1.0: what the protocol's own document asks for, and what networks do to it."""

from __future__ import annotations

import base64
import hashlib
import io
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from apps.plans.models import Plan
from apps.projects import storage
from apps.projects.models import Asset, Upload
from apps.projects.services import expire_uploads, uploads
from apps.projects.services.uploads import part_path
from tests.api.conftest import Api, problem
from tests.factories import make_key, make_organization

pytestmark = pytest.mark.django_db

SRT = b"1\n00:00:00,000 --> 00:00:02,000\nHello there\n\n2\n00:00:02,500 --> 00:00:04,000\nGeneral\n"
TUS = {"Tus_Resumable": "1.0.0"}


def b64(text: str | bytes) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def create(api: Api, length: int, body: bytes = b"", **headers: str) -> Any:
    name = f"filename {b64('субтитры.srt')},kind {b64('subtitle')}"
    given = {**TUS, "Upload_Length": str(length), "Upload_Metadata": name, **headers}
    return api.post("uploads", body, **given)


def patch(api: Api, where: str, offset: int, body: bytes, **headers: str) -> Any:
    given = {**TUS, "Upload_Offset": str(offset), "Content_Type": "application/offset+octet-stream", **headers}
    return api.call("PATCH", where, body, **given)


def offset_of(api: Api, where: str) -> int:
    answer = api.call("HEAD", where, **TUS)
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    return int(answer["Upload-Offset"])


def test_options_needs_no_key(anonymous: Api) -> None:
    answer = anonymous.call("OPTIONS", "uploads")
    assert answer.status_code == 204
    assert answer["Tus-Version"] == "1.0.0"
    assert set(answer["Tus-Extension"].split(",")) == {
        "creation", "creation-with-upload", "checksum", "expiration", "termination",
    }  # fmt: skip
    assert "sha1" in answer["Tus-Checksum-Algorithm"].split(",")


def test_in_pieces_to_an_asset(api: Api) -> None:
    made = create(api, len(SRT))
    assert made.status_code == 201
    assert made["Upload-Offset"] == "0"
    assert "Upload-Expires" in made
    where = made["Location"]
    sent = 0
    for size in (10, 1, 40, len(SRT) - 51):
        answer = patch(api, where, sent, SRT[sent : sent + size])
        sent += size
        assert answer.status_code == 204
        assert answer["Tus-Resumable"] == "1.0.0"
        assert int(answer["Upload-Offset"]) == offset_of(api, where) == sent
    asset = Asset.objects.get()
    assert answer["Kinoglot-Asset"] == asset.public_id == api.get(where).json()["asset"]
    assert (asset.kind, asset.file_name, asset.size) == ("subtitle", "субтитры.srt", len(SRT))
    assert asset.sha256 == hashlib.sha256(SRT).hexdigest()
    shown = api.get(f"assets/{asset.public_id}").json()
    assert shown["status"] == "stored"
    assert b"".join(api.get(shown["url"].partition("127.0.0.1:8000")[2]).streaming_content) == SRT
    assert not part_path(Upload.objects.get()).exists()


def test_creation_with_upload(api: Api) -> None:
    answer = create(api, len(SRT), SRT, Content_Type="application/offset+octet-stream")
    assert answer.status_code == 201
    assert int(answer["Upload-Offset"]) == len(SRT)
    assert answer["Kinoglot-Asset"] == Asset.objects.get().public_id


def test_metadata_comes_back(api: Api) -> None:
    answer = api.call("HEAD", create(api, 10)["Location"], **TUS)
    assert answer["Upload-Length"] == "10"
    assert f"filename {b64('субтитры.srt')}" in answer["Upload-Metadata"].split(",")


def test_wrong_offset_is_409(api: Api) -> None:
    where = create(api, 10)["Location"]
    problem(patch(api, where, 5, b"abc"), 409, 4090)
    assert patch(api, where, 0, b"abc").status_code == 204
    problem(patch(api, where, 0, b"abc"), 409, 4090)
    assert offset_of(api, where) == 3


class Cut(io.BytesIO):
    """A connection that breaks after so many bytes."""

    def read(self, size: int | None = -1) -> bytes:
        piece = super().read(size)
        if not piece:
            raise OSError("connection reset by peer")
        return piece


def patch_from(api: Api, where: str, announced: int, stream: io.BytesIO) -> int:
    """The status of a PATCH at the beginning whose body comes from a stream, and may be shorter than announced."""
    answer = api.client.generic(
        "PATCH",
        where,
        b"",
        CONTENT_TYPE="application/offset+octet-stream",
        headers={"Authorization": f"Bearer {api.key}", "Tus-Resumable": "1.0.0", "Upload-Offset": "0"},
        CONTENT_LENGTH=str(announced),
        **{"wsgi.input": stream},
    )
    return answer.status_code


def test_a_cut_connection_keeps_what_arrived(api: Api) -> None:
    where = create(api, len(SRT))["Location"]
    assert patch_from(api, where, len(SRT), Cut(SRT[:33])) == 400
    assert offset_of(api, where) == 33
    assert part_path(Upload.objects.get()).read_bytes() == SRT[:33]
    assert patch(api, where, 33, SRT[33:]).status_code == 204
    assert Asset.objects.get().sha256 == hashlib.sha256(SRT).hexdigest()


def test_a_short_body_is_no_error(api: Api) -> None:
    """A proxy may end the body early without a fault: what came is kept."""
    where = create(api, 10)["Location"]
    assert patch_from(api, where, 10, io.BytesIO(b"abcd")) == 204
    assert offset_of(api, where) == 4


def test_bytes_of_a_killed_worker_beyond_the_row_are_overwritten(api: Api) -> None:
    where = create(api, len(SRT))["Location"]
    patch(api, where, 0, SRT[:20])
    with part_path(Upload.objects.get()).open("ab") as file:
        file.write(b"garbage of a worker that died before it told")
    assert offset_of(api, where) == 20
    assert patch(api, where, 20, SRT[20:]).status_code == 204
    assert Asset.objects.get().sha256 == hashlib.sha256(SRT).hexdigest()


@pytest.mark.parametrize("name", ["sha1", "sha256", "md5"])
def test_checksum(api: Api, name: str) -> None:
    where = create(api, 8)["Location"]
    good, bad = (f"{name} {b64(hashlib.new(name, data).digest())}" for data in (b"abcd", b"abce"))
    problem(patch(api, where, 0, b"abcd", Upload_Checksum=bad), 460, 4090)
    assert offset_of(api, where) == 0
    assert patch(api, where, 0, b"abcd", Upload_Checksum=good).status_code == 204
    assert offset_of(api, where) == 4


def test_unknown_checksum_is_refused(api: Api) -> None:
    where = create(api, 8)["Location"]
    problem(patch(api, where, 0, b"abcd", Upload_Checksum="crc99 abcd"), 400, 5)
    problem(patch(api, where, 0, b"abcd", Upload_Checksum="sha1 ???"), 400, 5)
    assert offset_of(api, where) == 0


def test_termination(api: Api) -> None:
    where = create(api, 10)["Location"]
    patch(api, where, 0, b"abc")
    path = part_path(Upload.objects.get())
    assert api.call("DELETE", where, **TUS).status_code == 204
    assert not path.exists()
    problem(patch(api, where, 3, b"d"), 404, 4040)
    assert api.call("HEAD", where, **TUS).status_code == 404


def test_expiration(api: Api) -> None:
    where = create(api, 10)["Location"]
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    problem(patch(api, where, 0, b"abc"), 410, 4100)
    path = part_path(Upload.objects.get())
    expire_uploads()
    assert not path.exists()
    problem(patch(api, where, 0, b"abc"), 404, 4040)


def test_larger_than_announced(api: Api) -> None:
    where = create(api, 4)["Location"]
    problem(patch(api, where, 0, b"abcdef"), 413, 4130)
    assert offset_of(api, where) == 0


def test_larger_than_the_plan(api: Api) -> None:
    Plan.objects.update(max_file_bytes=1000)
    assert str(1000) in problem(create(api, 1001), 413, 4130)["detail"]
    assert create(api, 1000).status_code == 201


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Tus_Resumable": "0.2.2"}, 412, 4120),
        ({"Upload_Length": "-1"}, 400, 5),
        ({"Upload_Length": "many"}, 400, 5),
        ({"Upload_Length": "0"}, 400, 5),
        ({"Upload_Length": "9" * 30}, 400, 5),
        ({"Upload_Defer_Length": "1"}, 400, 5),
        ({"Upload_Metadata": "filename ???"}, 400, 5),
        ({"Upload_Metadata": "a YQ==,a YQ=="}, 400, 5),
        ({"Upload_Metadata": "x " + "YQ==" * 2000}, 400, 5),
        ({"Upload_Metadata": f"kind {b64('poem')}"}, 400, 5),
        ({"Upload_Metadata": f"filename {b64(bytes([97, 0]))}"}, 400, 5),
    ],
)
def test_refused(api: Api, headers: dict[str, str], status: int, code: int) -> None:
    answer = create(api, 10, **headers)
    problem(answer, status, code)
    assert answer["Tus-Resumable"] == "1.0.0"
    if status == 412:
        assert answer["Tus-Version"] == "1.0.0"
    assert Upload.objects.count() == 0


def test_patch_must_be_octets(api: Api) -> None:
    where = create(api, 10)["Location"]
    problem(patch(api, where, 0, b"abc", Content_Type="application/json"), 415, 4150)


def test_post_may_stand_in_for_patch_and_delete(api: Api) -> None:
    where = create(api, 10)["Location"]
    headers = {**TUS, "Upload_Offset": "0", "Content_Type": "application/offset+octet-stream"}
    answer = api.post(where, b"abc", X_HTTP_Method_Override="PATCH", **headers)
    assert (answer.status_code, answer["Upload-Offset"]) == (204, "3")
    assert api.post(where, b"", X_HTTP_Method_Override="DELETE", **TUS).status_code == 204


def test_names_that_would_leave_the_folder_are_only_names(api: Api) -> None:
    for name in ("../../etc/passwd", "..\\..\\x", "/abs/olute", "a\nb"):
        answer = create(api, len(SRT), SRT, Content_Type="application/offset+octet-stream",
                        Upload_Metadata=f"filename {b64(name)},kind {b64('subtitle')}")  # fmt: skip
        assert answer.status_code == 201, answer.content
        asset = Asset.objects.get(public_id=answer["Kinoglot-Asset"])
        assert "/" not in asset.file_name
        assert asset.storage_key == f"assets/{asset.organization.public_id}/{asset.public_id}"
        link = api.get(f"assets/{asset.public_id}").json()["url"].partition("127.0.0.1:8000")[2]
        answer = api.get(link)
        assert b"".join(answer.streaming_content) == SRT
        assert "\n" not in answer["Content-Disposition"]


def test_another_organizations_upload_does_not_exist(api: Api, stranger: Api) -> None:
    where = create(api, 10)["Location"]
    for method in ("HEAD", "GET", "DELETE"):
        assert stranger.call(method, where, **TUS).status_code == 404
    problem(patch(stranger, where, 0, b"abc"), 404, 4040)
    assert offset_of(api, where) == 0


def test_no_more_is_kept_in_the_upload_folder_than_parts() -> None:
    assert str(django_settings.UPLOAD_DIR).startswith(str(django_settings.DATA_DIR))


def test_metadata_cannot_say_where_the_file_is_stored(api: Api, organization: Any) -> None:
    victim = create(api, len(SRT), SRT, Content_Type="application/offset+octet-stream")
    asset = Asset.objects.get(public_id=victim["Kinoglot-Asset"])
    path = storage.local_path(asset.storage_key)
    assert path is not None
    other = make_organization()
    attacker = Api(make_key(other)[1])
    evil = SRT.replace(b"Hello", b"Hacked")
    for wanted in (asset.public_id, f"../{organization.public_id}/{asset.public_id}"):
        given = {"Upload_Metadata": f"filename {b64('a.srt')},kind {b64('subtitle')},_asset {b64(wanted)}"}
        answer = create(attacker, len(evil), evil, Content_Type="application/offset+octet-stream", **given)
        assert answer.status_code == 201
        made = Asset.objects.get(public_id=answer["Kinoglot-Asset"])
        assert made.organization == other and made.pk != asset.pk
        assert path.read_bytes() == SRT


def test_one_organization_cannot_fill_the_disk(api: Api, organization: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    Plan.objects.filter(code="business").update(max_file_bytes=len(SRT))
    for _ in range(8):
        assert create(api, len(SRT)).status_code == 201
    refused = create(api, len(SRT))
    problem(refused, 429, 4290)
    assert int(refused["Retry-After"]) > 0
    assert create(Api(make_key(make_organization())[1]), len(SRT)).status_code == 201, "others are not concerned"
    # Those that nobody works on make way.
    Upload.objects.filter(organization=organization).update(
        expires_at=timezone.now() + timedelta(seconds=django_settings.UPLOAD_EXPIRY_SECONDS - 3700)
    )
    assert create(api, len(SRT)).status_code == 201
    assert Upload.objects.filter(organization=organization).count() == 8
    # Room that is used up by others while the bytes come.
    where = create(Api(make_key(organization)[1]), len(SRT))["Location"]
    monkeypatch.setattr(uploads, "ROOM_EVERY", 0)
    monkeypatch.setattr(uploads, "RESERVED_BYTES", 1 << 62)
    problem(patch(api, where, 0, SRT), 503, 5030)
    assert offset_of(api, where) == 0
