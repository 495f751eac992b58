"""What the pages for users of zarr-python 2 and 3 say, as code that each library runs.

Run as a program, it reads a JSON object of code by name from the standard input, runs each in a
folder of its own, and writes what came out to the standard output.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import tempfile
import warnings
from typing import NamedTuple

__all__ = ["CLAIMS", "Claim"]

ZARR2, ZARR3 = "zarr2", "newest"


class Claim(NamedTuple):
    """A sentence of a page, and the code that shows whether it holds.

    Attributes
    ----------
    peer : str
        The library that the sentence is about.
    text : str
        Words of the page.
    code : str
        Assigns `result`.
    there, here : str
        The `repr` of `result`, or the class of the error, with the peer and with this package.
    """

    peer: str
    text: str
    code: str
    there: str
    here: str

    @property
    def page(self) -> str:
        return "from-zarr-2.md" if self.peer == ZARR2 else "from-zarr-3.md"


HIERARCHY = """
from zarr.storage import DirectoryStore
root = zarr.group(store=DirectoryStore("data.zarr"), overwrite=True)
z = root.create_dataset("a/b", shape=(100, 100), chunks=(10, 10), dtype="i4")
z.oindex[[1, 3], :] = 7
result = z.info_items()[0], z
"""
SUBCLASS = """
class Counted(zarr.storage.DirectoryStore):
    count = 0
    def __getitem__(self, key):
        self.count += 1
        return super().__getitem__(key)
store = Counted("data.zarr")
z = zarr.open_array(store, mode="w", shape=4, chunks=2)
z[:] = 1
before = store.count
z[:]
result = store.count - before
"""
DENIED = """
from fsspec.implementations.memory import MemoryFileSystem
class Denied(MemoryFileSystem):
    cachable = False
    def cat_file(self, path, *args, **kwargs):
        if path.endswith("/0"):
            raise PermissionError(path)
        return super().cat_file(path, *args, **kwargs)
store = zarr.storage.FSStore("/data", fs=Denied())
z = zarr.open_array(store, mode="w", shape=2, chunks=2, dtype="i4", fill_value=-1)
z[:] = 5
result = z[:].tolist()
"""
DANGLING = """
import os
z = zarr.open_array("data.zarr", mode="w", shape=2, chunks=2, dtype="i4", fill_value=-1)
z[:] = 5
os.remove("data.zarr/0")
os.symlink("nowhere", "data.zarr/0")
result = z[:].tolist()
"""
PICKLE = """
import numcodecs
z = zarr.create(2, dtype=object, object_codec=numcodecs.Pickle())
z[:] = np.array([{1: 2}, "a"], dtype=object)
result = z[:].tolist()
"""
MASKED = """
z = zarr.full(3, -1, dtype="i4")
z[:] = np.ma.masked_array([1, 2, 3], mask=[0, 1, 0])
result = z[:].tolist()
"""
BELOW_AN_ARRAY = """
root = zarr.group({})
root.zeros("foo", shape=3)
root.create_dataset("foo/bar", shape=2, overwrite=True)
result = type(root["foo"]).__name__
"""
ZIP = """
store = zarr.storage.ZipStore("data.zip", mode="w")
zarr.open_array(store, mode="w", shape=4, chunks=2)[:] = 1
del store["0"]
result = "0" in store
"""
UNKNOWN_ARGUMENT = """
with warnings.catch_warnings(record=True) as found:
    warnings.simplefilter("always")
    zarr.create(3, chunkz=2)
result = str(found[0].message)
"""
OUTDATED = """
root = zarr.open_group("data.zarr", mode="w")
zarr.consolidate_metadata("data.zarr")
root.attrs["later"] = 1
with warnings.catch_warnings(record=True) as found:
    warnings.simplefilter("always")
    zarr.open_consolidated("data.zarr")
result = len(found)
"""
FORMAT_3 = """
z = zarr.open_array("data.zarr", mode="w", shape=4, zarr_version=3)
result = z.shape
"""

SMALL = 'z = zarr.create_array(store={}, shape=4, dtype="i4")\n'
GROUP = """
root = zarr.create_group(store={})
root.create_array("a", shape=3, dtype="i4")
"""
ARGUMENTS = """
import zarr.codecs as codecs
z = zarr.create_array(
    store={}, shape=(8, 8), chunks=(2, 2), shards=(4, 4), dtype="f4", overwrite=True,
    compressors=[codecs.ZstdCodec(level=3)], filters=[codecs.TransposeCodec(order=(1, 0))],
    serializer=codecs.BytesCodec(endian="big"), dimension_names=["y", "x"],
    chunk_key_encoding={"name": "v2", "separator": "."}, attributes={"units": "K"},
)
z[:] = 1
data = zarr.create_group(store={}).create_array("a", data=np.arange(3))
result = z.shards, z.attrs["units"], float(z[:].sum()), data[:].tolist()
"""
NAMES = """
import importlib
def found(name):
    module, _, attribute = name.rpartition(".")
    try:
        return hasattr(importlib.import_module(module), attribute)
    except ImportError:
        return False
