"""Words of messages."""

from __future__ import annotations

__all__ = ["counted"]


def counted(count: int, noun: str, plural: str = "", spec: str = "") -> str:
    """Return a number with its noun, in the singular if the number is 1.

    Parameters
    ----------
    count : int
        The number.
    noun : str
        The noun in the singular.
    plural : str, optional
        The noun in the plural; by default, with an s.
    spec : str, optional
        How the number is formatted, as in ``'{:,}'``.

    Examples
    --------
    >>> from zarr._wording import counted
    >>> counted(1, 'array'), counted(2, 'array'), counted(1200, 'entry', 'entries', ',')
    ('1 array', '2 arrays', '1,200 entries')
    """
    return f"{count:{spec}} {noun if count == 1 else plural or noun + 's'}"
