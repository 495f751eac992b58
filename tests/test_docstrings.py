"""Every public name is documented completely: parameters, return value, an example.

CONTRIBUTING.md describes the rules for authors:

- *Parameters* names exactly the parameters of the signature, each with a type and a text
  (``*args`` and ``**kwargs`` need no type). What returns something has *Returns* or *Yields*.
  *Raises* names built-in errors or those of `zarr.errors`.
- A method without a docstring has that of the method which it overrides, and its parameters.
- A class without a constructor of its own has the parameters that its base class documents.
- A docstring may refer to another one for what is the same there, by a sentence of this form:
  "The parameters, return value and errors are those of :func:`zarr.copy`." It then leaves out
  the sections that the sentence names, and the other one has to document them.
- What `zarr` exports, the methods of arrays, groups and attributes, and every way to select
  elements have *Examples*.
"""

from __future__ import annotations

import builtins
import dataclasses
import importlib
import inspect
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import zarr
import zarr.testing
from zarr import errors
from zarr.config import Config

griffe = pytest.importorskip("griffe")

PACKAGE = Path(zarr.__file__).parent
MODULES = """
    zarr zarr.config zarr.convenience zarr.creation zarr.hierarchy zarr.n5 zarr.storage
    zarr.testing zarr.abc.buffer zarr.abc.codec zarr.abc.metadata zarr.abc.numcodec zarr.abc.store
    zarr.api.asynchronous zarr.api.synchronous zarr.buffer zarr.buffer.cpu zarr.codecs.numcodecs
    zarr.dtype zarr.metadata.migrate_v3 zarr.registry zarr.types"""
"""Modules whose `__all__` is public."""

OTHERS = """
    zarr.AsyncArray zarr.AsyncGroup zarr.append zarr.attrs.Attributes zarr.check zarr.core.Array
    zarr.diff zarr.digest
    zarr.drop_snapshot zarr.manifest zarr.open_snapshot zarr.rechunk zarr.recover
    zarr.restore_snapshot zarr.seal zarr.snapshot zarr.snapshots
    zarr.storage.snapshots.Snapshot zarr.sync.ProcessSynchronizer zarr.sync.Synchronizer
    zarr.sync.ThreadSynchronizer zarr.tools.check_report.Code
    zarr.tools.check_report.Finding zarr.tools.check_report.Fix
    zarr.tools.check_report.Report zarr.tools.diff.Diff zarr.tools.diff.Difference
    zarr.tools.rechunk.ArrayPlan zarr.tools.rechunk.Rechunked zarr.tools.rechunk.Plan
    zarr.tools.rechunk.Stage zarr.tools.seal.Sealed zarr.tools.traffic.Traffic
    zarr.tools.traffic.VerbCount zarr.tools.transaction.Transaction zarr.traffic
    zarr.transaction zarr.unseal zarr.vacuum"""
"""Public names of other modules."""

SELECTING = re.compile(r"\.(([gs]et_\w+_selection)|oindex|vindex|blocks|islice|__[gs]etitem__)$")
REFERENCE = re.compile(
    r"(?P<what>[^.:]*?) are those of (?::\w+:)?`(?P<name>[\w.]+)`", re.IGNORECASE
)


class Documented(NamedTuple):
    """A public object, and the class that it is a member of, if it is one."""

    value: Any
    owner: type | None = None


# -- what is public ------------------------------------------------------------------------


def is_ours(value: Any) -> bool:
    return str(getattr(value, "__module__", "")).partition(".")[0] == "zarr"


def is_class(value: Any) -> bool:
    return isinstance(value, type) and is_ours(value)


def exported() -> Iterator[tuple[str, Any]]:
    for module in map(importlib.import_module, MODULES.split()):
        for name in module.__all__:
            value = getattr(module, name)
            if is_ours(value) and callable(value):
                yield f"{module.__name__}.{name}", value


