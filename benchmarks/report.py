"""From timings to a table that people read."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from rows import Row

if TYPE_CHECKING:
    import argparse

    from run import Timing

__all__ = ["markdown", "progress_line", "write_into"]

BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"

NONE = "-"

PEERS = ("zarr2", "zarr3", "tensorstore")

Timings = dict[str, "Timing"]


def _duration(seconds: float) -> str:
    if seconds < 0.9995e-3:
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 0.9995:
        return f"{seconds * 1e3:.3g} ms"
    return f"{seconds:.3g} s"


def _cell(timing: Timing | None) -> str:
    if timing is None:
        return NONE
    middle = timing.median
    if middle is None:
        return timing.problem or NONE
    return f"{_duration(middle)} ({_duration(min(timing.seconds))})"


def _ratio(timings: Timings, other: str) -> float | None:
    """Return the median over the rounds of our time as a share of the other's."""
    ours, theirs = timings.get("ours"), timings.get(other)
    if ours is None or theirs is None or ours.median is None or theirs.median is None:
        return None
    shared = min(len(ours.seconds), len(theirs.seconds))
    if shared < 2:
        return ours.median / theirs.median
    return median(a / b for a, b in zip(ours.seconds, theirs.seconds, strict=False))


def _fastest(timings: Timings) -> str:
    """Return the peer with the smallest median."""
    medians = {n: t.median for n, t in timings.items() if n in PEERS and t.median is not None}
    return min(medians, key=lambda name: medians[name] or 0.0, default="")


def _ratios(row: Row, timings: Timings) -> dict[str, tuple[float | None, float | None]]:
    """Return ratio and target against zarr-python 2, the fastest peer and the floor."""
    return {
        "zarr-python 2": (_ratio(timings, "zarr2"), row.to_zarr2),
        "the fastest peer": (_ratio(timings, _fastest(timings)), row.to_fastest),
        "the codec alone": (_ratio(timings, "floor"), row.to_floor),
    }


def _misses(row: Row, timings: Timings) -> list[str]:
    misses = [
        f"{ratio:.2f} of {what}, not {target:g}"
        for what, (ratio, target) in _ratios(row, timings).items()
        if ratio is not None and target is not None and ratio > target
    ]
    ours = timings.get("ours")
    return [ours.problem, *misses] if ours and ours.problem else misses


def _with_target(ratio: float | None, target: float | None) -> str:
    if ratio is None:
        return NONE
    text = f"{ratio:.2f}" if target is None else f"{ratio:.2f} (≤ {target:g})"
    return f"**{text}**" if target is not None and ratio > target else text


def _verdict(row: Row, timings: Timings) -> str:
    if _misses(row, timings):
        return "**miss**"
    # Without the library that a target is about, nothing is shown.
    due = [(r, t) for r, t in _ratios(row, timings).values() if t is not None]
    return "" if not due or any(ratio is None for ratio, _ in due) else "pass"


def progress_line(row: Row, timings: Timings) -> str:
    """Return one line that says how the row went."""
    cells = ", ".join(f"{name} {_cell(timing)}" for name, timing in timings.items())
    return f"{row.name}: {cells}"


def markdown(
    rows: list[Row],
    results: dict[str, Timings],
    titles: dict[str, str],
    versions: dict[str, dict[str, str]],
    machine: str,
    options: argparse.Namespace,
) -> str:
    """Return the table with its circumstances, and the rows that miss their targets.

    Parameters
    ----------
    results : dict
        ``{row name: {library: timing}}``.
    titles : dict
        ``{library: heading}``.
    """
    libraries = [name for name in titles if name in versions]
    head = [
        "what",
        *(titles[name] for name in libraries),
        "ours / zarr-python 2",
        "ours / fastest peer",
        "ours / codec alone",
        "targets",
    ]
    lines = [_line(head), _line(["---"] * len(head))]
    for row in rows:
        timings = results[row.name]
        lines.append(
            _line(
                [
                    row.title,
                    *(_cell(timings.get(name)) for name in libraries),
                    *(_with_target(*pair) for pair in _ratios(row, timings).values()),
                    _verdict(row, timings),
                ]
            )
        )
    return "\n".join(
        [_circumstances(libraries, titles, versions, machine, options), "", *lines, "",
         *_summary(rows, results), ""]
    )  # fmt: skip


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _circumstances(
    libraries: list[str],
    titles: dict[str, str],
    versions: dict[str, dict[str, str]],
    machine: str,
    options: argparse.Namespace,
) -> str:
    stacks = "; ".join(
        f"{titles[name]}: " + ", ".join(f"{k} {v}" for k, v in versions[name].items())
        for name in libraries
    )
    size = "Small arrays (`--quick`), for which there are no targets; " if options.quick else ""
    return (
        f"{size}{options.rounds} rounds; each cell is the median (and the least) of the rounds, "
        f"each ratio the median of the rounds' ratios.\n\nMachine: {machine}.\n\n{stacks}."
    )


def _summary(rows: list[Row], results: dict[str, Timings]) -> list[str]:
    missed: list[tuple[Row, Any]] = [
        (row, misses) for row in rows if (misses := _misses(row, results[row.name]))
    ]
    if all(row.to_zarr2 is row.to_fastest is row.to_floor is None for row in rows):
        return []
    if not missed:
        return ["No row that was measured misses its targets."]
    return [
        f"{len(missed)} of {len(rows)} rows miss a target:",
        "",
        *(f"- {row.title}: {'; '.join(misses)}." for row, misses in missed),
    ]


def write_into(path: Path, text: str) -> None:
    """Put `text` between the markers of the page at `path`.

    Raises
    ------
    ValueError
        If the page has no markers.
    """
    page = path.read_text(encoding="utf-8")
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path.name} has no lines {BEGIN} and {END} to write between")
    path.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}", encoding="utf-8")
