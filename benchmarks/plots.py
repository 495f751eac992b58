"""Pictures of the results, as SVG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
from growth import Growth
from matplotlib.figure import Figure
from report import Timings, fastest, ratio
from rows import Row

__all__ = ["draw_growth", "draw_ratios"]

_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",  # text as text, in the reader's font
    "svg.hashsalt": "benchmark",  # the same picture gives the same file
    "font.size": 9,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def draw_ratios(rows: list[Row], results: dict[str, Timings], path: Path) -> None:
    """Draw our time in every row as a share of the fastest peer's and of the limit."""
    shown = [
        (row.title, _shares(results[row.name]))
        for row in rows
        if row.unit == "s" and any(_shares(results[row.name]))
    ]
    if not shown:
        return
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(8, 0.6 + 0.2 * len(shown)), layout="constrained")
        axes = figure.add_subplot()
        places = range(len(shown), 0, -1)
        marks = (("o", "#3f51b5", "fastest peer that reads Zarr"), ("|", "#e65100", "limit"))
        for number, (marker, colour, label) in enumerate(marks):
            points = [
                (shares[number], place)
                for (_, shares), place in zip(shown, places, strict=True)
                if shares[number]
            ]
            if points:
                axes.scatter(*zip(*points, strict=True), marker=marker, color=colour, label=label)
        axes.axvline(1, color="black", linewidth=0.8)
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.set_yticks(places, [title for title, _ in shown])
        axes.set_ylim(0.3, len(shown) + 0.7)
        axes.set_xlabel("our time as a share of theirs (left is faster)")
        axes.legend(loc="upper center", bbox_to_anchor=(0.3, 1.06), ncols=2, frameon=False)
        _save(figure, path)


def _shares(timings: Timings) -> tuple[float | None, float | None]:
    return ratio(timings, fastest(timings)), ratio(timings, "limit")


def draw_growth(growth: Growth, path: Path) -> None:
    """Draw seconds against the chunks that an operation touches, and does not touch."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(8, 3.4), layout="constrained")
        left, right = figure.subplots(1, 2)
        for axes, curves, title in (
            (left, growth.touched, "chunks touched"),
            (right, growth.untouched, "chunks in the array, one of them touched"),
        ):
            for name, points in curves.items():
                counts, seconds = zip(*points, strict=True)
                axes.plot(counts, [s * 1e3 for s in seconds], marker=".", label=name)
            axes.set_xscale("log")
            axes.set_yscale("log")
            axes.set_xlabel(title)
            axes.set_ylabel("milliseconds")
            axes.legend(frameon=False)
        right.set_ylim(1e-3, 1e2)
        _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="svg", metadata={"Date": None})
