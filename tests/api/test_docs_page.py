"""The docs page in a real browser: Swagger UI draws every operation and our policy stops nothing that it needs."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_docs(live_server: Any, browser: Browser) -> None:
    complaints: list[str] = []
    elsewhere: list[str] = []
    page = browser.new_page()
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request",
        lambda request: None if request.url.startswith((live_server.url, "data:")) else elsewhere.append(request.url),
    )
    page.goto(f"{live_server.url}/api/v1/docs")
    page.wait_for_selector(".opblock", timeout=30_000)
    operations = page.locator(".opblock").count()
    page.locator("#operations-Translations-translations_create .opblock-summary-control").click()
    page.wait_for_selector("text=target_locales", timeout=10_000)
    page.close()
    assert operations > 20
    assert complaints == []
    assert elsewhere == []
