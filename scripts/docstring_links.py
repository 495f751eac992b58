"""Turn the Sphinx roles of docstrings into links of the site; an extension of griffe.

``:func:`open_array` `` becomes the name in code, which links to the description of that
function if the site has one. A leading tilde shows the last part of the name only.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

ROLE = re.compile(r":(?:py:)?(?:attr|class|const|data|exc|func|meth|mod|obj):`(?P<target>[^`]+)`")
TITLED = re.compile(r"(?P<title>.+?)\s*<(?P<target>[^>]+)>")


def linked(text: str, scope: griffe.Object) -> str:
    """Return the docstring `text` of `scope` with links in place of roles."""
    return ROLE.sub(lambda match: _link(match["target"], scope), text)


def _link(target: str, scope: griffe.Object) -> str:
    titled = TITLED.fullmatch(target)
    if titled:
        title, name = titled["title"], titled["target"]
    else:
        name = target.lstrip("~.")
        title = name.rpartition(".")[2] if target.startswith("~") else name
    # Optional: a name that no page describes stays a name.
    return f'<autoref identifier="{_full_name(name, scope)}" optional>`{title}`</autoref>'


def _full_name(name: str, scope: griffe.Object) -> str:
    try:
        return scope.resolve(name)
    except griffe.NameResolutionError:
        return name


class DocstringLinks(griffe.Extension):
    """Replaces roles in the docstrings of all objects of a package."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = linked(obj.docstring.value, obj)
