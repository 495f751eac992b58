"""What runs the parts of a long job: ``--executor``."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import click

from zarr import config

__all__ = ["executor", "executor_for"]

executor = click.option(
    "--executor",
    metavar="KIND",
    help="threads, processes or dask://HOST:PORT; the default is one block at a time.",
)


@contextmanager
def executor_for(kind: str | None) -> Iterator[Executor | None]:
    """Give the executor that an option means, and end it.

    Raises
    ------
    UsageError
        If there is no such kind.
    """
    workers = config.get().workers
    with ExitStack() as stack:
        if kind is None:
            yield None
        elif kind == "threads":
            yield stack.enter_context(ThreadPoolExecutor(workers))
        elif kind == "processes":
            spawned = multiprocessing.get_context("spawn")
            yield stack.enter_context(ProcessPoolExecutor(workers, spawned))
        elif kind.startswith("dask://"):
            yield _of_dask(kind.removeprefix("dask://"), stack)
        else:
            raise click.UsageError(
                f"--executor {kind!r} is none of threads, processes and dask://HOST:PORT"
            )


def _of_dask(address: str, stack: ExitStack) -> Executor:
    try:
        from dask.distributed import Client
    except ImportError as error:
        raise ImportError("dask:// needs dask.distributed; install dask[distributed]") from error
    client = stack.enter_context(Client(f"tcp://{address}"))
    found: Executor = client.get_executor()
    return found
