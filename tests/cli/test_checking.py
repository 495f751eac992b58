"""`check`, `repair`, `vacuum`, `diff`, `digest` and `explain`."""

from __future__ import annotations

from pathlib import Path

import pytest

import zarr
from tests.cli.command import run_many
from tests.cli.conftest import COUNT

pytest.importorskip("click")


def test_intact_stores_have_no_errors(made: Path, names: list[str]) -> None:
    results = run_many(made, *(["check", name, "--json"] for name in names))

    for result in results:
        assert (result.status, result.err) == (0, "")
        assert result.json["ok"]
        assert (result.json["arrays"], result.json["level"]) == (2, "data")


def test_damage_is_found_and_mended(stores: Path) -> None:
    (stores / "v2.zarr/count/9").write_bytes(b"left")
    (stores / "v2.zarr/count/1").write_bytes(b"damaged")

    keys, data, tried, spared, mended, left, text, absent, unknown = run_many(
        stores,
        ["check", "v2.zarr", "--level", "keys", "--json"],
        ["check", "v2.zarr", "--json"],
        ["check", "v2.zarr", "--fix", "K002", "--dry-run", "--age", "0"],
        ["check", "v2.zarr", "--fix", "K002", "--yes"],
        ["check", "v2.zarr", "--fix", "K002,C002", "--age", "0", "--quarantine", "--json"],
        ["check", "v2.zarr", "--json"],
        ["check", "v2.zarr/ocean"],
        ["check", "v2.zarr/nope"],
        ["check", "v2.zarr", "--fix", "X999", "--yes"],
    )

    assert (keys.status, keys.json["counts"]) == (0, {"K002": 1})
    assert (data.status, data.json["counts"]) == (1, {"C002": 1, "K002": 1})
    assert (tried.status, spared.status) == (1, 1)
    assert mended.json["ok"]
    assert {fix["code"] for fix in mended.json["fixes"] if fix["done"]} == {"C002", "K002"}
    assert left.status == 0
    assert text.out.startswith("0 errors")
    assert (absent.status, unknown.status) == (2, 2)
    assert "X999" in unknown.err
    assert not (stores / "v2.zarr/count/9").exists()


def test_vacuum(stores: Path) -> None:
    (stores / "v2.zarr/count/9").write_bytes(b"left")

    tried, young, done = run_many(
        stores,
        ["vacuum", "v2.zarr", "--dry-run", "--age", "0"],
        ["vacuum", "v2.zarr", "--yes"],
        ["vacuum", "v2.zarr", "--yes", "--age", "0", "--json"],
    )

    assert "4 bytes would be freed" in tried.out
    assert young.status == 0
    assert "0 bytes freed" in young.out
    assert done.json["freed"] == 4
    assert not (stores / "v2.zarr/count/9").exists()


def test_diff_has_the_exit_status_of_diff(stores: Path) -> None:
    z = zarr.open(str(stores / "v2.zarr"))
    z["count"][3] = -1
    z["ocean/temp"].attrs["units"] = "degC"

    same, other, quiet, data, near, trouble, as_json = run_many(
        stores,
        ["diff", "data.zip/count", "v3.zarr/count"],
        ["diff", "v2.zarr", "data.zip"],
        ["diff", "-q", "v2.zarr/count", "data.zip/count"],
        ["diff", "--data-only", "v2.zarr/ocean/temp", "data.n5/ocean/temp"],
        ["diff", "--atol", "4", "v2.zarr/count", "data.zip/count"],
        ["diff", "v2.zarr", "nowhere.zarr"],
        ["diff", "--json", "v2.zarr/count", "data.sqlite/count"],
    )

    assert same.status == 0
    assert other.status == 1
    assert "count" in other.out
    assert "units" in other.out
    assert (quiet.status, quiet.out) == (1, "")
    assert (data.status, near.status) == (0, 0)
    assert (trouble.status, trouble.out) == (2, "")
    assert as_json.status == 1
    assert as_json.json["equal"] is False


def test_digest_does_not_depend_on_the_store(made: Path, names: list[str]) -> None:
    places = [f"{name}/count" for name in names]

    as_json, text, wrong = run_many(
        made,
        ["digest", "--json", *places],
        ["digest", *places],
        ["digest", "v2.zarr", "--algorithm", "crc7"],
    )

    expected = zarr.digest(COUNT)
    assert as_json.json["digests"] == dict.fromkeys(places, expected)
    assert text.lines == [[expected, place] for place in places]
    assert wrong.status == 2
    assert "crc7" in wrong.err


