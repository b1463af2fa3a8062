"""The verbs of people, organizations and keys. Each is one transaction with its Event inside."""

from apps.accounts.services.api_keys import create_api_key, limit_api_key, revoke_api_key, rotate_api_key
from apps.accounts.services.bearer import authenticate_bearer, authenticate_key
from apps.accounts.services.invitations import accept_invitation, invite_member, revoke_invitation, send_invitation
from apps.accounts.services.members import change_role, remove_member
from apps.accounts.services.organizations import sign_up_organization, update_organization
from apps.accounts.services.signing import release_signature, signed_key, signing_secret, sweep_signing, use_signature

__all__ = [
    "accept_invitation",
    "authenticate_bearer",
    "authenticate_key",
    "change_role",
    "create_api_key",
    "invite_member",
    "limit_api_key",
    "release_signature",
    "remove_member",
    "revoke_api_key",
    "revoke_invitation",
    "rotate_api_key",
    "send_invitation",
    "sign_up_organization",
    "signed_key",
    "signing_secret",
    "sweep_signing",
    "update_organization",
    "use_signature",
]
