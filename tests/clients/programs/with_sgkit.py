"""What users of sgkit do with Zarr, which requires ``zarr<3``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import sgkit as sg
import xarray as xr
from steps import run

import zarr


def simulated() -> xr.Dataset:
    return sg.simulate_genotype_call_dataset(n_variant=50, n_sample=12, n_contig=2, seed=1)


def saved(folder: Path) -> str:
    path = str(folder / "a.zarr")
    sg.save_dataset(simulated(), path)
    return path


def save_and_load(folder: Path, _: int) -> None:
    loaded = sg.load_dataset(saved(folder))
    assert np.array_equal(loaded.call_genotype.values, simulated().call_genotype.values)
    assert loaded.attrs["contigs"] == simulated().attrs["contigs"]


def statistics(folder: Path, _: int) -> None:
    path = saved(folder)
    loaded, made = sg.load_dataset(path), simulated()
    for compute in (sg.count_call_alleles, sg.variant_stats, sg.sample_stats):
        found, expected = compute(loaded).compute(), compute(made).compute()
        for name in expected.data_vars:
            assert np.array_equal(
                found[name].values, expected[name].values,
                equal_nan=expected[name].dtype.kind == "f",
            )  # fmt: skip


def results_beside_the_data(folder: Path, _: int) -> None:
    path = saved(folder)
    counts = sg.count_call_alleles(sg.load_dataset(path), merge=False)
    sg.save_dataset(counts, path, mode="a")
    root = zarr.open_group(path, mode="r")
    assert np.array_equal(root["call_allele_count"][:], counts.call_allele_count.values)
    assert root["call_genotype"].shape == (50, 12, 2)


STEPS = save_and_load, statistics, results_beside_the_data

if __name__ == "__main__":
    run(STEPS, (2,))
