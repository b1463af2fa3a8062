"""Makes the rival's tables and N organizations with a key each; prints the keys as JSON. `--check` proves the books instead."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import sys

from models import ApiKey, Base, Counter, Hold, Job, LedgerEntry, Organization, Plan, Wallet
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine


async def seed(count: int) -> None:
    engine = create_async_engine(os.environ["RIVAL_DATABASE"])
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    keys = []
    async with AsyncSession(engine) as session:
        plan = Plan(
            api_access=True,
            max_targets=20,
            concurrency=10**9,
            requests_per_minute=10**9,
            price_subtitles=2000,
            price_voice=4000,
        )
        for number in range(count):
            key_id, secret = f"{number:08d}", hashlib.sha256(str(number).encode()).hexdigest()
            digest = hmac.digest(os.environ["RIVAL_PEPPER"].encode(), f"{key_id}.{secret}".encode(), hashlib.sha256)
            organization = Organization(name=f"org {number}", plan=plan)
            key = ApiKey(key_id=key_id, digest=digest, scopes=["jobs:read", "jobs:write"], organization=organization)
            session.add(key)
            await session.flush()
            wallet = Wallet(organization_id=organization.id, pool="api", available=10**15)
            session.add(wallet)
            await session.flush()
            session.add(Counter(organization_id=organization.id, api_key_id=None))
            session.add(Counter(organization_id=organization.id, api_key_id=key.id))
            session.add(
                LedgerEntry(
                    wallet_id=wallet.id, kind="grant", available_delta=10**15, held_delta=0, business_key=f"g:{number}"
                )
            )
            keys.append(f"sk_{key_id}_{secret}")
        await session.commit()
    await engine.dispose()
    print(json.dumps(keys))


async def check() -> None:
    engine = create_async_engine(os.environ["RIVAL_DATABASE"])
    async with AsyncSession(engine) as session:
        jobs = await session.scalar(select(func.count(Job.id)))
        holds = await session.scalar(select(func.coalesce(func.sum(Hold.amount), 0)))
        held = await session.scalar(select(func.sum(Wallet.held)))
        available = await session.scalar(select(func.sum(Wallet.available)))
        ledger = (
            await session.execute(select(func.sum(LedgerEntry.available_delta), func.sum(LedgerEntry.held_delta)))
        ).one()
        counted = await session.scalar(select(func.sum(Counter.running)).where(Counter.api_key_id.is_(None)))
    await engine.dispose()
    right = holds == held == ledger[1] and available == ledger[0] and counted == jobs
    print(json.dumps({"jobs": jobs, "books_right": bool(right)}))


asyncio.run(check() if "--check" in sys.argv else seed(int(sys.argv[1])))
