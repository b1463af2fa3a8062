"""Every page of the console opens, costs a fixed number of queries, counts no table, and is for staff only."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import Organization, User
from apps.core.ids import is_id
from apps.events.admin_base import ReadOnlyAdmin
from apps.jobs.models import Job
from tests.console.conftest import make_job
from tests.factories import make_organization, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("console")]  # one row of everything for all
OURS = ("accounts", "plans", "events", "projects", "glossaries", "jobs", "webhooks")
MODELS = sorted(
    (model for model in admin.site._registry if model._meta.app_label in (*OURS, "account", "mfa", "admin", "auth")),
    key=lambda model: model._meta.label,
)
IDS = [model._meta.label for model in MODELS]


def name(model: type, page: str) -> str:
    return f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}"  # type: ignore[attr-defined]


def queries_of(client: Client, url: str) -> list[str]:
    """SQL of one page, which must open."""
    with CaptureQueriesContext(connection) as captured:
        response = client.get(url)
        assert response.status_code == 200, url
    return [query["sql"] for query in captured]


def test_every_model_of_every_app_is_in_the_console() -> None:
    registered = set(admin.site._registry)
    missing = [
        model._meta.label for app in OURS for model in apps.get_app_config(app).get_models() if model not in registered
    ]
    assert missing == []


@pytest.mark.parametrize("model", MODELS, ids=IDS)
def test_every_row_opens_and_can_be_searched(staff: Client, populated: None, model: type) -> None:
    for row in model._default_manager.all()[:3]:  # type: ignore[attr-defined]
        response = staff.get(reverse(name(model, "change"), args=[row.pk]))
        assert response.status_code == 200
        assert b"very secret" not in response.content
    assert admin.site._registry[model].search_fields
    assert staff.get(reverse(name(model, "changelist")), {"q": "x y_%"}).status_code == 200
    # Past the end there is an empty page, not an error.
    assert staff.get(reverse(name(model, "changelist")), {"p": "40"}).status_code == 200


@pytest.mark.parametrize("model", MODELS, ids=IDS)
def test_what_services_write_is_read_only(staff: Client, populated: None, model: type) -> None:
    page = admin.site._registry[model]
    if not isinstance(page, ReadOnlyAdmin):
        assert model._meta.label in {  # type: ignore[attr-defined]
            "accounts.Organization",
            "accounts.User",
            "auth.Group",
            "plans.Plan",
            "plans.RateCard",
        }
        return
    row = model._default_manager.all()[0]  # type: ignore[attr-defined]
    assert staff.get(reverse(name(model, "add"))).status_code == 403
    assert staff.post(reverse(name(model, "change"), args=[row.pk]), {}).status_code == 403
    assert staff.post(reverse(name(model, "delete"), args=[row.pk]), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("model", MODELS, ids=IDS)
def test_a_whole_public_id_is_looked_up_by_one_column(staff: Client, populated: None, model: type) -> None:
    page = admin.site._registry[model]
    for prefix, lookup in getattr(page, "id_lookups", {}).items():
        value = model._default_manager.exclude(**{lookup: None}).values_list(lookup, flat=True).first()  # type: ignore[attr-defined]
        if not is_id(value or "", prefix):
            continue  # no such row here, or the event log, which holds ids of every kind
        sqls = queries_of(staff, f"{reverse(name(model, 'changelist'))}?q={value}")
        listing = next(sql for sql in sqls if value in sql)
        assert " OR " not in listing and "LIKE" not in listing.upper()
        rows = staff.get(reverse(name(model, "changelist")), {"q": value}).context["cl"].result_list
        assert list(rows) == list(model._default_manager.filter(**{lookup: value}).order_by("-pk"))  # type: ignore[attr-defined]


def test_no_filter_reads_a_whole_table_for_its_words() -> None:
    """Django's filter of a text column without choices asks for DISTINCT values."""
    for model, page in admin.site._registry.items():
        for entry in page.list_filter:
            if isinstance(entry, str) and "__" not in entry:
                field = model._meta.get_field(entry)
                assert field.choices or field.get_internal_type() == "BooleanField" or field.is_relation, (model, entry)


