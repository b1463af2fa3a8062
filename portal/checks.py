"""Our own checks of `manage.py check` and `check --deploy`: ids kinoglot.E001..., each with a hint that says what to set."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from portal import env


def _error(number: int, text: str, hint: str) -> Error:
    return Error(text, hint=hint, id=f"kinoglot.E{number:03}")


def _warning(number: int, text: str, hint: str) -> Warning:
    return Warning(text, hint=hint, id=f"kinoglot.W{number:03}")


@register(Tags.files)
def check_machine(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """What no installation can do without."""
    found: list[CheckMessage] = []
    data = Path(settings.DATA_DIR)
    nearest = next(folder for folder in (data, *data.parents) if folder.exists())
    if not os.access(nearest, os.W_OK):
        found.append(
            _error(1, f"The data folder {data} cannot be written.", "Give it to this user or set KINOGLOT_DATA_DIR.")
        )
    ffmpeg = settings.ENGINE.get("ffmpeg")
    if ffmpeg and not os.access(ffmpeg, os.X_OK):
        found.append(
            _error(
                2,
                f"ENGINE_FFMPEG names no program: {ffmpeg}.",
                "Unset it to use the one that is installed with Kinoglot.",
            )
        )
    return found


@register(Tags.security, deploy=True)
def check_secrets(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Keys: given, strong, and not one for everything."""
    found: list[CheckMessage] = []
    given = env.text("SECRET_KEY")
    make = 'Make one: python -c "import secrets; print(secrets.token_urlsafe(50))". SECRET_KEY_FILE may name a file.'
    if not given:
        found.append(_error(10, "SECRET_KEY is not set; every machine would make its own.", make))
    elif len(given) < 50 or len(set(given)) < 10:
        found.append(_error(11, "SECRET_KEY is weak.", make))
    pepper = env.text("API_KEY_PEPPER")
    if not pepper or pepper == given:
        found.append(
            _warning(
                12,
                "API_KEY_PEPPER is not a key of its own: changing SECRET_KEY would void every API key.",
                "Set API_KEY_PEPPER.",
            )
        )
    elif len(pepper) < 32:
        found.append(_error(13, "API_KEY_PEPPER is weak.", "At least 32 random characters."))
    sealing = env.words("SEALING_KEYS")
    if not sealing or given in sealing:
        found.append(
            _warning(
                16,
                "SEALING_KEYS is not a key of its own: without SECRET_KEY no kept credential could be opened.",
                "Set SEALING_KEYS; then `manage.py reseal`.",
            )
        )
    elif any(len(key) < 32 for key in sealing):
        found.append(_error(17, "A key of SEALING_KEYS is weak.", "At least 32 random characters each."))
    if settings.METRICS_TOKEN and len(settings.METRICS_TOKEN) < 16:
        found.append(_error(14, "METRICS_TOKEN is short.", "At least 16 random characters; unset: /metrics is off."))
    if settings.DEBUG:
        found.append(_error(15, "DEBUG is on: errors show source and settings to everybody.", "Unset DEBUG."))
    return found


@register(Tags.security, deploy=True)
def check_addresses(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Names and doors: who we are to the outside, and whom we may call inside."""
    found: list[CheckMessage] = []
    public = urlsplit(settings.PUBLIC_URL)
    if public.scheme != "https":
        found.append(
            _error(
                20,
                "PUBLIC_URL is not https: sessions and API keys would travel in clear.",
                "PUBLIC_URL=https://your.name",
            )
        )
    hosts = set(settings.ALLOWED_HOSTS)
    if "*" in hosts:
        found.append(_error(21, "ALLOWED_HOSTS accepts any name.", "List the names that this site is reached by."))
    elif public.hostname and not any(_covers(host, public.hostname) for host in hosts):
        found.append(
            _error(22, "ALLOWED_HOSTS does not hold the host of PUBLIC_URL.", f"ALLOWED_HOSTS={public.hostname}")
        )
    if settings.HTTPS and settings.SECURE_PROXY_SSL_HEADER is None and settings.SECURE_SSL_REDIRECT:
        found.append(
            _warning(
                23,
                "https is redirected to, but no proxy is trusted to say that a request came by https.",
                "Behind a proxy set BEHIND_PROXY=1.",
            )
        )
    if settings.PRIVATE_HOSTS_ALLOWED:
        wide = any(host in {"0.0.0.0/0", "::/0", "*"} for host in settings.PRIVATE_HOSTS_ALLOWED)
        make = _error if wide else _warning
        found.append(
            make(
                24,
                "PRIVATE_HOSTS_ALLOWED lets customers' links reach inside hosts.",
                "Keep it empty, or name only hosts made for that.",
            )
        )
    return found


def _covers(pattern: str, host: str) -> bool:
    return host == pattern or (pattern.startswith(".") and (host == pattern[1:] or host.endswith(pattern)))


@register(Tags.database, deploy=True)
def check_services(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Database, files, mail, cache, weights: fit for more than one machine?"""
    found: list[CheckMessage] = []
    if not env.text("DATABASE_URL"):
        found.append(
            _error(
                30,
                "No DATABASE_URL: the embedded PostgreSQL is for one machine and has no backups.",
                "DATABASE_URL=postgres://user:password@host/name",
            )
        )
    elif not settings.DATABASES["default"].get("CONN_MAX_AGE"):
        found.append(
            _warning(31, "CONN_MAX_AGE is 0: each request opens a connection (8 ms of PostgreSQL).", "Unset it.")
        )
    if not settings.S3_BUCKET:
        found.append(
            _warning(
                32,
                "Media are kept in a folder: every process must share it.",
                "S3_BUCKET, S3_ENDPOINT_URL, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY",
            )
        )
    if settings.EMAIL_BACKEND.endswith((".filebased.EmailBackend", ".console.EmailBackend", ".dummy.EmailBackend")):
        found.append(
            _error(
                33,
                "Mail is not sent: nobody could confirm an address.",
                "EMAIL_HOST, EMAIL_PORT, EMAIL_HOST_USER, EMAIL_HOST_PASSWORD",
            )
        )
    if settings.DEFAULT_FROM_EMAIL.rstrip(">").endswith("@localhost"):
        found.append(
            _warning(
                34,
                "DEFAULT_FROM_EMAIL is at localhost: mail will be refused.",
                "DEFAULT_FROM_EMAIL='Name <no-reply@your.name>'",
            )
        )
    if not settings.CACHE_URL:
        found.append(
            _warning(35, "No CACHE_URL: each process remembers its own limits of sign-in.", "CACHE_URL=redis://...")
        )
    return found
