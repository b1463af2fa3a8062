"""People come in: sign up with a code from the mail, sign in, second factor, passkey; all of allauth's pages in our clothes."""

from __future__ import annotations

import re
import time
from email import message_from_string, policy
from pathlib import Path

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.conf import settings
from playwright.sync_api import Page, expect

from apps.accounts.models import Membership, User
from tests.servers import Server
from tests.web.conftest import OpenPage
from tests.web.test_every_page import violations
from tests.web.world import PASSWORD, World

pytestmark = pytest.mark.browser
MAIL = Path(settings.DATA_DIR) / "mail"


def code_for(address: str) -> str:
    """The newest code that was mailed to an address."""
    for _ in range(50):
        for path in sorted(MAIL.glob("*"), key=lambda path: path.stat().st_mtime, reverse=True):
            for text in reversed(path.read_text(encoding="utf-8").split("-" * 79)):
                mail = message_from_string(text.strip(), policy=policy.default)
                body = mail.get_body(("plain",)) if mail["To"] and address in mail["To"] else None
                found = re.search(r"^([A-Z0-9][A-Z0-9-]{4,})$", body.get_content(), re.M) if body else None
                if found:
                    return found[1]
        time.sleep(0.1)
    raise AssertionError(f"no mail for {address}")


def sign_in(page: Page, world: World) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill(world.user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def confirm_access(page: Page) -> None:
    """Before anything of the account's safety changes, the password is asked for once more."""
    expect(page.get_by_role("heading", level=1)).to_have_text("Confirm access")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()


def test_sign_up_with_a_code_leads_to_the_first_job(open_page: OpenPage, transactional_db: None) -> None:
    page = open_page()
    page.goto("/")
    page.get_by_role("link", name="Create an account").click()
    page.get_by_label("Email").fill("mara@northbeam.example")
    page.get_by_label("Password").fill("eleven tall trees")
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Enter email verification code")
    assert violations(page) == []
    page.locator("[name=code]").fill(code_for("mara@northbeam.example"))
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Jobs")
    expect(page.get_by_text("One video in, many languages out")).to_be_visible()
    assert Membership.objects.get(user__email="mara@northbeam.example").role == "owner"


def test_a_wrong_password_says_so_and_a_code_helps(open_page: OpenPage, world: World) -> None:
    page = open_page()
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill(world.user.email)
    page.get_by_label("Password").fill("wrong horse")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.locator("[role=alert]")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("link", name="E-mail me a code").click()
    page.get_by_label("Email").fill(world.user.email)
    page.get_by_role("button", name="Request code").click()
    page.locator("[name=code]").fill(code_for(world.user.email))
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Jobs")


def test_second_factor_and_recovery_codes(open_page: OpenPage, world: World) -> None:
    page = open_page()
    sign_in(page, world)
    expect(page.get_by_role("heading", level=1)).to_have_text("Jobs")
    page.goto("/accounts/2fa/totp/activate/")
    confirm_access(page)
    expect(page.locator(".qr img")).to_be_visible()
    assert violations(page) == []
    secret = page.locator("#authenticator_secret").input_value()
    page.locator("[name=code]").fill(totp(secret))
    page.get_by_role("button", name="Activate").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    assert violations(page) == []
    codes = page.locator("#recovery_codes").input_value().split()
    assert len(codes) == 10
    for path in (
        "/accounts/2fa/",
        "/accounts/2fa/totp/deactivate/",
        "/accounts/2fa/recovery-codes/generate/",
        "/accounts/2fa/webauthn/",
    ):
        page.goto(path)
        assert violations(page) == [], path

    other = open_page()
    sign_in(other, world)
    expect(other.get_by_role("heading", level=1)).to_have_text("Two-factor authentication")
    assert violations(other) == []
    other.locator("[name=code]").fill(codes[0])
    other.get_by_role("button", name="Sign in", exact=True).click()
    expect(other.get_by_role("heading", level=1)).to_have_text("Jobs")


def test_a_passkey_signs_in(open_page: OpenPage, site: Server, world: World) -> None:
    base = site.url.replace("127.0.0.1", "localhost")  # WebAuthn knows sites by name
    page = open_page()
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    device = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    options = {**device, "isUserVerified": True, "automaticPresenceSimulation": True}
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    page.goto(f"{base}/accounts/login/")
    page.get_by_label("Email").fill(world.user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Jobs")
    page.goto(f"{base}/accounts/2fa/webauthn/add/")
    confirm_access(page)
    assert violations(page) == []
    page.get_by_label("Name").fill("My laptop")
    page.get_by_label("Passwordless").check()
    page.get_by_role("button", name="Add").click()
    page.wait_for_url(lambda url: not url.endswith("/webauthn/add/"))
    page.goto(f"{base}/accounts/2fa/webauthn/")
    expect(page.get_by_text("My laptop")).to_be_visible()
    page.context.clear_cookies()
    page.goto(f"{base}/accounts/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Jobs")


def totp(secret: str) -> str:
    """The code that an authenticator app would show now."""
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))


def test_the_language_is_kept_with_the_account(open_page: OpenPage, world: World) -> None:
    page = open_page(world)
    page.goto("/settings/")
    page.locator("main [name=language]").select_option("es")
    expect(page.get_by_role("heading", level=1)).to_have_text("Ajustes")
    assert User.objects.get(pk=world.user.pk).language == "es"
