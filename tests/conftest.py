"""What every test may use: the database server, the shared media, the engine's weights, a browser."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from apps.accounts.models import Organization
    from tests.jobs.token_vendor import TokenProvider, TokenStub
from dramatiq import Broker

ROOT = Path(__file__).resolve().parent.parent
# Sample media that are not part of the repository; tests that need them skip where they are absent.
SHARED = Path(os.environ.get("KINOGLOT_SHARED", ROOT.parent / "shared"))
# The sync Playwright API keeps an event loop in the test's thread; Django would refuse ORM calls of fixtures there.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove this process's files."""
    if settings.configured and "kinoglot-test-" in settings.DATA_DIR.name:
        shutil.rmtree(settings.DATA_DIR, ignore_errors=True)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Long tests start first (marker `long`)."""
    yield
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Tests that share something costly stay on one worker (tests/sharing.py)."""
    from tests.sharing import SharingScheduling

    return SharingScheduling(config, log) if config.getvalue("dist") == "loadgroup" else None


@pytest.fixture(scope="session")
def database_server() -> Iterator[str]:
    """Address of a running PostgreSQL: the embedded one, shared by all test processes of this checkout."""
    from portal.embedded_postgres import ensure_server
    from tests.settings import EMBEDDED, TEST_SERVER_DIR

    if not EMBEDDED:
        yield settings.DATABASE_URL
        return
    with ensure_server(TEST_SERVER_DIR, durable=False) as server:
        yield server.url


@pytest.fixture(scope="session")
def django_db_modify_db_settings(database_server: str, django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Have the server running before pytest-django makes the test database."""


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """pytest-django's own; before the database goes, server processes that a test stopped or killed get time to leave it."""
    from django.db import connection

    from tests.emptied import quick_flush

    with ExitStack() as stack:
        with django_db_blocker.unblock():
            stack.enter_context(quick_flush())
        yield

    with django_db_blocker.unblock(), connection.cursor() as cursor:
        for _ in range(100):
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            row = cursor.fetchone()
            if not row or not row[0]:
                return
            time.sleep(0.1)


@pytest.fixture(scope="session")
def broker(django_db_setup: None) -> Iterator[Broker]:
    """The queue's broker over the test database, for tests that run a dramatiq.Worker; closed before the database goes."""
    from apps.events.broker import get_broker

    made = get_broker()
    yield made
    made.close()


@pytest.fixture
def organization(db: None) -> Organization:
    """On the business plan, with 10,000 credits in both wallets."""
    from tests.factories import make_organization

    return make_organization(credits=10_000)


@pytest.fixture
def token_provider(monkeypatch: pytest.MonkeyPatch) -> TokenProvider:
    """A vendor with short-lived tokens, registered."""
    from apps.jobs.services import account_health
    from apps.providers import registry
    from tests.jobs.token_vendor import NAME, TokenProvider

    provider = TokenProvider()
    monkeypatch.setitem(registry.PROVIDERS, NAME, provider)
    account_health.forget_writes()
    return provider


@pytest.fixture
def token_vendor(token_provider: TokenProvider, settings: Any) -> Iterator[TokenStub]:
    """Its server, which accounts may name."""
    from tests.jobs.token_vendor import TokenStub

    settings.PRIVATE_HOSTS_ALLOWED = ("127.0.0.1",)
    with TokenStub() as running:
        yield running


@pytest.fixture(scope="session")
def shared_media() -> Path:
    """Folder of the sample media (speech/, oncamera/, nasty/, ...); skips where it is absent."""
    folder = SHARED / "media"
    if not folder.is_dir():
        pytest.skip(f"sample media not found at {folder} (KINOGLOT_SHARED names their folder)")
    return folder


@pytest.fixture(scope="session")
def shared_seeds() -> Path:
    """Folder of the five seed documents; skips where it is absent."""
    folder = SHARED / "seeds"
    if not folder.is_dir():
        pytest.skip(f"seed documents not found at {folder} (KINOGLOT_SHARED names their folder)")
    return folder


@pytest.fixture(scope="session")
def model_dir() -> Path:
    """Folder of the engine's weights; skips where they are not installed."""
    folder = Path(settings.MODEL_DIR)
    if not folder.is_dir() or not any(folder.iterdir()):
        pytest.skip(f"no engine weights in {folder} (`manage.py install_models` puts them there)")
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the system's Chromium, rather the one without a user interface (a third of the CPU); skips where there is none."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if (path := shutil.which(name))), None)
    if not found:
        pytest.skip(
            "no Chromium on this machine: browser tests are skipped (on Debian: apt install chromium-headless-shell)"
        )
    return found


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """One Chromium for this process: two of Playwright's sync APIs do not fit into one thread."""
    from playwright.sync_api import sync_playwright

    arguments = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-quic"]
    arguments.append("--disable-gpu")  # where there is none it is computed, which costs more than drawing without
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, headless=True, args=arguments)
        loop = asyncio._get_running_loop()
        yield started
        asyncio._set_running_loop(loop)  # it may be hidden from the test that happens to be the last one
        started.close()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Hides Playwright's event loop from tests that use no browser, their fixtures included.

    Between two browser tests it is asleep in another greenlet but still counts as this thread's running loop: asyncio.run() would
    refuse to start, and Django keeps other database connections for a thread with a loop than for one without.
    """
    loop = asyncio._get_running_loop()
    if loop is None or "browser" in getattr(item, "fixturenames", ()):
        return (yield)
    asyncio._set_running_loop(None)
    try:
        return (yield)
    finally:
        asyncio._set_running_loop(loop if loop.is_running() else None)
