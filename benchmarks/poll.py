"""5,000 remote jobs in flight: one poller process, rows included, against a bare asyncio loop over the same client.

    .venv/bin/python benchmarks/poll.py [--jobs 5000] [--interval 10] [--seconds 30] [--rounds 2]

One run, the two in turns against one vendor (a server of its own process that answers after 0.1 s); figures are medians of the
rounds. CPU is counted apart for the poller (all its threads) and PostgreSQL. `late`: how much more than interval + 10 % passed
between two polls of one job, as the vendor saw it. Report: a table, and .cache/benchmarks/poll.json.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import httpx  # noqa: E402

from benchmarks.lib import stack  # noqa: E402
from benchmarks.lib.cpu import Meter, load  # noqa: E402

WORDS = {"bare": "bare asyncio loop over the same client", "ours": "Kinoglot's poller, rows included"}


def prepare(url: str, endpoint: str, jobs: int, interval: float) -> None:
    """Migrate, and make an account and so many jobs that wait for their polls, spread over one interval."""
    import django
    from django.core.management import call_command

    os.environ |= {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "portal.settings", "LOG_LEVEL": "ERROR"}
    django.setup()
    call_command("migrate", verbosity=0)
    import msgspec
    from django.db import connection

    from apps.accounts.models import User
    from apps.accounts.services import sign_up_organization
    from apps.core.ids import new_id
    from apps.jobs.models import Job, ProviderAccount
    from apps.jobs.services.accounts import seal_secrets
    from apps.providers.orders import Source, TranslationOrder
    from benchmarks.lib.poll_vendor import KEY

    organization = sign_up_organization(user=User.objects.create_user("bench@example.org"), name="bench")
    account = ProviderAccount.objects.create(
        provider="bench",
        name="bench",
        endpoint=endpoint,
        sealed=seal_secrets({"key": KEY}),
        polls_per_second=max(10.0, 2 * jobs / interval),
    )
    order = msgspec.to_builtins(
        TranslationOrder(source=Source(asset="ast_0000000000000000"), target_locales=["pt-BR"], source_language="en-US")
    )
    Job.objects.bulk_create(
        Job(
            public_id=new_id("job"),
            organization=organization,
            order=order,
            target_locale="pt-BR",
            provider="bench",
            provider_ref=f"w{number}",
            provider_memo={"id": f"w{number}", "region": "westeurope"},
            provider_account=account,
            pool="api",
        )
        for number in range(jobs)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE jobs_job")


def stagger(interval: float) -> None:
    """Every job is due once within the next interval."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("UPDATE jobs_job SET next_poll_at = now() + random() * make_interval(secs => %s)", [interval])
        cursor.execute("UPDATE jobs_provideraccount SET next_poll_at = NULL, failures = 0, open_until = NULL")


