"""A small and fast S3 server in memory that answers each request after a set delay.

It knows as much of S3 as clients need to read, write, list and delete objects, checks no
signature, and exists to measure clients: the servers meant for tests take longer over a
request than the network does that is to be imitated.

Usage: python benchmarks/s3_server.py PORT [MILLISECONDS]

A request for ``/-/count`` answers with what there was since the last one, as JSON: the
number of requests by method, and the most that were under way at once.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections import Counter
from collections.abc import Mapping
from email.utils import formatdate
from itertools import count
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
HEADER = re.compile(rb"\r\n([^:\r\n]+): *([^\r\n]*)")
RANGE = re.compile(r"bytes=(\d*)-(\d*)")
DELETED = re.compile(rb"<Key>(.*?)</Key>", re.DOTALL)
DATE = formatdate(0, usegmt=True)
ISO_DATE = "1970-01-01T00:00:00.000Z"

objects: dict[str, tuple[bytes, str]] = {}
"""Body and entity tag of each object."""

uploads: dict[str, dict[int, bytes]] = {}
counts: Counter[str] = Counter()
tags = count()

Answer = tuple[int, dict[str, str], bytes]


def answer(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
    """Do what a request asks."""
    url = urlsplit(target)
    path, query = unquote(url.path).lstrip("/"), parse_qs(url.query, keep_blank_values=True)
    if path == "-/count":
        found = {"requests": dict(counts), "at once": Connection.most}
        counts.clear()
        Connection.most = 0
        return 200, {}, json.dumps(found).encode()
    counts[method] += 1
    bucket, _, key = path.partition("/")
    if not key:
        if method == "POST" and "delete" in query:
            return _delete_many(bucket, body)
        return _list(bucket, query) if method == "GET" else (200, {}, b"")
    if method == "POST":
        return _upload(path, query)
    if method == "PUT":
        if source := headers.get("x-amz-copy-source"):
            return _copy(unquote(source).lstrip("/"), path)
        if "aws-chunked" in headers.get("content-encoding", ""):
            body = _dechunk(body)
        tag = _tag()
        if "uploadId" in query:
            uploads[query["uploadId"][0]][int(query["partNumber"][0])] = body
        else:
            objects[path] = body, tag
        return 200, {"ETag": tag}, b""
    if method == "DELETE":
        if "uploadId" in query:
            del uploads[query["uploadId"][0]]
            return 204, {}, b""
        objects.pop(path, None)
        return 204, {}, b""
    return _read(path, headers)


def _tag() -> str:
    # A digest of the body would keep this one thread busier than all the rest of a request.
    return f'"{next(tags)}"'


def _read(path: str, headers: Mapping[str, str]) -> Answer:
    body, tag = objects.get(path, (None, ""))
    if body is None:
        return 404, {}, b"<Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>"
    found = {"ETag": tag, "Last-Modified": DATE, "Accept-Ranges": "bytes"}
    wanted = RANGE.fullmatch(headers.get("range", ""))
    if wanted is None:
        return 200, found, body
    first, last = wanted.groups()
    begin = int(first) if first else max(0, len(body) - int(last))
    end = min(len(body), int(last) + 1) if first and last else len(body)
    if begin >= len(body):
        return 416, {}, b"<Error><Code>InvalidRange</Code></Error>"
    found["Content-Range"] = f"bytes {begin}-{end - 1}/{len(body)}"
    return 206, found, body[begin:end]


def _copy(source: str, path: str) -> Answer:
    if source not in objects:
        return 404, {}, b"<Error><Code>NoSuchKey</Code></Error>"
    objects[path] = objects[source][0], (tag := _tag())
    text = f"<CopyObjectResult><ETag>{escape(tag)}</ETag><LastModified>{ISO_DATE}</LastModified>"
    return 200, {}, f"{text}</CopyObjectResult>".encode()


def _upload(path: str, query: Mapping[str, list[str]]) -> Answer:
    """Begin or complete an upload in parts."""
    if "uploadId" in query:
        parts = uploads.pop(query["uploadId"][0])
        tag = _tag()
        objects[path] = b"".join(parts[number] for number in sorted(parts)), tag
        name = "CompleteMultipartUploadResult"
        return 200, {}, f"<{name}><ETag>{escape(tag)}</ETag></{name}>".encode()
    name = str(next(tags))
    uploads[name] = {}
    bucket, _, key = path.partition("/")
    place = f"<Bucket>{escape(bucket)}</Bucket><Key>{escape(key)}</Key>"
    text = f"<UploadId>{name}</UploadId></InitiateMultipartUploadResult>"
    return 200, {}, f"<InitiateMultipartUploadResult>{place}{text}".encode()


def _delete_many(bucket: str, body: bytes) -> Answer:
    keys = DELETED.findall(body)
    for key in keys:
        objects.pop(f"{bucket}/{key.decode()}", None)
    text = b"".join(b"<Deleted><Key>%b</Key></Deleted>" % key for key in keys)
    return 200, {"Content-Type": "application/xml"}, b"<DeleteResult>%b</DeleteResult>" % text


def _list(bucket: str, query: Mapping[str, list[str]]) -> Answer:
    prefix = query.get("prefix", [""])[0]
    delimiter = query.get("delimiter", [""])[0]
    contents, folders = [], dict[str, None]()
    for path in sorted(objects):
        owner, _, key = path.partition("/")
        if owner != bucket or not key.startswith(prefix):
            continue
        cut = key.find(delimiter, len(prefix)) if delimiter else -1
        if cut >= 0:
            folders[key[: cut + 1]] = None
        else:
            contents.append(
                f"<Contents><Key>{escape(key)}</Key><Size>{len(objects[path][0])}</Size>"
                f"<ETag>&quot;0&quot;</ETag><LastModified>{ISO_DATE}</LastModified></Contents>"
            )
    text = "".join(contents) + "".join(
        f"<CommonPrefixes><Prefix>{escape(folder)}</Prefix></CommonPrefixes>" for folder in folders
    )
    head = f"<Name>{bucket}</Name><Prefix>{escape(prefix)}</Prefix><IsTruncated>false</IsTruncated>"
    total = f"<KeyCount>{len(contents) + len(folders)}</KeyCount>"
    whole = f"<ListBucketResult>{head}{total}{text}</ListBucketResult>"
    return 200, {"Content-Type": "application/xml"}, whole.encode()


def _dechunk(body: bytes) -> bytes:
    """Take the frames off a body in the encoding ``aws-chunked``."""
    parts, at = [], 0
    while True:
        end = body.index(b"\r\n", at)
        size = int(body[at:end].partition(b";")[0], 16)
        if not size:
            return b"".join(parts)
        parts.append(body[end + 2 : end + 2 + size])
        at = end + 4 + size


class Connection(asyncio.Protocol):
    """One connection, whose requests are answered in order, each after the delay."""

    delay = 0.0
    under_way = 0
    most = 0

    def __init__(self) -> None:
        self._received = bytearray()
        self._wanted = 0  # bytes of the request that is being received, once known
        self._head_size = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while self._has_request():
            head = bytes(self._received[: self._head_size])
            body = bytes(self._received[self._head_size : self._wanted])
            del self._received[: self._wanted]
            self._wanted = 0
            Connection.under_way += 1
            Connection.most = max(Connection.most, Connection.under_way)
            loop = asyncio.get_running_loop()
            loop.call_later(self.delay, self._answer, head, body)

    def _has_request(self) -> bool:
        if not self._wanted:
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                return False
            self._head_size = end + 4
            length = LENGTH.search(self._received, 0, end)
            self._wanted = self._head_size + (int(length[1]) if length else 0)
            if b"100-continue" in self._received[:end]:
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return len(self._received) >= self._wanted

    def _answer(self, head: bytes, body: bytes) -> None:
        Connection.under_way -= 1
        method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
        headers = {n.decode().lower(): v.decode() for n, v in HEADER.findall(head)}
        status, found, said = answer(method, target, headers, body)
        lines = [f"HTTP/1.1 {status} x", f"Content-Length: {len(said)}"]
        lines += [f"{name}: {value}" for name, value in found.items()]
        text = "\r\n".join([*lines, "", ""]).encode()
        self._transport.write(text if method == "HEAD" else text + said)


async def serve(port: int, delay: float) -> None:
    """Serve on the loopback `port` until the process ends; `delay` is in seconds."""
    Connection.delay = delay
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Connection, "127.0.0.1", port, backlog=1024)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float((sys.argv[2:] or ["20"])[0]) / 1000))
