"""Store real climate and ocean data in one hierarchy, read it back and draw a map.

Run it with ``make demo``. It writes the folder ``demo/out``.
"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
from numcodecs import Blosc, Delta, VLenUTF8, Zstd
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

import zarr
from demo import figure
from demo.sources import FOLDER, SOURCES, Source, Variable, joined

OUT = Path(__file__).parent / "out"
STORE = OUT / "climate.zarr"
PICTURE = OUT / "ocean.png"
CHUNK_BYTES = 1 << 20
BATCH = 60
WINNIPEG = (50.0, -97.0)

console = Console(highlight=False)


def main() -> None:
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()
    headline("Storing every variable of the data sets in iris-sample-data")
    root = zarr.open_group(str(STORE), mode="w")
    root.attrs["title"] = "Climate and ocean data of iris-sample-data"
    for source, start, variables in read_all("store"):
        store(root, source, start, variables)

    headline("Reading all of it back and comparing it with the files")
    root = zarr.open_group(str(STORE), mode="r")
    values = sum(compare(root, *part) for part in read_all("check"))
    success(f"all {values:,} values are equal to those of the files, bit for bit")

    headline("The hierarchy")
    console.print(str(root.tree(level=2)))
    console.print(f"… and {count_arrays(root)} arrays in all. One of them:\n")
    console.print(str(root["ice/velocity/northward_sea_ice_velocity"].info).rstrip())

    headline("What it takes on disk")
    console.print(size_table(root))

    headline("A time series at one place, a map at one time")
    series, years = read_series(root)
    month = read_map(root)
    figure.draw(root["ocean/nemo"], month, years, series, PICTURE)
    success(f"picture: {shown(PICTURE)}")
    what_next()


def headline(text: str) -> None:
    console.print(f"\n[bold blue]━━ {text}[/]")


def success(text: str) -> None:
    console.print(f"[green]✓[/] {text}", soft_wrap=True)


def shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def read_all(verb: str) -> Iterator[tuple[Source, int, list[Variable]]]:
    """Read every file under a progress bar.

    Yields the source, the number of its files that came before, and the variables. A series
    comes in batches: appending file by file would compress the same chunks over and over.
    """
    columns = (
        TextColumn("{task.description:<30}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn("files"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(verb, total=sum(len(source.files) for source in SOURCES))
        for source in SOURCES:
            progress.update(task, description=f"{verb} {source.group}")
            for start in range(0, len(source.files), BATCH):
                parts = []
                for file in source.files[start : start + BATCH]:
                    parts.append(source.read(file))
                    progress.advance(task)
                yield source, start, joined(parts, source.along)
        progress.update(task, description=f"{verb}: done")


def store(root: Any, source: Source, start: int, variables: list[Variable]) -> None:
    """Create the arrays of `source` from its first files, append what the later ones add."""
    group = root.require_group(source.group)
    if start == 0:
        group.attrs.update(source.describe(source.files[0]))
    for variable in variables:
        if start == 0:
            create_array(group, source, variable)
        elif source.along in variable.dims:
            group[variable.name].append(variable.values, axis=0)


def create_array(group: Any, source: Source, variable: Variable) -> None:
    values = variable.values
    final = list(values.shape)
    if source.along in variable.dims:
        final[0] = len(source.files)
    array = group.create_dataset(
        variable.name,
        data=values,
        chunks=chunk_shape(final, values.dtype.itemsize) or None,
        fill_value=variable.fill_value,
        **codecs(values.dtype),
    )
    # With the names of the dimensions, xarray opens each group as a data set.
    array.attrs.update(variable.attributes | {"_ARRAY_DIMENSIONS": list(variable.dims)})


def chunk_shape(shape: list[int], itemsize: int) -> tuple[int, ...]:
    """Halve the longest side until a chunk has at most a mebibyte.

    Chunks that are no slabs serve both a map at one time and a time series at one place.
    """
    chunks = list(shape)
    while math.prod(chunks) * itemsize > CHUNK_BYTES:
        longest = chunks.index(max(chunks))
        chunks[longest] = -(-chunks[longest] // 2)
    return tuple(chunks)


def codecs(dtype: np.dtype[Any]) -> dict[str, Any]:
    """Choose how to compress: neighbours in a field differ little, counts grow evenly."""
    if dtype.hasobject:
        return {"object_codec": VLenUTF8(), "compressor": Zstd(level=5)}
    return {
        "filters": [Delta(dtype)] if dtype.kind == "i" else None,
        "compressor": Blosc(cname="zstd", clevel=5, shuffle=Blosc.SHUFFLE),
    }


def compare(root: Any, source: Source, start: int, variables: list[Variable]) -> int:
    """Compare what was read from the files with what is stored; return the number of values."""
    for variable in variables:
        stored = root[source.group][variable.name][...]
        if source.along in variable.dims:
            per_file = len(stored) // len(source.files)
            stored = stored[start * per_file :][: len(variable.values)]
        same(stored, variable.values, f"{source.group}/{variable.name}")
    return sum(variable.values.size for variable in variables)


def same(stored: Any, expected: Any, what: str) -> None:
    stored, expected = np.asarray(stored), np.asarray(expected)
    equal = stored.dtype == expected.dtype and stored.shape == expected.shape
    if equal and expected.dtype.hasobject:
        equal = stored.tolist() == expected.tolist()
    elif equal:
        equal = stored.tobytes() == expected.tobytes()
    if not equal:
        raise SystemExit(f"{what}: what was read differs from the source")


def count_arrays(group: Any) -> int:
    return len(list(group.arrays(recurse=True)))


def size_table(root: Any) -> Table:
    """Return what each group takes in the files, in memory and in the hierarchy."""
    table = Table("group", "arrays", "in memory", "files", "stored", "ratio", box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    totals = [0, 0, 0, 0]
    for name, group in root.groups():
        arrays = [array for _, array in group.arrays(recurse=True)]
        sources = [source for source in SOURCES if source.group.split("/")[0] == name]
        row = [
            len(arrays),
            sum(array.nbytes for array in arrays),
            sum(file.stat().st_size for source in sources for file in source.files),
            sum(array.nbytes_stored for array in arrays),
        ]
        totals = [total + one for total, one in zip(totals, row, strict=True)]
        table.add_row(name, *size_cells(row))
    table.add_section()
    table.add_row("all", *size_cells(totals), style="bold")
    return table


def size_cells(row: list[int]) -> list[str]:
    arrays, memory, files, stored = row
    megabytes = [f"{size / 1e6:.2f} MB" for size in (memory, files, stored)]
    return [str(arrays), *megabytes, f"{memory / stored:.1f}"]


def read_series(root: Any) -> tuple[dict[str, Any], Any]:
    """Read 240 years at Winnipeg in both scenarios, and compare them with the files."""
    series = {}
    for name in ("A1B", "E1"):
        group = root[f"scenarios/{name.lower()}"]
        at = (
            slice(None),
            int(np.argmin(abs(group["latitude"][:] - WINNIPEG[0]))),
            int(np.argmin(abs(group["longitude"][:] - WINNIPEG[1] % 360))),
        )
        values, took = timed(group["air_temperature"], at)
        with netCDF4.Dataset(FOLDER / f"{name}_north_america.nc") as dataset:
            dataset.set_auto_maskandscale(False)
            same(values, dataset["air_temperature"][at], name)
        success(f"{name}, 240 years near Winnipeg, equal to the source; read in {took:.1f} ms")
        series[name] = values
    hours = group["time"]
    dates = netCDF4.num2date(hours[:], hours.attrs["units"], hours.attrs["calendar"])
    return series, np.array([date.year for date in dates])


def read_map(root: Any) -> Any:
    """Read the surface of the ocean in February 2015, and compare it with the file."""
    month, took = timed(root["ocean/nemo/tos"], 1)
    with netCDF4.Dataset(sorted(FOLDER.glob("NEMO/*.nc"))[1]) as dataset:
        dataset.set_auto_maskandscale(False)
        same(month, dataset["tos"][0], "tos")
    success(f"NEMO, the oceans in one month, equal to the source; read in {took:.1f} ms")
    return month


def timed(array: Any, selection: Any) -> tuple[Any, float]:
    """Return what is selected, and how many milliseconds it took to read."""
    start = time.perf_counter()
    values = array[selection]
    return values, (time.perf_counter() - start) * 1e3


def what_next() -> None:
    store = shown(STORE)
    headline("What to try next")
    console.print(
        f"""Open what was just written, and look around:

  [bold].venv/bin/python -i -c "import zarr; root = zarr.open('{store}', 'r')"[/]
  >>> root.tree()
  >>> root['ocean/ostia/surface_temperature'][:, 9, 200]   # El Niño, month by month
  >>> root['ice/velocity/northward_sea_ice_velocity'].info
  >>> root['ocean/nemo'].attrs.asdict()

Each group opens in xarray before 2026.9 as well, with pip install 'xarray<2026.9':

  >>> xarray.open_zarr('{store}/ocean/ostia', consolidated=False)

The tutorial begins in [bold]docs/tutorial.md[/]; [bold]make docs[/] builds it as a site.""",
        soft_wrap=True,
    )


if __name__ == "__main__":
    main()
