"""Console pages of people, memberships, invitations and keys. Organizations are in apps/console: their page needs every app."""

from __future__ import annotations

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as __
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from apps.accounts.models import ApiKey, IdempotencyRecord, Invitation, Membership, UsedSignature, User
from apps.accounts.selectors import actor_for_staff
from apps.accounts.services import limit_api_key, revoke_api_key, revoke_invitation
from apps.events.admin_base import CREATED_FILTER, ConsoleAdmin, NewestFirst, action_page, button, object_or_back
from apps.events.admin_forms import Confirm

ORGANIZATION_FILTER = ("organization", AutocompleteSelectFilter)


class _CreationForm(UserCreationForm):  # type: ignore[misc]
    class Meta:
        model = User
        fields = ("email", "name")


class _ChangeForm(UserChangeForm):  # type: ignore[misc]
    class Meta:
        model = User
        fields = "__all__"


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ConsoleAdmin):  # type: ignore[type-arg]
    """People; they sign in by e-mail address."""

    form = _ChangeForm
    add_form = _CreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("email", "name", "is_staff", "is_active", "last_login", "date_joined")
    list_filter = ("is_staff", "is_superuser", "is_active")
    search_fields = ("email", "name", "=public_id")
    id_lookups = {"usr": "public_id"}
    search_help_text = _("E-mail address, name or public id")
    date_hierarchy = "date_joined"
    ordering = ("-pk",)
    readonly_fields = ("public_id", "last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("email", "name", "language", "password", "public_id")}),
        (_("Rights"), {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("email", "name", "password1", "password2")}),)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """People are switched off, not deleted: their name stands in the history of others."""
        return False


@admin.register(Membership)
class MembershipAdmin(NewestFirst):
    """Who belongs where. Roles are changed by the organization itself."""

    list_display = ("user", "organization", "role", "created_at")
    list_filter = (ORGANIZATION_FILTER, "role")
    list_select_related = ("user", "organization")
    search_fields = ("user__email", "=organization__public_id")
    id_lookups = {"org": "organization__public_id", "usr": "user__public_id"}
    autocomplete_fields = ("user", "organization")
    date_hierarchy = "created_at"


@admin.register(Invitation)
class InvitationAdmin(NewestFirst):
    """Offers by e-mail; the token's digest is not shown."""

    list_display = (
        "email",
        "organization",
        "role",
        "invited_by",
        "created_at",
        "expires_at",
        "accepted_at",
        "revoked_at",
    )
    list_filter = (ORGANIZATION_FILTER, "role", CREATED_FILTER)
    list_select_related = ("organization", "invited_by")
    search_fields = ("email", "=public_id")
    id_lookups = {"inv": "public_id", "org": "organization__public_id"}
    exclude = ("token_digest",)
    actions_detail = ("revoke",)

    @button(_("Revoke"), url_path="revoke", icon="block")
    def revoke(self, request: HttpRequest, object_id: str) -> HttpResponse:
        invitation: Invitation = object_or_back(self, request, object_id)

        def run(form: Confirm) -> str:
            staff = actor_for_staff(request.user, invitation.organization)  # type: ignore[arg-type]
            revoke_invitation(actor=staff, public_id=invitation.public_id)
            return __("The invitation is revoked.")

        return action_page(
            self,
            request,
            permission="accounts.change_invitation",
            title=__("Revoke the invitation of %(email)s") % {"email": invitation.email},
            back=reverse("admin:accounts_invitation_change", args=[invitation.pk]),
            submit=__("Revoke"),
            form_class=Confirm,
            run=run,
            danger=True,
        )


class KeyLimit(forms.Form):
    """How many jobs a key may have under way at once."""

    max_concurrency = forms.IntegerField(
        label=_("Concurrent jobs"),
        min_value=1,
        required=False,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=_("Empty: the plan's limit."),
    )


@admin.register(ApiKey)
class ApiKeyAdmin(NewestFirst):
    """Keys by their id; digests and sealed secrets are never shown."""

    list_display = (
        "__str__",
        "name",
        "organization",
        "created_by",
        "scopes",
        "volcengine",
        "last_used_at",
        "expires_at",
        "revoked_at",
    )
    list_filter = (ORGANIZATION_FILTER, CREATED_FILTER, "volcengine")
    list_select_related = ("organization", "created_by")
    search_fields = ("=key_id", "name")
    id_lookups = {"org": "organization__public_id"}
    search_help_text = _("The 8 characters after sk_, or the name")
    exclude = ("digest", "sealed_secret")
    actions_detail = ("limit", "revoke")

    @button(_("Limit jobs"), url_path="limit", icon="speed")
    def limit(self, request: HttpRequest, object_id: str) -> HttpResponse:
        key: ApiKey = object_or_back(self, request, object_id)

        def run(form: KeyLimit) -> str:
            staff = actor_for_staff(request.user, key.organization)  # type: ignore[arg-type]
            limit_api_key(actor=staff, key_id=key.key_id, max_concurrency=form.cleaned_data["max_concurrency"])
            return __("The limit is set.")

        return action_page(
            self,
            request,
            permission="accounts.change_apikey",
            title=__("Concurrent jobs of the key %(key)s") % {"key": key},
            back=reverse("admin:accounts_apikey_change", args=[key.pk]),
            submit=__("Set"),
            form_class=KeyLimit,
            run=run,
            initial={"max_concurrency": key.max_concurrency},
        )

    @button(_("Revoke"), url_path="revoke", icon="block")
    def revoke(self, request: HttpRequest, object_id: str) -> HttpResponse:
        key: ApiKey = object_or_back(self, request, object_id)

        def run(form: Confirm) -> str:
            staff = actor_for_staff(request.user, key.organization)  # type: ignore[arg-type]
            revoke_api_key(actor=staff, key_id=key.key_id)
            return __("The key is revoked.")

        return action_page(
            self,
            request,
            permission="accounts.change_apikey",
            title=__("Revoke the key %(key)s") % {"key": key},
            intro=__("Programs that use it are refused with code 1302 from then on. This cannot be undone."),
            back=reverse("admin:accounts_apikey_change", args=[key.pk]),
            submit=__("Revoke"),
            form_class=Confirm,
            run=run,
            danger=True,
        )


@admin.register(IdempotencyRecord)
class IdempotencyRecordAdmin(NewestFirst):
    """Stored answers of the last 24 hours; bodies may hold customers' data and are shown on the row's own page only."""

    list_display = ("key", "organization", "status", "created_at")
    list_filter = (ORGANIZATION_FILTER, CREATED_FILTER)
    list_select_related = ("organization",)
    search_fields = ("=key",)
    exclude = ("fingerprint",)


@admin.register(UsedSignature)
class UsedSignatureAdmin(NewestFirst):
    """Signatures of requests within their clock window: what comes a second time is refused."""

    list_display = ("__str__", "first_at", "expires_at")
    search_fields = ("=id",)  # all else is a digest
    exclude = ("digest",)


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ConsoleAdmin):
    """Bundles of rights for the operator's staff."""
