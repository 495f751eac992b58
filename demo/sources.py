"""The data sets of the package `iris-sample-data`, read into plain NumPy arrays.

NetCDF files are read with netCDF4, the Met Office's PP files and the NAME model's text with
Iris. Values are taken as they are stored: nothing is masked, scaled or converted.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import iris
import iris.coords
import iris_sample_data
import netCDF4
import numpy as np

FOLDER = Path(iris_sample_data.path)


class Variable(NamedTuple):
    """An array with the names of its dimensions and what is said about it."""

    name: str
    dims: tuple[str, ...]
    values: np.ndarray[Any, Any]
    attributes: dict[str, Any]
    fill_value: Any = None


@dataclass(frozen=True)
class Source:
    """One data set: a file, or a series of files that continue each other along `along`."""

    group: str
    title: str
    pattern: str
    along: str | None = None
    varying: tuple[str, ...] = ()
    """The other coordinates that differ from file to file of a series."""

    @property
    def files(self) -> list[Path]:
        return sorted(FOLDER.glob(self.pattern))

    @property
    def growing(self) -> set[str]:
        """Names of the coordinates that grow with each file of a series, and their bounds."""
        names = {*self.varying, self.along or ""}
        return names | {f"{name}_bnds" for name in names}

    def read(self, file: Path) -> list[Variable]:
        """Return every variable of one of the files."""
        return list(from_netcdf(file) if file.suffix == ".nc" else from_iris(file, self))

    def describe(self, file: Path) -> dict[str, Any]:
        """Return what is said about the data set as a whole."""
        about: dict[str, Any] = {"title": self.title}
        if file.suffix == ".nc":
            with netCDF4.Dataset(file) as dataset:
                about |= {name: plain(dataset.getncattr(name)) for name in dataset.ncattrs()}
        return about | {"source_files": self.pattern}


SOURCES = [
    Source("scenarios/a1b", "North America 1860-2099, high emissions", "A1B_north_america.nc"),
    Source("scenarios/e1", "North America 1860-2099, emissions cut", "E1_north_america.nc"),
    Source("scenarios/a1b_2098", "The globe in 2098, high emissions", "A1B.2098.pp"),
    Source("scenarios/e1_2098", "The globe in 2098, emissions cut", "E1.2098.pp"),
    Source("scenarios/pre_industrial", "The globe in 1860", "pre-industrial.pp"),
    Source("ocean/nemo", "NEMO, global ocean, early 2015", "NEMO/*.nc", "time_counter"),
    Source("ocean/orca2", "ORCA2 potential temperature", "orca2_votemper.nc"),
    Source("ocean/ostia", "OSTIA, tropical Pacific, month by month", "ostia_monthly.nc"),
    Source("ocean/atlantic", "Profiles of the South Atlantic", "atlantic_profiles.nc"),
    Source("ice/velocity", "Sea ice 1890-1899", "UM/*.pp", "time", ("forecast_period",)),
    Source(
        "forecast/glosea4",
        "GloSea4, thirteen forecasts of one season",
        "GloSea4/*.pp",
        "realization",
        ("forecast_reference_time", "forecast_period"),
    ),
    Source(
        "atmosphere/wind",
        "Wind on model levels, 2160-2162",
        "time_varying_hybrid_height/*.pp",
        "time",
        ("forecast_period",),
    ),
    Source("atmosphere/colpex", "Temperature and pressure over a valley", "colpex.pp"),
    Source("atmosphere/uk", "The United Kingdom at 1.5 km", "uk_hires.pp"),
    Source("atmosphere/hybrid_height", "Temperature on hybrid heights", "hybrid_height.nc"),
    Source("atmosphere/rotated_pole", "Pressure on a rotated grid", "rotated_pole.nc"),
    Source("atmosphere/air_temp", "Mean temperature at 1000 hPa", "air_temp.pp"),
    Source("atmosphere/victoria", "Wind over Lake Victoria", "wind_speed_lake_victoria.pp"),
    Source("atmosphere/ash", "Ash of the Eyjafjallajökull, May 2010", "NAME_output.txt"),
    Source("indices/soi", "Southern Oscillation Index at Darwin", "SOI_Darwin.nc"),
    Source("indices/wind", "Winds with the version of each analysis", "vlstr_type.nc"),
    Source("space/weather", "Electron density of the ionosphere", "space_weather.nc"),
    Source("space/brightness", "Brightness seen by a satellite", "toa_brightness_stereographic.nc"),
    Source("mesh/c4", "A field on an unstructured mesh", "mesh_C4_synthetic_float.nc"),
]


def joined(parts: list[list[Variable]], along: str | None) -> list[Variable]:
    """Return the variables of several files in a series as those of one."""
    result = []
    for pieces in zip(*parts, strict=True):
        variable = pieces[0]
        if along in variable.dims:
            variable = variable._replace(values=np.concatenate([p.values for p in pieces]))
        elif any(not np.array_equal(variable.values, piece.values) for piece in pieces):
            raise SystemExit(f"{variable.name} is not the same in all files of its series")
        result.append(variable)
    return result


def plain(value: Any) -> Any:
    """Return an attribute as JSON has it."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return value if isinstance(value, str | int | float | list) else str(value)