def classes_in(module: Any) -> Iterator[tuple[str, Any]]:
    for name, value in vars(module).items():
        if is_class(value) and not name.startswith("_"):
            yield f"{module.__name__}.{name}", value


def codecs_for_format_3() -> Iterator[tuple[str, Any]]:
    for name, value in classes_in(zarr.codecs):
        if dataclasses.is_dataclass(value) or issubclass(value, Enum):
            yield name, value


def returned() -> Iterator[tuple[str, Any]]:
    """Yield classes whose objects users receive, and whose names they do not need to know."""
    z = zarr.zeros(1)
    cost = z.explain[:]
    for value in (
        z.appender(), z.blocks, z.explain, cost, cost.requests[0], z.info, z.oindex, z.vindex,
        zarr.group().tree(),
    ):  # fmt: skip
        yield type(value).__name__, type(value)


def resolve(dotted: str) -> Any:
    """Return the object of that name; its module is the longest part that can be imported."""
    parts = dotted.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:count]))
        except ModuleNotFoundError:
            continue
        for part in parts[count:]:
            found = getattr(found, part)
        return found
    raise LookupError(dotted)


def members(name: str, owner: type) -> Iterator[tuple[str, Documented]]:
    if issubclass(owner, Enum):
        return
    for attribute in dir(owner):
        value = inspect.getattr_static(owner, attribute)
        is_member = inspect.isroutine(value) or isinstance(value, (property, classmethod))
        inherited = not any(attribute in vars(base) for base in owner.__mro__ if is_ours(base))
        if not is_member or inherited or attribute.startswith("test_"):
            continue  # the name of a test says what holds
        if not attribute.startswith("_") or (selects(owner) and SELECTING.search(f".{attribute}")):
            yield f"{name}.{attribute}", Documented(value, owner)


def selects(owner: type) -> bool:
    return owner.__name__ in ("Array", "BlockIndex", "OIndex", "VIndex")


def public_names() -> dict[str, Documented]:
    """Return every public object once, by the first name that it has."""
    found = dict(exported())
    found |= dict(codecs_for_format_3()) | dict(classes_in(errors)) | dict(returned())
    found |= {name: resolve(name) for name in OTHERS.split()}
    names: dict[int, str] = {}
    for name, value in found.items():
        names.setdefault(id(value), name)
    result = {name: Documented(found[name]) for name in names.values()}
    for name, (value, _) in list(result.items()):
        if isinstance(value, type):
            result |= members(name, value)
    return result


NAMES = public_names()


# -- what is documented --------------------------------------------------------------------


def docstring(name: str, documented: Documented) -> str:
    """Return the docstring, for a method without one that of the method which it overrides."""
    value, owner = documented
    if owner is None:
        return inspect.getdoc(value) or ""
    attribute = name.rpartition(".")[2]
    bases = (vars(base) for base in owner.__mro__ if is_ours(base))
    found = (inspect.getdoc(own[attribute]) for own in bases if attribute in own)
    return next(filter(None, found), "")


def has_docstring_of_another(documented: Documented) -> bool:
    return documented.owner is not None and not getattr(documented.value, "__doc__", None)


def sections(text: str) -> dict[str, Any]:
    parsed = griffe.Docstring(text).parse("numpy", warnings=False)
    return {section.kind.value: section.value for section in parsed}


def left_to_another(name: str, text: str, what: str) -> dict[str, Any]:
    """Return the sections of the docstring to which this one refers for `what`."""
    for match in REFERENCE.finditer(" ".join(text.split())):
        if what not in match["what"].lower():
            continue
        own = f"{name.rpartition('.')[0]}.{match['name']}"
        full = match["name"] if match["name"].startswith("zarr.") else own
        return sections(inspect.getdoc(resolve(full)) or "")
    return {}


def described(found: dict[str, Any]) -> dict[str, Any]:
    return {
        entry.name: entry
        for kind in ("parameters", "other parameters")
        for entry in found.get(kind, [])
    }


