"""Fixtures of the browser tests: one server and one browser for the whole run, a fresh world and page for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import override_settings
from playwright.sync_api import Browser, BrowserContext, Page

from tests.servers import Server, serve
from tests.web.world import World, furnish, make_world
from tests.web.world_lipsync import furnish_lipsync


@pytest.fixture(scope="session")
def site(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The whole site as customers get it: hashed static files, strict CSP, pages and streams on one address."""
    root = tmp_path_factory.mktemp("static")
    hashed = {**settings.STORAGES, "staticfiles": {"BACKEND": "apps.web.staticfiles.HashedStaticFiles"}}
    with override_settings(STATIC_ROOT=str(root), STORAGES=hashed):
        call_command(
            "collectstatic", interactive=False, verbosity=0, ignore_patterns=["unfold", "drf_spectacular_sidecar"]
        )
    environment = {
        "STATIC_ROOT": str(root),
        "GRANIAN_STATIC_PATH_ROUTE": "/static",
        "GRANIAN_STATIC_PATH_MOUNT": str(root),
    }
    with django_db_blocker.unblock(), serve("portal.asgi:application", env=environment) as server:
        yield server


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(site: Server, browser: Browser) -> Iterator[OpenPage]:
    """Opens pages in contexts of their own; the test fails for any script error or CSP violation that was not expected."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def opener(world: World | None = None, **options: Any) -> Page:
        context = browser.new_context(base_url=site.url, **{"viewport": {"width": 1280, "height": 860}, **options})
        contexts.append(context)
        if world is not None:
            cookie = {"name": settings.SESSION_COOKIE_NAME, "value": world.cookie(), "url": site.url}
            context.add_cookies([cookie])  # type: ignore[list-item]
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda message: complaints.append(message.text) if "Content Security Policy" in message.text else None,
        )
        return page

    yield opener
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def world(transactional_db: None) -> World:
    """An organization with its owner, and credits."""
    return make_world()


@pytest.fixture
def full_world(world: World, tmp_path: Path) -> World:
    """The same with people, keys and a job in every state."""
    return furnish_lipsync(furnish(world, tmp_path), tmp_path)
