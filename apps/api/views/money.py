"""Estimates, balance, ledger and plan."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from apps.api import present, samples
from apps.api.base import ApiView, json_response
from apps.api.lipsync import as_sent, read_estimate
from apps.api.openapi import REF, answer_example, operation, request_example
from apps.api.schemas import money as shapes
from apps.core import errors
from apps.core.errors import ApiError
from apps.core.money import to_text
from apps.jobs.services import estimate_order
from apps.plans import selectors
from apps.providers.orders import TranslationOrder

_ESTIMATED = ("TranslationOrder", "LipsyncVideo", "LipsyncImage", "LipsyncImageMulti")


class EstimateView(ApiView):
    """POST /estimates."""

    permissions = {"POST": "jobs.submit"}

    @operation(
        "estimate",
        "What an order would cost",
        description=(
            "Takes the body of POST /translations, checks it the same way and answers the price by language and step, the "
            "wallet before and after, and the most that can be charged. Nothing is ordered or set aside. A lip-sync body "
            "(`formState`) is priced, too; `model` names its form where the files in it do not tell."
        ),
        tag="Money",
        request={"application/json": {"oneOf": [{"$ref": REF.format(name=name)} for name in _ESTIMATED]}},
        answers={200: shapes.Estimate},
        codes=(errors.INVALID, errors.MEDIA_TYPE, errors.CONFLICT),
        examples=[request_example("two languages", samples.ORDER), answer_example("estimate", samples.ESTIMATE)],
        idempotent=True,
    )
    def post(self, request: Request) -> HttpResponse:
        """Price an order."""
        lipsync = read_estimate(request._request)
        if lipsync is None:
            found = estimate_order(actor=self.actor, order=self.body(TranslationOrder))
        else:
            try:
                found = estimate_order(actor=self.actor, order=lipsync)
            except ApiError as error:
                raise as_sent(error) from None
        return json_response(
            shapes.Estimate(
                lines=present.estimate_lines(found.lines),
                total=to_text(found.total),
                max_total=to_text(found.max_total),
                exact=not found.assumed,
                wallet=present.wallet_change(found.pool, found.available, found.total),
            )
        )


class BalanceView(ApiView):
    """GET /balance."""

    permissions = {"GET": "billing.view"}

    @operation(
        "balance",
        "Both wallets",
        description="API calls are paid from the `api` wallet, work in the browser from `portal`; never one from the other.",
        tag="Money",
        answers={200: shapes.Balance},
        examples=[answer_example("balance", samples.BALANCE)],
    )
    def get(self, request: Request) -> HttpResponse:
        """Both wallets."""
        wallets = [present.wallet(row) for row in selectors.wallets_for(self.actor)]
        mine = next(row for row in wallets if row.pool == self.actor.pool)
        return json_response(shapes.Balance(pool=mine.pool, available=mine.available, held=mine.held, wallets=wallets))


class LedgerView(ApiView):
    """GET /ledger."""

    permissions = {"GET": "billing.view"}

    @operation(
        "ledger",
        "Every fact about a wallet, newest first",
        tag="Money",
        query=shapes.LedgerQuery,
        answers={200: shapes.LedgerPage},
        codes=(errors.INVALID,),
        examples=[answer_example("ledger", samples.LEDGER)],
    )
    def get(self, request: Request) -> HttpResponse:
        """One page of the ledger."""
        query = self.query(shapes.LedgerQuery)
        pool = query.pool or self.actor.pool
        page = selectors.ledger_for(self.actor, pool=pool, cursor=query.cursor or None, limit=query.limit)
        return json_response(
            shapes.LedgerPage(
                pool=pool,  # type: ignore[arg-type]
                items=[present.ledger_entry(row) for row in page.items],
                next_cursor=page.next_cursor or None,
            )
        )


class PlanView(ApiView):
    """GET /plan."""

    @operation(
        "plan",
        "What the organization may do",
        tag="Money",
        answers={200: shapes.Plan},
        codes=(errors.NOT_FOUND,),
        examples=[answer_example("plan", samples.PLAN)],
    )
    def get(self, request: Request) -> HttpResponse:
        """Plan and subscription."""
        found = selectors.subscription_for(self.actor.organization)
        if found is None:
            raise errors.not_found("subscription")
        plan = found.plan
        return json_response(
            shapes.Plan(
                code=plan.code,
                name=plan.name,
                status=found.status,
                api_access=plan.api_access,
                portal_credits=to_text(plan.portal_credits),
                api_credits=to_text(plan.api_credits),
                max_file_bytes=plan.max_file_bytes,
                max_duration=plan.max_duration,
                max_targets=plan.max_targets,
                translate_concurrency=plan.translate_concurrency,
                lipsync_concurrency=plan.lipsync_concurrency,
                requests_per_minute=plan.requests_per_minute,
                retention_days=plan.retention_days,
                period_start=found.period_start,
                period_end=found.period_end,
            )
        )