def parameters(documented: Documented) -> Iterator[str]:
    value, owner = documented
    function = value.__func__ if isinstance(value, (classmethod, staticmethod)) else value
    found = list(inspect.signature(function).parameters.values())
    is_bound = owner is not None and not isinstance(value, staticmethod)
    for parameter in found[is_bound:]:
        stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}
        yield stars.get(parameter.kind, "") + parameter.name


def returns_something(value: Any) -> bool:
    function = value.__func__ if isinstance(value, (classmethod, staticmethod)) else value
    nothing = (None, "None", "NoReturn", "Never", inspect.Signature.empty)
    return inspect.signature(function).return_annotation not in nothing


def constructor(owner: type) -> type | None:
    """Return the class that documents the parameters of `owner`, None if Python has made them."""
    base = next(base for base in owner.__mro__ if "__init__" in vars(base))
    is_special = issubclass(owner, Enum) or getattr(owner, "_is_protocol", False)
    return base if is_ours(base) and not is_special else None


def needs_example(name: str, documented: Documented) -> bool:
    value, owner = documented
    if owner is None:
        is_error = isinstance(value, type) and issubclass(value, Exception)
        return name.count(".") == 1 and not is_error
    if has_docstring_of_another(documented):
        return False
    is_method = not isinstance(value, property)
    of_nodes = owner in (zarr.Array, zarr.Group, zarr.attrs.Attributes)
    return (of_nodes and is_method) or SELECTING.search(name) is not None


# -- faults ----------------------------------------------------------------------------------


def faults(name: str, documented: Documented) -> Iterator[str]:
    text = docstring(name, documented)
    if not text:
        yield "no docstring"
        return
    found = sections(text)
    for error in found.get("raises", []):
        for each in re.findall(r"\w+", str(error.annotation)):
            if not hasattr(errors, each) and not hasattr(builtins, each):
                yield f"there is no error {each}"
    if needs_example(name, documented) and "examples" not in found:
        yield "no example"
    if isinstance(documented.value, property):
        return
    if not isinstance(documented.value, type):
        yield from faults_of_parameters(name, documented, text)
        said = found.keys() & {"returns", "yields"} or left_to_another(name, text, "return value")
        if returns_something(documented.value) and not said:
            yield "does not say what is returned"
    elif owner := constructor(documented.value):
        yield from faults_of_parameters(name, documented, inspect.getdoc(owner) or "")


def faults_of_parameters(name: str, documented: Documented, text: str) -> Iterator[str]:
    found = sections(text)
    own = described(found)
    if dataclasses.is_dataclass(documented.value) and not own:
        own = {entry.name: entry for entry in found.get("attributes", [])}
    wanted = set(parameters(documented))
    if has_docstring_of_another(documented):
        wanted = {parameter for parameter in wanted if not parameter.startswith("*")}
        own = {parameter: entry for parameter, entry in own.items() if parameter in wanted}
    if missing := wanted - own.keys() - described(left_to_another(name, text, "parameters")).keys():
        yield f"parameters without documentation: {sorted(missing)}"
    if unknown := own.keys() - wanted:
        yield f"documented, but not parameters: {sorted(unknown)}"
    for parameter, entry in own.items():
        if not entry.annotation and not parameter.startswith("*"):
            yield f"no type of parameter {parameter}"
        if not entry.description:
            yield f"no text on parameter {parameter}"


@pytest.mark.parametrize("name", NAMES)
def test_public_name_is_documented(name: str) -> None:
    assert list(faults(name, NAMES[name])) == []


def test_public_names_are_found() -> None:
    assert len(NAMES) > 500
    assert {"zarr.zeros", "zarr.Array.oindex", "zarr.storage.ZipStore.close"} <= NAMES.keys()
    assert {"OIndex.__getitem__", "zarr.errors.StoreError", "zarr.config.set"} <= NAMES.keys()


# -- sections of the Zarr specification ------------------------------------------------------

