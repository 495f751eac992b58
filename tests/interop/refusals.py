"""Print which case of version 3 which peer refuses, or reads wrongly, and why.

    python -m tests.interop.refusals

The tests see to it that each line stays true.
"""

from __future__ import annotations

from tests.interop import test_v3_interop, test_v3_zarrita, v3_cases


def refusals() -> list[tuple[str, str, str]]:
    """Return peer, case and reason."""
    found = [
        (peer, name, case.refused_by(peer) or case.scrambled.get(peer, ""))
        for peer in test_v3_interop.PEERS
        for name, case in v3_cases.CASES.items()
    ]
    found += [
        ("zarrita", name, test_v3_zarrita.refused(case)) for name, case in v3_cases.CASES.items()
    ]
    return [row for row in found if row[2]]


def main() -> None:
    """Print a line for each."""
    rows = refusals()
    for peer, name, reason in rows:
        print(f"{peer:12} {name:32} {reason}")
    for peer in dict.fromkeys(peer for peer, _, _ in rows):
        count = sum(row[0] == peer for row in rows)
        print(f"{peer}: {len(v3_cases.CASES) - count} cases exchanged, {count} refused")


if __name__ == "__main__":
    main()
