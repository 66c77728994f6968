"""What CAP 1.2 asks of a message beyond its schema: one row per rule.

A message whose sense would be unclear is refused; whatever else is wrong is noted and goes with it, since a warning
that is not relayed does more harm than one with an open polygon. After the specification and Google's validator.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from services.contracts.alert.geometry import polygon
from services.contracts.alert.instant import instant
from services.contracts.alert.model import Alert, Flaw, Info

_FORBIDDEN = re.compile(r"[\s,<&]")
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
_MARKUP = re.compile(r"</?[A-Za-z][^<>]*>|&(#\d+|#x[0-9A-Fa-f]+|amp|lt|gt|quot|apos|nbsp);")
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
_MIME = re.compile(r"(application|audio|image|message|model|multipart|text|video)/\S+")
_FOLLOWS = ("Update", "Cancel", "Ack", "Error")


@dataclass(frozen=True)
class Rule:
    """One rule: what breaks it (reasons), and the formats in which that refuses a message."""

    name: str
    about: str
    broken: Callable[[Alert], Iterable[str]]
    refuses: tuple[str, ...] = ()


def _names(alert: Alert) -> Iterator[str]:
    for name, value in (("identifier", alert.identifier), ("sender", alert.sender)):
        if _FORBIDDEN.search(value):
            yield f"the {name} holds blanks, commas, < or &: nothing could refer to it"


def _follows(alert: Alert) -> Iterator[str]:
    if alert.msg_type in _FOLLOWS and not alert.references:
        yield f"{alert.msg_type} names no earlier message"


def _circular(alert: Alert) -> Iterator[str]:
    for reference in alert.references:
        if reference.identifier == alert.identifier and reference.sender in ("", alert.sender):
            yield f"it refers to itself ({alert.identifier[:80]})"


def _postdated(alert: Alert) -> Iterator[str]:
    for reference in alert.references:
        if reference.sent and instant(reference.sent) > instant(alert.sent):
            yield f"it refers to {reference.identifier[:80]}, which was sent later"


def _restriction(alert: Alert) -> Iterator[str]:
    if (alert.scope == "Restricted") != bool(alert.restriction):
        yield "restriction goes with the scope Restricted, and only with it"


def _addresses(alert: Alert) -> Iterator[str]:
    if alert.scope == "Private" and not alert.addresses:
        yield "the scope Private needs addresses"


def _language(alert: Alert) -> Iterator[str]:
    for info in alert.info:
        if info.language and not _LANGUAGE.fullmatch(info.language):
            yield f"{info.language[:20]!r} is no language (RFC 3066)"


def _spoken(alert: Alert) -> Iterator[str]:
    """The same text must not stand under two languages."""
    seen: dict[str, str] = {}
    for info in alert.info:
        if info.description and seen.setdefault(info.description, info.language) != info.language:
            yield f"the description is the same in {seen[info.description]} and {info.language}"


def _plain(alert: Alert) -> Iterator[str]:
    for info in alert.info:
        for name in ("headline", "description", "instruction"):
            if _MARKUP.search(getattr(info, name)):
                yield f"the {name} holds HTML"


def _web(alert: Alert) -> Iterator[str]:
    for info in alert.info:
        if info.web and not _ABSOLUTE.fullmatch(info.web):
            yield f"web {info.web[:80]!r} is not absolute"


def _polygons(alert: Alert) -> Iterator[str]:
    for text in (text for info in alert.info for area in info.area for text in area.polygon):
        corners = polygon(text)
        if len(corners) < 4 or corners[0] != corners[-1]:
            yield "a polygon has four or more pairs, of which the last is the first"


def _heights(alert: Alert) -> Iterator[str]:
    for area in (area for info in alert.info for area in info.area):
        if area.ceiling and not area.altitude:
            yield "ceiling needs altitude"
        elif area.ceiling and _number(area.altitude) > _number(area.ceiling):
            yield "altitude lies above ceiling"


def _resources(alert: Alert) -> Iterator[str]:
    for resource in (resource for info in alert.info for resource in info.resource):
        if resource.mime_type and not _MIME.fullmatch(resource.mime_type):
            yield f"{resource.mime_type[:40]!r} is no media type"
        if resource.uri and not _ABSOLUTE.fullmatch(resource.uri) and not resource.deref_uri:
            yield f"the relative uri {resource.uri[:80]!r} needs derefUri"
        if resource.deref_uri and not _is_base64(resource.deref_uri):
            yield "derefUri is not base64"


def _expired(alert: Alert) -> Iterator[str]:
    for info in alert.info:
        if info.expires and instant(info.expires) <= instant(info.onset or info.effective or alert.sent):
            yield f"it expires ({info.expires}) before it begins"


def _has_info(alert: Alert) -> Iterator[str]:
    if alert.msg_type in ("Alert", "Update") and not alert.info:
        yield "it says nothing: no info"


RULES = (
    Rule("names", "identifier and sender can be referred to", _names, ("cap",)),
    Rule("references", "Update, Cancel, Ack and Error name an earlier message", _follows, ("cap",)),
    Rule("circular", "no message refers to itself", _circular, ("cap",)),
    Rule("postdated", "no message refers to a later one", _postdated, ("cap",)),
    Rule("restriction", "restriction goes with Restricted", _restriction),
    Rule("addresses", "Private needs addresses", _addresses),
    Rule("language", "language is RFC 3066", _language),
    Rule("same_text", "no text stands under two languages", _spoken),
    Rule("plain_text", "texts hold no HTML", _plain),
    Rule("web", "web is absolute", _web),
    Rule("polygon", "polygons are closed", _polygons),
    Rule("ceiling", "ceiling needs altitude, which is lower", _heights),
    Rule("resource", "resources have a media type and a place", _resources),
    Rule("expires", "it expires after it begins", _expired),
    Rule("info", "Alert and Update say something", _has_info),
)


def broken(alert: Alert) -> list[tuple[Rule, str]]:
    """Every rule that a message breaks, with the reason."""
    return [(rule, reason) for rule in RULES for reason in rule.broken(alert)]


def refused(alert: Alert) -> list[Flaw]:
    """What makes a message unclear in its format."""
    return [Flaw("alert", reason, rule.name) for rule, reason in broken(alert) if alert.format in rule.refuses]


def noted(alert: Alert) -> list[str]:
    """What is wrong with a message that is taken all the same: `rule: reason`."""
    return [f"{rule.name}: {reason}" for rule, reason in broken(alert) if alert.format not in rule.refuses]


def main_info(alert: Alert) -> Info:
    """The information that counts where one is asked for: the first in Chinese, else the first."""
    chinese = (info for info in alert.info if info.language.lower().startswith("zh"))
    return next(chinese, alert.info[0] if alert.info else Info())


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return False
    return True
