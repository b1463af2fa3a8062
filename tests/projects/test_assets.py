"""Assets by link: fetched through the guarded door by a worker, probed in a child, failures kept as numbers and words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from apps.core.errors import ApiError
from apps.events.models import Event
from apps.projects import actors, services, storage
from apps.projects.models import Asset
from apps.projects.selectors import asset_for, assets_for
from apps.projects.services import assets
from tests.factories import make_organization, owner_of
from tests.jobs.helpers import SRT, make_clip
from tests.sites import hosted

pytestmark = pytest.mark.django_db


@pytest.fixture
def site(tmp_path: Path, settings: Any) -> Iterator[tuple[str, Path]]:
    folder = tmp_path / "site"
    folder.mkdir()
    with hosted(folder) as url:
        settings.PRIVATE_HOSTS_ALLOWED = (url.removeprefix("http://"),)
        yield url, folder


@pytest.fixture
def actor() -> Any:
    return owner_of(make_organization())


@pytest.mark.engine
def test_a_link_is_fetched_probed_and_told(actor: Any, site: tuple[str, Path]) -> None:
    base, folder = site
    make_clip(folder / "my clip.mp4", seconds=2.0)
    asset = services.create_asset_from_url(actor=actor, url=f"{base}/my%20clip.mp4")
    assert asset.status == "remote"
    asset = services.probe_asset(asset)
    assert (asset.status, asset.content_type, asset.file_name) == ("stored", "video/mp4", "my clip.mp4")
    assert 1900 < (asset.duration_ms or 0) < 2300
    assert asset.probe is not None and asset.probe["video"]["width"] == 160
    assert storage.exists(asset.storage_key)
    told = list(Event.objects.filter(subject_id=asset.public_id).order_by("id").values_list("type", flat=True))
    assert told == ["asset.created", "asset.ready"]
    services.probe_asset(asset)
    assert Event.objects.filter(subject_id=asset.public_id).count() == 2, "again is harmless"


@pytest.mark.parametrize(
    ("path", "content", "code"),
    [
        ("missing.mp4", None, 10901),
        ("loop", None, 10901),
        ("empty.mp4", b"", 10902),
        ("page.mp4", b"<html><body>no video here</body></html>", 10904),
        ("torn.mp4", b"\x00\x00\x00\x18ftypisom" + b"\x00" * 3000, 10902),
    ],
)
@pytest.mark.engine
def test_what_cannot_be_used_says_why(
    actor: Any, site: tuple[str, Path], path: str, content: bytes | None, code: int
) -> None:
    base, folder = site
    if content is not None:
        (folder / path).write_bytes(content)
    asset = services.probe_asset(services.create_asset_from_url(actor=actor, url=f"{base}/{path}"))
    assert (asset.status, asset.error_code) == ("failed", code)
    assert asset.error


def test_subtitles_are_told_from_media_by_their_bytes(actor: Any, tmp_path: Path) -> None:
    path = tmp_path / "words.mp4"
    path.write_text(SRT, encoding="utf-8")
    asset = services.create_asset_from_file(actor=actor, path=path, file_name="words.mp4")
    assert (asset.kind, asset.content_type) == ("subtitle", "application/x-subrip")


@pytest.mark.parametrize("url", ["ftp://example.org/a.mp4", "http://127.0.0.1/a.mp4", "http://[::1]/a", "not a url"])
def test_addresses_that_could_never_be_fetched_are_refused_at_once(actor: Any, url: str) -> None:
    with pytest.raises(ApiError) as caught:
        services.create_asset_from_url(actor=actor, url=url)
    assert caught.value.code == 5 and "url" in caught.value.errors
    assert not Asset.objects.exists()


def test_lists_page_by_key_and_keep_to_their_organization(actor: Any, django_assert_num_queries: Any) -> None:
    stranger = owner_of(make_organization())
    made = [services.create_asset_from_url(actor=actor, url=f"https://example.org/{n}.mp4") for n in range(5)]
    with django_assert_num_queries(1):
        first = assets_for(actor, limit=2)
    second = assets_for(actor, cursor=first.next_cursor, limit=2)
    third = assets_for(actor, cursor=second.next_cursor, limit=2)
    shown = [asset.public_id for page in (first, second, third) for asset in page.items]
    assert shown == [asset.public_id for asset in reversed(made)]
    assert third.next_cursor == ""
    assert assets_for(stranger).items == []
    with pytest.raises(ApiError) as caught:
        asset_for(stranger, made[0].public_id)
    assert caught.value.http_status == 404
    with pytest.raises(ApiError) as caught:
        assets_for(actor, cursor="x")
    assert caught.value.code == 5


def test_slow_hosts_leave_threads_to_other_work(actor: Any) -> None:
    asset = services.create_asset_from_url(actor=actor, url="https://media.example.com/slow.mp4")
    with actors._fetching, actors._fetching:  # two other threads are at it
        actors.fetch_asset.fn(asset.public_id)
    asset.refresh_from_db()
    assert asset.status == "remote"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM dramatiq.queue WHERE message->>'actor_name' = 'fetch_asset' AND available_at > now()"
        )
        assert cursor.fetchone() == (1,), "it comes back later"


def test_only_so_many_links_wait(actor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "MAX_REMOTE", 2)
    for number in range(2):
        services.create_asset_from_url(actor=actor, url=f"https://media.example.com/{number}.mp4")
    with pytest.raises(ApiError) as caught:
        services.create_asset_from_url(actor=actor, url="https://media.example.com/2.mp4")
    assert caught.value.http_status == 429
    Asset.objects.update(status="failed")
    services.create_asset_from_url(actor=actor, url="https://media.example.com/2.mp4")
