"""The conformance suite for the stores in files, short: what a simulated system runs.

No test module by its name, because it is run in a process of its own by `test_systems`.
"""

from __future__ import annotations

from tests.storage import test_conformance as stores
from tests.storage import test_n5 as n5


class TestMemoryStore(stores.TestMemoryStore):
    runs, steps, many = 3, 20, 50


class TestDirectoryStore(stores.TestDirectoryStore):
    runs, steps, many = 5, 20, 50


class TestDirectoryStoreWithFsync(stores.TestDirectoryStoreWithFsync):
    runs, steps, many = 1, 20, 20


class TestNestedDirectoryStore(stores.TestNestedDirectoryStore):
    runs, steps, many = 3, 20, 50


class TestTempStore(stores.TestTempStore):
    runs, steps, many = 3, 20, 50


class TestZipStore(stores.TestZipStore):
    runs, steps, many = 5, 20, 50


class TestSQLiteStore(stores.TestSQLiteStore):
    runs, steps, many = 3, 20, 50


class TestLMDBStore(stores.TestLMDBStore):
    runs, steps, many = 3, 20, 50


class TestN5Store(n5.TestN5Store):
    runs, steps, many = 3, 20, 50
