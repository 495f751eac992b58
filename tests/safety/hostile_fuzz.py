"""Runs spoiled stores through everything that reads them: ``make fuzz``.

Each case runs in a worker with limited memory. What must not happen: a crash, a hang, memory
out of proportion, an exception that is not one of :mod:`zarr.errors`.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import select
import subprocess
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import zarr
from zarr.storage.n5 import N5View

ROOT = Path(__file__).parent.parent.parent

SECONDS = 2.0
"""Most processor time that a case may take."""

SILENCE = 60.0
"""Seconds without a sign of life after which a worker hangs."""

MEMORY = 200 << 20
"""Bytes by which the memory of a worker may grow over all its cases."""

ADDRESS_SPACE = 1 << 30
"""Bytes of address space on top of that."""

_SLICE = 5000
"""Number of cases after which the work starts with a fresh worker, and says how far it is."""

MUCH = 32 << 20
"""Bytes of chunks that an array declares from which only little of it is read."""


# -- what is done with a store ---------------------------------------------------------


def _nodes(root: Any) -> Iterator[Any]:
    if isinstance(root, zarr.Array):
        yield root
        return
    yield root
    for name in list(root)[:12]:
        try:
            node = root[name]
        except zarr.errors.ZarrError:
            continue
        yield from _nodes(node)


def _chunk_nbytes(z: zarr.Array) -> int:
    lengths = [max(n, default=1) if isinstance(n, tuple) else n for n in z.chunks]
    return int(np.prod(lengths, dtype=object)) * z.dtype.itemsize


def _read(z: zarr.Array) -> None:
    if 0 in z.shape or _chunk_nbytes(z) > MUCH:
        return
    if z.nbytes > MUCH or z.nchunks > 500:
        z[tuple(slice(0, min(n, 2)) for n in z.shape)]
        z[tuple(n - 1 for n in z.shape)]
        return
    out = z[...]
    if (out.shape, out.dtype) != (z.shape, z.dtype):
        raise AssertionError(f"{out.shape} {out.dtype} read, {z.shape} {z.dtype} declared")


def _change(z: zarr.Array) -> None:
    if _chunk_nbytes(z) > MUCH or z.nbytes > MUCH or not z.ndim or 0 in z.shape or z.read_only:
        return
    z[tuple(slice(0, 1) for _ in z.shape)] = z[tuple(slice(0, 1) for _ in z.shape)]
    z.append(z[:1])
    z.resize(*[max(1, n - 1) for n in z.shape])


def _attributes(node: Any) -> None:
    dict(node.attrs)
    node.attrs["new"] = [1, 2]


def _look(node: Any) -> None:
    repr(node)
    str(node.info)
    if isinstance(node, zarr.Array):
        repr((node.compressor, node.filters, node.fill_value))
        _ = (node.nchunks_initialized, node.nbytes_stored)
    else:
        repr(node.tree())
        _ = (sorted(node.groups()), sorted(node.arrays()), len(node))


def actions(store: Any) -> list[tuple[str, Callable[[], Any]]]:
    """Return what is to be done with `store`, by name."""

    def each(act: Callable[[Any], Any], only: Any = object, mode: str = "r") -> None:
        failed = None
        for node in _nodes(zarr.open(store, mode=mode)):
            if isinstance(node, only):
                try:
                    act(node)
                except zarr.errors.ZarrError as error:
                    failed = error
        if failed is not None:
            raise failed

    def copy_all() -> None:
        source = zarr.open_group(store, mode="r")
        version = 3 if source._format.version == 3 else 2
        zarr.copy_all(source, zarr.group({}, zarr_format=version))

    return [
        ("read", lambda: each(_read, zarr.Array)),
        ("look", lambda: each(_look)),
        ("copy_all", copy_all),
        ("copy_store", lambda: zarr.copy_store(store, {})),
        ("open_consolidated", lambda: each_of(zarr.open_consolidated(store, mode="r"), _look)),
        ("convert away", lambda: zarr.convert(store, 3, dest={}, rewrite_chunks=True)),
        ("convert back", lambda: zarr.convert(store, 2, dest={}, rewrite_chunks=True)),
        ("attributes", lambda: each(_attributes, mode="r+")),
        ("change", lambda: each(_change, zarr.Array, mode="r+")),
        ("consolidate", lambda: zarr.consolidate_metadata(store)),
        ("convert", lambda: zarr.convert(store, 3, rewrite_chunks=True)),
        ("overwrite", lambda: zarr.open_group(store, mode="w")),
    ]


def each_of(root: Any, act: Callable[[Any], Any]) -> None:
    """Call `act` for all nodes of a hierarchy."""
    for node in _nodes(root):
        act(node)


def is_documented(action: str, error: BaseException) -> bool:
    """Tell whether the documentation of `action` says that this error may come."""
    if isinstance(error, zarr.errors.ZarrError):
        return True
    if isinstance(error, KeyError):
        return action == "open_consolidated" and "no consolidated metadata" in str(error)
    # That the arguments do not suit this store.
    said = "cannot be converted", "is in version", "as Zarr"
    return type(error) is ValueError and any(text in str(error) for text in said)


# -- the worker ------------------------------------------------------------------------


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def violations(seed: int, number: int) -> Iterator[str]:
    """Yield what goes wrong with a case."""
    from tests.safety.hostile_mutations import case

    spoiled = case(seed, number)
    files = dict(spoiled.files)
    store: Any = N5View(files) if spoiled.is_n5 else files
    usual, rest = actions(store)[:2], actions(store)[2:]
    # In their order: what changes the store comes last.
    chosen = random.Random(f"{seed} {number}").sample(range(len(rest)), 2)
    for name, act in [*usual, *(rest[at] for at in sorted(chosen))]:
        began = time.process_time()
        try:
            act()
        except Exception as error:  # noqa: BLE001  whatever it is, it is to be seen
            if not is_documented(name, error):
                last = traceback.extract_tb(error.__traceback__)
                ours = [f for f in last if "/zarr/" in f.filename] or last
                where = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}"
                yield f"{name}: {type(error).__name__}: {str(error)[:300]} ({where})"
            elif len(str(error)) > 4000 and not isinstance(error, zarr.errors.ConversionError):
                yield f"{name}: a message of {len(str(error))} characters"
        if (took := time.process_time() - began) > SECONDS:
            yield f"{name}: {took:.1f} s"


def work(seed: int, start: int, stop: int) -> None:
    """Run some cases; print what goes wrong as lines of JSON."""
    from tests.safety.hostile_mutations import case, corpus

    warnings.simplefilter("ignore")
    zarr.config.set(workers=1)
    corpus()
    for number in range(3):  # what is imported and cached at first use is no growth
        list(violations(seed, number))
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + ADDRESS_SPACE,) * 2)
    least = _peak()
    for number in range(start, stop):
        print(json.dumps({"case": number}), flush=True)
        for what in violations(seed, number):
            name = case(seed, number).name
            print(json.dumps({"wrong": what, "case": number, "name": name}), flush=True)
        if _peak() > least + MEMORY:
            what = f"memory grew by {_peak() - least >> 20} MiB"
            print(json.dumps({"wrong": what, "case": number, "name": ""}), flush=True)
            least = _peak()


# -- the parent ------------------------------------------------------------------------


def run(seed: int, start: int, stop: int, say: Callable[[str], Any] = print) -> list[str]:
    """Run the cases of `seed` from `start` to `stop`; return what went wrong."""
    wrong: list[str] = []
    while start < stop:
        start, found = _run_worker(seed, start, stop)
        for line in found:
            say(line)
        wrong += found
    return wrong


def _run_worker(seed: int, start: int, stop: int) -> tuple[int, list[str]]:
    """Run cases until all are done or the worker dies; return the next case, and what is wrong."""
    command = [sys.executable, "-m", __spec__.name, "--worker"]
    command += ["--seed", str(seed), "--start", str(start), "--count", str(stop - start)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as worker:
        at, wrong, hangs = start, [], False
        assert worker.stdout is not None
        assert worker.stderr is not None
        while True:
            ready, _, _ = select.select([worker.stdout], [], [], SILENCE)
            if hangs := not ready:
                worker.kill()
                break
            if not (line := worker.stdout.readline()):
                break
            message = json.loads(line)
            at = message["case"]
            if "wrong" in message:
                wrong.append(_line(seed, at, message["wrong"], message["name"]))
        errors = worker.stderr.read()[-2000:]
        status = worker.wait()
    if hangs or status:
        what = "hangs" if hangs else f"ends with status {status}: {errors}"
        wrong.append(_line(seed, at, what, ""))
    return at + 1, wrong


def _line(seed: int, number: int, what: str, name: str) -> str:
    again = f"python -m tests.safety.hostile_fuzz --seed {seed} --start {number} --count 1"
    return f"{what}\n    {name}\n    {again}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--worker", action="store_true", help="run the cases in this process")
    given = parser.parse_args()
    if given.worker:
        work(given.seed, given.start, given.start + given.count)
        return 0
    print(f"seed {given.seed}, {given.count} cases", flush=True)
    wrong: list[str] = []
    stop = given.start + given.count
    for start in range(given.start, stop, _SLICE):
        end = min(start + _SLICE, stop)
        wrong += run(given.seed, start, end)
        print(f"{end - given.start} cases, {len(wrong)} wrong", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
