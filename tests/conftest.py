"""What all tests share. Every test process reads this: what only some tests need is imported where they need it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from postgres_server import PostgresServer


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server of this process's tests."""
    from postgres_server import PostgresServer

    server = PostgresServer()
    yield server
    server.close()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> str:
    """The URL of an empty place in PostgreSQL, a schema."""
    return postgres_server.new_schema()


def sees_gpus() -> bool:
    """Whether trials could be given a GPU here."""
    from sweep.launch.gpus import NvmlInventory, visible_devices

    return bool(visible_devices(NvmlInventory().gpus(), os.environ.get("CUDA_VISIBLE_DEVICES")))


def pytest_report_header() -> str:
    """Say why tests are left out: where several processes test, pytest does not even tell that some were."""
    return "gpu: visible" if sees_gpus() else "gpu: none visible here, tests marked `gpu` are deselected"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what needs a GPU where there is none."""
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if marked and not sees_gpus():
        config.hook.pytest_deselected(items=marked)
        items[:] = [item for item in items if not item.get_closest_marker("gpu")]
