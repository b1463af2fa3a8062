"""All settings, in one file, from the environment (see docs/operations.md); NAME_FILE works wherever NAME does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from csp.constants import NONCE, NONE, SELF
from django.utils.translation import gettext_lazy as _

from portal import env

BASE_DIR = Path(__file__).resolve().parent.parent

# --- Where things are -------------------------------------------------------------------------------------------------
DATA_DIR = Path(env.text("KINOGLOT_DATA_DIR", str(BASE_DIR / ".data"))).resolve()
MODEL_DIR = Path(env.text("KINOGLOT_MODEL_DIR", str(DATA_DIR / "models")))
WORK_DIR = Path(env.text("KINOGLOT_WORK_DIR", str(DATA_DIR / "work")))
UPLOAD_DIR = Path(env.text("KINOGLOT_UPLOAD_DIR", str(DATA_DIR / "uploads")))
PUBLIC_URL = env.text("PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")

# --- Identity and trust -----------------------------------------------------------------------------------------------
DEBUG = env.flag("DEBUG")
# An embedded installation keeps its own random key in the data folder (portal/embedded.py); production must give one.
SECRET_KEY = env.text("SECRET_KEY")
if not SECRET_KEY:
    from portal.embedded import local_secret

    SECRET_KEY = local_secret(DATA_DIR)
SECRET_KEY_FALLBACKS = list(env.words("SECRET_KEY_FALLBACKS"))
API_KEY_PEPPER = env.text("API_KEY_PEPPER", SECRET_KEY)
# Secrets at rest (provider credentials, webhook secrets): the first key seals, all of them open.
SEALING_KEYS = list(env.words("SEALING_KEYS")) or [SECRET_KEY, *SECRET_KEY_FALLBACKS]
ALLOWED_HOSTS = list(env.words("ALLOWED_HOSTS", ("127.0.0.1", "localhost", "[::1]")))
CSRF_TRUSTED_ORIGINS = list(env.words("CSRF_TRUSTED_ORIGINS"))
HTTPS = PUBLIC_URL.startswith("https://")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.flag("BEHIND_PROXY") else None
SECURE_SSL_REDIRECT = HTTPS and env.flag("SECURE_SSL_REDIRECT", True)
# The probes of a container runtime speak plain HTTP to the container itself.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = env.number("SECURE_HSTS_SECONDS", 31_536_000 if HTTPS else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_NAME = "kinoglot_session"
CSRF_COOKIE_NAME = "kinoglot_csrf"
CSRF_FAILURE_VIEW = "apps.web.views.errors.csrf_failure"
SESSION_COOKIE_SAMESITE = "Lax"
# A cache that is one process's own memory would keep a session alive there after signing out in another process.
SESSION_ENGINE = f"django.contrib.sessions.backends.{'cached_db' if env.text('CACHE_URL') else 'db'}"
SESSION_ORGANIZATION_KEY = "organization"
X_FRAME_OPTIONS = "DENY"
# Private hosts that downloads and callbacks may reach: "host", "host:port" or CIDR. Empty: none (DESIGN section 9).
PRIVATE_HOSTS_ALLOWED = env.words("PRIVATE_HOSTS_ALLOWED")
METRICS_TOKEN = env.text("METRICS_TOKEN")

_MEDIA_ORIGINS = env.words("CSP_MEDIA_ORIGINS")
CONTENT_SECURITY_POLICY = {
    "EXCLUDE_URL_PREFIXES": ["/console/"],  # unfold's admin needs inline handlers; staff only
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:", "blob:", *_MEDIA_ORIGINS],
        "media-src": [SELF, "blob:", *_MEDIA_ORIGINS],
        "connect-src": [SELF, *_MEDIA_ORIGINS],
        "font-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}

# --- Applications -----------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "apps.web",
    "apps.console",
    "apps.api",
    "apps.dialects",
    "apps.webhooks",
    "apps.jobs",
    "apps.projects",
    "apps.glossaries",
    "apps.plans",
    "apps.accounts",
    "apps.events",
    "portal",
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "csp",
]
MIDDLEWARE = [
    "portal.middleware.RequestIdMiddleware",
    "apps.api.middleware.ProblemMiddleware",
    "apps.dialects.middleware.DialectMiddleware",
    "apps.dialects.volcengine.middleware.VolcengineMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "apps.console.middleware.ConsoleLanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "apps.web.middleware.OrganizationMiddleware",
    "apps.web.second_factor.SecondFactorMiddleware",
]
ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "apps.web.context.shell",
            ],
        },
    }
]

# --- Database, cache, broker ------------------------------------------------------------------------------------------
DATABASE_URL = env.text("DATABASE_URL")
if not DATABASE_URL:
    from portal.embedded import database_url

    DATABASE_URL = database_url(DATA_DIR)
DATABASES: dict[str, dict[str, Any]] = {"default": env.database(DATABASE_URL)}
# Persistent connections: a new one costs 8 ms of PostgreSQL. Server-side binding lets psycopg prepare the hot statement.
DATABASES["default"] |= {"CONN_MAX_AGE": env.number("CONN_MAX_AGE", 600), "CONN_HEALTH_CHECKS": True}
DATABASES["default"]["OPTIONS"] |= {"application_name": "kinoglot"}
_SUFFIX = env.text("KINOGLOT_TEST_DB_SUFFIX")
if _SUFFIX:
    DATABASES["default"]["TEST"] = {"NAME": f"test_kinoglot_{_SUFFIX}"}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
BROKER_URL = env.text("BROKER_URL")  # redis://, amqp://; empty: the same PostgreSQL
CACHE_URL = env.text("CACHE_URL")  # redis://; empty: this process's memory
CACHES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": CACHE_URL}
    if CACHE_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

# --- Files ------------------------------------------------------------------------------------------------------------
S3_BUCKET = env.text("S3_BUCKET")
STORAGES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": S3_BUCKET,
            "endpoint_url": env.text("S3_ENDPOINT_URL") or None,
            "region_name": env.text("S3_REGION") or None,
            "access_key": env.text("S3_ACCESS_KEY_ID") or None,
            "secret_key": env.text("S3_SECRET_ACCESS_KEY") or None,
            "default_acl": None,
            "querystring_auth": True,
            "file_overwrite": True,
            "signature_version": "s3v4",
            "addressing_style": env.text("S3_ADDRESSING_STYLE") or None,
        },
    }
    if S3_BUCKET
    else {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(DATA_DIR / "media"), "base_url": None},
    },
    "staticfiles": {
        "BACKEND": "apps.web.staticfiles.HashedStaticFiles"
        if not DEBUG
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
STATIC_URL = "/static/"
STATIC_ROOT = Path(env.text("STATIC_ROOT", str(DATA_DIR / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
DOWNLOAD_LINK_SECONDS = env.number("DOWNLOAD_LINK_SECONDS", 3600)
FILE_UPLOAD_MAX_MEMORY_SIZE = 1 << 20
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 << 20  # JSON bodies; uploads go through tus and are streamed

# --- Engine and jobs --------------------------------------------------------------------------------------------------
LIPSYNC_DIR = env.text("ENGINE_LIPSYNC_DIR")
ENGINE: dict[str, Any] = {
    "model_dir": str(MODEL_DIR),
    "whisper_model": env.text("ENGINE_WHISPER_MODEL", "whisper-base"),
    "ffmpeg": env.text("ENGINE_FFMPEG"),
    "threads": env.number("ENGINE_THREADS", 2),
    "memory_limit_mb": env.number("ENGINE_MEMORY_MB", 6144),
    "max_output_mb": env.number("ENGINE_MAX_OUTPUT_MB", 20_480),
    "max_source_mb": env.number("ENGINE_MAX_SOURCE_MB", 5120),
    "max_source_seconds": env.number("ENGINE_MAX_SOURCE_SECONDS", 4 * 3600),
    "separate": env.text("ENGINE_SEPARATE", "auto"),
    "lipsync_dir": str(Path(LIPSYNC_DIR).resolve()) if LIPSYNC_DIR else "",  # a stage runs in a folder of its own
    "lipsync_fallback": env.flag("ENGINE_LIPSYNC_FALLBACK"),
}
ENGINE_CONCURRENCY = env.number("ENGINE_CONCURRENCY", 1)
JOB_LEASE_SECONDS = env.number("JOB_LEASE_SECONDS", 20)
JOB_MAX_TRIES = env.number("JOB_MAX_TRIES", 5)
JOB_DEADLINE_SECONDS = env.number("JOB_DEADLINE_SECONDS", 24 * 3600)
# What was made of a source (separated sound, words, spoken lines) is kept beside the work this long for its next jobs; 0: not at all.
REUSE_HOURS = env.number("REUSE_HOURS", 72)
REUSE_MAX_MB = env.number("REUSE_MAX_MB", 20_480)
RECONCILE_SECONDS = env.number("RECONCILE_SECONDS", 5)
# Vendors: how long after a call whose answer was never seen its outcome is looked into (where the vendor's list can be asked, and
# where it cannot), the first pause after trouble, and how long finished work stays at the vendor (0: for ever).
VENDOR_GRACE_SECONDS = float(env.text("VENDOR_GRACE_SECONDS", "20"))
VENDOR_ONCE_SECONDS = float(env.text("VENDOR_ONCE_SECONDS", "180"))
VENDOR_BACKOFF_SECONDS = float(env.text("VENDOR_BACKOFF_SECONDS", "5"))
VENDOR_CALL_SECONDS = float(env.text("VENDOR_CALL_SECONDS", "60"))
VENDOR_KEEP_SECONDS = env.number("VENDOR_KEEP_SECONDS", 7 * 24 * 3600)
UPLOAD_EXPIRY_SECONDS = env.number("UPLOAD_EXPIRY_SECONDS", 24 * 3600)
WEBHOOK_MAX_ENDPOINTS = env.number("WEBHOOK_MAX_ENDPOINTS", 20)  # for each organization
WEBHOOK_RETENTION_DAYS = env.number("WEBHOOK_RETENTION_DAYS", 30)  # how long messages and attempts are kept

# --- People -----------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
# Limits by address count the caller's, not the proxy's: else ten wrong passwords a minute would lock everybody out.
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if env.flag("BEHIND_PROXY") else 0
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = env.text("ACCOUNT_EMAIL_VERIFICATION", "mandatory")
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS
MFA_TOTP_ISSUER = "Kinoglot"
EMAIL_BACKEND = env.text(
    "EMAIL_BACKEND",
    "django.core.mail.backends.smtp.EmailBackend"
    if env.text("EMAIL_HOST")
    else "django.core.mail.backends.filebased.EmailBackend",
)
EMAIL_FILE_PATH = str(DATA_DIR / "mail")
EMAIL_HOST = env.text("EMAIL_HOST", "localhost")
EMAIL_PORT = env.number("EMAIL_PORT", 25)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS")
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "Kinoglot <no-reply@localhost>")

# --- Language and time ------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("es", _("Spanish")), ("zh-hans", _("Chinese (Simplified)")), ("ru", _("Russian"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_NAME = "kinoglot_language"
USE_TZ = True
TIME_ZONE = "UTC"

# --- API --------------------------------------------------------------------------------------------------------------
REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["apps.api.authentication.ActorAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "apps.api.errors.exception_handler",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Kinoglot API",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "DESCRIPTION": (
        "One video into many languages: subtitles, dubbing and lip sync.\n\n"
        "Send `Authorization: Bearer sk_…`. Errors are problem+json with a number (`GET /api/v1/errors` explains each); every "
        "answer has X-Request-Id and, with credentials, RateLimit headers. Lists page by `limit` and `cursor`."
    ),
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": False,
    "COMPONENT_SPLIT_PATCH": False,
    "PREPROCESSING_HOOKS": ["apps.api.openapi.only_this_api"],
    "POSTPROCESSING_HOOKS": ["apps.api.openapi.common_headers"],
}

# --- Logs and reports -------------------------------------------------------------------------------------------------
from portal.logging import build as _build_logging

LOGGING = _build_logging(
    json=env.text("LOG_FORMAT", "console" if DEBUG else "json") == "json", level=env.text("LOG_LEVEL", "INFO")
)
ACCESS_LOG = env.flag("ACCESS_LOG", True)
SENTRY_DSN = env.text("SENTRY_DSN")

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Kinoglot",
    "SITE_HEADER": "Kinoglot",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SITE_SYMBOL": "translate",
    "DASHBOARD_CALLBACK": "apps.console.dashboard.context",
    "SIDEBAR": {"navigation": "apps.console.navigation.groups"},
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: f"{STATIC_URL}icons/mark.svg"}],
    # The portal's own paper, ink and accent (static/css/tokens.css) on unfold's scale.
    "COLORS": {
        name: dict(zip(("50", *(str(step * 100) for step in range(1, 10)), "950"), shades.split(), strict=True))
        for name, shades in {
            "base": "#faf9f6 #f2f0ea #e7e3da #cbc5b7 #979286 #6f6a5f #575349 #47443c #2e2c27 #1c1b18 #151412",
            "primary": "#eceefc #dde1fa #c5ccf7 #a9b4fa #9aa8ff #8593ff #2b3fd0 #2435b0 #1f2c8f #23264a #171a38",
        }.items()
    },
}
