"""POST /api/v1/translations with every check, against pgbench calling admit_job alone, and against the FastAPI rival.

    .venv/bin/python benchmarks/submit.py [--seconds 6] [--rounds 3] [--clients 8]

One run, one PostgreSQL (fsync on), the three taken in turns; figures are medians of the rounds. Each client has an organization of
its own. CPU is counted apart for server, PostgreSQL and load. At the end the books of both are proved. Report: a table, and
.cache/benchmarks/submit.json.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.lib import stack  # noqa: E402
from benchmarks.lib.cpu import Meter, load  # noqa: E402

ORDER = {
    "source": {"url": "https://media.example.com/talk.mp4"},
    "source_language": "en-US",
    "target_locales": ["pt-BR"],
    "steps": ["subtitles"],
    "subtitle_source": "file",
    "subtitle": {"url": "https://media.example.com/talk.srt", "usage": "final_translated"},
    "title": "order @@",
}


def prepare(url: str, count: int) -> list[str]:
    """Migrate, and make `count` organizations with a key each that nothing will refuse. Returns the keys."""
    import django
    from django.core.management import call_command

    os.environ |= {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "portal.settings", "LOG_LEVEL": "ERROR"}
    django.setup()
    call_command("migrate", verbosity=0)
    from apps.accounts.models import User
    from apps.accounts.selectors import actor_for_user
    from apps.accounts.services import create_api_key, sign_up_organization
    from apps.plans.models import Plan
    from apps.plans.services import grant_credits, set_subscription

    Plan.objects.update(translate_concurrency=2_000_000_000, requests_per_minute=2_000_000_000)
    keys = []
    for number in range(count):
        user = User.objects.create_user(f"bench{number}@example.org")
        organization = sign_up_organization(user=user, name=f"bench {number}")
        actor = actor_for_user(user, organization)
        set_subscription(actor=actor, organization=organization, plan="business")
        grant_credits(actor=actor, organization=organization, pool="api", amount=10**15, business_key=f"bench:{number}")
        keys.append(create_api_key(actor=actor, name="bench", scopes=["jobs:write"])[1])
    return keys


def admit_script(keys: list[str], folder: Path) -> Path:
    """A pgbench script that calls admit_job as the API does: same document, fresh ids, one organization a client."""
    import msgspec

    from apps.accounts.keys import parse_bearer
    from apps.jobs.services.submit import make_document
    from apps.providers.orders import TranslationOrder

    parsed = [parse_bearer(f"Bearer {key}") for key in keys]
    order = msgspec.convert({**ORDER, "title": "order"}, TranslationOrder)
    document = json.dumps({**make_document(parsed[0], order), "count": True})
    document = re.sub(r":(?=\w)", "\\\\u003a", document)  # pgbench takes ":name" for a variable; JSON reads the same
    for identifier in set(re.findall(r"\b(?:job|trn|hld|led|ast|prj)_[0-9a-z]{16}\b", document)):
        document = document.replace(identifier, f"{identifier[:4]}@@")
    document = re.sub(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", "##", document)
    document = document.replace(parsed[0].key_id, "%KEY%").replace(parsed[0].digest.hex(), "%DIGEST%")
    assert "$doc$" not in document
    assert not re.search(r":\w", document), "pgbench would take it for a variable"
    pick = "(ARRAY[{}])[CAST(:client_id AS int) + 1]".format
    text = f"$doc${document}$doc$"
    for mark, value in (
        ("@@", "lpad(to_hex(CAST(:r AS bigint)), 16, '0')"),
        ("##", "gen_random_uuid()::text"),
        ("%KEY%", pick(", ".join(f"'{key.key_id}'" for key in parsed))),
        ("%DIGEST%", pick(", ".join(f"'{key.digest.hex()}'" for key in parsed))),
    ):
        text = f"replace({text}, '{mark}', {value})"
    path = folder / "admit.sql"
    path.write_text(
        f"\\set r random(1, 9000000000000000000)\nSELECT admit_job({text}::jsonb)::text;\n", encoding="utf-8"
    )
    return path


class Run:
    """The stack of one run, and the figures of its rounds."""

    def __init__(self, postmaster: int, seconds: float, clients: int) -> None:
        self.postmaster, self.seconds, self.clients = postmaster, seconds, clients
        self.rounds: dict[str, list[dict[str, float]]] = {}
        self.admitted = {"pgbench": 0, "kinoglot": 0, "rival": 0}

    def pgbench(self, binary: str, database: str, script: Path, seconds: float, keep: bool) -> None:
        """The limit: the function alone, prepared."""
        meter = Meter(self.postmaster)
        command = [
            binary,
            "-n",
            "-M",
            "prepared",
            "-f",
            str(script),
            "-c",
            str(self.clients),
            "-j",
            "2",
            "-T",
            str(int(seconds)),
            database,
        ]
        output = stack.run(command)
        done = int(re.search(r"actually processed: (\d+)", output)[1])  # type: ignore[index]
        rate = float(re.search(r"tps = ([\d.]+)", output)[1])  # type: ignore[index]
        latency = float(re.search(r"latency average = ([\d.]+)", output)[1])  # type: ignore[index]
        self.admitted["pgbench"] += done
        if keep:
            self.note(
                "pgbench",
                rate=rate,
                server_ms=0.0,
                postgres_ms=meter.used() / done * 1000,
                p50_ms=latency,
                p99_ms=0.0,
                load_ms=0.0,
            )

    def http(self, name: str, pid: int, port: int, path: str, keys: list[str], seconds: float, keep: bool) -> None:
        """Requests over keep-alive connections, one client a key."""
        server, postgres = Meter(pid), Meter(self.postmaster)
        clients = json.dumps([{"key": key, "body": json.dumps(ORDER)} for key in keys])
        helper = str(ROOT / "benchmarks" / "lib" / "http_load.py")
        found = json.loads(
            stack.run([sys.executable, helper, "127.0.0.1", str(port), path, str(seconds)], given=clients)
        )
        total = sum(found["statuses"].values())
        good = found["statuses"].get("202", 0)
        if good != total:
            raise RuntimeError(f"{name} refused: {found['statuses']}")
        self.admitted[name] += good
        if keep:
            self.note(
                name,
                rate=good / found["wall"],
                server_ms=server.used() / good * 1000,
                postgres_ms=postgres.used() / good * 1000,
                load_ms=found["client_cpu"] / good * 1000,
                p50_ms=found["p50_ms"],
                p99_ms=found["p99_ms"],
            )

    def note(self, name: str, **figures: float) -> None:
        """One round's figures."""
        self.rounds.setdefault(name, []).append(figures)
        print(f"  {name:9} {figures['rate']:8.0f}/s   load {load()}", flush=True)

    def median(self, name: str) -> dict[str, float]:
        """Medians over the rounds."""
        rows = self.rounds[name]
        return {figure: statistics.median(row[figure] for row in rows) for figure in rows[0]}


