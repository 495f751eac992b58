"""Serve the files of a folder over HTTP, byte ranges included, for tests of reading.

Usage: python scripts/http_files.py PORT FOLDER
"""

from __future__ import annotations

import functools
import io
import re
import sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import BinaryIO

RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class FileHandler(SimpleHTTPRequestHandler):
    """The handler of the standard library, with ``Range`` and kept connections."""

    protocol_version = "HTTP/1.1"

    def send_head(self) -> io.BytesIO | BinaryIO | None:
        wanted = RANGE.fullmatch(self.headers.get("Range", ""))
        if wanted is None or wanted.group() == "bytes=-":
            return super().send_head()
        try:
            with open(self.translate_path(self.path), "rb") as file:
                data = file.read()
        except OSError:
            self.send_error(404)
            return None
        begin, end = _limits(wanted, len(data))
        if begin >= max(len(data), 1):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(data)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None
        part = data[begin:end]
        self.send_response(206)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(part)))
        self.send_header("Content-Range", f"bytes {begin}-{begin + len(part) - 1}/{len(data)}")
        self.send_header("Accept-Ranges", "bytes")
        self.end_headers()
        return io.BytesIO(part)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet: the tests print enough."""


def _limits(wanted: re.Match[str], size: int) -> tuple[int, int]:
    first, last = wanted.groups()
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1) if last else size


def serve(port: int, folder: str) -> None:
    """Serve `folder` on the loopback `port` until the process ends."""
    handler = functools.partial(FileHandler, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        server.serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]), sys.argv[2])
