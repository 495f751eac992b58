"""``python -m zarr`` is the ``zarr`` command."""

from __future__ import annotations

from _zarr_command import main

if __name__ == "__main__":
    raise SystemExit(main())
