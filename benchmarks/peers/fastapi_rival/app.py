"""The rival: POST /translations with FastAPI, SQLAlchemy and arq. Started by benchmarks/submit.py with uvicorn."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import os
import re
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Literal
from urllib.parse import urlsplit

from arq import ArqRedis, create_pool
from arq.connections import RedisSettings
from fastapi import Depends, FastAPI, Header, HTTPException, Request
from models import ApiKey, Asset, Counter, Event, Hold, Job, LedgerEntry, Project, Translation, Wallet
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

engine = create_async_engine(os.environ["RIVAL_DATABASE"], pool_size=8, max_overflow=0)
sessions = async_sessionmaker(engine, expire_on_commit=False)
PEPPER = os.environ["RIVAL_PEPPER"].encode()
KEY = re.compile(r"Bearer sk_([0-9a-z]{8})_([A-Za-z0-9_-]{20,128})")
LOCALES = {"pt-BR", "pt-PT", "es-ES", "fr-FR", "de-DE", "ja-JP", "zh-CN"}


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.redis = await create_pool(RedisSettings.from_dsn(os.environ["RIVAL_REDIS"]))
    yield
    await app.state.redis.aclose()
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Source(Strict):
    url: str = Field(min_length=8, max_length=4096)


class Subtitle(Strict):
    url: str = Field(min_length=8, max_length=4096)
    usage: Literal["original", "final_translated", "bilingual"] = "original"


class Voice(Strict):
    kind: Literal["platform", "personal"] = "platform"
    emotion: Literal["auto", "on", "off"] = "auto"
    by_scene: bool = False
    background_volume: int = Field(100, ge=0, le=100)


class Style(Strict):
    burn_in: bool = False
    format: Literal["srt", "vtt", "ass", "ttml"] = "srt"
    font_size: int | None = Field(None, ge=1, le=80)
    max_lines: int = Field(2, ge=0, le=10)


class Order(Strict):
    source: Source
    target_locales: list[str] = Field(min_length=1, max_length=20)
    source_language: str = "auto"
    export_type: Literal["auto", "video", "audio", "all", "subtitles"] = "auto"
    steps: list[Literal["subtitles", "voice", "lipsync"]] = ["subtitles", "voice"]
    subtitle_source: Literal["asr", "ocr", "file"] = "asr"
    subtitle: Subtitle | None = None
    voice: Voice = Voice()
    subtitle_style: Style = Style()
    title: str = Field("", max_length=200)


class JobOut(BaseModel):
    id: str
    status: str
    stage: str
    target_locale: str
    translation: str
    estimate: int
    created_at: dt.datetime


class Submitted(BaseModel):
    id: str
    status: str
    project: str
    jobs: list[JobOut]


async def get_session() -> AsyncIterator[AsyncSession]:
    async with sessions() as session, session.begin():
        yield session


Session = Annotated[AsyncSession, Depends(get_session, scope="function")]


def refuse(status: int, code: int, detail: str) -> HTTPException:
    return HTTPException(status, {"code": code, "detail": detail})


async def get_key(request: Request, session: Session, authorization: Annotated[str, Header()] = "") -> ApiKey:
    match = KEY.fullmatch(authorization)
    if match is None:
        raise refuse(401, 7, "no permission")
    key = (await session.execute(select(ApiKey).where(ApiKey.key_id == match[1]))).scalar_one_or_none()
    digest = hmac.digest(PEPPER, f"{match[1]}.{match[2]}".encode(), hashlib.sha256)
    if key is None or not hmac.compare_digest(key.digest, digest):
        raise refuse(401, 7, "no permission")
    if key.revoked_at is not None:
        raise refuse(401, 1302, "revoked")
    if key.expires_at is not None and key.expires_at < dt.datetime.now(dt.UTC):
        raise refuse(401, 7, "expired")
    organization = key.organization
    if organization.status != "active" or organization.subscription_status == "canceled":
        raise refuse(403, 814, "not a member")
    if "jobs:write" not in key.scopes or key.role not in ("owner", "admin", "editor"):
        raise refuse(403, 1503, "not authorized")
    if not organization.plan.api_access:
        raise refuse(403, 1305, "business plan only")
    redis: ArqRedis = request.app.state.redis
    window = f"rate:{key.id}:{int(time.time() // 60)}"
    async with redis.pipeline(transaction=False) as pipe:
        used, _ = await pipe.incr(window).expire(window, 120).execute()
    if used > organization.plan.requests_per_minute:
        raise refuse(429, 4290, "too many requests")
    return key


def check(order: Order, max_targets: int) -> None:
    for locale in order.target_locales:
        if locale not in LOCALES:
            raise refuse(400, 5, f"target_locales: {locale}")
    if len(set(order.target_locales)) != len(order.target_locales) or len(order.target_locales) > max_targets:
        raise refuse(400, 5, "target_locales")
    for url in (order.source.url, *([order.subtitle.url] if order.subtitle else [])):
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise refuse(400, 5, "url")
    if (order.subtitle_source == "file") != (order.subtitle is not None):
        raise refuse(400, 5, "subtitle")


def new_id(prefix: str) -> str:
    return f"{prefix}_{uuid.uuid4().hex[:16]}"


@app.post("/translations", status_code=202)
async def submit(
    order: Order, request: Request, session: Session, key: Annotated[ApiKey, Depends(get_key)]
) -> Submitted:
    organization, plan = key.organization, key.organization.plan
    check(order, plan.max_targets)
    counters = (
        await session.scalars(
            select(Counter)
            .where(
                Counter.organization_id == organization.id,
                (Counter.api_key_id == key.id) | Counter.api_key_id.is_(None),
            )
            .order_by(Counter.id)
            .with_for_update()
        )
    ).all()
    wanted = len(order.target_locales)
    if any(counter.running + wanted > plan.concurrency for counter in counters):
        raise refuse(429, 1304, "too many jobs")
    price = plan.price_subtitles * 10 + (plan.price_voice * 10 if "voice" in order.steps else 0)
    wallet = (
        await session.scalars(
            select(Wallet).where(Wallet.organization_id == organization.id, Wallet.pool == "api").with_for_update()
        )
    ).one()
    if wallet.available < price * wanted:
        raise refuse(402, 104, "insufficient credits")
    asset = Asset(
        public_id=new_id("ast"), organization_id=organization.id, source_url=order.source.url, file_name="talk.mp4"
    )
    project = Project(
        public_id=new_id("prj"),
        organization_id=organization.id,
        asset=asset,
        name=order.title,
        source_language=order.source_language,
    )
    jobs = []
    for locale in order.target_locales:
        job_id = new_id("job")
        hold = Hold(public_id=new_id("hld"), wallet_id=wallet.id, job_public_id=job_id, amount=price)
        translation = Translation(public_id=new_id("trn"), project=project, target_locale=locale)
        job = Job(
            public_id=job_id,
            organization_id=organization.id,
            translation=translation,
            hold=hold,
            api_key_id=key.id,
            status="processing",
            stage="queued",
            order=order.model_dump(mode="json"),
            target_locale=locale,
            estimate=price,
        )
        entry = LedgerEntry(
            wallet_id=wallet.id, kind="hold", available_delta=-price, held_delta=price, business_key=f"hold:{job_id}:1"
        )
        event = Event(
            organization_id=organization.id, type="job.created", subject_id=job_id, data={"target_locale": locale}
        )
        session.add_all([job, entry, event])
        jobs.append(job)
    wallet.available -= price * wanted
    wallet.held += price * wanted
    for counter in counters:
        counter.running += wanted
    await session.commit()
    redis: ArqRedis = request.app.state.redis
    for job in jobs:
        await redis.enqueue_job("advance", job.public_id)
    out = [
        JobOut(
            id=job.public_id,
            status=job.status,
            stage=job.stage,
            target_locale=job.target_locale,
            translation=job.translation.public_id,
            estimate=job.estimate,
            created_at=job.created_at,
        )
        for job in jobs
    ]
    return Submitted(id=jobs[0].public_id, status="processing", project=project.public_id, jobs=out)
