"""From an Authorization header to an Actor: checks 1 to 5 of DESIGN section 4 in one round trip."""

from __future__ import annotations

from typing import Any, Final

from django.db import connection
from django.utils.translation import gettext as _

from apps.accounts import keys
from apps.accounts.actor import Actor
from apps.accounts.models import ApiKey, Organization
from apps.accounts.permissions import roles_for, scope_for
from apps.core import errors

# The sealed secret stays where it is: nobody who only wants to know who calls has a use for it.
_KEY_FIELDS: Final = [field.attname for field in ApiKey._meta.concrete_fields if field.name != "sealed_secret"]
_ORGANIZATION_FIELDS: Final = [field.attname for field in Organization._meta.concrete_fields]
# authorize_key (apps/plans/sql/authorize.sql) decides; the rows ride along so that no second query is needed.
_QUERY: Final = "SELECT a.code, a.role, {key}, {organization} FROM authorize_key(%s, %s, %s, %s) a{joins}".format(
    key=", ".join(f"k.{name}" for name in _KEY_FIELDS),
    organization=", ".join(f"o.{name}" for name in _ORGANIZATION_FIELDS),
    joins=" LEFT JOIN accounts_apikey k ON k.id = a.api_key_id LEFT JOIN accounts_organization o ON o.id = a.organization_id",
)


def authenticate_bearer(header: str, *, permission: str | None = None, request_id: str = "") -> Actor:
    """The actor of `Bearer sk_...`, allowed to use the API and, if one is named, to do `permission`.

    Raises ApiError, in this order: 7 malformed, unknown or expired; 1302 revoked; 814 no active membership or subscription;
    1503 scope missing or the maker's role does not allow it; 1305 the plan has no API access.
    """
    return authenticate_key(keys.parse_bearer(header), permission=permission, request_id=request_id)


def authenticate_key(parsed: keys.ParsedKey, *, permission: str | None = None, request_id: str = "") -> Actor:
    """The same for a key that was found in another way (a verified signature)."""
    # A permission without a scope is for people only: no key has the scope "".
    scope = None if permission in (None, "api.use") else scope_for(permission) or ""
    roles = roles_for(permission or "api.use")
    if permission is not None:
        api_roles = set(roles_for("api.use"))
        roles = [role for role in roles if role in api_roles]
    with connection.cursor() as cursor:
        cursor.execute(_QUERY, [parsed.key_id, parsed.digest, scope, roles])
        row = cursor.fetchone()
    code: int = row[0]
    if code:
        raise refusal(code, scope)
    return _actor(row, request_id)


def refusal(code: int, scope: str | None = None) -> errors.ApiError:
    """The ApiError of a code that authorize_key returned."""
    headers = {"WWW-Authenticate": 'Bearer realm="Kinoglot"'} if code in (7, 1302) else None
    detail = ""
    if code == errors.NOT_AUTHORIZED:
        detail = (
            _("The API key lacks the scope %(scope)s, or its maker's role does not allow this.") % {"scope": scope}
            if scope
            else _("This API key may not do this.")
        )
    return errors.ApiError(code, detail, headers=headers)


def _actor(row: tuple[Any, ...], request_id: str) -> Actor:
    split = 2 + len(_KEY_FIELDS)
    key = ApiKey.from_db(connection.alias, _KEY_FIELDS, row[2:split])
    organization = Organization.from_db(connection.alias, _ORGANIZATION_FIELDS, row[split:])
    key.organization = organization
    return Actor(
        organization=organization,
        kind="api_key",
        api_key=key,
        role=row[1],
        scopes=frozenset(key.scopes),
        request_id=request_id,
    )
