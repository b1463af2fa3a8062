"""Which tests stay on one worker of `make test`: those that would make the same costly thing once more on another.

pytest-xdist's own groups (`--dist loadgroup`) write into the test's id, which pytest 9.2 no longer lets them; the ids told here stay as
they are, so that `--last-failed` finds them again.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).resolve().parent.parent


class SharingScheduling(LoadScopeScheduling):  # type: ignore[misc, unused-ignore]
    """Single tests in the order of collection, except for those that belong together."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid.partition("::")[0]) or nodeid


@cache
def group_of(path: str) -> str:
    """Name of the tests that a file's tests stay with; "" when each may run anywhere.

    One browser with its server serves all browser tests; what is made once per module (or in a group) is made by one worker.
    """
    text = (ROOT / path).read_text(encoding="utf-8")
    if "pytest.mark.browser" in text:
        return "browser"
    return path if 'scope="module"' in text or "pytest.mark.xdist_group" in text else ""
