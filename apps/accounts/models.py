"""People, organizations and the keys that programs use."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower, Now
from django.utils.translation import gettext_lazy as _

from apps.core.ids import new_id


def organization_id() -> str:
    return new_id("org")


def user_id() -> str:
    return new_id("usr")


def invitation_id() -> str:
    return new_id("inv")


class UserManager(BaseUserManager["User"]):
    """Creates users by e-mail address."""

    use_in_migrations = True

    def create_user(self, email: str, password: str | None = None, **extra: object) -> User:
        """Return a saved user; raise ValueError without an address."""
        if not email:
            raise ValueError("an e-mail address is needed")
        user = self.model(email=self.normalize_email(email), **extra)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **extra: object) -> User:
        """Return a saved staff user with every right."""
        return self.create_user(email, password, **{**extra, "is_staff": True, "is_superuser": True})


class User(AbstractUser):
    """A person; signs in by e-mail address."""

    username = None  # type: ignore[assignment]
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    public_id = models.CharField(max_length=24, unique=True, default=user_id, editable=False)
    email = models.EmailField(_("e-mail address"), unique=True)
    name = models.CharField(_("name"), max_length=120, blank=True)
    language = models.CharField(_("interface language"), max_length=12, blank=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_caseless")]

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name or self.email.partition("@")[0]


class Organization(models.Model):
    """The tenant; owns everything below it."""

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        SUSPENDED = "suspended", _("Suspended")

    public_id = models.CharField(max_length=24, unique=True, default=organization_id, editable=False)
    name = models.CharField(_("name"), max_length=120)
    status = models.CharField(_("status"), max_length=12, choices=Status.choices, default=Status.ACTIVE)
    preferred_provider = models.CharField(_("preferred provider"), max_length=32, blank=True)
    require_mfa = models.BooleanField(_("require two-factor sign-in"), default=False)
    created_at = models.DateTimeField(_("created"), db_default=Now())

    class Meta:
        verbose_name = _("organization")
        verbose_name_plural = _("organizations")
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    """What a member may do; the table is in permissions.py."""

    OWNER = "owner", _("Owner")
    ADMIN = "admin", _("Admin")
    EDITOR = "editor", _("Editor")
    REVIEWER = "reviewer", _("Reviewer")
    VIEWER = "viewer", _("Viewer")


class Membership(models.Model):
    """A user in an organization with a role."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=12, choices=Role.choices)
    created_at = models.DateTimeField(_("since"), db_default=Now())

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [models.UniqueConstraint(fields=["organization", "user"], name="membership_once")]

    def __str__(self) -> str:
        return f"{self.user} · {self.organization} · {self.role}"


class Invitation(models.Model):
    """An offer by e-mail to join an organization. Only a digest of the token is kept."""

    public_id = models.CharField(max_length=24, unique=True, default=invitation_id, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField(_("e-mail address"))
    role = models.CharField(_("role"), max_length=12, choices=Role.choices)
    token_digest = models.BinaryField(max_length=32, unique=True)
    invited_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(_("sent"), db_default=Now())
    expires_at = models.DateTimeField(_("expires"))
    accepted_at = models.DateTimeField(_("accepted"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        constraints = [
            models.UniqueConstraint(
                "organization",
                Lower("email"),
                condition=models.Q(accepted_at=None, revoked_at=None),
                name="invitation_open_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.email} → {self.organization}"


class ApiKey(models.Model):
    """A program's key, `sk_<key_id>_<secret>`. The secret is shown once; an HMAC-SHA-256 digest is kept (DESIGN section 9).

    A Volcengine compatible key signs requests instead of sending its secret: to check them the secret itself must be known, so
    that of these keys, and only of these, it is kept encrypted (apps.core.sealing) until the key is over.
    """

    key_id = models.CharField(_("key id"), max_length=8, unique=True)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(_("name"), max_length=80, blank=True)
    digest = models.BinaryField(max_length=32)
    scopes = ArrayField(models.CharField(max_length=32), verbose_name=_("scopes"), default=list)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(_("created"), db_default=Now())
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    rotated_from = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="successors"
    )
    max_concurrency = models.PositiveIntegerField(
        _("concurrent jobs"), null=True, blank=True, help_text=_("Empty: the plan's limit.")
    )
    volcengine = models.BooleanField(
        _("Volcengine compatible"), default=False, help_text=_("Signs requests as Volcengine's SDKs do.")
    )
    sealed_secret = models.TextField(_("sealed secret"), blank=True, default="", editable=False)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(sealed_secret="") | models.Q(volcengine=True, revoked_at=None),
                name="apikey_secret_only_to_sign",
            )
        ]
        indexes = [
            models.Index(fields=["organization", "-id"], name="apikey_organization"),
            models.Index(fields=["expires_at"], condition=~models.Q(sealed_secret=""), name="apikey_sealed"),
        ]

    def __str__(self) -> str:
        return f"sk_{self.key_id}_…"


class IdempotencyRecord(models.Model):
    """The stored answer to a POST that carried an Idempotency-Key; kept 24 hours (api.md)."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    fingerprint = models.BinaryField(max_length=32, help_text=_("SHA-256 of method, path and body."))
    status = models.PositiveSmallIntegerField(null=True, help_text=_("Empty while the first request is in flight."))
    headers = models.JSONField(default=dict)
    body = models.TextField(default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("idempotency record")
        verbose_name_plural = _("idempotency records")
        constraints = [models.UniqueConstraint(fields=["organization", "key"], name="idempotency_once")]
        indexes = [models.Index(fields=["created_at"], name="idempotency_age")]

    def __str__(self) -> str:
        return self.key


class UsedSignature(models.Model):
    """A verified signature of a request, kept until its clock window is over: sent a second time it is a replay."""

    digest = models.BinaryField(max_length=32, unique=True, help_text=_("SHA-256 of key and signature."))
    first_at = models.DateTimeField(_("first seen"), db_default=Now())
    expires_at = models.DateTimeField(_("expires"))

    class Meta:
        verbose_name = _("used signature")
        verbose_name_plural = _("used signatures")
        indexes = [models.Index(fields=["expires_at"], name="usedsignature_due")]

    def __str__(self) -> str:
        return bytes(self.digest).hex()[:12]
