"""The numbered errors in the reader's language: what a person can do about them."""

from __future__ import annotations

from django.utils.translation import gettext

from apps.core.errors import (
    CONCURRENCY,
    CONFLICT,
    INSUFFICIENT_CREDITS,
    NO_MEMBERSHIP,
    NOT_AUTHORIZED,
    PRECONDITION,
    RATE,
    ApiError,
)


def sentence(error: ApiError) -> str:
    """One sentence for a refused action."""
    if error.code == INSUFFICIENT_CREDITS:
        needed, available = error.extra.get("needed"), error.extra.get("available")
        if needed and available is not None:
            return gettext("This needs %(needed)s credits and %(available)s are available.") % {
                "needed": needed,
                "available": available,
            }
        return gettext("There are not enough credits for this.")
    known = {
        CONCURRENCY: gettext("As many jobs as the plan allows are already under way. Try again when one is done."),
        NO_MEMBERSHIP: gettext("This organization has no active plan."),
        NOT_AUTHORIZED: gettext("Your role does not allow this."),
        PRECONDITION: gettext("Somebody else changed this meanwhile. Load the page again and repeat your change."),
        RATE: gettext("That was too fast. Wait a moment and try again."),
    }
    if error.code in known:
        return known[error.code]
    if error.code == CONFLICT:
        return gettext("That is no longer possible: %(reason)s") % {"reason": error.detail}
    return error.detail
