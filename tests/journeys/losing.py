"""A proxy that loses: it cuts connections before, inside and after a request, by seed."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

FATES = ("whole", "not taken", "cut while sending", "answer lost", "answer cut")


class Proxy:
    """One request a connection; what becomes of it is drawn for each."""

    def __init__(self, upstream: str, seed: int, fair: int) -> None:
        parts = urlsplit(upstream)
        self._upstream = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._random = random.Random(seed)
        self._weights = [fair, 1, 1, 2, 1]
        self._threads: list[threading.Thread] = []
        self.fates: Counter[str] = Counter()
        self._door = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        self._keeper = threading.Thread(target=self._open, daemon=True)
        self._keeper.start()

    def _open(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._door.accept()
                fate = self._random.choices(FATES, self._weights)[0]
                share = self._random.random()
                self.fates[fate] += 1
                thread = threading.Thread(
                    target=self._serve, args=(client, fate, share), daemon=True
                )
                thread.start()
                self._threads.append(thread)

    def _serve(self, client: socket.socket, fate: str, share: float) -> None:
        with client, contextlib.suppress(OSError):
            if fate == "not taken":
                return
            request = read_message(client)
            with socket.create_connection(self._upstream) as server:
                if fate == "cut while sending":
                    server.sendall(request[: int(len(request) * share)])
                    return
                server.sendall(request)
                if fate == "answer lost" and share < 0.5:
                    return
                answer = read_message(server)
                if fate == "answer lost":
                    return
                if fate == "answer cut":
                    answer = answer[: int(len(answer) * share)]
                client.sendall(answer)

    def close(self) -> None:
        """No more connections; those in hand end."""
        with contextlib.suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self._keeper.join(5)
        for thread in self._threads:
            thread.join(5)


def read_message(connection: socket.socket) -> bytes:
    """A whole HTTP message with a declared length."""
    connection.settimeout(20)
    text = b""
    while b"\r\n\r\n" not in text:
        text += _some(connection)
    head, _, body = text.partition(b"\r\n\r\n")
    length = 0
    for header in head.split(b"\r\n")[1:]:
        name, _, value = header.partition(b":")
        if name.strip().lower() == b"content-length":
            length = int(value)
    while len(body) < length:
        body += _some(connection)
    return head + b"\r\n\r\n" + body


def _some(connection: socket.socket) -> bytes:
    more = connection.recv(65536)
    if not more:
        raise ConnectionResetError
    return more


@contextmanager
def losing(upstream: str, seed: int, fair: int = 3) -> Iterator[Proxy]:
    """A proxy before `upstream`; of `fair` + 5 requests 5 are lost in some way."""
    proxy = Proxy(upstream, seed, fair)
    try:
        yield proxy
    finally:
        proxy.close()