SECTIONS = {
    "2": {
        "Storage", "Arrays", "Data type encoding", "Fill value encoding", "Chunks", "Filters",
        "Logical storage paths", "Groups", "Attributes",
    },
    "3": {
        "Array metadata", "Group metadata", "Node names", "Data types", "Chunk grids",
        "Chunk key encodings", "Chunk encoding", "Abstract store interface", "File system store",
        "Resizing",
    },
}  # fmt: skip
SPECIFIED = """
    zarr.Array zarr.Array.attrs zarr.Array.chunks zarr.Array.compressor zarr.Array.dimension_names
    zarr.Array.dtype zarr.Array.fill_value zarr.Array.filters zarr.Array.order zarr.Array.resize
    zarr.Array.shards zarr.DirectoryStore zarr.Group zarr.Group.attrs zarr.attrs.Attributes
    zarr.consolidate_metadata zarr.convert zarr.create zarr.create_array zarr.create_group
    zarr.group zarr.storage.BaseStore zarr.storage.BaseStore.get_partial_values
    zarr.storage.BaseStore.list_prefix zarr.storage.BaseStore.listdir zarr.storage.BaseStore.rmdir
    zarr.storage.ConsolidatedMetadataStore zarr.storage.contains_array zarr.storage.contains_group
    zarr.storage.init_array zarr.storage.init_group zarr.storage.normalize_storage_path"""
"""Public names that a section of the specification describes."""


def references(text: str) -> str:
    """Return what a docstring has under *References*, in one line."""
    found = re.search(
        r"^References\n-+\n(.*?)(?=^\w[\w ]*\n-+$|\Z)", text, re.DOTALL | re.MULTILINE
    )
    return " ".join(found[1].split()) if found else ""


@pytest.mark.parametrize("name", SPECIFIED.split())
def test_section_of_the_specification_is_named(name: str) -> None:
    assert "Zarr specification" in references(docstring(name, NAMES[name]))


@pytest.mark.parametrize("codec", [cls for _, cls in codecs_for_format_3()])
def test_specification_of_codec_is_named(codec: Any) -> None:
    name = getattr(codec, "name", None)
    if isinstance(name, str):
        assert re.search(
            rf"^Specification: .*version 3, codec ``{name}``", inspect.getdoc(codec) or "",
            re.MULTILINE,
        )  # fmt: skip


def test_sections_that_are_named_exist() -> None:
    texts = [references(docstring(name, documented)) for name, documented in NAMES.items()]

    for text in texts:
        for version, part in re.findall(r"version (\d): ([^;.]*)", text):
            assert set(re.findall(r'"([^"]+)"', part)) <= SECTIONS[version], text


def undocumented(*, chunks: int = 1, **kwargs: Any) -> int:
    """Return a number.

    Parameters
    ----------
    chunks
    shape : int
        Length.
    """
    return chunks + len(kwargs)


def test_faults_are_found() -> None:
    assert list(faults("zarr.undocumented", Documented(undocumented))) == [
        "no example",
        "parameters without documentation: ['**kwargs']",
        "documented, but not parameters: ['shape']",
        "no type of parameter chunks",
        "no text on parameter chunks",
        "does not say what is returned",
    ]


def test_settings_are_documented_with_their_environment_variables() -> None:
    settings = {field.name for field in dataclasses.fields(Config)}
    entries = {entry.name: entry for entry in sections(Config.__doc__ or "")["attributes"]}

    assert entries.keys() == settings
    for name, entry in entries.items():
        assert f"``ZARR_{name.upper()}``" in entry.description, name


def test_only_settings_have_environment_variables() -> None:
    readers = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if re.search(r"\b(environ|getenv)\b", path.read_text(encoding="utf-8"))
    }

    # Those in storage/ read what cloud services define, for servers and keys; the doctor shows
    # all and obeys none.
    cloud = {"storage/addresses.py", "storage/url_options.py"}
    assert readers == {"config.py", "cli/doctor.py"} | cloud