def oracle(run: Run, rival_env: dict[str, str] | None) -> dict[str, Any]:
    """Ledger = wallets = holds = jobs = counters, and no deadlock. Raises AssertionError otherwise."""
    from django.db import connection
    from django.db.models import Sum

    from apps.jobs.models import ConcurrencyCounter, Job
    from apps.plans.models import Hold, Wallet
    from apps.plans.services import check_books

    wanted = run.admitted["pgbench"] + run.admitted["kinoglot"]
    jobs = Job.objects.count()
    counted = ConcurrencyCounter.objects.filter(api_key=None).aggregate(total=Sum("running"))["total"]
    held = Wallet.objects.aggregate(total=Sum("held"))["total"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(deadlocks) FROM pg_stat_database")
        deadlocks = int(cursor.fetchone()[0])
    assert check_books() == []
    assert jobs == wanted == counted == Hold.objects.filter(status="placed").count(), (jobs, wanted, counted)
    assert held == Hold.objects.aggregate(total=Sum("amount"))["total"]
    assert deadlocks == 0
    proof: dict[str, Any] = {"jobs": jobs, "held": held, "deadlocks": deadlocks, "books": "right"}
    if rival_env is not None:
        proof["rival"] = stack.rival_books(rival_env)
        assert proof["rival"] == {"jobs": run.admitted["rival"], "books_right": True}
    return proof


def report(run: Run, proof: dict[str, Any]) -> dict[str, Any]:
    """Print the table; return all of it as data."""
    words = {
        "pgbench": "limit: pgbench, admit_job alone",
        "kinoglot": "Kinoglot: granian WSGI, the API's view",
        "rival": "FastAPI + SQLAlchemy + arq",
    }
    figures = {name: run.median(name) for name in words if name in run.rounds}
    print(f"\n{run.clients} clients, median of {len(run.rounds['kinoglot'])} rounds of {run.seconds:g} s")
    print(
        f"{'':40}{'per s':>8}{'server ms':>11}{'postgres ms':>13}{'load ms':>9}{'p50 ms':>8}{'p99 ms':>8}   (ms: CPU an operation)"
    )
    for name, row in figures.items():
        print(
            f"{words[name]:40}{row['rate']:8.0f}{row['server_ms']:11.2f}{row['postgres_ms']:13.2f}{row['load_ms']:9.2f}"
            f"{row['p50_ms']:8.2f}{row['p99_ms']:8.2f}"
        )
    ours = figures["kinoglot"]["rate"]
    ratios = {"of_pgbench": ours / figures["pgbench"]["rate"]}
    print(f"Kinoglot reaches {ratios['of_pgbench']:.0%} of the limit (aim: 20 %)")
    if "rival" in figures:
        ratios["of_rival"] = ours / figures["rival"]["rate"]
        print(f"and {ratios['of_rival']:.1f} times the rival (aim: 3)")
    print(f"oracle: {proof}")
    return {
        "clients": run.clients,
        "seconds": run.seconds,
        "rounds": run.rounds,
        "median": figures,
        "ratios": ratios,
        "oracle": proof,
        "load": load(),
    }


def main() -> int:
    """Set up, measure in turns, prove, report."""
    parser = argparse.ArgumentParser(description="POST /translations against pgbench and a rival")
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clients", type=int, default=8)
    given = parser.parse_args()
    from portal.embedded_postgres import ensure_server

    with tempfile.TemporaryDirectory(prefix="kinoglot-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        os.environ |= {"KINOGLOT_DATA_DIR": str(folder / "data"), "SECRET_KEY": "benchmark-" + "k" * 50}
        with ensure_server(folder / "pg") as server:
            database = server.url
            keys = prepare(database, given.clients)
            script = admit_script(keys, folder)
            tool = server.cluster.binary("pgbench")
            stack.run([server.cluster.binary("psql"), database, "-c", "CREATE DATABASE rival"])
            theirs = re.sub(r"^postgres(ql)?://([^/]*)/[^?]*", r"postgresql+asyncpg://\2/rival", database)
            postmaster = server.cluster.postmaster()
            assert postmaster is not None
            run = Run(postmaster, given.seconds, given.clients)
            threads = max(2, given.clients // 2)
            with stack.our_site(database, folder, threads) as site, stack.rival(theirs, folder, given.clients) as peer:
                turns: list[Callable[[float, bool], None]] = [
                    lambda s, keep: run.pgbench(tool, database, script, s, keep),
                    lambda s, keep: run.http("kinoglot", *site, "/api/v1/translations", keys, s, keep),
                ]
                if peer is not None:
                    turns.append(lambda s, keep: run.http("rival", peer[0], peer[1], "/translations", peer[2], s, keep))
                for turn in turns:
                    turn(2, False)
                for number in range(given.rounds):
                    print(f"round {number + 1}")
                    for turn in turns:
                        turn(given.seconds, True)
                proof = oracle(run, peer[3] if peer is not None else None)
            found = report(run, proof)
            from django.db import connections

            connections.close_all()
    target = ROOT / ".cache" / "benchmarks" / "submit.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(found, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
