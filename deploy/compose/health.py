"""Says whether the process of this container is well: `python -S -E health.py api | stream`; exit code 0 or 1.

Asked every few seconds in every container, so it uses nothing but a few modules of the standard library. The APIs say
themselves whether they are ready; a stream is up when it holds a connection to the database, reading or standing by
(what the supervisor asks, too). Whether it gets on is asked by metrics and alerts.
"""

from __future__ import annotations

import socket
import sys

HOST, PORT = "127.0.0.1", 8000
POSTGRES_PORT = 5432
PREFIXES = ("/ingest", "/warning", "/reporting")
ESTABLISHED = "01"


def answers(path: str) -> bool:
    """Does a GET of it answer 200?"""
    try:
        with socket.create_connection((HOST, PORT), 3) as line:
            line.sendall(f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
            return line.recv(64).startswith(b"HTTP/1.1 200 ")
    except OSError:
        return False


def connected(port: int) -> bool:
    """Has this container an open connection to that port of another?"""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with open(table, encoding="ascii") as rows:  # noqa: PTH123  pathlib takes longer to import than this to run
            next(rows)
            for row in rows:
                _, _, remote, state, *_ = row.split()
                if state == ESTABLISHED and int(remote.rpartition(":")[2], 16) == port:
                    return True
    return False


def well(kind: str) -> bool:
    """Is it?"""
    if kind == "api":
        return all(answers(f"{prefix}/health/ready") for prefix in PREFIXES)
    return connected(POSTGRES_PORT)


if __name__ == "__main__":
    sys.exit(0 if well(sys.argv[1]) else 1)
