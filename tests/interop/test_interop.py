"""Data written here is read by the peers, and theirs here, bit for bit."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.interop import matrix
from tests.interop.exchange import OURS, PARTNERS, READ_BY, WRITTEN_BY, step_name

pytestmark = [pytest.mark.slow, pytest.mark.interop]

Results = dict[str, dict[str, Any]]

BOTH = ["ours", "zarr2"]


def _cases(only: str) -> pytest.MarkDecorator:
    """Return the parametrisation by those cases that have the property `only`."""
    names = [name for name, case in matrix.CASES.items() if getattr(case, only)]
    return pytest.mark.parametrize("name", names)


def _updates(only: dict[str, str]) -> pytest.MarkDecorator:
    names = [
        (partner, name)
        for partner in PARTNERS
        for name, update in matrix.UPDATES.items()
        if getattr(update.case, only[partner])
    ]
    return pytest.mark.parametrize(("partner", "name"), names)


def _found(results: Results, library: str, action: str, folder: str, name: str) -> dict[str, Any]:
    """Return what a library said of a case; fail with its traceback if it could not."""
    found = results[step_name(library, action, folder)][name]
    if "error" in found:
        message = f"{library} could not {action} {name!r} in {folder!r}:\n{found['error']}"
        pytest.fail(message, pytrace=False)
    return dict(found)


def _same_data(found: dict[str, Any], expected: dict[str, Any]) -> None:
    facts = ("dtype", "shape", "digest")
    assert [found[fact] for fact in facts] == [expected[fact] for fact in facts], (
        f"found {found['head']}, expected {expected['head']}"
    )


def _expected(results: Results, writer: str, name: str) -> dict[str, Any]:
    """Return what a reader must find of what `writer` wrote."""
    case = matrix.CASES[name]
    if case.exact:
        return matrix.describe(case.expected())
    return _found(results, writer, "write", writer, name)


def _check_read(results: Results, reader: str, writer: str, name: str) -> None:
    found = _found(results, reader, "read", writer, name)
    _same_data(found, _expected(results, writer, name))


# -- data -----------------------------------------------------------------------------


@_cases("everywhere")
def test_written_and_read_here(results: Results, name: str) -> None:
    found = _found(results, OURS, "write", OURS, name)
    _same_data(found, _expected(results, OURS, name))


@_cases(READ_BY["zarr2"])
def test_zarr2_reads_ours(results: Results, name: str) -> None:
    _check_read(results, "zarr2", OURS, name)


@_cases("everywhere")
def test_ours_reads_zarr2(results: Results, name: str) -> None:
    _check_read(results, OURS, "zarr2", name)


@_cases(READ_BY["tensorstore"])
def test_tensorstore_reads_ours(results: Results, name: str) -> None:
    _check_read(results, "tensorstore", OURS, name)


@_cases(WRITTEN_BY["tensorstore"])
def test_ours_reads_tensorstore(results: Results, name: str) -> None:
    _check_read(results, OURS, "tensorstore", name)


@_updates(READ_BY)
def test_partner_changes_ours(results: Results, partner: str, name: str) -> None:
    folder = f"{OURS}+{partner}"
    expected = matrix.describe(matrix.UPDATES[name].expected())
    _same_data(_found(results, partner, "update", folder, name), expected)
    _same_data(_found(results, OURS, "read", folder, name), expected)


@_updates(WRITTEN_BY)
def test_ours_changes_partners(results: Results, partner: str, name: str) -> None:
    folder = f"{partner}+{OURS}"
    expected = matrix.describe(matrix.UPDATES[name].expected())
    _same_data(_found(results, OURS, "update", folder, name), expected)
    _same_data(_found(results, partner, "read", folder, name), expected)


# -- documents and keys ---------------------------------------------------------------


def _files(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def _document(path: Path) -> str:
    """Return a document as text, because NaN is not equal to itself.

    Two differences to zarr-python 2 are wanted, since tensorstore refuses its way: fill
    values of fixed bytes have the length of an element, and zstd has no member
    ``checksum`` that only says that there is none.
    """
    document = json.loads(path.read_text(encoding="utf-8"))
    if path.name == ".zarray":
        compressor, dtype = document["compressor"], document["dtype"]
        if compressor and compressor["id"] == "zstd":
            compressor.setdefault("checksum", False)
        if dtype[:2] == "|S" and document["fill_value"] is not None:
            fill = base64.b64decode(document["fill_value"]).ljust(int(dtype[2:]), b"\0")
            document["fill_value"] = base64.b64encode(fill).decode()
    return json.dumps(document, sort_keys=True, indent=1)


@_cases("everywhere")
def test_documents_and_keys(results: Results, exchange_folder: Path, name: str) -> None:
    for writer in BOTH:
        _found(results, writer, "write", writer, name)
    ours, theirs = (exchange_folder / writer / name for writer in BOTH)
    assert _document(ours / ".zarray") == _document(theirs / ".zarray")
    assert _files(ours) == _files(theirs)


@_cases("everywhere")
def test_chunks_are_counted(results: Results, exchange_folder: Path, name: str) -> None:
    found = _found(results, OURS, "write", OURS, name)
    assert found["nchunks_initialized"] == len(_files(exchange_folder / OURS / name)) - 1


@_cases("has_digest")
def test_digests(results: Results, name: str) -> None:
    ours, theirs = (_found(results, writer, "write", writer, name) for writer in BOTH)
    assert ours["hexdigest"] == theirs["hexdigest"]


def test_hierarchy_documents(results: Results, exchange_folder: Path) -> None:
    for writer in BOTH:
        _found(results, writer, "hierarchy", f"{writer}-tree", "tree")
    ours, theirs = (exchange_folder / f"{writer}-tree" for writer in BOTH)
    assert _files(ours) == _files(theirs)
    for key in sorted(_files(ours)):
        if Path(key).name.startswith(".z"):
            assert (key, _document(ours / key)) == (key, _document(theirs / key))


def test_hierarchy_read_here_and_there(results: Results) -> None:
    ours = _found(results, OURS, "hierarchy", f"{OURS}-tree", "tree")
    assert _found(results, "zarr2", "read_hierarchy", f"{OURS}-tree", "tree") == ours
    assert _found(results, OURS, "read_hierarchy", "zarr2-tree", "tree") == ours
    assert _found(results, "zarr2", "hierarchy", "zarr2-tree", "tree") == ours
