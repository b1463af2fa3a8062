"""Webhook deliveries a second: signed, logged, SSRF-checked, 1 % of endpoints slow or dead, against the bare client.

    .venv/bin/python benchmarks/webhooks.py [--endpoints 1000] [--messages 20] [--rounds 3]

One run, the two sides in turns, medians of the rounds. Both post the same bodies to the same server (a process of its own, on many
loopback addresses): the bare side is httpx over httpx-aiohttp with 128 requests at once and nothing around it, and it posts to the
healthy endpoints only; ours is the sender, with half of a percent of the endpoints answering after 14 s and half never. What is
timed is until the last message of the healthy endpoints has come. CPU is counted apart. Then the fan-out: events to messages.
Report: a table, and .cache/benchmarks/webhooks.json.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import httpx  # noqa: E402

from benchmarks.lib import stack  # noqa: E402
from benchmarks.lib.cpu import Meter, load  # noqa: E402

HOSTS = 60
BAD_SHARE = 0.01
WORDS = {"bare": "bare httpx over httpx-aiohttp, no rows", "ours": "Kinoglot's sender"}


def prepare(url: str, endpoints: int, port: int) -> list[str]:
    """Migrate, and make the endpoints of one organization; the addresses of the healthy ones."""
    import django
    from django.core.management import call_command

    os.environ |= {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "portal.settings", "LOG_LEVEL": "ERROR"}
    django.setup()
    call_command("migrate", verbosity=0)
    from apps.accounts.models import User
    from apps.accounts.services import sign_up_organization
    from apps.core import signatures
    from apps.webhooks.catalog import VERSION
    from apps.webhooks.models import Endpoint, Lane
    from apps.webhooks.services.secrets import seal

    organization = sign_up_organization(user=User.objects.create_user("bench@example.org"), name="bench")
    bad = max(2, round(endpoints * BAD_SHARE))
    rows = []
    for number in range(endpoints):
        kind = "ok" if number >= bad else "slow" if number % 2 else "dead"
        host = f"127.0.{1 if kind == 'ok' else 2}.{number % HOSTS + 1}"
        rows.append(
            Endpoint(
                organization=organization,
                url=f"http://{host}:{port}/{kind}/{number}",
                version=VERSION,
                sealed=seal(signatures.new_secret()),
            )
        )
    made = Endpoint.objects.bulk_create(rows)
    Lane.objects.bulk_create(Lane(organization=organization, endpoint=row) for row in made)
    return [row.url for row in made if "/ok/" in row.url]


def body() -> str:
    """What every message says."""
    from apps.webhooks import payloads
    from apps.webhooks.catalog import BY_NAME

    return json.dumps(payloads.example(BY_NAME["job.completed"]))


def fill(messages: int) -> None:
    """So many messages for every endpoint; no lane is due yet."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE webhooks_attempt, webhooks_message")
        cursor.execute(
            """INSERT INTO webhooks_message (public_id, organization_id, lane_id, endpoint_id, type, subject_id, url, headers, bare,
                   body, is_test, state, next_attempt_at, tries, attempt_count, last_error)
               SELECT 'whm_' || lpad((l.id * 1000 + n)::text, 16, '0'), l.organization_id, l.id, l.endpoint_id, 'job.completed',
                      'job_' || lpad(n::text, 16, '0'), '', '{}', false, %s, false, 'due', now(), 0, 0, ''
                 FROM webhooks_lane l, generate_series(1, %s) n""",
            [body(), messages],
        )
        # Messages make their lanes due; as long as somebody else seems to work on them, the sender leaves them alone.
        cursor.execute("UPDATE webhooks_lane SET busy_until = now() + interval '1 hour', slow = false")
    connection.set_autocommit(True)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE webhooks_message, webhooks_lane")
        cursor.execute("CHECKPOINT")


