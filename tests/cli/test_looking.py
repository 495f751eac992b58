"""`info`, `ls`, `tree`, `dump`, `attrs`, `stat` and `doctor` on stores of every kind."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

import zarr
from tests.cli.command import run, run_many
from tests.cli.conftest import COUNT, TEMP

pytest.importorskip("click")


def test_info_of_arrays_and_groups(made: Path, names: list[str]) -> None:
    places = [f"{name}{path}" for path in ("/ocean/temp", "") for name in names]
    results = run_many(made, *(["info", "--json", place] for place in places))

    arrays, groups = results[: len(names)], results[len(names) :]
    for name, array, group in zip(names, arrays, groups, strict=True):
        report = array.json
        assert (report["store"], report["path"]) == (name, "/ocean/temp")
        assert report["kind"] == "array"
        assert (report["shape"], report["chunks"]) == ([10, 6, 8], [5, 3, 8])
        assert report["dtype"] == "float32"
        assert report["dimension_names"] == ["time", "lat", "lon"]
        assert report["zarr_format"] == (3 if name == "v3.zarr" else 2)
        assert report["attributes"]["units"] == "K"
        assert group.json["members"] == {"count": "array", "ocean": "group"}
        assert group.json["attributes"]["title"] == "Example"


def test_texts_of_commands_that_look(made: Path) -> None:
    info, verbose, ls, long, tree, level, stat, ranges = run_many(
        made,
        ["info", "v2.zarr/count"],
        ["info", "-v", "v2.zarr/ocean/temp"],
        ["ls", "-r", "data.zip"],
        ["ls", "-l", "v3.zarr/count"],
        ["tree", "data.n5"],
        ["tree", "-L", "1", "data.n5"],
        ["stat", "v2.zarr/count"],
        ["stat", "--range", "data.sqlite"],
    )

    assert ["chunks", ":", "(7,)"] in info.lines
    assert ["attribute", "units", ":", "K"] in verbose.lines
    assert ls.lines == [
        ["array", "20", "int32", "count"],
        ["group", "ocean"],
        ["array", "10x6x8", "float32", "ocean/temp"],
    ]
    assert long.lines[0][:5] == ["array", "20", "int32", "7", "bytes,blosc(lz4)"]
    assert tree.out == ("/\n ├── count (20,) int32\n └── ocean\n     └── temp (10, 6, 8) float32\n")
    assert level.out == "/\n ├── count (20,) int32\n └── ocean\n"
    assert stat.lines[0] == ["bytes", "stored", "ratio", "chunks", "name"]
    assert stat.lines[1][3:] == ["3/3", "count"]
    assert ranges.lines[1][3:] == ["3/3", "0", "19", "0", "count"]
    assert ranges.lines[2][3:] == ["4/4", "0.0", "1.0", "0", "ocean/temp"]


def test_json_of_commands_that_look(made: Path, names: list[str]) -> None:
    commands = ["ls", "-rl"], ["tree"], ["stat", "--range"]
    results = run_many(made, *([*c, "--json", name] for name in names for c in commands))

    for ls, tree, stat in zip(results[::3], results[1::3], results[2::3], strict=True):
        assert [entry["name"] for entry in ls.json] == ["count", "ocean", "ocean/temp"]
        assert ls.json[2]["nbytes"] == TEMP.nbytes
        assert [member["kind"] for member in tree.json["members"]] == ["array", "group"]
        count, temp = stat.json["arrays"]
        assert (count["nchunks"], count["nchunks_initialized"]) == (3, 3)
        assert (temp["min"], temp["max"], temp["NaN"]) == (0.0, 1.0, 0)
        assert stat.json["total"]["nbytes"] == TEMP.nbytes + COUNT.nbytes


def test_range_leaves_out_nan_and_tells_missing_chunks(tmp_path: Path) -> None:
    z = zarr.open(str(tmp_path / "z.zarr"), mode="w", shape=10, chunks=2, dtype="f8")
    z[:3] = [np.nan, -3, 5]

    (stat,) = run_many(tmp_path, ["stat", "--range", "--json", "z.zarr"])

    (entry,) = stat.json["arrays"]
    assert (entry["nchunks"], entry["nchunks_initialized"]) == (5, 2)
    assert (entry["min"], entry["max"], entry["NaN"]) == (-3.0, 5.0, 1)


SELECTIONS = {
    "[0, :2]": np.s_[0, :2],
    "0,:2": np.s_[0, :2],
    "time=0, lat=:2": np.s_[0, :2],
    "lon=-1,time=::3": np.s_[::3, :, -1],
    "[..., 1:3]": np.s_[..., 1:3],
    "[-1]": np.s_[-1],
    "lat=[0,3,5],time=9": np.s_[9, [0, 3, 5]],
    "[1:3, [0, 5]]": np.s_[1:3, [0, 5]],
}


def test_dump_takes_numpy_slices_and_names_of_dimensions(made: Path, names: list[str]) -> None:
    commands = [
        ["dump", f"{name}/ocean/temp", text, "--json"] for name in names for text in SELECTIONS
    ]
    expected = [TEMP[selection] for selection in SELECTIONS.values()] * len(names)

    for result, values in zip(run_many(made, *commands), expected, strict=True):
        np.testing.assert_array_equal(np.array(result.json["values"], "f4"), values)


def test_dump_as_text_shows_both_ends_of_long_axes(made: Path, tmp_path: Path) -> None:
    big = np.arange(3000 * 50).reshape(3000, 50)
    zarr.save(str(tmp_path / "big.zarr"), big)

    few, group, many = run_many(
        tmp_path,
        ["dump", f"{made}/data.zip/count", "[:3]"],
        ["dump", f"{made}/data.zip"],
        ["dump", "big.zarr"],
    )

    assert few.out == "# /count (20,) int32 [:3]\n[0 1 2]\n"
    assert "# /count (20,) int32\n" in group.out
    assert "# /ocean/temp (10, 6, 8) float32\n" in group.out
    with np.printoptions(threshold=0, linewidth=100):
        assert many.out.partition("\n")[2] == f"{big}\n"


def test_dump_refuses(made: Path) -> None:
    results = run_many(
        made,
        ["dump", "v2.zarr/ocean/temp", "--json", "--max-items", "10"],
        ["dump", "v2.zarr/count", "time=1"],
        ["dump", "v2.zarr/ocean/temp", "depth=1"],
        ["dump", "v2.zarr/count", "__import__('os')"],
        ["dump", "v2.zarr/count", "[20]"],
        ["dump", "v2.zarr", "[0]"],
    )

    assert [result.status for result in results] == [2] * 6
    expected = (
        "480 values are more than --max-items 10; select fewer or raise it",
        "has no names of dimensions",
        "'depth' is no dimension of the array; it has time, lat, lon",
        "is not understood",
        "out of bounds",
        "is a group",
    )
    for result, words in zip(results, expected, strict=True):
        assert words in result.err
        assert result.out == ""
        assert "Traceback" not in result.err


def test_attributes_are_shown_and_changed(stores: Path, names: list[str]) -> None:
    (stores / "more.json").write_text(json.dumps({"scale": [1, 2]}))
    results = iter(
        run_many(
            stores,
            *(
                ["attrs", f"{name}/ocean/temp", *rest]
                for name in names
                for rest in (
                    [],
                    ["get", "units"],
                    ["set", "offset=1.5", "units=degree C"],
                    ["merge", "more.json"],
                    ["rm", "offset"],
                    ["--json"],
                    ["get", "unit"],
                    ["set", "offset=2", "--dry-run"],
                    ["get", "scale"],
                )
            ),
        )
    )

    for _ in names:
        shown, one, _, _, _, kept, absent, tried, merged = islice(results, 9)
        assert 'units = "K"' in shown.out
        assert one.out == "K\n"
        left = {k: v for k, v in kept.json.items() if not k.startswith("_")}
        assert left == {"units": "degree C", "scale": [1, 2]}
        assert (absent.status, absent.out) == (1, "")
        assert absent.err == "zarr: no attribute 'unit'; did you mean 'units'?\n"
        assert "offset = 2" in tried.out
        assert json.loads(merged.out) == [1, 2]


def test_wrong_uses_of_attrs(stores: Path) -> None:
    results = run_many(
        stores,
        ["attrs", "v2.zarr", "rm", "titel"],
        ["attrs", "v2.zarr", "set", "title"],
        ["attrs", "v2.zarr", "get"],
    )

    assert [result.status for result in results] == [2, 2, 2]
    assert "did you mean 'title'?" in results[0].err
    assert "'title' is not KEY=VALUE" in results[1].err


def test_nothing_there_is_1_and_trouble_is_2(made: Path) -> None:
    (made / "text.txt").write_text("no store")
    commands = ["info", "ls", "tree", "dump", "attrs", "stat"]
    places = {"v2.zarr/nope": (1, "'nope'"), "nowhere.zarr": (1, "nowhere.zarr")}
    places["text.txt"] = (2, "text.txt")

    results = run_many(made, *([command, place] for command in commands for place in places))

    for result, (status, words) in zip(results, list(places.values()) * 6, strict=True):
        assert (result.status, result.out) == (status, "")
        assert words in result.err
        assert result.err.startswith("zarr: ")
        assert result.err.count("\n") == 1


def test_debug_shows_the_traceback(made: Path) -> None:
    done = run(made, "info", "v2.zarr/nope", "--debug")

    assert done.status == 1
    assert "Traceback" in done.err
    assert "PathNotFoundError" in done.err


def test_damaged_metadata_are_named(stores: Path) -> None:
    (stores / "v2.zarr/count/.zarray").write_text("{")

    ls, info = run_many(stores, ["ls", "v2.zarr"], ["info", "v2.zarr/count"])

    assert ls.status == 0
    assert ls.lines[0][0] == "unreadable"
    assert info.status == 2
    assert "count/.zarray" in info.err


def test_names_cannot_steer_the_terminal(tmp_path: Path) -> None:
    root = zarr.open_group(str(tmp_path / "data.zarr"), mode="w")
    root.zeros("red\x1b[31m", shape=1)
    root.attrs["title"] = "\x9b31m"

    results = run_many(
        tmp_path, ["ls", "data.zarr"], ["tree", "data.zarr"], ["attrs", "data.zarr"],
        ["info", "-v", "data.zarr"],
    )  # fmt: skip

    assert all(result.status == 0 for result in results)
    assert not any({"\x1b", "\x9b"} & set(result.out) for result in results)
    assert "red\\x1b[31m" in results[0].out


def test_doctor(made: Path) -> None:
    plain, full, failed, text = run_many(
        made,
        ["doctor", "--json"],
        ["doctor", "--json", "data.zip/ocean/temp"],
        ["doctor", "--json", "data.zip/nope"],
        ["doctor", "v3.zarr"],
    )

    assert plain.json["packages"]["zarr"]
    assert plain.json["configuration"]["workers"] >= 1
    assert "blosc" in plain.json["codecs"]
    assert all(step["ok"] for step in full.json["steps"])
    assert full.json["steps"][-1]["step"] == "read the first value"
    assert failed.status == 1
    assert [step["ok"] for step in failed.json["steps"]] == [True, True, False]
    assert "ok   list the members: 2" in text.out
