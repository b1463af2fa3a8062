"""Looking for faces in an asset: asked for once, done by a worker, remembered with a still that goes when the asset goes."""

from __future__ import annotations

import time
from datetime import timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as portal
from django.db import connection
from django.test import Client
from PIL import Image

from apps.accounts.actor import Actor
from apps.core import clock
from apps.core.errors import ApiError
from apps.jobs.services.cleaning import clean_assets
from apps.projects import actors, storage
from apps.projects.models import Asset
from apps.projects.services import create_asset_from_file, create_asset_from_url, face_picture_url, look_for_faces
from apps.projects.services.assets import delete_asset_file, still_key
from tests.factories import make_organization, owner_of
from tests.jobs.lipsync_help import png, wav
from tests.sites import FolderHandler, hosted, listening

pytestmark = [pytest.mark.django_db, pytest.mark.engine]
PORTRAIT = "faces/astronaut-eileen-collins-nasa.png"


@pytest.fixture
def actor() -> Actor:
    return owner_of(make_organization())


@pytest.fixture
def portrait(actor: Actor, shared_media: Path, model_dir: Path) -> Asset:
    return stored(actor, shared_media / PORTRAIT)


def stored(actor: Actor, path: Path) -> Asset:
    return create_asset_from_file(actor=actor, path=path, file_name=path.name)


def messages() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM dramatiq.queue WHERE message->>'actor_name' = 'look_for_faces'")
        return int(cursor.fetchone()[0])


def aged(asset: Asset, seconds: float) -> None:
    asset.refresh_from_db()
    assert asset.faces is not None
    Asset.objects.filter(pk=asset.pk).update(faces=asset.faces | {"since": time.time() - seconds})


def test_asked_twice_looked_at_once(actor: Actor, portrait: Asset, client: Client) -> None:
    first = look_for_faces(actor=actor, asset=portrait)
    assert (first.status, first.faces) == ("looking", [])
    assert look_for_faces(actor=actor, asset=portrait).status == "looking"
    assert messages() == 1
    assert face_picture_url(actor=actor, asset=portrait) is None
    actors.look_for_faces.fn(portrait.public_id)
    look = look_for_faces(actor=actor, asset=portrait)
    (face,) = look.faces
    assert (look.status, look.code, look.width, look.height, look.at, face.problem) == (
        "ready",
        None,
        512,
        512,
        0.0,
        None,
    )
    assert face.x < 225 / 512 < face.x + face.width
    url = face_picture_url(actor=actor, asset=portrait)
    assert url is not None
    answer = client.get(url)
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/jpeg")
    assert answer["Content-Disposition"].startswith("inline")
    assert Image.open(BytesIO(b"".join(answer.streaming_content))).size == (512, 512)  # type: ignore[attr-defined]
    portrait.refresh_from_db()
    kept = portrait.faces
    actors.look_for_faces.fn(portrait.public_id)  # a message that came twice
    portrait.refresh_from_db()
    assert portrait.faces == kept and messages() == 1


def test_a_lost_message_is_sent_again(actor: Actor, portrait: Asset) -> None:
    look_for_faces(actor=actor, asset=portrait)
    aged(portrait, 400)
    assert look_for_faces(actor=actor, asset=portrait).status == "looking"
    assert look_for_faces(actor=actor, asset=portrait).status == "looking"
    assert messages() == 2


def test_one_organization_has_twenty_looks_at_a_time(actor: Actor, portrait: Asset, shared_media: Path) -> None:
    rows = [
        Asset(
            organization=actor.organization, kind="image", status="stored", faces={"status": "looking", "since": since}
        )
        for since in [time.time()] * 19 + [time.time() - 400] * 30
    ]
    Asset.objects.bulk_create(rows)
    assert look_for_faces(actor=actor, asset=portrait).status == "looking"
    another = stored(actor, shared_media / PORTRAIT)
    with pytest.raises(ApiError) as caught:
        look_for_faces(actor=actor, asset=another)
    assert caught.value.code == 4290 and messages() == 1
    assert look_for_faces(actor=actor, asset=portrait).status == "looking", "whoever waits may ask again"
    other = owner_of(make_organization())
    assert look_for_faces(actor=other, asset=stored(other, shared_media / PORTRAIT)).status == "looking"
    aged(portrait, 400)
    assert look_for_faces(actor=actor, asset=another).status == "looking", "a lost look holds nobody up"


def test_a_look_that_ran_out_of_time_is_tried_again_one_without_a_face_is_not(
    actor: Actor, shared_media: Path, model_dir: Path, tmp_path: Path, settings: Any
) -> None:
    nobody = stored(actor, png(tmp_path / "grey.png"))
    settings.ENGINE = portal.ENGINE | {"more": {"probe_timeout": 0.01}}
    look_for_faces(actor=actor, asset=nobody)
    actors.look_for_faces.fn(nobody.public_id)
    assert look_for_faces(actor=actor, asset=nobody).code == 10903
    aged(nobody, 70)
    settings.ENGINE = portal.ENGINE | {"more": {}}
    assert look_for_faces(actor=actor, asset=nobody).status == "looking"
    actors.look_for_faces.fn(nobody.public_id)
    aged(nobody, 7000)
    look = look_for_faces(actor=actor, asset=nobody)
    assert (look.status, look.code, look.faces) == ("failed", 10911, []) and "no face" in look.reason
    assert messages() == 2 and not storage.exists(still_key(nobody))


