"""Warnings have the classes of the 3.x library, which derive from those that 2.x code filters."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

import zarr
import zarr.registry
from zarr import errors

PACKAGE = Path(zarr.__file__).parent
BUILT_IN = {"Warning", "UserWarning", "RuntimeWarning", "FutureWarning", "DeprecationWarning"}


def outdated_copies() -> None:
    store = zarr.MemoryStore()
    root = zarr.group(store)
    zarr.consolidate_metadata(store)
    root.attrs["a"] = 1
    zarr.open_consolidated(store)


CASES: dict[str, tuple[Callable[[], object], type[Warning], type[Warning]]] = {
    "an unknown argument": (
        lambda: zarr.zeros(3, chunk=2), errors.ZarrUserWarning, UserWarning,
    ),
    "copies out of date": (outdated_copies, errors.ZarrUserWarning, UserWarning),
    "an old name": (zarr.DictStore, errors.ZarrDeprecationWarning, DeprecationWarning),
    "a codec among filters": (
        lambda: zarr.empty(1, dtype=object, filters=[zarr.MsgPack()]),
        errors.ZarrFutureWarning, FutureWarning,
    ),
    "a key that is no string": (
        lambda: zarr.group().attrs.put({1: 2}), errors.ZarrDeprecationWarning, DeprecationWarning,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_code_of_either_generation_filters(case: str) -> None:
    action, newer, older = CASES[case]

    for category in (newer, older):
        with pytest.warns(category) as found:
            action()
        assert {warning.category for warning in found} == {newer}
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", category)
            action()


def test_no_other_class_is_issued() -> None:
    found = []
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", None))
            categories = {a.id for a in node.args if isinstance(a, ast.Name)} & BUILT_IN
            if name in ("warn", "warn_user") and categories:
                found.append(f"{path}:{node.lineno}")

    assert found == []


@pytest.mark.parametrize(
    "form", [{"codec_pipeline.path": "a.B"}, {"codec_pipeline": {"path": "a.B"}}]
)
def test_a_pipeline_of_another_package_is_kept_and_not_used(form: dict[str, object]) -> None:
    with pytest.warns(errors.ZarrUserWarning, match=r"'a\.B' is not used"):
        setting = zarr.config.set(form)
    with setting:
        assert zarr.config.get("codec_pipeline.path") == "a.B"
        with zarr.config.set({"array.order": "F"}):  # warned of once
            assert zarr.array([1, 2, 3])[:].tolist() == [1, 2, 3]


@pytest.mark.parametrize("name", ["BatchedCodecPipeline", "FusedCodecPipeline"])
def test_a_pipeline_of_this_package_can_be_set(name: str) -> None:
    with zarr.config.set({"codec_pipeline.path": f"zarr.core.codec_pipeline.{name}"}):
        assert zarr.registry.get_pipeline_class().__name__ == name
