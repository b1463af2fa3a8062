"""Which plan an organization is on, and the credits that come with each month of it."""

from __future__ import annotations

import calendar
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.actor import Actor
from apps.accounts.models import Organization
from apps.core import clock, errors
from apps.events.log import record
from apps.plans.models import Plan, Pool, Subscription
from apps.plans.services.credits import grant_credits


@transaction.atomic
def set_subscription(
    *, actor: Actor, organization: Organization, plan: str, status: str = Subscription.Status.ACTIVE
) -> Subscription:
    """Put an organization on a plan (staff, or sign-up); a new plan starts a new month and grants its credits once.

    The same plan and status again changes nothing. Raises ApiError 5 for an unknown plan or status.
    """
    wanted = Plan.objects.filter(code=plan).first()
    if wanted is None:
        raise errors.invalid("plan", _("There is no such plan."))
    if status not in Subscription.Status.values:
        raise errors.invalid("status", _("There is no such status."))
    # The organization's row is the lock: the subscription may not exist yet.
    Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
    current = Subscription.objects.select_related("plan").filter(organization=organization).first()
    if current is not None and current.plan_id == wanted.pk and current.status == status:
        return current
    before = {"plan": current.plan.code, "status": current.status} if current else None
    subscription = current or Subscription(organization=organization)
    # A canceled subscription that is taken up again within its paid month does not get that month's credits twice.
    starts = current is None or current.plan_id != wanted.pk or _is_over(current)
    subscription.plan, subscription.status = wanted, status
    if starts:
        subscription.period_start = clock.now()
        subscription.period_end = next_month(subscription.period_start)
    subscription.save()
    record(
        type="subscription.changed",
        actor=actor,
        organization_id=organization.pk,
        subject=organization,
        data={"plan": wanted.code, "status": status, "before": before},
    )
    if starts and status == Subscription.Status.ACTIVE:
        _grant_month(subscription, actor)
    return subscription


def grant_monthly(*, limit: int = 500) -> int:
    """Start the next month of subscriptions whose month is over and grant its credits; return how many months were started.

    Any number of sweepers at once; a month is granted once by its business key, missed months are made up for.
    """
    due = Subscription.objects.filter(status=Subscription.Status.ACTIVE, period_end__lte=clock.now())
    return sum(_renew(pk) for pk in due.order_by("pk").values_list("pk", flat=True)[:limit])


@transaction.atomic
def _renew(pk: int) -> int:
    locked = Subscription.objects.select_for_update(skip_locked=True, of=("self",)).select_related(
        "plan", "organization"
    )
    subscription = locked.filter(pk=pk, status=Subscription.Status.ACTIVE).first()
    months = 0
    while subscription is not None and _is_over(subscription):
        assert subscription.period_end is not None
        subscription.period_start, subscription.period_end = (
            subscription.period_end,
            next_month(subscription.period_end),
        )
        subscription.save(update_fields=["period_start", "period_end"])
        _grant_month(subscription, None)
        months += 1
    return months


def _grant_month(subscription: Subscription, actor: Actor | None) -> None:
    """Grant both pools for the subscription's current month, once by business key."""
    organization, plan = subscription.organization, subscription.plan
    start = clock.to_text(subscription.period_start)
    for pool, amount in ((Pool.API, plan.api_credits), (Pool.PORTAL, plan.portal_credits)):
        if amount > 0:
            grant_credits(
                actor=actor,
                organization=organization,
                pool=pool,
                amount=amount,
                business_key=f"month:{organization.public_id}:{pool}:{start}",
                note=f"{plan.name}: {start[:10]}",
            )


def _is_over(subscription: Subscription) -> bool:
    return subscription.period_end is not None and subscription.period_end <= clock.now()


def next_month(moment: datetime) -> datetime:
    """The same day and time a month later, or that month's last day."""
    year, month = (moment.year + 1, 1) if moment.month == 12 else (moment.year, moment.month + 1)
    return moment.replace(year=year, month=month, day=min(moment.day, calendar.monthrange(year, month)[1]))
