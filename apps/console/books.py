"""A console page that runs check_books when staff ask for it."""

from __future__ import annotations

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from apps.core import money
from apps.plans.services import check_books


def page(request: HttpRequest) -> HttpResponse:
    """GET explains, POST checks: every mismatch is listed, and told as an Event."""
    if not request.user.has_perm("plans.view_ledgerentry"):
        raise PermissionDenied
    found = check_books() if request.method == "POST" else []
    if request.method == "POST" and not found:
        messages.success(request, _("The books are right: ledger = wallets = holds."))
        return redirect("console-books")
    table = {
        "headers": [_("Wallet"), _("Pool"), _("Hold"), _("Comparison"), _("Expected"), _("Found")],
        "rows": [
            [row.wallet_id, row.pool, row.subject, row.what, money.to_text(row.expected), money.to_text(row.found)]
            for row in found
        ],
    }
    context = {
        **admin.site.each_context(request),
        "title": _("Books"),
        "table": table,
        "checked": request.method == "POST",
    }
    return TemplateResponse(request, "console/books.html", context)