def test_seal(stores: Path) -> None:
    sealed, again, checked, listed, bag, dandi = run_many(
        stores,
        ["seal", "v2.zarr"],
        ["seal", "v2.zarr/count", "--algorithm", "sha256", "--json"],
        ["check", "v2.zarr", "--level", "seal", "--json"],
        ["seal", "v2.zarr", "--export", "sha256sum"],
        ["seal", "v2.zarr", "--export", "bagit", "--json"],
        ["seal", "v2.zarr", "--export", "dandi"],
    )

    assert (sealed.status, sealed.err) == (0, "")
    assert sealed.out.startswith("sealed 2 arrays and ")
    assert (again.json["arrays"], again.json["groups"]) == (1, 0)
    assert (checked.status, checked.json["level"], checked.json["findings"]) == (0, "seal", [])
    assert "  count/__seal/.zarray\n" in listed.out
    assert "  data/count/.zarray\n" in bag.json["manifest"]
    assert dandi.out.strip() == zarr.manifest(str(stores / "v2.zarr"), kind="dandi")

    (stores / "v2.zarr/count/1").write_bytes(b"damaged")
    found, refused, forced, undone, plain, both = run_many(
        stores,
        ["check", "v2.zarr/count", "--level", "seal"],
        ["seal", "v2.zarr"],
        ["seal", "v2.zarr", "--overwrite"],
        ["seal", "v2.zarr", "--unseal"],
        ["check", "v2.zarr", "--level", "keys", "--json"],
        ["seal", "v2.zarr", "--unseal", "--export", "dandi"],
    )
    assert found.status == 1
    assert "X001" in found.out
    assert refused.status == 2
    assert "count/1" in refused.err
    assert forced.status == undone.status == 0
    assert undone.out.startswith("unsealed 2 arrays")
    assert plain.json["findings"] == []
    assert both.status == 2
    assert not list(stores.rglob("__seal"))


def test_seal_elsewhere(stores: Path) -> None:
    absent, foreign = run_many(stores, ["seal", "v2.zarr/nope"], ["seal", "data.h5"])

    assert (absent.status, foreign.status) == (2, 2)


def test_repair_mends_errors_and_warnings(stores: Path) -> None:
    (stores / "v2.zarr/count/9").write_bytes(b"left")
    (stores / "v2.zarr/count/1").write_bytes(b"damaged")

    tried, asked, named, mended, left, as_json, unknown, absent = run_many(
        stores,
        ["repair", "v2.zarr", "--dry-run", "--age", "0", "--json"],
        ["repair", "v2.zarr", "--age", "0"],
        ["repair", "v2.zarr", "--fix", "K002", "--age", "0", "--yes"],
        ["repair", "v2.zarr", "--age", "0", "--quarantine"],
        ["repair", "v2.zarr"],
        ["repair", "v2.zarr", "--json"],
        ["repair", "v2.zarr", "--fix", "X999", "--yes"],
        ["repair", "nowhere.zarr"],
    )

    assert (tried.status, tried.json["dry_run"]) == (1, True)
    assert {fix["code"] for fix in tried.json["fixes"]} == {"C002", "K002"}
    assert (asked.status, "Mend C002, K002" in asked.err) == (1, True)
    assert (named.status, "deleted" in named.out) == (1, True)
    assert (mended.status, (stores / "v2.zarr/count/__quarantine").is_dir()) == (0, True)
    assert (left.status, left.out[:8]) == (0, "0 errors")
    assert as_json.json["findings"] == []
    assert (unknown.status, absent.status) == (2, 2)


def test_repair_asks_what_stays_of_two_nodes(stores: Path) -> None:
    text = (stores / "v3.zarr/count/zarr.json").read_text()
    (stores / "v2.zarr/count/zarr.json").write_text(text)

    unsaid, said = run_many(
        stores,
        ["repair", "v2.zarr", "--yes", "--age", "0"],
        ["repair", "v2.zarr", "--yes", "--age", "0", "--keep", "2"],
    )

    assert (unsaid.status, "M004" in unsaid.out) == (1, True)
    assert said.status == 0
    assert not (stores / "v2.zarr/count/zarr.json").exists()


def test_explain(made: Path) -> None:
    text, named, as_json, sized, listed, group, absent, outside = run_many(
        made,
        ["explain", "v3.zarr/ocean/temp", "[0, :2]"],
        ["explain", "v3.zarr/ocean/temp", "time=0, lat=:2", "--json"],
        ["explain", "v2.zarr/count", "--json"],
        ["explain", "v2.zarr/count", "[3]", "--sizes", "--json"],
        ["explain", "v2.zarr/count", "[[3, 19]]", "--json"],
        ["explain", "v2.zarr"],
        ["explain", "v2.zarr/nope"],
        ["explain", "v2.zarr/count", "[99]"],
    )

    assert text.status == 0
    assert ["chunks", ":", "1"] in text.lines
    assert named.json["selected_bytes"] == 2 * 8 * 4
    assert (as_json.json["chunks"], as_json.json["exact"]) == (3, False)
    assert sized.json["exact"]
    assert sized.json["stored_bytes"] == (made / "v2.zarr/count/0").stat().st_size
    assert listed.json["chunks"] == 2
    assert (group.status, "no Zarr array" in group.err) == (2, True)
    assert (absent.status, outside.status) == (1, 2)
