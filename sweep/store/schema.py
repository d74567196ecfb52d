"""The tables. A change here needs a step in migrations.py and a frozen database of the old version in tests/data.

Execution state (`state`) and scientific verdict (`verdict`) are different columns. JSON columns are strict JSON text,
times ISO 8601 in UTC, and a float that may be NaN or infinite is text, because SQLite turns NaN into NULL silently.
"""

from datetime import datetime, timezone

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
    true,
)
from sqlalchemy.engine import Dialect

SCHEMA_VERSION = 5


class UtcTime(TypeDecorator[datetime]):
    """An aware datetime, stored as ISO text in UTC with microseconds, so that text order is time order."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:  # noqa: D102, ARG002 - SQLAlchemy's hook
        return None if value is None else value.astimezone(timezone.utc).isoformat(timespec="microseconds")

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:  # noqa: D102, ARG002 - SQLAlchemy's hook
        return None if value is None else datetime.fromisoformat(value)


class ExactFloat(TypeDecorator[float]):
    """Any float, including NaN and both infinities, stored as the shortest text that reads back the same."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: Dialect) -> str | None:  # noqa: D102, ARG002 - SQLAlchemy's hook
        return None if value is None else repr(float(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> float | None:  # noqa: D102, ARG002 - SQLAlchemy's hook
        return None if value is None else float(value)


class _Name(TypeDecorator[str]):
    """Text with NUL characters escaped: PostgreSQL accepts all others, and a trial may print anything."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's hook
        return None if value is None else value.replace("\0", "\\x00")


class _Words(_Name):
    impl = Text
    cache_ok = True


Words = Text().with_variant(_Words(), "postgresql")
Name = String().with_variant(_Name(), "postgresql")
"""Texts of a task or a library, full and shortened."""

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

schema_version = Table(
    "schema_version",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
)

studies = Table(
    "studies",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False),
    Column("kind", String, nullable=False, server_default=text("'ablation'")),  # StudyKind
    Column("task", String, nullable=False),
    Column("command", Text, nullable=False),
    Column("config", Text, nullable=False),
    Column("provenance", Text, nullable=False),
    Column("status", String, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("active_at", UtcTime, nullable=False),  # when its status last changed: defines the "latest study"
    Column("ended_at", UtcTime),
    Column("summary", Text),  # summary.json, so that `rank` needs no analysis; NULL until the study is ranked
    UniqueConstraint("name"),
)

trials = Table(
    "trials",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("study_id", ForeignKey("studies.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("cell", Text, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("fingerprint", String, nullable=False),
    Column("overrides", Text, nullable=False),
    Column("task", Text, nullable=False),
    Column("state", String, nullable=False),
    Column("source_trial_id", ForeignKey("trials.id")),
    Column("until_step", BigInteger),  # where its run is to be paused; NULL: it runs to its end
    # False for a trial of an earlier version of the question (another target, axis or task code).
    Column("is_current", Boolean(create_constraint=False), nullable=False, server_default=true()),
    # The judgement; all NULL until there is one.
    Column("verdict", String),
    Column("reason", Words),
    Column("rule", String),
    Column("tau", BigInteger),
    Column("last_step", BigInteger),
    Column("best", ExactFloat),
    Column("final", ExactFloat),
    Column("rules_version", Integer),  # of the rules that made it (domain/rules); NULL is version 1
    UniqueConstraint("study_id", "number"),
    Index(None, "study_id", "is_current", "state", "verdict"),  # covers the counts that `status` prints
    Index(None, "fingerprint"),
    Index(None, "source_trial_id"),
)

symptoms = Table(
    "symptoms",
    metadata,
    Column("trial_id", ForeignKey("trials.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("rule", String, nullable=False),
    Column("step", BigInteger, nullable=False),
    Column("value", ExactFloat, nullable=False),
    Column("threshold", ExactFloat, nullable=False),
    Column("metric", Name, nullable=False),
    Column("message", Words, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("trial_id", ForeignKey("trials.id", ondelete="CASCADE"), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("dir", Words, nullable=False),
    Column("state", String, nullable=False),
    Column("token", String),  # of this attempt, also in its spec.json; NULL for runs of versions before 5
    Column("handle", Text),  # how its launcher finds it again, opaque here; NULL until launched
    # What is known about its process; NULL while unknown.
    Column("host", String),
    Column("pid", BigInteger),
    Column("pid_started_at", Double),
    Column("device", String),
    Column("exit_code", Integer),
    Column("failure", String),
    Column("message", Words),
    Column("stop_reason", Name),
    Column("started_at", UtcTime),
    Column("ended_at", UtcTime),
    Column("wall_s", Double),
    Column("last_step", BigInteger, nullable=False),
    Column("ingested_bytes", BigInteger, nullable=False),
    UniqueConstraint("trial_id", "attempt"),
)

events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("trial_id", ForeignKey("trials.id", ondelete="CASCADE"), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("old_state", String, nullable=False),
    Column("new_state", String, nullable=False),
    Column("note", Words, nullable=False),
    Index(None, "trial_id"),
)

# The ends of slices, one for each event that paused a trial: how far its run had got. The event's id orders them.
slices = Table(
    "slices",
    metadata,
    Column("event_id", ForeignKey("events.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("step", BigInteger, nullable=False),  # really reached
    Column("verdict", String, nullable=False),
    Column("tau", BigInteger),
    Column("best", ExactFloat),
    Column("final", ExactFloat),
)

metric_chunks = Table(
    "metric_chunks",
    metadata,
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("metric", Name, primary_key=True),
    # Where in events.jsonl the chunk begins: ascending within a run, so it orders chunks without a counter.
    Column("from_byte", BigInteger, primary_key=True, autoincrement=False),
    Column("first_step", BigInteger, nullable=False),
    Column("points", Integer, nullable=False),
    Column("step_words", LargeBinary, nullable=False),
    Column("value_words", LargeBinary, nullable=False),
)

# Nights and baselines of regressions. They hold their numbers as JSON, so that they outlive their runs. Their
# keys are natural ones: no migration that every database supports can create an auto-increment column.

nights = Table(
    "nights",
    metadata,
    Column("regression", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("status", String, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
)

night_tasks = Table(
    "night_tasks",
    metadata,
    Column("regression", String, primary_key=True),
    Column("night", String, primary_key=True),
    Column("task", String, primary_key=True),
    Column("verdict", String, nullable=False),
    Column("studies", Text, nullable=False),
    Column("data", Text, nullable=False),
    ForeignKeyConstraint(["regression", "night"], ["nights.regression", "nights.name"], ondelete="CASCADE"),
)

baselines = Table(
    "baselines",
    metadata,
    Column("regression", String, primary_key=True),
    Column("task", String, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),  # from 0 within a task: the last is current
    Column("device", String, nullable=False),
    Column("accepted_at", UtcTime, nullable=False),
    Column("data", Text, nullable=False),
)
