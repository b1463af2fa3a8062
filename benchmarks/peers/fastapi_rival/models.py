"""Tables of the rival."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    type_annotation_map = {int: BigInteger, dict[str, Any]: JSONB, dt.datetime: DateTime(timezone=True)}


class Plan(Base):
    __tablename__ = "plans"
    id: Mapped[int] = mapped_column(primary_key=True)
    api_access: Mapped[bool]
    max_targets: Mapped[int]
    concurrency: Mapped[int]
    requests_per_minute: Mapped[int]
    price_subtitles: Mapped[int]
    price_voice: Mapped[int]


class Organization(Base):
    __tablename__ = "organizations"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    status: Mapped[str] = mapped_column(String(12), default="active")
    subscription_status: Mapped[str] = mapped_column(String(12), default="active")
    plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id"), index=True)
    plan: Mapped[Plan] = relationship(lazy="joined")


class ApiKey(Base):
    __tablename__ = "api_keys"
    id: Mapped[int] = mapped_column(primary_key=True)
    key_id: Mapped[str] = mapped_column(String(8), unique=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(String(32)))
    role: Mapped[str] = mapped_column(String(12), default="owner")
    expires_at: Mapped[dt.datetime | None]
    revoked_at: Mapped[dt.datetime | None]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), index=True)
    organization: Mapped[Organization] = relationship(lazy="joined")


class Counter(Base):
    __tablename__ = "counters"
    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    api_key_id: Mapped[int | None] = mapped_column(ForeignKey("api_keys.id"))
    running: Mapped[int] = mapped_column(default=0)
    __table_args__ = (UniqueConstraint("organization_id", "api_key_id", postgresql_nulls_not_distinct=True),)


class Wallet(Base):
    __tablename__ = "wallets"
    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    pool: Mapped[str] = mapped_column(String(8))
    available: Mapped[int]
    held: Mapped[int] = mapped_column(default=0)
    __table_args__ = (
        UniqueConstraint("organization_id", "pool"),
        CheckConstraint("available >= 0"),
        CheckConstraint("held >= 0"),
    )


class Asset(Base):
    __tablename__ = "assets"
    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(24), unique=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), index=True)
    source_url: Mapped[str] = mapped_column(Text)
    file_name: Mapped[str]


class Project(Base):
    __tablename__ = "projects"
    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(24), unique=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), index=True)
    asset_id: Mapped[int] = mapped_column(ForeignKey("assets.id"), index=True)
    name: Mapped[str]
    source_language: Mapped[str] = mapped_column(String(16))
    asset: Mapped[Asset] = relationship()


class Translation(Base):
    __tablename__ = "translations"
    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(24), unique=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"))
    target_locale: Mapped[str] = mapped_column(String(16))
    project: Mapped[Project] = relationship()
    __table_args__ = (UniqueConstraint("project_id", "target_locale"),)


class Hold(Base):
    __tablename__ = "holds"
    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(24), unique=True)
    wallet_id: Mapped[int] = mapped_column(ForeignKey("wallets.id"), index=True)
    job_public_id: Mapped[str] = mapped_column(String(24), unique=True)
    amount: Mapped[int]
    status: Mapped[str] = mapped_column(String(10), default="placed")


class LedgerEntry(Base):
    __tablename__ = "ledger"
    id: Mapped[int] = mapped_column(primary_key=True)
    wallet_id: Mapped[int] = mapped_column(ForeignKey("wallets.id"), index=True)
    kind: Mapped[str] = mapped_column(String(8))
    available_delta: Mapped[int]
    held_delta: Mapped[int]
    business_key: Mapped[str] = mapped_column(String(120), unique=True)


class Job(Base):
    __tablename__ = "jobs"
    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(24), unique=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), index=True)
    translation_id: Mapped[int] = mapped_column(ForeignKey("translations.id"), index=True)
    hold_id: Mapped[int] = mapped_column(ForeignKey("holds.id"), index=True)
    api_key_id: Mapped[int] = mapped_column(ForeignKey("api_keys.id"), index=True)
    status: Mapped[str] = mapped_column(String(12), default="processing", index=True)
    stage: Mapped[str] = mapped_column(String(12), default="queued")
    order: Mapped[dict[str, Any]]
    target_locale: Mapped[str] = mapped_column(String(16))
    estimate: Mapped[int]
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    translation: Mapped[Translation] = relationship()
    hold: Mapped[Hold] = relationship()


class Event(Base):
    __tablename__ = "events"
    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[int] = mapped_column(index=True)
    type: Mapped[str] = mapped_column(String(64))
    subject_id: Mapped[str] = mapped_column(String(40), index=True)
    data: Mapped[dict[str, Any]]
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
