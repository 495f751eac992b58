"""Buffers in main memory, which code for the 3.x library passes to stores and codecs.

There are no buffers in the memory of GPUs: the parameter `meta_array` of arrays and groups
returns arrays of GPU libraries.
"""

from zarr.abc.buffer import BufferPrototype
from zarr.buffer import cpu

__all__ = ["cpu", "default_buffer_prototype"]


def default_buffer_prototype() -> BufferPrototype:
    """Return the classes of buffers in main memory.

    Returns
    -------
    BufferPrototype
        The classes.

    Examples
    --------
    >>> from zarr.buffer import default_buffer_prototype
    >>> default_buffer_prototype().buffer.from_bytes(b'abc').to_bytes()
    b'abc'
    """
    return cpu.buffer_prototype