def test_what_is_no_picture_says_why(actor: Actor, model_dir: Path, tmp_path: Path) -> None:
    sound = stored(actor, wav(tmp_path / "speech.wav", 0.5))
    look_for_faces(actor=actor, asset=sound)
    actors.look_for_faces.fn(sound.public_id)
    assert look_for_faces(actor=actor, asset=sound).code == 10001
    Asset.objects.filter(pk=sound.pk).update(status="failed", error_code=10905, error="too long")
    look = look_for_faces(actor=actor, asset=sound)
    assert (look.status, look.code, look.reason) == ("failed", 10905, "too long")
    Asset.objects.filter(pk=sound.pk).update(status="stored", kind="subtitle")
    assert look_for_faces(actor=actor, asset=sound).code == 10904


def test_a_link_is_fetched_first(
    actor: Actor, shared_media: Path, model_dir: Path, tmp_path: Path, settings: Any
) -> None:
    settings.PRIVATE_HOSTS_ALLOWED = ("127.0.0.1",)
    (tmp_path / "face.png").write_bytes((shared_media / PORTRAIT).read_bytes())
    with hosted(tmp_path) as site:
        linked = create_asset_from_url(actor=actor, url=f"{site}/face.png", kind="image")
        gone = create_asset_from_url(actor=actor, url=f"{site}/gone.png", kind="image")
        for asset in (linked, gone):
            assert look_for_faces(actor=actor, asset=asset).status == "looking"
            actors.look_for_faces.fn(asset.public_id)
    look = look_for_faces(actor=actor, asset=linked)
    assert (look.status, len(look.faces)) == ("ready", 1)
    assert look_for_faces(actor=actor, asset=gone).code == 10901


@pytest.mark.django_db(transaction=True)
def test_a_link_that_is_being_fetched_is_not_fetched_for_its_faces_too(
    actor: Actor, shared_media: Path, model_dir: Path, tmp_path: Path, settings: Any
) -> None:
    settings.PRIVATE_HOSTS_ALLOWED = ("127.0.0.1",)
    (tmp_path / "face.png").write_bytes((shared_media / PORTRAIT).read_bytes())
    fetched: list[str] = []

    class Site(FolderHandler):
        def do_GET(self) -> None:
            fetched.append(self.path)
            if len(fetched) == 1:
                actors.look_for_faces.fn(linked.public_id)  # the worker's other thread, meanwhile
                connection.close()
            super().do_GET()

    with listening(partial(Site, directory=str(tmp_path))) as server:
        url = f"http://127.0.0.1:{server.server_port}/face.png"
        linked = create_asset_from_url(actor=actor, url=url, kind="image")
        look_for_faces(actor=actor, asset=linked)
        actors.fetch_asset.fn(linked.public_id)
    assert fetched == ["/face.png"] and messages() == 2, "the look comes back in five seconds"
    actors.look_for_faces.fn(linked.public_id)
    assert look_for_faces(actor=actor, asset=linked).status == "ready"


def test_without_weights_it_says_so_and_asks_nobody(actor: Actor, tmp_path: Path, settings: Any) -> None:
    settings.ENGINE = portal.ENGINE | {"model_dir": str(tmp_path / "none")}
    asset = stored(actor, png(tmp_path / "grey.png"))
    look = look_for_faces(actor=actor, asset=asset)
    assert (look.status, look.code) == ("failed", 5030) and look.reason
    asset.refresh_from_db()
    assert asset.faces is None and messages() == 0


def test_strangers_have_no_such_asset(actor: Actor, portrait: Asset) -> None:
    stranger = owner_of(make_organization())
    for ask in (look_for_faces, face_picture_url):
        with pytest.raises(ApiError) as caught:
            ask(actor=stranger, asset=portrait)
        assert caught.value.http_status == 404
    assert messages() == 0


def test_the_still_goes_with_the_asset(actor: Actor, portrait: Asset, shared_media: Path) -> None:
    other = stored(actor, shared_media / PORTRAIT)
    for asset in (portrait, other):
        look_for_faces(actor=actor, asset=asset)
    actors.look_for_faces.fn(portrait.public_id)
    assert storage.exists(still_key(portrait))
    Asset.objects.filter(pk=portrait.pk).update(created_at=clock.now() - timedelta(days=4000))
    assert clean_assets() == 1
    assert not storage.exists(still_key(portrait)) and face_picture_url(actor=actor, asset=portrait) is None
    assert look_for_faces(actor=actor, asset=portrait).code == 10901
    # Deleted between the asking and the look: nothing is left behind either.
    assert delete_asset_file(other)
    actors.look_for_faces.fn(other.public_id)
    assert not storage.exists(still_key(other))


def test_one_look_at_a_time(actor: Actor, portrait: Asset) -> None:
    look_for_faces(actor=actor, asset=portrait)
    with actors._looking:
        actors.look_for_faces.fn(portrait.public_id)
    assert look_for_faces(actor=actor, asset=portrait).status == "looking" and messages() == 2, (
        "it comes back in a second"
    )