result = [name for name in names if not found(name)]
"""
SAME_NAMES = """
names = [f"zarr.{name}" for name in '''
    open open_array open_group open_consolidated save load consolidate_metadata create_array
    create_group codecs.BloscCodec codecs.ZstdCodec codecs.BytesCodec codecs.ShardingCodec
    codecs.GzipCodec codecs.Crc32cCodec codecs.TransposeCodec codecs.VLenBytesCodec
    codecs.VLenUTF8Codec storage.MemoryStore storage.ZipStore storage.ObjectStore'''.split()]
"""
NAMES_OF_2 = """
names = [f"zarr.storage.{name}" for name in '''
    LMDBStore SQLiteStore DBMStore RedisStore MongoDBStore ABSStore'''.split()]
names += ["zarr.n5.N5Store", "zarr.ThreadSynchronizer", "zarr.ProcessSynchronizer"]
"""
IGNORED = """
options = {"synchronizer": object(), "chunk_store": {}, "meta_array": np.empty(0)}
result = []
for name, value in options.items():
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        zarr.open_array({}, mode="w", shape=3, **{name: value})
    result.append(bool(found))
"""
STRINGS = """
z = zarr.create_array(store={}, shape=2, dtype=dtype)
z[:] = np.array(["a", "bcd"])
result = z[:].dtype
"""
RAGGED = """
import numcodecs
options = {"object_codec": numcodecs.VLenArray("i4"), "zarr_format": 2}
z = zarr.create(shape=1, dtype=object, **options)
z[0] = np.array([1, 2])
result = z[0].tolist()
"""

CLAIMS = {
    # -- zarr-python 2
    "page": Claim(ZARR2, "runs unchanged", HIERARCHY,
        "(('Name', '/a/b'), <zarr.core.Array '/a/b' (100, 100) int32>)",
        "(('Name', '/a/b'), <zarr.core.Array '/a/b' (100, 100) int32>)"),
    "subclass": Claim(ZARR2, "**Subclasses of stores** keep working", SUBCLASS, "2", "2"),
    "failed request": Claim(ZARR2, "`FSStore` reads fill values where a request fails", DENIED,
        "[-1, -1]", "StorePermissionError"),
    "dangling link": Claim(ZARR2, "`DirectoryStore` where a link leads nowhere", DANGLING,
        "[-1, -1]", "StoreError"),
    "pickle": Claim(ZARR2, "are decoded, with numcodecs before 0.15.2", PICKLE,
        "UnsafeDecodeError", "UnsafeDecodeError"),
    "list": Claim(ZARR2, "numbers in a list wrap around",
        "z = zarr.zeros(3, dtype='i1'); z[:] = [1, 2, 300]; result = z[:].tolist()",
        "[1, 2, 44]", "OverflowError"),
    "masked": Claim(ZARR2, "masked elements are stored as data", MASKED,
        "[1, 2, 3]", "[1, -1, 3]"),
    "None": Claim(ZARR2, "`None` in arrays of floats becomes NaN",
        "z = zarr.zeros(3); z[:] = [1, None, 3]; result = z[:].tolist()",
        "[1.0, nan, 3.0]", "TypeError"),
    "below an array": Claim(ZARR2, "replaces the upper one by a group", BELOW_AN_ARRAY,
        "'Group'", "ContainsArrayError"),
    "zip": Claim(ZARR2, "ZIP archives whose values can be deleted", ZIP,
        "NotImplementedError", "False"),
    "convert": Claim(ZARR2, "`zarr.convert`; type annotations",
        "import os; path = os.path.dirname(zarr.__file__)\n"
        "result = hasattr(zarr, 'convert'), os.path.exists(os.path.join(path, 'py.typed'))",
        "(False, False)", "(True, True)"),
    "broadcast": Claim(ZARR2, "zarr-python 2 raises `ValueError`",
        "z = zarr.zeros((2, 2)); z[:] = np.arange(2); result = z[:].tolist()",
        "ValueError", "[[0.0, 1.0], [0.0, 1.0]]"),
    "unknown argument": Claim(ZARR2, "the argument that was probably meant", UNKNOWN_ARGUMENT,
        "\"ignoring keyword argument 'chunkz'\"",
        "\"ignoring keyword argument 'chunkz'; did you mean 'chunks'?\""),
    "outdated": Claim(ZARR2, "zarr-python 2 uses them silently", OUTDATED, "0", "1"),
    "tree": Claim(ZARR2, "which zarr-python 2 shows in notebooks",
        "tree = zarr.group({}).tree()\n"
        "result = hasattr(tree, '_repr_mimebundle_'), hasattr(tree, '_repr_html_')",
        "(True, False)", "(False, True)"),
    "format 3": Claim(ZARR2, "the draft that `ZARR_V3_EXPERIMENTAL_API` enabled", FORMAT_3,
        "NotImplementedError", "(4,)"),
    # -- zarr-python 3
    "arguments": Claim(ZARR3, "work; arguments `shards`", ARGUMENTS,
        "((4, 4), 'K', 64.0, [0, 1, 2])", "((4, 4), 'K', 64.0, [0, 1, 2])"),
    "same names": Claim(ZARR3, "the same names", SAME_NAMES + NAMES, "[]", "[]"),
    "local store": Claim(ZARR3, "`zarr.storage.LocalStore`",
        "result = zarr.open_array(zarr.storage.LocalStore('a'), mode='w', shape=1).shape",
        "(1,)", "(1,)"),
    "members": Claim(ZARR3, "`group.members()`",
        GROUP + "result = [name for name, _ in root.members()]", "['a']", "['a']"),
    "items": Claim(ZARR3, "`group.items()`",
        GROUP + "result = [name for name, _ in root.items()]", "AttributeError", "['a']"),
    "attributes": Claim(ZARR3, "`group.update_attributes(d)`",
        GROUP + "root.update_attributes({'x': 1}); result = dict(root.attrs)", "{'x': 1}",
        "{'x': 1}"),
    "attrs.update": Claim(ZARR3, "`group.attrs.update(d)`",
        GROUP + "root.attrs.update({'x': 1}); result = dict(root.attrs)", "{'x': 1}", "{'x': 1}"),
    "compressors": Claim(ZARR3, "`array.compressors`",
        SMALL + "result = [type(codec).__name__ for codec in z.compressors]",
        "['ZstdCodec']", "['ZstdCodec']"),
    "compressor": Claim(ZARR3, "`array.compressor` and `array.filters`",
        SMALL + "result = type(z.compressor).__name__", "TypeError", "'Zstd'"),
    "metadata": Claim(ZARR3, "`array.metadata.dimension_names`",
        SMALL + "result = z.metadata.zarr_format, z.metadata.dimension_names", "(3, None)",
        "(3, None)"),
    "default format": Claim(ZARR3, "as in zarr-python 3",
        "zarr.create_array(store='a', shape=1, dtype='i4')\n"
        "import os; result = os.path.exists('a/zarr.json')", "True", "True"),
    "default of open_array": Claim(ZARR3, "functions create format 2 unless you say",
        "zarr.open_array('a', mode='w', shape=1)\n"
        "import os; result = os.path.exists('a/zarr.json')", "True", "False"),
    "copy": Claim(ZARR3, "they raise `NotImplementedError` there",
        GROUP + "result = zarr.copy(root['a'], root, name='b')[0]", "NotImplementedError", "1"),
    "copy_all": Claim(ZARR3, "they raise `NotImplementedError` there",
        GROUP + "result = zarr.copy_all(root, zarr.group({}))[0]", "NotImplementedError", "1"),
    "copy_store": Claim(ZARR3, "they raise `NotImplementedError` there",
        "result = zarr.copy_store({}, {})", "NotImplementedError", "(0, 0, 0)"),
    "move": Claim(ZARR3, "they raise `NotImplementedError` there",
        GROUP + "root.move('a', 'b'); result = list(root)", "NotImplementedError", "['b']"),
    "ignored": Claim(ZARR3, "(ignored there, with a warning)", IGNORED,
        "[True, True, True]", "[False, False, False]"),
    "names of 2": Claim(ZARR3, "stores in LMDB, SQLite", NAMES_OF_2 + NAMES,
        "['zarr.storage.LMDBStore', 'zarr.storage.SQLiteStore', 'zarr.storage.DBMStore', "
        "'zarr.storage.RedisStore', 'zarr.storage.MongoDBStore', 'zarr.storage.ABSStore', "
        "'zarr.n5.N5Store', 'zarr.ThreadSynchronizer', 'zarr.ProcessSynchronizer']", "[]"),
    "ragged": Claim(ZARR3, "object arrays and ragged arrays", RAGGED, "ValueError", "[1, 2]"),
    "strings": Claim(ZARR3, "**Strings of any length.**", "dtype = str" + STRINGS,
        "StringDType()", "dtype('O')"),
    "fixed strings": Claim(ZARR3, "Strings of fixed length are the same in both",
        "dtype = 'U3'" + STRINGS, "dtype('<U3')", "dtype('<U3')"),
}  # fmt: skip


def outcome(code: str) -> str:
    """Run `code` in a new folder; return the `repr` of its `result` or the class of its error."""
    import numpy as np

    import zarr

    names = {"__name__": "claim", "np": np, "zarr": zarr, "warnings": warnings}
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        os.chdir(folder)
        try:
            exec(code, names)
            return repr(names["result"])
        except Exception as error:  # noqa: BLE001  # an error is an outcome
            return type(error).__name__
        finally:
            os.chdir(os.path.dirname(folder))


def main() -> None:
    """Answer the code on the standard input."""
    warnings.simplefilter("ignore")
    outcomes = {name: outcome(code) for name, code in json.load(sys.stdin).items()}
    json.dump(outcomes, sys.stdout)


if __name__ == "__main__":
    main()