def from_netcdf(file: Path) -> Iterator[Variable]:
    with netCDF4.Dataset(file) as dataset:
        dataset.set_auto_maskandscale(False)
        dataset.set_auto_chartostring(False)
        for name, variable in dataset.variables.items():
            about = {key: plain(variable.getncattr(key)) for key in variable.ncattrs()}
            fill_value = about.pop("_FillValue", None)
            values = np.asarray(variable[...])
            yield Variable(name, variable.dimensions, values, about, fill_value)


def from_iris(file: Path, source: Source) -> Iterator[Variable]:
    """Yield each field of `file`, then the coordinates that the fields have in common."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Iris announces changes that do not concern the data
        cubes = iris.load(file)
    fields = {cube.name(): field(cube) for cube in cubes}
    axes: dict[str, Variable] = {}
    for cube in cubes:
        if source.along and not cube.coords(source.along):
            cube.add_aux_coord(numbered(file, source.along))
        for coordinate in (*cube.dim_coords, *cube.aux_coords):
            for variable in axis(coordinate, cube):
                axes.setdefault(variable.name, variable)
    growing = {*fields, *source.growing}
    for name, variable in (axes | fields).items():
        yield lengthened(variable, source) if name in growing else variable


def numbered(file: Path, name: str) -> Any:
    """Return a coordinate that only the number in the name of the file tells."""
    return iris.coords.AuxCoord(np.int32(re.findall(r"\d+", file.stem)[-1]), long_name=name)


def lengthened(variable: Variable, source: Source) -> Variable:
    """Return `variable` with a first dimension along which the next file continues it."""
    if source.along is None:
        return variable
    return variable._replace(dims=(source.along, *variable.dims), values=variable.values[None])


def field(cube: Any) -> Variable:
    about = description(cube)
    if cube.cell_methods:
        about["cell_methods"] = " ".join(str(method) for method in cube.cell_methods)
    others = sorted(coordinate.name() for coordinate in cube.aux_coords)
    if others:
        about["coordinates"] = " ".join(others)
    values, fill_value = cube.data, None
    if isinstance(values, np.ma.MaskedArray):
        fill_value = values.fill_value
        values = values.filled()
    return Variable(cube.name(), dimensions(cube), np.asarray(values), about, fill_value)


def axis(coordinate: Any, cube: Any) -> Iterator[Variable]:
    """Yield a coordinate, and the bounds of its cells if they are known."""
    axes = cube.coord_dims(coordinate)
    dims = tuple(dimensions(cube)[axis] for axis in axes)
    values = coordinate.points if axes else coordinate.points[0]
    yield Variable(coordinate.name(), dims, np.asarray(values), description(coordinate))
    if coordinate.has_bounds():
        bounds = coordinate.bounds if axes else coordinate.bounds[0]
        yield Variable(f"{coordinate.name()}_bnds", (*dims, "bnds"), np.asarray(bounds), {})


def dimensions(cube: Any) -> tuple[str, ...]:
    names = [f"dim{number}" for number in range(cube.ndim)]
    for coordinate in cube.dim_coords:
        names[cube.coord_dims(coordinate)[0]] = coordinate.name()
    return tuple(names)


def description(thing: Any) -> dict[str, Any]:
    about = {name: plain(value) for name, value in thing.attributes.items()}
    about["units"] = str(thing.units)
    if thing.units.calendar:
        about["calendar"] = thing.units.calendar
    if thing.standard_name:
        about["standard_name"] = thing.standard_name
    return about
