"""The console as a whole: its sign-in, organizations, and pages of other people's models in the console's look."""

from __future__ import annotations

from typing import cast

import allauth.account.admin
import allauth.mfa.admin  # noqa: F401  (registers its pages first, so that ours can take their place)
from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.utils.translation import gettext_lazy as _

from apps.console import organizations  # noqa: F401  (registers the organization's page)
from apps.events.admin_base import NewestFirst

# Staff sign in like everyone else, with their second factor; a signed-in customer gets "permission denied".
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.site_title = admin.site.site_header = "Kinoglot"
admin.site.index_title = cast(str, _("Overview"))

for _model in (EmailAddress, Authenticator):
    admin.site.unregister(_model)


@admin.register(EmailAddress)
class EmailAddressAdmin(NewestFirst):
    """Addresses that people have given, and whether they were verified."""

    list_display = ("email", "user", "primary", "verified")
    list_filter = ("primary", "verified")
    list_select_related = ("user",)
    search_fields = ("email", "user__email")


@admin.register(Authenticator)
class AuthenticatorAdmin(NewestFirst):
    """Second factors and passkeys; their secrets are not shown."""

    list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    list_select_related = ("user",)
    search_fields = ("user__email",)
    exclude = ("data",)


@admin.register(LogEntry)
class LogEntryAdmin(NewestFirst):
    """What staff changed by forms of this console (what they did by buttons is in the event log)."""

    list_display = ("action_time", "user", "content_type", "object_repr", "action_flag")
    list_filter = ("action_flag",)
    list_select_related = ("user", "content_type")
    search_fields = ("=object_id", "object_repr", "user__email")
