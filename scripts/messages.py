"""Checks the translations of the interface: every catalogue parses, its placeholders match, and its .mo file is current.

Pure Python (Babel), so that it runs where GNU gettext is not installed. `--compile` writes the .mo files.
"""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parent.parent
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w*\}")


def pairs(catalog: Catalog) -> dict[str, str]:
    """What a compiled catalogue says, by context and source text."""
    return {f"{m.context}|{m.id}": str(m.string) for m in catalog if m.id}


def main(arguments: list[str]) -> int:
    """Check (or compile) every locale/*/LC_MESSAGES/*.po."""
    problems: list[str] = []
    for path in sorted(ROOT.glob("locale/*/LC_MESSAGES/*.po")):
        name = path.relative_to(ROOT)
        with path.open("rb") as file:
            catalog = read_po(file, locale=path.parent.parent.name)
        for message in catalog:
            source = message.id if isinstance(message.id, (tuple, list)) else (message.id,)
            target = message.string if isinstance(message.string, (tuple, list)) else (message.string,)
            if not message.id or "fuzzy" in message.flags or not all(target):
                continue
            wanted = set(PLACEHOLDER.findall(" ".join(str(text) for text in source)))
            if any(not set(PLACEHOLDER.findall(str(text))) <= wanted for text in target):
                problems.append(f"{name}: placeholders differ in {source[0]!r}")
        compiled = path.with_suffix(".mo")
        fresh = io.BytesIO()
        write_mo(fresh, catalog)
        fresh.seek(0)
        if "--compile" in arguments:
            compiled.write_bytes(fresh.getvalue())
        elif not compiled.exists():
            problems.append(f"{name}: {compiled.name} is missing; run `make messages`")
        else:
            with compiled.open("rb") as file:
                known = pairs(read_mo(file))
            if known != pairs(read_mo(fresh)):
                problems.append(f"{name}: {compiled.name} is out of date; run `make messages`")
    print("\n".join(problems) or "translations are sound")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
