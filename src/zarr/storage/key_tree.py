"""An index of keys by folder, for stores that have all their keys in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

__all__ = ["KeyTree"]

_VALUE, _FOLDER = 1, 2


class KeyTree:
    """The folders that a set of keys makes, kept up to date as keys come and go.

    Listing a folder costs as much as it has direct children.

    Examples
    --------
    >>> tree = KeyTree(['a/x/0', 'a/y'])
    >>> tree.names('a')
    ['x', 'y']
    >>> tree.remove('a/x/0')
    >>> list(tree.below('a'))
    ['a/y']
    """

    __slots__ = ("_folders",)

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self._folders: dict[str, dict[str, int]] = {"": {}}
        for key in keys:
            self.add(key)

    def add(self, key: str) -> None:
        """Take `key` in; it may be there already."""
        kind = _VALUE
        while True:
            folder, _, name = key.rpartition("/")
            known = folder in self._folders
            names = self._folders.setdefault(folder, {})
            names[name] = names.get(name, 0) | kind
            if known:
                return
            key, kind = folder, _FOLDER

    def remove(self, key: str) -> None:
        """Take `key` out, and the folders that become empty."""
        kind = _VALUE
        while True:
            folder, _, name = key.rpartition("/")
            names = self._folders.get(folder, {})
            left = names.pop(name, 0) & ~kind
            if left:
                names[name] = left
            if names or not folder:
                return
            self._folders.pop(folder, None)
            key, kind = folder, _FOLDER

    def names(self, path: str) -> list[str]:
        """Return the sorted names of the keys and folders directly below `path`."""
        return sorted(self._folders.get(path, ()))

    def values(self, path: str) -> list[str]:
        """Return the keys directly below `path`."""
        prefix = f"{path}/" if path else ""
        names = list(self._folders.get(path, {}).items())
        return [prefix + name for name, kind in names if kind & _VALUE]

    def below(self, path: str) -> Iterator[str]:
        """Yield all keys below `path`."""
        prefix = f"{path}/" if path else ""
        for name, kind in list(self._folders.get(path, {}).items()):
            if kind & _VALUE:
                yield prefix + name
            if kind & _FOLDER:
                yield from self.below(prefix + name)
