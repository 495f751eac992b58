"""What users of bio2zarr do with Zarr: convert genotypes of PLINK."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from bio2zarr import plink
from steps import run

import zarr

GENOTYPES = np.random.default_rng(0).integers(0, 3, (20, 8))
"""Number of the first alleles, by variant and sample."""

_CODES = np.array([3, 2, 0])
"""What PLINK writes for so many first alleles: two bits."""


def files(folder: Path) -> Path:
    """Write a data set of PLINK 1: https://www.cog-genomics.org/plink/1.9/formats."""
    samples = "".join(f"f{i} s{i} 0 0 0 -9\n" for i in range(GENOTYPES.shape[1]))
    variants = "".join(f"1 v{i} 0 {100 * (i + 1)} A G\n" for i in range(len(GENOTYPES)))
    bits = _CODES[GENOTYPES].reshape(len(GENOTYPES), -1, 4) << np.array([0, 2, 4, 6])
    data = b"\x6c\x1b\x01" + bits.sum(axis=2).astype("u1").tobytes()
    folder.joinpath("a.fam").write_text(samples)
    folder.joinpath("a.bim").write_text(variants)
    folder.joinpath("a.bed").write_bytes(data)
    return folder / "a"


def converted(folder: Path, workers: int) -> zarr.Group:
    path = folder / "a.vcz"
    plink.convert(
        files(folder), path, worker_processes=workers, variants_chunk_size=6, samples_chunk_size=4
    )
    return zarr.open_group(str(path), mode="r")


def genotypes(folder: Path, workers: int) -> None:
    root = converted(folder, workers)
    assert root["call_genotype"].shape == (20, 8, 2)
    assert root["call_genotype"].chunks[:2] == (6, 4)
    first = root["call_genotype"][:].sum(axis=2)
    assert np.array_equal(first, GENOTYPES) or np.array_equal(first, 2 - GENOTYPES)


def variants(folder: Path, workers: int) -> None:
    root = converted(folder, workers)
    assert root["variant_position"][:].tolist() == [100 * (i + 1) for i in range(20)]
    assert sorted(map(str, root["variant_allele"][0])) == ["A", "G"]
    assert list(map(str, root["sample_id"][:3])) == ["s0", "s1", "s2"]


def dimension_names(folder: Path, workers: int) -> None:
    array = converted(folder, workers)["call_genotype"]
    names = array.attrs.get("_ARRAY_DIMENSIONS") or array.metadata.dimension_names
    assert list(names) == ["variants", "samples", "ploidy"]


STEPS = genotypes, variants, dimension_names

if __name__ == "__main__":
    run(STEPS, (0, 2))
