"""Tests for authors of stores. Needs pytest and hypothesis: ``pip install 'zarr[testing]'``.

A store is tested by a class of a few lines::

    import pytest
    from zarr.testing import StoreTests

    class TestMyStore(StoreTests):
        @pytest.fixture
        def store(self, tmp_path):
            with MyStore(tmp_path / "data") as store:
                yield store
"""

from __future__ import annotations

try:
    import hypothesis  # noqa: F401  (only to say which extra is missing)
    import pytest
except ImportError as error:
    raise ImportError(
        f"zarr.testing needs the package {error.name}: pip install 'zarr[testing]'"
    ) from error

# Before the imports below, so that failing tests show the values compared.
for _module in ("arrays", "stateful", "store", "stores"):
    pytest.register_assert_rewrite(f"zarr.testing.{_module}")

from zarr.testing.stateful import store_machine  # noqa: E402
from zarr.testing.stores import StoreTests  # noqa: E402
from zarr.testing.strategies import byte_ranges, store_keys, store_paths, values  # noqa: E402

__all__ = ["StoreTests", "byte_ranges", "store_keys", "store_machine", "store_paths", "values"]
