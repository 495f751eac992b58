"""How many requests an array of many chunks and a group of many arrays take."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

import zarr
from tests.remote.relay import Relay


class CountTests:
    """Tests for a module with a fixture `watched`: a store, and the relay before its server."""

    @pytest.mark.slow
    def test_a_thousand_chunks(self, watched: tuple[Any, Relay]) -> None:
        store, relay = watched
        array = zarr.create(10_000, chunks=10, dtype="i4", store=store)
        relay.verbs.clear()

        array[:] = np.arange(10_000)
        assert relay.verbs == {"PUT": 1000}
        relay.verbs.clear()

        np.testing.assert_array_equal(array[:], np.arange(10_000))
        assert relay.verbs == {"GET": 1000}

    @pytest.mark.slow
    def test_a_thousand_arrays(self, watched: tuple[Any, Relay]) -> None:
        store, relay = watched
        store.setitems({f"g/{n}/.zarray": b"{}" for n in range(1000)})
        store.setitems({f"g/{n}/0": b"{}" for n in range(1000)})
        relay.verbs.clear()

        assert len(store.listdir("g")) == 1000
        assert relay.verbs == {"GET": 1}
        relay.verbs.clear()

        store.rmdir("g")
        self.check_removal(relay.verbs)

    def test_ages_are_known(self, watched: tuple[Any, Relay]) -> None:
        store, relay = watched
        store.setitems({"a/b": b"1", "c": b""})
        relay.verbs.clear()

        ages = store.get_ages(["a/b", "c", "d"])

        assert set(ages) == {"a/b", "c"}
        assert all(abs(age) < 3600 for age in ages.values())
        assert relay.verbs.total() <= 4  # of what is absent, some look for a folder

    def check_removal(self, verbs: Counter[str]) -> None:
        """Check the requests that the removal of two thousand values took."""
        raise NotImplementedError