def test_filters_work(staff: Client, populated: None, populate: Callable[[], None]) -> None:
    organization = Organization.objects.order_by("-pk")[0]
    for query in (
        f"organization__id__exact={organization.pk}",
        "status__exact=failed",
        "provider=local",
        "created_at_from_0=2020-01-01",
    ):
        assert staff.get(f"{reverse('admin:jobs_job_changelist')}?{query}").status_code == 200
    page = staff.get(reverse("admin:accounts_organization_change", args=[organization.pk])).content.decode()
    links = sorted(set(re.findall(r'href="(/console/[a-z/]+/\?[a-z_]+__id__exact=\d+)"', page)))
    assert len(links) == 9
    populate()  # of another organization
    for link in links:
        rows = staff.get(link).context["cl"].result_list
        assert rows
        for row in rows:
            assert (row.wallet.organization_id if hasattr(row, "wallet") else row.organization_id) == organization.pk


def test_organizations_are_found_by_a_members_address(staff: Client) -> None:
    organization = make_organization(name="Needle", owner=make_user("needle@example.org"))
    make_organization(name="Hay")
    page = staff.get(reverse("admin:accounts_organization_changelist"), {"q": "needle@example.org"}).content.decode()
    assert organization.public_id in page
    assert "Hay" not in page


@pytest.mark.parametrize("who", ["nobody", "customer"])
def test_the_console_is_for_staff_only(client: Client, populated: None, who: str) -> None:
    if who == "customer":
        client.force_login(User.objects.filter(is_staff=False)[0])
    job = Job.objects.all()[0]
    urls = [reverse("admin:index"), reverse("console-books"), reverse("admin:jobs_job_change", args=[job.pk])]
    urls += [reverse(name(model, "changelist")) for model in MODELS]
    for url in [*urls, f"{urls[2].replace('change/', '')}cancel"]:
        assert client.get(url).status_code in (302, 403, 404), url


def test_staff_without_rights_see_nothing(client: Client, populated: None) -> None:
    client.force_login(make_user(is_staff=True))
    assert client.get(reverse("admin:index")).status_code == 200
    for url in (reverse("admin:plans_wallet_changelist"), reverse("console-books")):
        assert client.get(url).status_code == 403
    organization = Organization.objects.all()[0]
    assert client.get(reverse("admin:accounts_organization_grant", args=[organization.pk])).status_code == 403


def test_signing_in_to_the_console_is_the_sites_own_sign_in(client: Client) -> None:
    response = client.get(reverse("admin:login"))
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/accounts/login/")


def test_the_overview_tells_what_runs_and_what_failed(staff: Client, populated: None) -> None:
    organization = Organization.objects.order_by("-pk")[0]
    make_job(organization)
    make_job(organization, status="paused", stage="review")
    response = staff.get(reverse("admin:index"))
    cards = {card["title"]: card["value"] for card in response.context["cards"]}
    assert cards == {"In progress": 1, "Queued": 1, "Waiting for review": 1, "Books": "in balance"}
    page = response.content.decode()
    assert "10042" in page
    one = len(queries_of(staff, reverse("admin:index")))
    for _ in range(3):
        make_job(organization, status="failed", error_code=10901)
    assert len(queries_of(staff, reverse("admin:index"))) == one


def test_a_jobs_page_tells_its_story(staff: Client, populated: None) -> None:
    job = Job.objects.all()[0]
    response = staff.get(reverse("admin:jobs_job_change", args=[job.pk]))
    page = response.content.decode()
    for text in (
        "recognize",
        "3.4 s",
        "out.mp4",
        "azure create",
        "Charged",
        "No speech" if "No speech" in page else "10042",
    ):
        assert text in page
    assert "(&#x27;failed" not in page
    assert "<script>alert(1)</script>" not in page
    assert "&lt;script&gt;" in page
    before = len(queries_of(staff, reverse("admin:jobs_job_change", args=[job.pk])))
    for number in range(3):
        job.provider_calls.create(provider="azure", operation="poll", client_id=str(number))
    assert len(queries_of(staff, reverse("admin:jobs_job_change", args=[job.pk]))) == before
