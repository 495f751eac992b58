"""How old values are, as drivers say it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import zarr
from zarr.storage import FSStore, ObjectStore
from zarr.storage.remote import age_of

HOUR_AGO = datetime.now(UTC) - timedelta(hours=1)


@pytest.mark.parametrize(
    "moment",
    [
        HOUR_AGO, HOUR_AGO.replace(tzinfo=None), HOUR_AGO.timestamp(), HOUR_AGO.isoformat(),
        HOUR_AGO.isoformat().replace("+00:00", "Z"),
    ],
    ids=["aware", "naive", "number", "text", "text with Z"],
)  # fmt: skip
def test_moments(moment: Any) -> None:
    age = age_of(moment)

    assert age is not None and 3600 <= age < 3600 + (time.time() - HOUR_AGO.timestamp()) + 60


@pytest.mark.parametrize("moment", [None, "yesterday", b"x"])
def test_what_is_no_moment(moment: Any) -> None:
    assert age_of(moment) is None


@pytest.mark.parametrize("kind", [FSStore, ObjectStore])
def test_stores_in_memory_know_ages(kind: Any) -> None:
    store = kind("memory://ages" if kind is FSStore else "memory://")
    store["a/b"] = b"1"

    assert list(store.get_ages(["a/b", "a/c"])) == ["a/b"]


@pytest.mark.parametrize("kind", [FSStore, ObjectStore])
def test_vacuum_spares_what_is_young(kind: Any) -> None:
    store = kind("memory://spared" if kind is FSStore else "memory://")
    zarr.array([1, 2, 3], chunks=2, store=store, overwrite=True)
    store["7"] = b"left"

    assert not zarr.vacuum(store).freed
    assert zarr.vacuum(store, age=0).freed == 4
