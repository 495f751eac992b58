"""From timings to a table that people read."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from rows import Row

if TYPE_CHECKING:
    import argparse

    from run import Timing

__all__ = ["fastest", "markdown", "progress_line", "ratio", "write_into"]

NONE = "-"

PEERS = ("zarr2", "zarr3", "newest", "fused", "zarrs", "tensorstore")
"""The libraries that read Zarr."""

Timings = dict[str, "Timing"]


def _duration(seconds: float) -> str:
    if seconds < 0.9995e-3:
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 0.9995:
        return f"{seconds * 1e3:.3g} ms"
    return f"{seconds:.3g} s"


def _figure(row: Row, value: float) -> str:
    return f"{value:.0f} {row.unit}" if row.unit != "s" else _duration(value)


def _cell(row: Row, timing: Timing | None) -> str:
    if timing is None:
        return NONE
    middle = timing.median
    if middle is None:
        return timing.problem or NONE
    return f"{_figure(row, middle)} ({_figure(row, min(timing.figures))})"


def ratio(timings: Timings, other: str, one: str = "ours") -> float | None:
    """Return the median over the rounds of one figure, by default ours, as a share of another."""
    first, second = timings.get(one), timings.get(other)
    if first is None or second is None or not first.median or not second.median:
        return None
    shared = min(len(first.figures), len(second.figures))
    if shared < 2:
        return first.median / second.median
    return median(a / b for a, b in zip(first.figures, second.figures, strict=False))


def fastest(timings: Timings) -> str:
    """Return the peer that reads Zarr and has the smallest median, '' if there is none."""
    medians = {n: t.median for n, t in timings.items() if n in PEERS and t.median is not None}
    return min(medians, key=lambda name: medians[name] or 0.0, default="")


def _ratios(row: Row, timings: Timings) -> dict[str, tuple[float | None, float | None]]:
    """Return ratio and target against the others that have targets."""
    if row.unit != "s":
        return {}
    return {
        "the fastest peer": (ratio(timings, fastest(timings)), row.to_fastest),
        "the limit": (ratio(timings, "limit"), row.to_limit),
        "the codec alone": (ratio(timings, "floor"), row.to_floor),
        "zarr-python 2": (ratio(timings, "zarr2"), row.to_zarr2),
    }


def _misses(row: Row, timings: Timings) -> list[str]:
    misses = [
        f"{share:.2f} of {what}, not {target:g}"
        for what, (share, target) in _ratios(row, timings).items()
        if share is not None and target is not None and share > target
    ]
    ours = timings.get("ours")
    return [ours.problem, *misses] if ours and ours.problem else misses


def _possible(row: Row, timings: Timings) -> list[str]:
    """Return what the limit is of the fastest peer: no target below that can be reached."""
    share = ratio(timings, fastest(timings), "limit")
    if share is None or row.to_fastest is None or share <= row.to_fastest:
        return []
    return [f"the limit itself is {share:.2f} of that peer"]


def _with_target(share: float | None, target: float | None) -> str:
    if share is None:
        return NONE
    text = f"{share:.2f}" if target is None else f"{share:.2f} (≤ {target:g})"
    return f"**{text}**" if target is not None and share > target else text


def _verdict(row: Row, timings: Timings) -> str:
    if _misses(row, timings):
        return "**miss**"
    # Without the library that a target is about, nothing is shown.
    due = [(r, t) for r, t in _ratios(row, timings).values() if t is not None]
    return "" if not due or any(share is None for share, _ in due) else "pass"


def progress_line(row: Row, timings: Timings) -> str:
    """Return one line that says how the row went."""
    cells = ", ".join(f"{name} {_cell(row, timing)}" for name, timing in timings.items())
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
    return "\n".join(
        [
            _circumstances(libraries, titles, versions, machine, options),
            "",
            "### Ratios",
            "",
            *_ratio_table(rows, results, titles),
            "",
            *_summary(rows, results),
            "",
            "### Figures",
            "",
            *_figure_table(rows, results, {name: titles[name] for name in libraries}),
            "",
            *_lacking(rows, results, titles),
        ]
    )


def _ratio_table(rows: list[Row], results: dict[str, Timings], titles: dict[str, str]) -> list[str]:
    head = [
        "what",
        "ours",
        "fastest peer",
        "ours / fastest peer",
        "ours / limit",
        "ours / codec alone",
        "ours / zarr-python 2",
        "targets",
    ]
    has_before = any("before" in timings for timings in results.values())
    if has_before:
        head.append("ours / before")
    lines = [_line(head), _line(["---"] * len(head))]
    for row in rows:
        timings = results[row.name]
        ours = timings.get("ours")
        shares = [_with_target(*pair) for pair in _ratios(row, timings).values()]
        lines.append(
            _line(
                [
                    row.title,
                    NONE if ours is None or ours.median is None else _figure(row, ours.median),
                    titles.get(fastest(timings), NONE),
                    *(shares or [NONE] * 4),
                    _verdict(row, timings),
                    *[_with_target(ratio(timings, "before"), None)] * has_before,
                ]
            )
        )
    return lines


def _figure_table(
    rows: list[Row], results: dict[str, Timings], titles: dict[str, str]
) -> list[str]:
    return [
        _line(["what", *titles.values()]),
        _line(["---"] * (len(titles) + 1)),
        *(
            _line([row.title, *(_cell(row, results[row.name].get(name)) for name in titles)])
            for row in rows
        ),
    ]


def _lacking(rows: list[Row], results: dict[str, Timings], titles: dict[str, str]) -> list[str]:
    """Return why libraries take no part in rows, a line for each library and reason."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        for name, timing in results[row.name].items():
            if timing.lacking:
                found.setdefault((name, timing.lacking), []).append(row.title)
    if not found:
        return []
    lines = [f"- {titles[name]}, {why}: {'; '.join(what)}." for (name, why), what in found.items()]
    return ["Who takes no part, and why:", "", *lines, ""]


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
    if all(target is None for row in rows for _, target in _ratios(row, {}).values()):
        return []
    if not missed:
        return ["No row that was measured misses its targets."]
    return [
        f"{len(missed)} of {len(rows)} rows miss a target:",
        "",
        *(
            f"- {row.title}: {'; '.join(misses + _possible(row, results[row.name]))}."
            for row, misses in missed
        ),
    ]


def write_into(path: Path, text: str, part: str = "table") -> None:
    """Put `text` between the markers of the page at `path` for the part that it is.

    Raises
    ------
    ValueError
        If the page has no markers.
    """
    page = path.read_text(encoding="utf-8")
    before, begin, rest = page.partition(f"<!-- {part}: begin -->")
    _, end, after = rest.partition(f"<!-- {part}: end -->")
    if not begin or not end:
        raise ValueError(
            f"{path.name} has no lines <!-- {part}: begin --> and <!-- {part}: end -->"
        )
    path.write_text(f"{before}{begin}\n\n{text}\n{end}{after}", encoding="utf-8")
