"""Provider accounts that an organization brings. People only: a leaked key must not be able to lead jobs to another host."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from django.http import HttpResponse
from msgspec.structs import asdict
from rest_framework.request import Request

from apps.api.base import ApiView, json_response
from apps.api.openapi import answer_example, operation, request_example
from apps.api.schemas import provider_accounts as shapes
from apps.core import errors
from apps.jobs import selectors
from apps.jobs.models import ProviderAccount
from apps.jobs.services.account_changes import AccountDraft, change_account, create_account, delete_account
from apps.jobs.services.account_check import check_account
from apps.jobs.services.account_figures import kept_secrets, state_of

_NOTE: Final = (
    "For people with the right to manage the organization; an API key is refused with 1503, whatever its scopes."
)
_EXAMPLE: Final = shapes.ProviderAccount(
    id="pac_0h5x2c9k3f7mq1a7",
    provider="azure",
    name="Our own subscription",
    enabled=True,
    state="well",
    endpoint="",
    region="westeurope",
    values={},
    secrets=["key"],
    priority=100,
    submits_per_second=0.0,
    polls_per_second=0.0,
    concurrency=20,
    last_ok_at=datetime(2026, 11, 21, 22, 5, tzinfo=UTC),
    tested_at=datetime(2026, 11, 21, 22, 1, tzinfo=UTC),
    last_error="",
    created_at=datetime(2026, 11, 21, 22, 0, tzinfo=UTC),
)
_NEW: Final = {"provider": "azure", "name": "Our own subscription", "region": "westeurope", "values": {"key": "…"}}


def show(row: ProviderAccount, status: int = 200) -> HttpResponse:
    """One account."""
    place = {"Location": f"/api/v1/provider-accounts/{row.public_id}"} if status == 201 else None
    return json_response(_shape(row), status, place)


def _shape(row: ProviderAccount) -> shapes.ProviderAccount:
    return shapes.ProviderAccount(
        id=row.public_id,
        provider=row.provider,
        name=row.name,
        enabled=row.enabled,
        state=state_of(row),
        endpoint=row.endpoint,
        region=row.region,
        values={name: str(value) for name, value in row.values.items()},
        secrets=kept_secrets(row),
        priority=row.priority,
        submits_per_second=row.submits_per_second,
        polls_per_second=row.polls_per_second,
        concurrency=row.concurrency,
        last_ok_at=row.last_ok_at,
        tested_at=row.tested_at,
        last_error=row.last_error,
        created_at=row.created_at,
    )


class ProviderAccountListView(ApiView):
    """GET and POST /provider-accounts."""

    permissions = {"GET": "org.manage", "POST": "org.manage"}

    @operation(
        "provider_accounts_list",
        "Accounts at providers that your organization brought",
        description=_NOTE,
        tag="Provider accounts",
        answers={200: shapes.ProviderAccounts},
        examples=[answer_example("accounts", shapes.ProviderAccounts(items=[_EXAMPLE]))],
    )
    def get(self, request: Request) -> HttpResponse:
        """All of them."""
        rows = selectors.provider_accounts_for(self.actor)
        return json_response(shapes.ProviderAccounts(items=[_shape(row) for row in rows]))

    @operation(
        "provider_accounts_create",
        "Bring an account",
        description=f"Your jobs at this provider go through it before the operator's own. {_NOTE}",
        tag="Provider accounts",
        request=shapes.NewProviderAccount,
        answers={201: shapes.ProviderAccount},
        codes=(errors.INVALID, errors.MEDIA_TYPE, errors.CONFLICT),
        examples=[request_example("azure", _NEW), answer_example("account", _EXAMPLE, 201)],
        idempotent=True,
    )
    def post(self, request: Request) -> HttpResponse:
        """Kept with its secrets sealed."""
        given = asdict(self.body(shapes.NewProviderAccount))
        provider = given.pop("provider")
        row = create_account(actor=self.actor, provider=provider, draft=AccountDraft(**given))
        row.refresh_from_db()
        return show(row, 201)


class ProviderAccountView(ApiView):
    """GET, PATCH and DELETE /provider-accounts/{id}."""

    permissions = {"GET": "org.manage", "PATCH": "org.manage", "DELETE": "org.manage"}

    @operation(
        "provider_accounts_get",
        "One account",
        description=_NOTE,
        tag="Provider accounts",
        answers={200: shapes.ProviderAccount},
        codes=(errors.NOT_FOUND,),
        examples=[answer_example("account", _EXAMPLE)],
    )
    def get(self, request: Request, account_id: str) -> HttpResponse:
        """Without its secrets."""
        return show(selectors.provider_account_for(self.actor, account_id))

    @operation(
        "provider_accounts_change",
        "Change an account",
        description=_NOTE,
        tag="Provider accounts",
        request=shapes.ProviderAccountChange,
        answers={200: shapes.ProviderAccount},
        codes=(errors.NOT_FOUND, errors.INVALID, errors.MEDIA_TYPE),
        examples=[request_example("off", {"enabled": False}), answer_example("account", _EXAMPLE)],
    )
    def patch(self, request: Request, account_id: str) -> HttpResponse:
        """What is given."""
        row = selectors.provider_account_for(self.actor, account_id)
        draft = AccountDraft(**asdict(self.body(shapes.ProviderAccountChange)))
        return show(change_account(actor=self.actor, account=row, draft=draft))

    @operation(
        "provider_accounts_delete",
        "Remove an account and its credentials",
        description=f"Refused with 409 while jobs of it are under way. {_NOTE}",
        tag="Provider accounts",
        answers={204: None},
        codes=(errors.NOT_FOUND, errors.CONFLICT),
    )
    def delete(self, request: Request, account_id: str) -> HttpResponse:
        """Erased."""
        delete_account(actor=self.actor, account=selectors.provider_account_for(self.actor, account_id))
        return HttpResponse(status=204)


class ProviderAccountTestView(ApiView):
    """POST /provider-accounts/{id}/test."""

    permissions = {"POST": "org.manage"}

    @operation(
        "provider_accounts_test",
        "Make a real, harmless call with an account",
        description=_NOTE,
        tag="Provider accounts",
        answers={200: shapes.ProviderAccountTest},
        codes=(errors.NOT_FOUND,),
        idempotent=True,
        examples=[
            answer_example(
                "works", shapes.ProviderAccountTest(ok=True, said="Signed in.", http_status=200, seconds=0.41)
            )
        ],
    )
    def post(self, request: Request, account_id: str) -> HttpResponse:
        """200 also when the provider refuses: `ok` tells."""
        checked = check_account(actor=self.actor, account=selectors.provider_account_for(self.actor, account_id))
        return json_response(
            shapes.ProviderAccountTest(
                ok=checked.ok, said=checked.said, http_status=checked.status or None, seconds=checked.seconds
            )
        )
