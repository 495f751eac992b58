"""`cp`, `mv`, `rm`, `convert`, `consolidate`, `import` and `export`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarr
from tests.cli.command import run, run_many
from tests.cli.conftest import COUNT, TEMP

pytest.importorskip("click")


def check(root: Any) -> None:
    """See that a group holds what the fixtures have put into the stores."""
    np.testing.assert_array_equal(root["count"][...], COUNT)
    np.testing.assert_array_equal(root["ocean/temp"][...], TEMP)
    assert root.attrs["title"] == "Example"
    assert root["ocean/temp"].attrs["units"] == "K"
    assert root["ocean/temp"].chunks == (5, 3, 8)


def opened(path: Path) -> Any:
    kinds = {".sqlite": zarr.SQLiteStore, ".lmdb": zarr.LMDBStore}
    kind = kinds.get(path.suffix)
    return zarr.open(str(path) if kind is None else kind(str(path)), mode="r")


def test_any_store_is_copied_to_any_other(made: Path, names: list[str], tmp_path: Path) -> None:
    copies = {
        f"{source}-to-{i}{Path(dest).suffix}": f"{made / source}"
        for source in names
        for i, dest in enumerate(names)
    }

    results = run_many(tmp_path, *(["cp", source, dest] for dest, source in copies.items()))

    assert [(result.status, result.err) for result in results] == [(0, "")] * len(copies)
    for dest in copies:
        check(opened(tmp_path / dest))


def test_copies_keep_the_format_of_what_they_are_copied_into(stores: Path) -> None:
    before = (stores / "v2.zarr/ocean/temp/0.0.0").read_bytes()

    into, keys, group, single = run_many(
        stores,
        ["cp", "v2.zarr/ocean/temp", "v3.zarr/deep/er/"],
        ["cp", "v2.zarr", "copy.zarr", "--json"],
        ["cp", "data.zip/ocean", "v2.zarr/sea"],
        ["cp", "data.n5/count", "single.zarr"],
    )

    assert (into.status, group.status, single.status) == (0, 0, 0)
    assert zarr.open(str(stores / "v3.zarr"), mode="r")["deep/er/temp"].zarr_format == 3
    assert keys.json["nbytes"] > 0
    assert (stores / "copy.zarr/ocean/temp/0.0.0").read_bytes() == before
    np.testing.assert_array_equal(zarr.open(str(stores / "v2.zarr"))["sea/temp"][...], TEMP)
    np.testing.assert_array_equal(zarr.open(str(stores / "single.zarr"))[...], COUNT)


def test_what_exists_at_the_destination(stores: Path) -> None:
    (stores / "half.zarr").mkdir()
    for name in (".zgroup", ".zattrs"):
        (stores / "half.zarr" / name).write_bytes((stores / "v2.zarr" / name).read_bytes())

    refused, replaced, completed, inside = run_many(
        stores,
        ["cp", "v2.zarr/count", "data.zip/ocean/temp"],
        ["cp", "v2.zarr/count", "data.zip/ocean/temp", "--if-exists", "replace"],
        ["cp", "v2.zarr", "half.zarr", "--if-exists", "skip", "--json"],
        ["cp", "v2.zarr", "v2.zarr/ocean/again"],
    )

    assert (refused.status, refused.out) == (2, "")
    assert "'data.zip/ocean/temp' exists; use --if-exists replace or skip" in refused.err
    assert replaced.status == 0
    np.testing.assert_array_equal(opened(stores / "data.zip")["ocean/temp"][...], COUNT)
    assert completed.json["skipped"] == 2
    check(zarr.open(str(stores / "half.zarr")))
    assert inside.status == 2
    assert "at or below" in inside.err


def test_a_folder_with_other_things_does_not_become_a_store(stores: Path) -> None:
    (stores / "papers").mkdir()
    (stores / "papers/thesis.txt").write_text("all my work")

    made, taken, loaded, into = run_many(
        stores,
        ["export", "v2.zarr/count", "count.npy"],
        ["cp", "v2.zarr", "papers"],
        ["import", "count.npy", "papers"],
        ["cp", "v2.zarr", "papers/"],
    )

    assert (made.status, taken.status, loaded.status, into.status) == (0, 2, 2, 0)
    assert "'papers' is a folder with other things in it" in taken.err
    assert sorted(path.name for path in (stores / "papers").iterdir()) == ["thesis.txt", "v2.zarr"]
    check(zarr.open(str(stores / "papers/v2.zarr")))


def listing(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_dry_runs_change_nothing(stores: Path) -> None:
    pytest.importorskip("h5py")
    before = listing(stores)
    commands = [
        ["cp", "v2.zarr", "new.zip"],
        ["cp", "v2.zarr/count", "v3.zarr/new/count"],
        ["cp", "v2.zarr", "v3.zarr", "--if-exists", "replace"],
        ["mv", "v2.zarr/count", "data.zip/counted"],
        ["rm", "-r", "v2.zarr", "data.n5/ocean"],
        ["convert", "v2.zarr", "--to", "3"],
        ["convert", "v2.zarr", "new.zarr", "--to", "3"],
        ["consolidate", "v2.zarr"],
        ["export", "v2.zarr", "new.h5"],
        ["export", "v2.zarr/count", "new.npy"],
        ["export", "v2.zarr", "new.npz"],
        ["attrs", "v2.zarr", "set", "a=1"],
    ]

    results = run_many(stores, *([*command, "--dry-run"] for command in commands))

    assert [(result.status, result.err) for result in results] == [(0, "")] * len(commands)
    assert all(result.out for result in results)
    assert listing(stores) == before


def test_moving(stores: Path) -> None:
    renamed, away, whole, root, missing, taken = run_many(
        stores,
        ["mv", "v2.zarr/count", "v2.zarr/ocean/"],
        ["mv", "v2.zarr/ocean/count", "data.sqlite/counted", "--yes", "--json"],
        ["mv", "data.zip", "moved.zip"],
        ["mv", "v3.zarr", "v3.zarr/ocean/all"],
        ["mv", "v3.zarr/nope", "v3.zarr/other"],
        ["mv", "v3.zarr/count", "v3.zarr/ocean"],
    )

    assert (renamed.status, renamed.out, renamed.err) == (0, "", "")
    assert away.json == {
        "source": "v2.zarr/ocean/count", "dest": "data.sqlite/counted", "renamed": False,
        "dry_run": False,
    }  # fmt: skip
    assert sorted(zarr.open(str(stores / "v2.zarr"))["ocean"]) == ["temp"]
    np.testing.assert_array_equal(opened(stores / "data.sqlite")["counted"][...], COUNT)
    assert whole.status == 0
    assert not (stores / "data.zip").exists()
    check(opened(stores / "moved.zip"))
    assert [result.status for result in (root, missing, taken)] == [2, 2, 2]
    check(zarr.open(str(stores / "v3.zarr")))


def test_deleting_asks_unless_it_is_told(stores: Path, names: list[str]) -> None:
    no = run(stores, "rm", "v2.zarr/count", stdin="n\n")
    yes = run(stores, "rm", "v2.zarr/count", stdin="y\n")
    refused, *deleted = run_many(
        stores,
        ["rm", "v2.zarr", "--yes"],
        *(["rm", f"{name}/ocean", "-r", "--yes", "--json"] for name in names),
    )

    assert no.status == 1
    assert "Delete the array v2.zarr/count ((20,) int32)? [y/N]" in no.err
    assert "--yes" in no.err
    assert yes.status == 0
    assert "is a group with members; use --recursive" in refused.err
    for result in deleted:
        (entry,) = result.json["deleted"]
        assert (entry["arrays"], entry["groups"]) == (1, 1)
    assert list(zarr.open(str(stores / "v2.zarr"))) == []

    run_many(stores, ["rm", "-r", "--yes", *names])
    assert [name for name in names if (stores / name).exists()] == []


def test_converting_and_consolidating(stores: Path) -> None:
    there, back, apart, consolidated, other = run_many(
        stores,
        ["convert", "v2.zarr", "--to", "3", "--json"],
        ["convert", "v2.zarr", "--to", "2", "-v"],
        ["convert", "data.zip", "three.zarr", "--to", "3"],
        ["consolidate", "v2.zarr", "--json"],
        ["consolidate", "three.zarr"],
    )

    assert there.json == {"copied": 4, "skipped": 0, "nbytes": 0, "dry_run": False}
    assert "convert /ocean/temp" in back.out
    assert apart.status == 0
    assert zarr.open(str(stores / "three.zarr")).zarr_format == 3
    assert consolidated.json == {"arrays": 2, "groups": 2, "dry_run": False}
    assert other.out == "put the metadata of 2 arrays and 2 groups together\n"
    for name in ("v2.zarr", "three.zarr"):
        check(zarr.open_consolidated(str(stores / name)))


def test_hdf5_is_read_and_written(stores: Path) -> None:
    h5py = pytest.importorskip("h5py")

    results = run_many(
        stores,
        ["export", "v3.zarr", "out.h5"],
        ["import", "out.h5", "back.zarr", "--format", "3"],
        ["import", "out.h5/ocean/temp", "temp.zarr", "--chunks", "time=2,lat=4"],
        ["import", "out.h5", "x.zarr", "--chunks", "2"],
        ["export", "v3.zarr", "out.h5"],
        ["export", "v3.zarr/count", "out.h5", "--overwrite"],
        ["cp", "out.h5", "from.zip"],
        ["ls", "out.h5"],
        ["info", "out.h5/count", "--json"],
    )

    assert [result.status for result in results] == [0, 0, 0, 2, 2, 0, 0, 0, 0]
    back = zarr.open(str(stores / "back.zarr"))
    check(back)
    assert back["ocean/temp"].dimension_names == ("time", "lat", "lon")
    assert zarr.open(str(stores / "temp.zarr")).chunks == (2, 4, 8)
    assert "'out.h5' exists; use --overwrite" in results[4].err
    with h5py.File(stores / "out.h5") as file:
        np.testing.assert_array_equal(file["count"][...], COUNT)
    np.testing.assert_array_equal(opened(stores / "from.zip")["count"][...], COUNT)
    assert results[7].lines == [["array", "20", "int32", "count"]]
    assert results[8].json["codecs"] == [{"id": "gzip"}]


def test_files_of_numpy_are_read_and_written(stores: Path) -> None:
    np.save(stores / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)

    results = run_many(
        stores,
        ["export", "data.n5/ocean/temp", "temp.npy"],
        ["export", "data.zip/ocean/temp", "part.npy", "time=0,lat=:2"],
        ["export", "v2.zarr/ocean", "ocean.npz", "--json"],
        ["import", "temp.npy", "temp.zarr", "--chunks", "5,6,4"],
        ["import", "ocean.npz", "v3.zarr/more"],
        ["import", "temp.npy", "temp.zarr"],
        ["import", "objects.npy", "objects.zarr"],
        ["export", "v2.zarr", "all.npy"],
        ["export", "v2.zarr", "all.csv"],
        ["export", "v2.zarr", "all.zip"],
        ["import", "temp.npy", "other.zarr", "--json"],
    )

    assert [result.status for result in results] == [0, 0, 0, 0, 0, 2, 2, 2, 2, 0, 0]
    assert results[10].json["copied"] == 1
    np.testing.assert_array_equal(np.load(stores / "temp.npy"), TEMP)
    np.testing.assert_array_equal(np.load(stores / "part.npy"), TEMP[0, :2])
    assert results[2].json["copied"] == 1
    z = zarr.open(str(stores / "temp.zarr"))
    assert z.chunks == (5, 6, 4)
    np.testing.assert_array_equal(z[...], TEMP)
    more = zarr.open(str(stores / "v3.zarr"))["more/temp"]
    assert more.zarr_format == 3
    np.testing.assert_array_equal(more[...], TEMP)
    assert "use --if-exists" in results[5].err
    assert "pickle" in results[6].err
    assert not (stores / "all.npy").exists()
    assert not list(stores.glob(".zarr-*"))
    check(opened(stores / "all.zip"))


def test_urls_are_locations(stores: Path) -> None:
    pytest.importorskip("fsspec")
    base = stores.as_uri()

    info, copied, archive, deleted, ls = run_many(
        stores,
        ["info", "--json", f"{base}/v3.zarr/ocean/temp", "--storage-option", "auto_mkdir=true"],
        ["cp", f"{base}/v2.zarr", f"{base}/copy.zarr"],
        ["info", "--json", f"{base}/data.zip/count"],
        ["rm", "-r", "--yes", f"{base}/copy.zarr/ocean"],
        ["ls", f"{base}/copy.zarr"],
    )

    assert info.json["shape"] == [10, 6, 8]
    assert (info.json["store"], info.json["path"]) == (f"{base}/v3.zarr", "/ocean/temp")
    assert copied.status == 0
    assert archive.json["shape"] == [20]
    assert deleted.status == 0
    assert ls.lines == [["array", "20", "int32", "count"]]


def test_workers_and_storage_options_are_checked(made: Path) -> None:
    none, pair = run_many(
        made,
        ["ls", "v2.zarr", "--workers", "0"],
        ["ls", "v2.zarr", "--storage-option", "anon"],
    )

    assert (none.status, pair.status) == (2, 2)
    assert "KEY=VALUE" in pair.err


@pytest.mark.parametrize("name", ["v2.zarr", "v3.zarr"])
def test_commands_say_what_consolidated_metadata_are_out_of_date(stores: Path, name: str) -> None:
    groups = [name] if name == "v2.zarr" else [f"{name}/ocean", name]
    for path in [group[len(name) + 1 :] for group in groups]:
        zarr.consolidate_metadata(str(stores / name), path=path)

    tried, copied, moved, removed, again, other, whole = run_many(
        stores,
        ["rm", f"{name}/count", "--dry-run"],
        ["cp", f"{name}/count", f"{name}/ocean/copy", "--json"],
        ["mv", f"{name}/ocean/copy", f"{name}/copy"],
        ["rm", f"{name}/ocean/temp", "--yes"],
        ["consolidate", name],
        ["cp", f"{name}/count", "data.zip/copy"],
        ["cp", name, "whole.zarr"],
    )

    assert tried.err == other.err == whole.err == ""
    assert ("not part of the Zarr format 3 specification" in again.err) == (name == "v3.zarr")
    for result in (copied, moved, removed):
        assert result.status == 0
        assert [line.split(" are ")[0] for line in result.err.splitlines()] == [
            f"zarr: warning: the consolidated metadata of {group}" for group in groups
        ]
    assert copied.json["copied"] > 0


def test_rechunk_and_resumable_copies(stores: Path) -> None:
    plan, done, again, packed, copied, wrong, unnamed = run_many(
        stores,
        ["rechunk", "v2.zarr", "r.zarr", "--chunks", "time=12", "--dry-run"],
        ["rechunk", "v2.zarr", "r.zarr", "--chunks", "time=12,lat=1", "--json"],
        ["rechunk", "v2.zarr", "r.zarr", "--chunks", "time=12,lat=1"],
        ["rechunk", "v3.zarr/ocean/temp", "s.zarr", "--shards", "10,6,8", "--compressor", "zlib",
         "--memory", "1MB", "--verify", "all", "--executor", "processes"],
        ["cp", "v2.zarr", "copy.zarr", "--resume", "--executor", "threads"],
        ["rechunk", "v2.zarr", "w.zarr", "--executor", "gpu"],
        ["rechunk", "v2.zarr", "w.zarr", "--chunks", "12"],
    )  # fmt: skip

    assert "*direct" in plan.out and not (plan.status or (stores / "w.zarr").exists())
    assert done.json["blocks"] > 0 and done.json["found"] == 0
    root = zarr.open(str(stores / "r.zarr"), mode="r")
    np.testing.assert_array_equal(root["ocean/temp"][...], TEMP)
    assert root["ocean/temp"].chunks != (5, 3, 8)
    assert again.status == 2 and "replace it with overwrite=True" in again.err
    assert packed.status == 0 and packed.out.startswith("1 block copied")
    np.testing.assert_array_equal(zarr.open(str(stores / "s.zarr"), mode="r")[...], TEMP)
    assert zarr.open(str(stores / "s.zarr"), mode="r").shards == (10, 6, 8)
    assert copied.status == 0
    check(opened(stores / "copy.zarr"))
    assert wrong.status == 2 and "threads, processes and dask://HOST:PORT" in wrong.err
    assert unnamed.status == 2 and "name dimensions" in unnamed.err


def test_rechunk_in_place(stores: Path) -> None:
    plan, done, same, both, neither = run_many(
        stores,
        ["rechunk", "v3.zarr/ocean/temp", "--in-place", "--chunks", "time=12,lat=1", "--dry-run"],
        ["rechunk", "v3.zarr/ocean", "--in-place", "--chunks", "time=12,lat=1"],
        ["rechunk", "v3.zarr/ocean", "v3.zarr/ocean", "--chunks", "time=1"],
        ["rechunk", "v3.zarr", "other.zarr", "--in-place"],
        ["rechunk", "v3.zarr"],
    )

    assert "*direct" in plan.out
    assert done.status == 0 and "1 block copied" in done.out
    made = zarr.open(str(stores / "v3.zarr"), mode="r")["ocean/temp"]
    assert made.chunks == (12, 1, 8) and np.array_equal(made[...], TEMP)
    assert zarr.check(str(stores / "v3.zarr")).ok
    assert same.status == 2 and "--in-place replaces it" in same.err
    for wrong in (both, neither):
        assert wrong.status == 2 and "give either DEST or --in-place" in wrong.err


def test_rechunk_from_hdf5(stores: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(stores / "t.h5", "w") as file:
        file.create_dataset("a/t", data=TEMP, chunks=(1, *TEMP.shape[1:]))

    whole, one = run_many(
        stores,
        ["rechunk", "t.h5", "t.zarr", "--executor", "processes"],
        ["rechunk", "t.h5/a/t", "one.zarr", "--chunks", "12,1,8"],
    )

    assert (whole.status, one.status) == (0, 0), whole.err + one.err
    np.testing.assert_array_equal(zarr.open(str(stores / "t.zarr"))["a/t"][...], TEMP)
    assert zarr.open(str(stores / "one.zarr")).chunks == (12, 1, 8)