def go() -> None:
    """Every lane is due and free."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("UPDATE webhooks_lane SET due_at = now(), busy_until = NULL")


class Run:
    """The turns and their figures."""

    def __init__(
        self, stats: str, urls: list[str], messages: int, postmaster: int, database: str, folder: Path
    ) -> None:
        self._stats, self._urls, self._messages = stats, urls, messages
        self._postmaster, self._database, self._folder = postmaster, database, folder
        self.expected = len(urls) * messages
        self.rounds: dict[str, list[dict[str, float]]] = {"bare": [], "ours": []}

    def stats(self, forget: bool = False) -> dict[str, Any]:
        """What the receiver counted."""
        found: dict[str, Any] = httpx.get(f"{self._stats}/stats{'?forget' if forget else ''}").json()
        return found

    def bare(self) -> dict[str, float]:
        """The client alone."""
        target = self._folder / "bare.json"
        target.write_text(json.dumps([(url, body()) for _ in range(self._messages) for url in self._urls]))
        command = [sys.executable, "-m", "benchmarks.lib.webhook_sides", "bare", str(target)]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
        with subprocess.Popen(command, **pipes) as process:
            assert process.stdin is not None and process.stdout is not None
            process.stdout.readline()
            self.stats(forget=True)
            client, began = Meter(process.pid), time.time()
            process.stdin.write("go\n")
            process.stdin.flush()
            found = self._wait(began)
            used = client.used()
            process.wait(60)
        return self._figures(found["last"] - began, used, 0.0)

    def ours(self) -> dict[str, float]:
        """The sender with its rows."""
        fill(self._messages)
        command = [sys.executable, "-m", "benchmarks.lib.webhook_sides", "ours"]
        env = {"DATABASE_URL": self._database, "PRIVATE_HOSTS_ALLOWED": "127.0.0.0/8", "PYTHONPATH": str(ROOT)}
        env |= {"DJANGO_SETTINGS_MODULE": "portal.settings", "LOG_LEVEL": "ERROR"}
        with stack.program(command, env=env, log=self._folder / "ours.log") as process:
            time.sleep(4)
            self.stats(forget=True)
            client, database, began = Meter(process.pid), Meter(self._postmaster), time.time()
            go()
            found = self._wait(began)
            used, rows = client.used(), database.used()
            time.sleep(1)
            self._prove(found)
        return self._figures(found["last"] - began, used, rows)

    def _wait(self, began: float) -> dict[str, Any]:
        while (found := self.stats())["came"] < self.expected:
            if time.time() - began > 120:
                raise RuntimeError(f"only {found} of {self.expected} came")
            time.sleep(0.1)
        return found

    def _prove(self, found: dict[str, Any]) -> None:
        """Each came once, signed, and has its row and its attempt."""
        from apps.webhooks.models import Attempt, Message

        assert found["came"] == found["different"] == self.expected, found
        assert found["unsigned"] == 0
        healthy = Message.objects.filter(endpoint__url__contains="/ok/")
        assert healthy.filter(state="sent", attempt_count=1).count() == self.expected
        assert Attempt.objects.filter(message__in=healthy).count() == self.expected

    def _figures(self, wall: float, client: float, database: float) -> dict[str, float]:
        count = self.expected
        return {"rate": count / wall, "client_ms": client / count * 1000, "postgres_ms": database / count * 1000}

    def turn(self, side: str, keep: bool = True) -> None:
        """One side once."""
        found = self.bare() if side == "bare" else self.ours()
        if keep:
            self.rounds[side].append(found)
            print(f"  {side:5} {found['rate']:8.0f}/s   load {load()}", flush=True)


def fan_out_rate(events: int) -> dict[str, float]:
    """Events of an organization with three endpoints to messages, and events that nobody asked for."""
    from django.db import connection

    from apps.webhooks.models import Endpoint, Message
    from apps.webhooks.services import fanout

    Endpoint.objects.exclude(pk__in=list(Endpoint.objects.order_by("-pk").values_list("pk", flat=True)[:3])).update(
        deleted_at="2026-01-01T00:00:00Z"
    )
    organization = Endpoint.objects.order_by("-pk")[0].organization_id
    found = {}
    for name, owner, wanted in (("three endpoints", organization, 3), ("nobody asked", organization + 1000, 0)):
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE webhooks_attempt, webhooks_message")
            cursor.execute(
                "INSERT INTO events_event (organization_id, type, subject_type, subject_id, actor, data, request_id)"
                " SELECT %s, 'asset.ready', 'asset', 'ast_' || n, '{}', '{\"size\": 1}', '' FROM generate_series(1, %s) n",
                [owner, events],
            )
        began, read = time.perf_counter(), 0
        while (step := fanout.fan_out())[0]:
            read += step[0]
        found[name] = read / (time.perf_counter() - began)
        assert Message.objects.count() == wanted * events
    return found


def main() -> int:
    """Set up, measure in turns, report."""
    parser = argparse.ArgumentParser(description="webhook deliveries against the bare client")
    parser.add_argument("--endpoints", type=int, default=1000)
    parser.add_argument("--messages", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    from portal.embedded_postgres import ensure_server

    with tempfile.TemporaryDirectory(prefix="kinoglot-bench-", ignore_cleanup_errors=True) as name:
        folder, port = Path(name), stack.free_port()
        os.environ |= {"KINOGLOT_DATA_DIR": str(folder / "data"), "SECRET_KEY": "benchmark-" + "k" * 50}
        receiver = [sys.executable, "-m", "benchmarks.lib.webhook_receiver", str(port)]
        with ensure_server(folder / "pg") as server, stack.program(receiver, env={}, log=folder / "receiver.log"):
            stack.wait_for(f"http://127.0.0.1:{port}/stats", folder / "receiver.log")
            urls = prepare(server.url, given.endpoints, port)
            postmaster = server.cluster.postmaster()
            assert postmaster is not None
            run = Run(f"http://127.0.0.1:{port}", urls, given.messages, postmaster, server.url, folder)
            for number in range(given.rounds):
                print(f"round {number + 1}")
                for side in ("bare", "ours"):
                    run.turn(side)
            fan_out = fan_out_rate(10_000)
            from django.db import connections

            connections.close_all()
    found = report(run, given, fan_out)
    target = ROOT / ".cache" / "benchmarks" / "webhooks.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(found, indent=1), encoding="utf-8")
    return 0


def report(run: Run, given: argparse.Namespace, fan_out: dict[str, float]) -> dict[str, Any]:
    """Print the table; return all of it as data."""
    figures = {
        side: {figure: statistics.median(row[figure] for row in rows) for figure in rows[0]}
        for side, rows in run.rounds.items()
    }
    print(
        f"\n{given.endpoints} endpoints, {run.expected} messages to the healthy ones, median of {given.rounds} rounds"
    )
    print(f"{'':42}{'per s':>8}{'client ms':>11}{'postgres ms':>13}   (ms: CPU a delivery)")
    for side, row in figures.items():
        print(f"{WORDS[side]:42}{row['rate']:8.0f}{row['client_ms']:11.2f}{row['postgres_ms']:13.2f}")
    ratio = figures["ours"]["rate"] / figures["bare"]["rate"]
    print(f"Kinoglot reaches {ratio:.0%} of the bare client (aim: 50 %)")
    for name, rate in fan_out.items():
        print(f"fan-out, {name}: {rate:.0f} events/s")
    return {
        "given": vars(given),
        "rounds": run.rounds,
        "median": figures,
        "ratio": ratio,
        "fan_out": fan_out,
        "load": load(),
    }


if __name__ == "__main__":
    raise SystemExit(main())
