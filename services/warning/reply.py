"""Replies (回复): what a text message or a key of the telephone means, and which callouts it answers."""

from __future__ import annotations

import datetime
import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

WORDS: Mapping[str, tuple[str, ...]] = {
    "received": ("收到", "已收到", "明白", "知道了", "好的", "ok", "received"),
    "need_support": ("支援", "需支援", "需要支援", "请求支援", "请支援"),
    "refused": ("拒绝", "无法到岗", "不能到岗", "来不了"),
    "wrong_number": ("号码错误", "打错", "发错", "不是本人", "不是我"),
}
"""Answer → how a text that gives it begins."""
KEYS: Mapping[str, str] = {"1": "received", "2": "need_support"}
"""What the messages offer, as a key of the telephone or at the beginning of a text."""
_KEY = re.compile(r"([12])(?:$|\W|收到|支援|需)")
"""`1`, `1。`, `2需支援`; not `1号楼进水`."""
_ASKS = re.compile(r"吗|\?")
_PUNCTUATION = " \t\r\n[]【】()<>「」\"'“”,.。:;!#*"


def meaning(text: str) -> str | None:
    """The answer that a reply gives; None: a person must read it."""
    plain = unicodedata.normalize("NFKC", text).strip(_PUNCTUATION).lower()
    if _ASKS.search(plain):
        return None
    if key := _KEY.match(plain):
        return KEYS[key[1]]
    return next((answer for answer, words in WORDS.items() if plain.startswith(words)), None)


def numbers(address: str) -> list[str]:
    """The ways in which a number may stand in the contacts: with and without the country's prefix."""
    written = unicodedata.normalize("NFKC", address).strip()
    digits = re.sub(r"[ ()-]", "", written).removeprefix("+")
    own = digits.removeprefix("0086").removeprefix("86") if len(digits) > len("13800000000") else digits
    return list(dict.fromkeys([written, digits, own, f"+86{own}", f"86{own}", f"0086{own}"]))


class Called(NamedTuple):
    """A callout about which something was sent to a number, the newest first."""

    callout: str
    scope: str
    chain: str
    person: str
    post: str
    region: str
    made: datetime.datetime
    closed: bool
    state: str


def answered(called: Sequence[Called], asked: tuple[str, str] | None = None) -> list[Called]:
    """The callouts that a reply answers: the open ones of the chain (`asked`: scope and chain) that it is about.

    Not known: of the newest; none is open: the newest of all.
    """
    about = [one for one in called if asked in (None, (one.scope, one.chain))] or called
    still = [one for one in about if not one.closed]
    if not still:
        return list(about[:1])
    return [one for one in still if (one.scope, one.chain) == (still[0].scope, still[0].chain)]


def moment(at: Any, since: datetime.datetime | None, now: datetime.datetime) -> datetime.datetime:
    """When it was said: as the gateway says, where that lies between the call and now; a clock that is off is not
    believed."""
    try:
        said = datetime.datetime.fromisoformat(at)
    except (TypeError, ValueError):
        return now
    return said if said.tzinfo and since is not None and since <= said <= now else now


def id_of(*parts: str) -> str:
    """The id of an event that follows from what was called back: the same again is the same event."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-8{digest[12:15]}-8{digest[15:18]}-{digest[18:30]}"
