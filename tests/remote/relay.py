"""A relay between a client and a server, both real, that does harm where it is told to."""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Harm = Literal["reset", "cut answer", "cut request", "answer", "hang"]

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_VERB = re.compile(rb"(GET|HEAD|PUT|POST|DELETE) ")
_REASONS = {403: "Forbidden", 500: "Internal Server Error", 503: "Service Unavailable"}


@dataclass
class Rule:
    """What to do to the requests that match.

    Attributes
    ----------
    pattern : bytes
        A regular expression for the bytes of the request.
    harm : str
        'reset' breaks the connection at once; 'cut answer' passes the first `after` bytes
        of the answer on and ends the connection; 'cut request' does so with the request;
        'answer' answers with the HTTP `status` itself; 'hang' does nothing, forever.
    times : int, optional
        After so many requests the rule is over.
    and_then : callable
        Called when the harm is done.
    """

    pattern: bytes
    harm: Harm
    times: int | None = None
    after: int = 0
    status: int = 500
    and_then: Callable[[], object] = lambda: None
    done: int = 0


@dataclass
class Relay:
    """A relay to the server at `port` that listens on :attr:`own_port`.

    Attributes
    ----------
    verbs : Counter
        How many HTTP requests there were of each method.
    """

    port: int
    rules: list[Rule] = field(default_factory=list)
    verbs: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._guard = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.own_port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def harm(self, pattern: bytes, harm: Harm, **options: object) -> Rule:
        """Add a rule."""
        rule = Rule(pattern, harm, **options)  # type: ignore[arg-type]
        self.rules.append(rule)
        return rule

    def close(self) -> None:
        """End all connections."""
        # Wakes the thread that waits in accept(), which closing alone does not.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        with self._guard:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _rule_for(self, request: bytes) -> Rule | None:
        with self._guard:
            if verb := _VERB.match(request):
                self.verbs[verb[1].decode()] += 1
            for rule in self.rules:
                if (rule.times is None or rule.done < rule.times) and re.search(
                    rule.pattern, request
                ):
                    rule.done += 1
                    return rule
        return None

    def _serve(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self.port))
        except OSError:
            client.close()
            return
        with self._guard:
            self._open |= {client, server}
        answers = _Answers(server, client)
        try:
            while request := client.recv(1 << 16):
                rule = self._rule_for(request)
                if rule is None:
                    server.sendall(request)
                elif not self._do(rule, request, client, server, answers):
                    break
        except OSError:
            pass
        finally:
            with self._guard:
                self._open -= {client, server}
            _end(server)
            answers.join()
            _end(client)
            server.close()
            client.close()

    def _do(
        self,
        rule: Rule,
        request: bytes,
        client: socket.socket,
        server: socket.socket,
        answers: _Answers,
    ) -> bool:
        """Do harm, and return whether the connection goes on."""
        if rule.harm == "cut answer":
            answers.cut(rule.after, rule.and_then)
            server.sendall(request)
            return True
        if rule.harm == "answer":
            _take_whole_request(client, request)
            client.sendall(_answer(rule.status))
            rule.and_then()
            return False
        if rule.harm == "cut request":
            server.sendall(request[: rule.after])
        if rule.harm == "hang":
            while client.recv(1 << 16):
                pass
        if rule.harm == "reset":
            # Without time to linger, closing sends a reset.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
        rule.and_then()
        return False


class _Answers(threading.Thread):
    """Passes on what the server sends, all of it or up to a number of bytes."""

    def __init__(self, server: socket.socket, client: socket.socket) -> None:
        super().__init__(daemon=True)
        self._server, self._client = server, client
        self._left: int | None = None
        self._and_then: Callable[[], object] = lambda: None
        self.start()

    def cut(self, after: int, and_then: Callable[[], object]) -> None:
        """Stop after the next `after` bytes."""
        self._and_then = and_then
        self._left = after

    def run(self) -> None:
        try:
            while data := self._server.recv(1 << 16):
                if self._left is not None:
                    data, self._left = data[: self._left], self._left - len(data)
                self._client.sendall(data)
                if self._left is not None and self._left <= 0:
                    self._and_then()
                    break
        except OSError:
            pass
        _end(self._client)
        _end(self._server)


def _end(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _take_whole_request(client: socket.socket, request: bytes) -> None:
    # An answer before the end of the request could be lost with the connection.
    head, _, body = request.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    left = (int(length[1]) if length else 0) - len(body)
    if b"100-continue" in head:
        client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    while left > 0:
        left -= len(client.recv(1 << 16)) or left


def _answer(status: int) -> bytes:
    body = b"<?xml version='1.0'?><Error><Code>%d</Code><Message>harm</Message></Error>" % status
    head = f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: application/xml\r\n"
    return f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
