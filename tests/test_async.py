"""Arrays and groups whose methods are coroutines."""

from __future__ import annotations

import asyncio
import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarr
import zarr.api.asynchronous as api
import zarr.api.synchronous
from tests.storage.user_store import UserStore
from zarr.core.array import AsyncArray as AsyncArrayOfCore
from zarr.core.indexing import AsyncOIndex, AsyncVIndex
from zarr.storage import LocalStore, StorePath


def test_every_function_has_a_coroutine() -> None:
    functions = {n for n in zarr.api.synchronous.__all__ if n not in ("Array", "Group")}

    assert functions == {n for n in api.__all__ if n not in ("AsyncArray", "AsyncGroup")}
    for name in functions - {"create_hierarchy"}:
        assert inspect.iscoroutinefunction(getattr(api, name)), name


@pytest.mark.parametrize("make", [zarr.MemoryStore, UserStore], ids=["memory", "foreign"])
def test_arrays(make: Any) -> None:
    async def main() -> None:
        z = await api.create_array(make(), data=np.arange(12).reshape(3, 4), chunks=(2, 2))
        assert isinstance(z, zarr.AsyncArray)
        assert (z.shape, z.chunks, z.ndim, z.size) == ((3, 4), (2, 2), 2, 12)
        assert (await z.getitem((slice(None), 1))).tolist() == [1, 5, 9]
        assert (await z.oindex.getitem(([0, 2], [1]))).tolist() == [[1], [9]]
        assert (await z.vindex.getitem(([0, 2], [1, 0]))).tolist() == [1, 8]
        assert (await z.get_mask_selection(np.eye(3, 4, dtype=bool))).tolist() == [0, 5, 10]
        out = np.zeros((1, 4), int)
        await z.get_orthogonal_selection((slice(1),), out=out)
        assert out.tolist() == [[0, 1, 2, 3]]
        await z.setitem((0, 0), 7)
        assert await z.append(np.ones((1, 4), int)) == (4, 4)
        assert z.shape == (4, 4)
        await z.resize((2, 4))
        assert await z.nchunks_initialized() == 2
        assert await z.nbytes_stored() > 0
        await z.update_attributes({"units": "m"})
        assert dict(z.attrs) == {"units": "m"}
        same = await api.AsyncArray.open(z.store_path)
        assert same == z
        assert (await same.getitem((0, 0))) == 7

    asyncio.run(main())


@pytest.mark.parametrize("make", [zarr.MemoryStore, UserStore], ids=["memory", "foreign"])
def test_groups(make: Any) -> None:
    async def main() -> None:
        store = make()
        root = await api.open_group(store=store, mode="w")
        assert isinstance(root, zarr.AsyncGroup)
        await root.create_array("a", shape=3, dtype="i4")
        below = await root.create_group("b")
        await below.zeros(name="z", shape=(2,), dtype="i4")
        await root.setitem("c", np.arange(2))
        assert [name async for name in root.keys()] == ["a", "b", "c"]  # noqa: SIM118
        assert [name async for name in root.array_keys()] == ["a", "c"]
        assert [name async for name in root.group_keys()] == ["b"]
        assert [array.path async for array in root.array_values()] == ["a", "c"]
        members = [name async for name, _ in root.members(max_depth=None)]
        assert sorted(members) == ["a", "b", "b/z", "c"]
        assert await root.nmembers(max_depth=None) == 4
        assert await root.contains("b/z")
        assert isinstance(await root.getitem("b/z"), zarr.AsyncArray)
        assert isinstance(await root.getitem("b"), zarr.AsyncGroup)
        assert await root.get("none") is None
        with pytest.raises(KeyError):
            await root.getitem("none")
        await root.delitem("c")
        assert not await root.contains("c")
        await root.update_attributes({"title": "x"})
        again = await zarr.AsyncGroup.open(store)
        assert again.attrs.asdict() == {"title": "x"}
        assert (again.metadata.zarr_format, again.path) == (root.metadata.zarr_format, "")
        assert again.store is store

    asyncio.run(main())


def test_nodes_from_metadata_that_are_not_stored() -> None:
    store = zarr.MemoryStore()
    z = zarr.create_array(shape=4, chunks=2, dtype="i4", attributes={"units": "m"})
    made = zarr.AsyncArray(metadata=z.metadata, store_path=StorePath(store, "a/b"))

    assert (made.shape, made.path, made.metadata) == ((4,), "a/b", z.metadata)
    assert list(store) == []
    again = zarr.AsyncArray.from_dict(StorePath(store, "a"), z.metadata.to_dict())
    assert again.metadata == z.metadata
    group = zarr.AsyncGroup(zarr.open_group({}, mode="w").metadata, StorePath(store, "g"))
    assert group.path == "g"


def test_many_at_a_time(tmp_path: Path) -> None:
    async def main() -> Any:
        z = await api.create_array(LocalStore(tmp_path / "z"), shape=500, chunks=1, dtype="i4")
        await asyncio.gather(*[z.setitem(n, n) for n in range(500)])
        return await asyncio.gather(*[z.getitem(n) for n in range(500)])

    assert asyncio.run(main()) == list(range(500))


def test_hierarchies() -> None:
    async def main() -> list[str]:
        z = zarr.create_array(shape=4, dtype="i4")
        nodes = {"a/z": z.metadata}
        return [path async for path, _ in api.create_hierarchy(store={}, nodes=nodes)]

    assert asyncio.run(main()) == ["", "a", "a/z"]


def test_names() -> None:
    z = zarr.zeros(3)
    assert AsyncArrayOfCore is zarr.AsyncArray
    assert isinstance(z.async_array.oindex, AsyncOIndex)
    assert isinstance(z.async_array.vindex, AsyncVIndex)
    assert z._async_array == z.async_array
    assert "AsyncArray" in dir(zarr)
