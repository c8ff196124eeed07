"""Two words of Kafka's own protocol: whether a broker is there and serves (元数据请求)."""

from __future__ import annotations

import socket
import struct

_METADATA, _VERSION = 3, 1
_REQUEST = struct.pack(">hhih", _METADATA, _VERSION, 1, -1) + struct.pack(">i", 0)


def answers(bootstrap: str, *, seconds: float = 1.0) -> bool:
    """Does the broker list itself among the living?

    It accepts connections before it may serve; only a registered, unfenced broker stands in the
    answer to a metadata request, and then leads its partitions.
    """
    host, _, port = bootstrap.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=seconds) as connection:
            connection.sendall(struct.pack(">i", len(_REQUEST)) + _REQUEST)
            (size,) = struct.unpack(">i", _read(connection, 4))
            answer = _read(connection, size)
    except OSError:
        return False
    _correlation, brokers = struct.unpack_from(">ii", answer)
    return bool(brokers > 0)


def _read(connection: socket.socket, size: int) -> bytes:
    got = b""
    while len(got) < size:
        part = connection.recv(size - len(got))
        if not part:
            raise ConnectionError("the broker hung up")
        got += part
    return got
