"""A process that holds a share of an embedded PostgreSQL and does what its standard input says; standard library only.

Lines in: "sql <statement>", "close", "quit". Lines out: one JSON answer to each, the first being the start itself.
Run with any Python, as any user; PYTHONPATH names the repository and the site-packages that hold the wheel.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

from portal.embedded_postgres import EmbeddedPostgresError, ensure_server


def answer(**facts: object) -> None:
    print(json.dumps(facts), flush=True)


def main(data_dir: str) -> None:
    began = time.monotonic()
    try:
        server = ensure_server(data_dir)
    except EmbeddedPostgresError as problem:
        answer(error=str(problem))
        return
    answer(url=server.url, server=server.cluster.postmaster(), seconds=time.monotonic() - began, uid=os.geteuid())
    for line in sys.stdin:
        verb, _, rest = line.strip().partition(" ")
        if verb == "sql":
            command = [
                server.cluster.binary("psql"),
                "-X",
                "-q",
                "-A",
                "-t",
                "-v",
                "ON_ERROR_STOP=1",
                server.url,
                "-c",
                rest,
            ]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            answer(out=done.stdout.strip(), error=done.stderr.strip())
        elif verb == "revive":
            server.revive()
            answer(server=server.cluster.postmaster())
        elif verb == "close":
            server.close()
            answer(closed=True)
        else:
            os._exit(0)  # leave without a word, as a crash would


if __name__ == "__main__":
    main(sys.argv[1])
