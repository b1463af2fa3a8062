"""Actor: who acts. Every service takes one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from apps.accounts.models import ApiKey, Organization, User

Kind = Literal["user", "api_key", "staff", "system"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Organization + (user or API key or staff or the system itself).

    `role` is the member's role, or for an API key the role of the member who made it; `scopes` are the key's scopes and
    empty for people. `pool` is the wallet that this actor's work is paid from (seed 003: never interchangeable).
    """

    organization: Organization
    kind: Kind
    user: User | None = None
    api_key: ApiKey | None = None
    role: str = ""
    scopes: frozenset[str] = frozenset()
    request_id: str = ""

    @property
    def pool(self) -> str:
        """`api` for programs, `portal` for everyone else."""
        return "api" if self.kind == "api_key" else "portal"

    @property
    def label(self) -> str:
        """What timelines show: a person's name, a key's name, or "system"."""
        if self.api_key is not None:
            return self.api_key.name or f"sk_{self.api_key.key_id}"
        if self.user is not None:
            return self.user.get_short_name()
        return self.kind

    def as_json(self) -> dict[str, str]:
        """Kind, public id and label, as kept in Event and LedgerEntry rows."""
        identifier = ""
        if self.api_key is not None:
            identifier = self.api_key.key_id
        elif self.user is not None:
            identifier = self.user.public_id
        return {"kind": self.kind, "id": identifier, "label": self.label}
