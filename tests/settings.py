"""Settings of the test run: portal.settings over folders of its own, with the embedded PostgreSQL unless DATABASE_URL names another.

Nothing here switches a feature off; it only keeps tests apart from the developer's data and makes passwords cheap.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUFFIX = os.environ.get("KINOGLOT_TEST_DB_SUFFIX", "")
# The database server is shared by every run in this checkout; files are each process's own.
TEST_SERVER_DIR = ROOT / ".cache" / "test-server"
from portal.embedded_postgres import url_for  # noqa: E402

_OWN = url_for(TEST_SERVER_DIR)
# Workers of pytest-xdist inherit the address that their parent set: it is still the embedded server's, and they must hold it.
EMBEDDED = (os.environ.get("DATABASE_URL") or _OWN) == _OWN
os.environ["DATABASE_URL"] = os.environ.get("DATABASE_URL") or _OWN
os.environ.setdefault("KINOGLOT_MODEL_DIR", str(ROOT / ".data" / "models"))
os.environ["KINOGLOT_DATA_DIR"] = tempfile.mkdtemp(prefix="kinoglot-test-")  # removed by tests/conftest.py
os.environ.setdefault("SECRET_KEY", "tests-only-" + "k" * 50)
os.environ.setdefault("LOG_FORMAT", "console")
os.environ.setdefault("LOG_LEVEL", "WARNING")

from portal.settings import *  # noqa: E402, F403
from portal.settings import DATABASES, STORAGES  # noqa: E402

DATABASES["default"]["TEST"] = {"NAME": f"test_kinoglot_{SUFFIX}" if SUFFIX else "test_kinoglot"}
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
