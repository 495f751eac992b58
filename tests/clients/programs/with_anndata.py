"""What users of anndata do with Zarr, in both formats."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp
from steps import run

import zarr


def annotated() -> ad.AnnData:
    obs = pd.DataFrame(
        {
            "k": pd.Categorical(list("aabb")),
            "s": ["x", "yy", "z", "w"],
            "b": [True, False, True, True],
            "i": pd.array([1, None, 3, 4], dtype="Int64"),
        },
        index=list("abcd"),
    )
    data = np.arange(12, dtype="f4").reshape(4, 3)
    made = ad.AnnData(data, obs=obs, var=pd.DataFrame(index=["g1", "g2", "g3"]))
    made.layers["sparse"] = sp.csr_matrix(np.eye(4, 3, dtype="f4"))
    made.obsm["pca"] = np.ones((4, 2))
    made.uns["d"] = {"n": 3, "l": np.array(["p", "q"], dtype=object)}
    return made


def write_and_read(folder: Path, version: int) -> None:
    ad.settings.zarr_write_format = version
    annotated().write_zarr(folder / "a.zarr")
    found = ad.read_zarr(folder / "a.zarr")
    assert (found.X == annotated().X).all()
    assert found.obs.k.tolist() == list("aabb")
    assert found.obs.s.tolist() == ["x", "yy", "z", "w"]
    assert (found.layers["sparse"].toarray() == np.eye(4, 3)).all()
    assert found.uns["d"]["l"].tolist() == ["p", "q"]


def store_in_memory(folder: Path, version: int) -> None:
    store = zarr.storage.MemoryStore()
    annotated().write_zarr(store)
    assert (ad.read_zarr(store).X == annotated().X).all()


def elements_of_a_group(folder: Path, version: int) -> None:
    group = zarr.open_group(folder / "a.zarr", mode="w", zarr_format=version)
    ad.io.write_elem(group, "a", annotated())
    assert (ad.io.read_elem(group["a"]).X == annotated().X).all()
    values = {"text": "text", "n": 3, "words": np.array(["a", "bb"], dtype=object)}
    for name, value in values.items():
        ad.io.write_elem(group, name, value)
        assert np.array_equal(ad.io.read_elem(group[name]), value)
    records = np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")])
    ad.io.write_elem(group, "records", records)
    assert ad.io.read_elem(group["records"])["a"][0] == 1
    frame = pd.DataFrame({"a": [1, 2], "t": pd.array(["x", None], dtype="string")})
    ad.io.write_elem(group, "frame", frame)
    assert ad.io.read_elem(group["frame"]).a.tolist() == [1, 2]


def overwrite(folder: Path, version: int) -> None:
    for _ in range(2):
        annotated().write_zarr(folder / "a.zarr")
    ad.read_zarr(folder / "a.zarr")


def sparse_on_disk(folder: Path, version: int) -> None:
    group = zarr.open_group(folder / "a.zarr", mode="w", zarr_format=version)
    ad.io.write_elem(group, "x", sp.csr_matrix(np.eye(6)))
    matrix = ad.io.sparse_dataset(group["x"])
    assert (matrix[1:3].toarray() == np.eye(6)[1:3]).all()
    matrix.append(sp.csr_matrix(np.eye(6)))
    assert matrix.shape == (12, 6)


def lazily(folder: Path, version: int) -> None:
    annotated().write_zarr(folder / "a.zarr")
    found = ad.experimental.read_lazy(folder / "a.zarr")
    assert found.to_memory().obs.k.tolist() == list("aabb")


def consolidated(folder: Path, version: int) -> None:
    annotated().write_zarr(folder / "a.zarr")
    zarr.consolidate_metadata(folder / "a.zarr")
    group = zarr.open_consolidated(folder / "a.zarr")
    assert (ad.io.read_elem(group).X == annotated().X).all()


def chunk_shape(folder: Path, version: int) -> None:
    annotated().write_zarr(folder / "a.zarr", chunks=(2, 3))
    assert zarr.open(folder / "a.zarr")["X"].chunks == (2, 3)


STEPS = (
    write_and_read, store_in_memory, elements_of_a_group, overwrite, sparse_on_disk, lazily,
    consolidated, chunk_shape,
)  # fmt: skip

if __name__ == "__main__":
    run(STEPS, (2, 3))
