"""The picture that the demo draws."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import PolyCollection

COLOURS = {"A1B": "#b2182b", "E1": "#2166ac"}
LABELS = {"A1B": ("A1B, medium-high emissions", 2036, 8.6), "E1": ("E1, emissions cut", 2080, 1.6)}
COMMON = "same in both, up to {year}", 1975, 5.2
INK = "#333333"


def draw(ocean: Any, month: Any, years: Any, series: dict[str, Any], file: Path) -> None:
    """Draw a map of the sea-surface temperature, and below it the two time series.

    Parameters
    ----------
    ocean : zarr.Group
        With `bounds_lon`, `bounds_lat` of shape (y, x, 4): the corners of each cell.
    month : array of shape (y, x)
        Temperature in degrees Celsius.
    years : array of shape (time,)
    series : dict of arrays of shape (time,)
        Temperature in kelvin for each scenario.
    file : Path
        Where the PNG goes.
    """
    plt.rcParams.update({"font.size": 11, "text.color": INK, "axes.edgecolor": "#999999"})
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(12, 8.6), height_ratios=[2.3, 1])
    figure.subplots_adjust(left=0.06, right=0.92, top=0.96, bottom=0.05, hspace=0.16)
    cells = draw_map(top, ocean, month)
    beside = top.inset_axes((1.015, 0.1, 0.015, 0.8))
    figure.colorbar(cells, cax=beside, extend="both")
    beside.set_title("°C", pad=16)
    draw_series(bottom, years, series)
    figure.savefig(file, dpi=130)
    plt.close(figure)


def draw_map(axes: Any, ocean: Any, month: Any) -> Any:
    lon, lat = ocean["bounds_lon"][:], ocean["bounds_lat"][:]
    shown = month < 1e10
    lon, lat, celsius = lon[shown], lat[shown], month[shown]
    # Half of a cell on the date line lies at either edge of the map: it is drawn at both.
    divided = np.ptp(lon, axis=-1) > 180
    lon[divided] %= 360
    lon = np.concatenate([lon, lon[divided] - 360])
    corners = np.stack([lon, np.concatenate([lat, lat[divided]])], axis=-1)
    celsius = np.concatenate([celsius, celsius[divided]])
    # Without smoothing: smoothed edges of cells that meet show a pattern.
    cells = PolyCollection(
        corners, array=celsius, cmap="RdYlBu_r", edgecolors="none", antialiased=False
    )
    cells.set_clim(-2, 32)
    axes.add_collection(cells)
    axes.set(xlim=(-180, 180), ylim=(-80, 86), aspect="equal", facecolor="#e4e4e0")
    axes.set_xticks(range(-180, 181, 60), ["180°", "120°W", "60°W", "0°", "60°E", "120°E", "180°"])
    axes.set_yticks(range(-60, 61, 30), ["60°S", "30°S", "0°", "30°N", "60°N"])
    axes.tick_params(colors="#777777", length=3)
    axes.set_title("Temperature of the sea surface, February 2015", loc="left", weight="bold")
    axes.set_title("NEMO model, drawn cell by cell", loc="right", fontsize=10, color="#777777")
    return cells


def draw_series(axes: Any, years: Any, series: dict[str, Any]) -> None:
    celsius = {name: kelvin - 273.15 for name, kelvin in series.items()}
    first, second = celsius.values()
    # Where the scenarios part; before that, one line would hide the other.
    parting = int(np.argmax(first != second))
    for name, values in celsius.items():
        draw_years(axes, years[parting - 1 :], values[parting - 1 :], COLOURS[name])
        draw_means(axes, years, values, slice(parting, None), COLOURS[name])
        label, year, height = LABELS[name]
        axes.text(year, height, label, color=COLOURS[name], ha="right", weight="bold")
    draw_years(axes, years[:parting], first[:parting], INK)
    draw_means(axes, years, first, slice(None, parting + 1), INK)
    label, year, height = COMMON
    axes.text(year, height, label.format(year=int(years[parting - 1])), ha="right", weight="bold")
    axes.set(xlim=(years[0], years[-1]), ylabel="annual mean, °C")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#dddddd")
    axes.tick_params(colors="#777777", length=3)
    axes.set_title("Air temperature near Winnipeg in two scenarios", loc="left", weight="bold")
    axes.set_title(
        "Met Office climate model; thick: mean of ten years",
        loc="right", fontsize=10, color="#777777",
    )  # fmt: skip


def draw_years(axes: Any, years: Any, values: Any, colour: str) -> None:
    axes.plot(years, values, color=colour, linewidth=0.7, alpha=0.35)


def draw_means(axes: Any, years: Any, values: Any, shown: slice, colour: str) -> None:
    """Draw the means of ten years around each of the years `shown`."""
    means = np.full(len(values), np.nan)
    smooth = np.convolve(values, np.ones(10) / 10, mode="valid")
    means[5 : 5 + len(smooth)] = smooth
    axes.plot(years[shown], means[shown], color=colour, linewidth=2)
