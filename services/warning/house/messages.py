"""Messages: the texts that people are sent, with words filled in (messages.toml)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.contracts.rows import advice
from services.runtime import toml
from services.runtime.bureau import Found, Wrong, plain_text

FILE = "messages.toml"
_WARNING = frozenset(["bureau", "headline", "hazard", "level", "before", "area"])
_LOOP = frozenset(["bureau", "loop", "case", "step", "clock", "due", "late"])
_NOTICE = frozenset(["bureau", "headline", "number", "due", "area"])
WORDS: Mapping[str, frozenset[str]] = {
    "callout_sms": frozenset(["bureau", "headline", "area", "level", "link"]),
    "callout_voice": frozenset(["bureau", "headline", "area", "level"]),
    "downgraded": _WARNING,
    "lifted": _WARNING,
    "unclaimed": _WARNING,
    "withdrawn": frozenset(["bureau", "headline"]),
    "answered_late": frozenset(["bureau", "headline", "over"]),
    "exhausted": frozenset(["bureau", "headline", "area", "post"]),
    "contact_test": frozenset(["bureau"]),
    "channel_test": frozenset(["bureau", "channel"]),
    "exercise": frozenset(),
    "handover_late": frozenset(["bureau", "post", "person", "since"]),
    "roster_gap": frozenset(["bureau", "post", "from", "to"]),
    "silence_ending": frozenset(["bureau", "reason", "until", "hidden"]),
    "feed_silent": frozenset(["bureau", "publisher", "type", "since"]),
    "notice_issued": _NOTICE,
    "notice_overdue": _NOTICE,
    "release": frozenset(["bureau", "headline", "area", "text"]),
    "response": frozenset(["bureau", "title", "level", "area"]),
    "loop_before": _LOOP,
    "loop_at": _LOOP,
    "loop_after": _LOOP,
}
"""Text → the words that may be filled in."""
_PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Messages:
    """The texts by key."""

    texts: Mapping[str, str]

    def text(self, key: str, **words: str) -> str:
        """A text with its words filled in; a word that is not given stays as it is written."""
        return _PLACE.sub(lambda place: words.get(place[1], place[0]), self.texts[key])

    @property
    def exercise(self) -> str:
        """What every text of an exercise begins with."""
        return self.texts["exercise"]


def read(documents: Sequence[toml.Document], found: Found) -> Messages:
    """The texts of these files; one of a later file replaces one of the same key."""
    texts: dict[str, str] = {}
    for document in documents:
        for key in document.values:
            texts |= _text(document, key, found)
    return Messages(texts)


def _text(document: toml.Document, key: str, found: Found) -> dict[str, str]:
    row = document.row()
    if key not in WORDS:
        found.add(row.mistake(key, f"没有短信文本 {key}", advice(key, WORDS)))
        return {}
    try:
        text = plain_text(document.values[key])
    except Wrong as wrong:
        found.add(row.mistake(key, f"{key} {wrong.what}", wrong.todo))
        return {}
    for word in (w for w in _PLACE.findall(text) if w not in WORDS[key]):
        found.add(row.mistake(key, f"{key} 中不能用 {{{word}}}", advice(word, WORDS[key])))
    return {key: text}
