"""Who an event is: the key of (source, id), and the digest that tells a retry from a conflict.

The digest is SHA-256 over the RFC 8785 (JCS) form of what the publisher sent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import Any

import msgspec
import rfc8785

from services.contracts.event import as_sent

_encode = msgspec.json.Encoder(order="deterministic").encode
_SAFE = 2**53
_EXACT = frozenset([str, bool, type(None)])


def key(source: str, id_: str) -> bytes:
    """16 bytes that stand for (source, id).

    A UUIDv7 id lends its 48 bits of time as prefix, so that the ledger's index grows at its right edge; any other
    id is hashed whole. Nothing but source and id goes in: the same pair is the same key whatever else was sent.
    """
    digest = hashlib.blake2b(f"{source}\x1f{id_}".encode(), digest_size=16).digest()
    if len(id_) == 36 and id_[14] == "7":
        try:
            prefix = bytes.fromhex(id_[:8] + id_[9:13])
        except ValueError:
            return digest
        return prefix + digest[6:] if len(prefix) == 6 else digest  # fromhex skips blanks
    return digest


def canonical(value: Any) -> bytes:
    """The RFC 8785 form of a JSON value.

    Raises ValueError for what has none (not a number, whole numbers beyond 2^53, lone surrogates).
    """
    if _plain(value):
        return _encode(value)
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError as error:
        raise ValueError(str(error)) from error


def _plain(value: Any) -> bool:
    """Whether sorting keys and dropping blanks is all that RFC 8785 asks of this value.

    Keys outside ASCII (UTF-16 order) and numbers that ECMAScript writes otherwise (5.0, 1e-7, 1e16) go the long way.
    """
    kind = type(value)
    if kind is dict:
        return "".join(value).isascii() and _all_plain(value.values())
    if kind is list:
        return _all_plain(value)
    if kind is float:
        return bool(1e-4 <= abs(value) < 1e15 and value % 1 != 0)
    return kind in _EXACT or (kind is int and -_SAFE < value < _SAFE)


def _all_plain(values: Collection[Any]) -> bool:
    return _EXACT.issuperset(map(type, values)) or all(_plain(v) for v in values if type(v) is not str)


def digest(sent: dict[str, Any]) -> str:
    """SHA-256, in hex, over the canonical form of the publisher's attributes and data."""
    return hashlib.sha256(canonical(sent)).hexdigest()


def digest_again(record: dict[str, Any]) -> str:
    """The digest computed from a record alone. Raises ValueError, KeyError or TypeError when it says too little."""
    sent = as_sent(record)
    try:
        return digest(sent)
    except ValueError:
        return digest(_whole_doubles(sent))


def _whole_doubles(value: Any) -> Any:
    """The door lets no whole number beyond 2^53 in: one in a record was sent as a fraction, like 2.6e16."""
    if type(value) is int and not -_SAFE < value < _SAFE:
        return float(value)
    if isinstance(value, dict):
        return {k: _whole_doubles(v) for k, v in value.items()}
    return [_whole_doubles(v) for v in value] if isinstance(value, list) else value