def memory(pid: int) -> float:
    """Resident MB of a process."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


class Run:
    """The turns and their figures."""

    def __init__(self, endpoint: str, database: str, postmaster: int, folder: Path, given: argparse.Namespace) -> None:
        self._endpoint, self._database, self._postmaster, self._folder = endpoint, database, postmaster, folder
        self._given = given
        self.rounds: dict[str, list[dict[str, float]]] = {"bare": [], "ours": []}

    def turn(self, side: str) -> None:
        """One side: a whole interval to warm up, then the measured seconds."""
        given = self._given
        stagger(given.interval)
        httpx.get(f"{self._endpoint}/stats", params={"forget": "all"})
        command = [sys.executable, "-m", "benchmarks.lib.poll_sides", side, "--endpoint", self._endpoint]
        command += ["--jobs", str(given.jobs), "--interval", str(given.interval)]
        env = {"DATABASE_URL": self._database, "PRIVATE_HOSTS_ALLOWED": "127.0.0.1", "PYTHONPATH": str(ROOT)}
        with stack.program(command, env=env, log=self._folder / f"{side}.log") as process:
            time.sleep(given.interval * 1.2 + 3)
            poller, database = Meter(process.pid), Meter(self._postmaster)
            httpx.get(f"{self._endpoint}/stats", params={"forget": "gaps"})
            began = time.monotonic()
            time.sleep(given.seconds)
            seconds = time.monotonic() - began
            used, base = poller.used(), database.used()
            size = memory(process.pid)
            seen = httpx.get(f"{self._endpoint}/stats", timeout=30).json()
            assert process.poll() is None, (self._folder / f"{side}.log").read_text()[-2000:]
        if said := (self._folder / f"{side}.log").read_text()[-1500:].strip():
            print(f"{side} said: {said}")
        polls = seen["polls"]
        late = sorted(max(0.0, gap - 1.1 * given.interval) for gap in seen["gaps"] + seen["since"])
        assert seen["works"] == given.jobs, f"{seen['works']} of {given.jobs} were polled"
        self.rounds[side].append(
            {
                "polls": polls,
                "rate": polls / seconds,
                "poller_ms": 1000 * used / polls,
                "postgres_ms": 1000 * base / polls,
                "cores": used / seconds,
                "mb": size,
                "late_p50": late[len(late) // 2],
                "late_p99": late[int(len(late) * 0.99)],
                "late_max": late[-1],
            }
        )

    def median(self, side: str) -> dict[str, float]:
        """Of the rounds."""
        rows = self.rounds[side]
        return {name: statistics.median(row[name] for row in rows) for name in rows[0]}


def report(run: Run, given: argparse.Namespace) -> dict[str, Any]:
    """Print the table; return all of it as data."""
    figures = {side: run.median(side) for side in ("bare", "ours")}
    print(
        f"\n{given.jobs} jobs, each every {given.interval:g} s, median of {given.rounds} rounds of {given.seconds:g} s"
    )
    print(
        f"{'':42}{'polls/s':>9}{'CPU ms a poll':>15}{'postgres ms':>13}{'cores':>7}{'MB':>7}{'late p50':>10}{'p99':>7}{'max':>7}"
    )
    for side, row in figures.items():
        print(
            f"{WORDS[side]:42}{row['rate']:9.0f}{row['poller_ms']:15.3f}{row['postgres_ms']:13.3f}{row['cores']:7.2f}"
            f"{row['mb']:7.0f}{row['late_p50']:10.2f}{row['late_p99']:7.2f}{row['late_max']:7.2f}"
        )
    ratio = figures["ours"]["poller_ms"] / figures["bare"]["poller_ms"]
    print(f"CPU per poll: {ratio:.2f} times the bare loop's (aim: at most 1.5)")
    return {
        "jobs": given.jobs,
        "interval": given.interval,
        "rounds": run.rounds,
        "median": figures,
        "ratio": ratio,
        "load": load(),
    }


def main() -> int:
    """Set up, measure in turns, report."""
    parser = argparse.ArgumentParser(description="the poller against a bare asyncio loop")
    parser.add_argument("--jobs", type=int, default=5000)
    parser.add_argument("--interval", type=float, default=10.0)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    from portal.embedded_postgres import ensure_server

    with (
        tempfile.TemporaryDirectory(prefix="kinoglot-bench-", ignore_cleanup_errors=True) as name,
        ExitStack() as open_,
    ):
        folder = Path(name)
        os.environ |= {"KINOGLOT_DATA_DIR": str(folder / "data"), "SECRET_KEY": "benchmark-" + "k" * 50}
        server = open_.enter_context(ensure_server(folder / "pg"))
        port = stack.free_port()
        endpoint = f"http://127.0.0.1:{port}"
        vendor = [sys.executable, "-m", "benchmarks.lib.poll_vendor", "--port", str(port)]
        env = {"PYTHONPATH": str(ROOT)}
        open_.enter_context(stack.program(vendor, env=env, log=folder / "vendor.log"))
        prepare(server.url, endpoint, given.jobs, given.interval)
        postmaster = server.cluster.postmaster()
        assert postmaster is not None
        run = Run(endpoint, server.url, postmaster, folder, given)
        for number in range(given.rounds):
            print(f"round {number + 1}")
            for side in ("bare", "ours"):
                run.turn(side)
        found = report(run, given)
        from django.db import connections

        connections.close_all()
    target = ROOT / ".cache" / "benchmarks" / "poll.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(found, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
