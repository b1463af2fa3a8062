"""Organizations that require two-factor sign-in: a member without a second factor is led to setting one up, and gets no further.

Who has a second factor is asked for it by allauth at every sign-in, so having one is what needs checking here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from apps.core import errors
from apps.web.middleware import Tenant

# Signing in and out, setting the factor up, working in another organization, joining one, and what has no customer data.
_OPEN: Final = (
    "/accounts/",
    "/organizations/",
    "/invitations/",
    "/theme/",
    "/language/",
    "/console/",
    "/static/",
    "/healthz",
    "/readyz",
)


def lacks_second_factor(request: HttpRequest, tenant: Tenant) -> bool:
    """Whether the session's person must set up a second factor before working in the organization in force."""
    membership = tenant.membership
    return membership is not None and membership.organization.require_mfa and not is_mfa_enabled(request.user)


class SecondFactorMiddleware:
    """Stands behind OrganizationMiddleware. Pages are redirected, the API answers 403 with code 4030; keys are not sessions."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Only the API looks at the header: a page with one would still be answered by the session.
        by_key = request.path.startswith("/api/") and "Authorization" in request.headers
        by_session = settings.SESSION_COOKIE_NAME in request.COOKIES and not by_key
        if not by_session or request.path.startswith(_OPEN) or not lacks_second_factor(request, request.tenant):  # type: ignore[attr-defined]
            return self.get_response(request)
        text = _("This organization requires two-factor sign-in: set up a second factor first.")
        if request.path.startswith("/api/"):
            body = {"title": text, "status": 403, "code": errors.REFUSED, "detail": text, "errors": {}}
            return JsonResponse(body, status=403, content_type="application/problem+json")
        messages.warning(request, text)
        return redirect("mfa_index")
