"""How a chunk becomes bytes: the pipeline, codecs in metadata documents, and limits on decoding."""

from zarr._codecs import sharding as _sharding  # noqa: F401  it makes itself known to the others
