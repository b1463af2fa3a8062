"""The books: ledger = wallets = holds, proved in one statement (one snapshot), so that work going on does not disturb it."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from django.db import connection, transaction

from apps.events.log import record


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A wallet or hold whose two accounts differ (milli-credits). `what` names the comparison."""

    organization_id: int
    wallet_id: int
    pool: str
    subject: str
    what: str
    expected: int
    found: int


_QUERY = """
WITH ledger AS (
    SELECT wallet_id, sum(available_delta) AS available, sum(held_delta) AS held FROM plans_ledgerentry GROUP BY wallet_id
), held AS (
    SELECT wallet_id, sum(amount) AS held FROM plans_hold WHERE status = 'placed' GROUP BY wallet_id
), per_hold AS (
    SELECT hold_id, sum(held_delta) AS held, -coalesce(sum(held_delta) FILTER (WHERE kind = 'capture'), 0) AS captured
      FROM plans_ledgerentry WHERE hold_id IS NOT NULL GROUP BY hold_id
), compared AS (
    SELECT w.id AS wallet_id, '' AS subject, 'available: ledger, wallet' AS what,
           coalesce(l.available, 0) AS expected, w.available AS found
      FROM plans_wallet w LEFT JOIN ledger l ON l.wallet_id = w.id
    UNION ALL
    SELECT w.id, '', 'held: ledger, wallet', coalesce(l.held, 0), w.held
      FROM plans_wallet w LEFT JOIN ledger l ON l.wallet_id = w.id
    UNION ALL
    SELECT w.id, '', 'held: holds, wallet', coalesce(h.held, 0), w.held
      FROM plans_wallet w LEFT JOIN held h ON h.wallet_id = w.id
    UNION ALL
    SELECT h.wallet_id, h.public_id, 'held: hold, ledger',
           CASE h.status WHEN 'placed' THEN h.amount ELSE 0 END, coalesce(p.held, 0)
      FROM plans_hold h LEFT JOIN per_hold p ON p.hold_id = h.id
    UNION ALL
    SELECT h.wallet_id, h.public_id, 'captured: hold, ledger', h.captured, coalesce(p.captured, 0)
      FROM plans_hold h LEFT JOIN per_hold p ON p.hold_id = h.id
)
SELECT w.organization_id, c.wallet_id, w.pool, c.subject, c.what, c.expected::bigint, c.found::bigint
  FROM compared c JOIN plans_wallet w ON w.id = c.wallet_id
 WHERE c.expected <> c.found ORDER BY c.wallet_id, c.subject, c.what
"""


@transaction.atomic
def check_books() -> list[Mismatch]:
    """Every mismatch, none when the books are right; each raises an Event `books.mismatch`."""
    with connection.cursor() as cursor:
        cursor.execute(_QUERY)
        found = [Mismatch(*row) for row in cursor.fetchall()]
    for mismatch in found:
        record(
            type="books.mismatch",
            actor=None,
            organization_id=mismatch.organization_id,
            subject=("wallet", str(mismatch.wallet_id)),
            data=asdict(mismatch),
        )
    return found
