"""Which event a row of a table is: the same row again is the same event, a changed one is the same id or a correction.

The id comes from the row alone, so that it needs no look-up and any upload can be sent again:

- a column `id` gives it; else it is the hash of the type and the key columns; a type without key columns takes the
  hash of the content and its n-th occurrence in the table. A changed row then has the id of the first version with
  other content: a conflict, which changes nothing and is shown.
- correcting, each row replaces the first version (`corrects`), and its own id is the hash of that, the content and the
  upload. All corrections of a row are siblings, of which the latest is in force (contract, section 2): a row that is
  changed back counts again, because the upload makes it another event than the first time. The same upload again (same
  token) is the same events.

Content is what the row says, not what the request adds to it (source, lane, a region for all).
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from services.contracts.event import Type

_encode = msgspec.json.Encoder(order="deterministic", decimal_format="string").encode
_LINE_BITS = 24
_LINES = (1 << _LINE_BITS) - 1


class NoIdentity(ValueError):
    """A row that cannot be told from others; `field` is the one that is missing or contradicts, '' for the row."""

    def __init__(self, field: str, reason: str, code: str) -> None:
        super().__init__(reason)
        self.field = field
        self.code = code


class Identities:
    """Gives the rows of one table their ids, in order. `upload`: the token of a correcting upload, None otherwise."""

    def __init__(self, type_: Type, upload: str | None = None) -> None:
        self.type = type_
        self.upload = upload
        # A file may have a million rows: one whole number for each. Hash of the identity → hash of the content with the
        # line as its last 24 bits; without identity, hash of the content → how often it has come.
        self._seen: dict[int, int] = {}

    def of(self, attributes: dict[str, Any], data: dict[str, Any], line: int) -> tuple[dict[str, str], int]:
        """`id`, and `corrects` when correcting, and the size of the row's content in bytes. Raises NoIdentity."""
        content = _encode([{k: v for k, v in attributes.items() if k != "id"}, data])
        base = self._base(attributes, data, content)
        if base is None:
            return {"id": self._nth(content)}, len(content)
        self._must_agree(base, content, line)
        if self.upload is None or "corrects" in attributes:
            return {"id": base}, len(content)
        return {"id": digest(self.type.name, base, content, self.upload), "corrects": base}, len(content)

    def _base(self, attributes: dict[str, Any], data: dict[str, Any], content: bytes) -> str | None:
        """The id of a row's first version; None: it is its content."""
        if "id" in attributes:
            return str(attributes["id"])
        if "corrects" in attributes:
            return digest(self.type.name, "corrects", content)
        if self.type.keys:
            return digest(self.type.name, *self._key(attributes, data))
        if self.upload is not None:
            raise NoIdentity("id", f"{self.type.name} 没有关键列，更正时须有 id（事件编号）或 corrects 列", "no_key")
        return None

    def _key(self, attributes: dict[str, Any], data: dict[str, Any]) -> list[str]:
        known = data
        if "subject" in attributes:
            parts = str(attributes["subject"]).split("/", len(self.type.subject) - 1)
            known = {**dict(zip(self.type.subject, parts, strict=False)), **data}
        for name in self.type.keys:
            if known.get(name) in (None, ""):
                raise NoIdentity(f"data.{name}", "关键列为空：同一行再次上传时凭它认出", "missing")
        return [str(known[name]) for name in self.type.keys]

    def _must_agree(self, base: str, content: bytes, line: int) -> None:
        said = _number(content) >> _LINE_BITS << _LINE_BITS | line
        first = self._seen.setdefault(_number(base.encode()), said)
        if first >> _LINE_BITS != said >> _LINE_BITS:
            where = first & _LINES
            raise NoIdentity("", f"与第 {where} 行编号（或关键列）相同而内容不同：一张表里只能留一行", "row_repeated")

    def _nth(self, content: bytes) -> str:
        mark = _number(content)
        self._seen[mark] = nth = self._seen.get(mark, 0) + 1
        return digest(self.type.name, content, str(nth))


def digest(*parts: str | bytes) -> str:
    """An id from these parts: `row-` and 32 hexadecimal digits."""
    total = hashlib.blake2b(digest_size=16)
    for part in parts:
        given = part.encode() if isinstance(part, str) else part
        total.update(len(given).to_bytes(4, "big") + given)
    return f"row-{total.hexdigest()}"


def _number(content: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "big")
