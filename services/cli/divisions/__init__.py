"""The shipped list of regions: every province, city, county, street and community of the country, with its code.

One file per province, `NN.txt.xz`: a line is a code and a name; three digits alone are a community of the street above.
As of 2023-06-30 (statistical codes 统计用区划代码, published 2023-09-11; decision 0025 says whence and why).
"""

from __future__ import annotations

import lzma
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from services.contracts.region import Region

FOLDER = Path(__file__).parent
AS_OF = "2023-06-30"
LEVELS: Mapping[str, int] = {"county": 6, "street": 9, "community": 12}
"""How far down a tree may go → the digits of the longest code that it then has."""

KINDS = (
    (12, "", "community"), (12, "村民委员会", "village"), (12, "村委会", "village"),
    (9, "", "zone"), (9, "街道", "street"), (9, "镇", "town"), (9, "乡", "township"), (9, "苏木", "township"),
    (9, "农场", "farm"), (9, "林场", "farm"), (9, "牧场", "farm"), (9, "良种场", "farm"),
    (6, "区", "district"), (6, "县", "county"), (6, "旗", "county"), (6, "市", "city"), (6, "开发区", "zone"),
    (6, "园区", "zone"), (6, "", "county"),
)  # fmt: skip
"""Digits of a code, how its name ends → its kind; the longest ending counts."""


class NotListed(ValueError):
    """A code that the list does not have; `near` are codes and names that were perhaps meant."""

    def __init__(self, code: str, near: list[str]) -> None:
        super().__init__(code)
        self.near = near


def tree(root: str, down_to: str = "community") -> list[Region]:
    """A region and all below it, from the top down, in order of their codes. Raises NotListed."""
    names = _names(root[:2]) if (FOLDER / f"{root[:2]}.txt.xz").exists() else {}
    if root not in names:
        raise NotListed(root, _near(root, names))
    digits = max(LEVELS[down_to], len(root))
    below = [code for code in names if len(code) <= digits and _lies_in(code, root, names)]
    return [Region(code, names[code], "" if code == root else parent(code, names), kind(code, names[code]))
            for code in sorted(below, key=_depth_first)]  # fmt: skip


def parent(code: str, names: Mapping[str, str]) -> str:
    """The nearest region above that the list has; empty for a province."""
    return next((above for above in _above(code) if above in names), "")


def kind(code: str, name: str) -> str:
    """What sort of region it is, for a person: province, city, district, county, street, town, village, …"""
    if code.endswith("0000"):
        return "province"
    if len(code) == 6 and code.endswith("00"):
        return "city"
    fits = [(len(ending), kind_) for digits, ending, kind_ in KINDS if digits == len(code) and name.endswith(ending)]
    return max(fits)[1]


def _above(code: str) -> Iterator[str]:
    candidates = (code[:9], code[:6], f"{code[:4]}00", f"{code[:2]}0000")
    return (above for above in candidates if above != code and len(above) <= len(code))


def _lies_in(code: str, root: str, names: Mapping[str, str]) -> bool:
    return code == root or any(above == root for above in _above(code) if above in names)


def _depth_first(code: str) -> str:
    """Sorts each region right before what lies in it."""
    return code.rstrip("0") if code.endswith("0000") else code[:4] if code.endswith("00") and len(code) == 6 else code


def _near(code: str, names: Mapping[str, str]) -> list[str]:
    """Up to eight regions of the county level in the same city, else in the same province."""
    counties = [known for known in names if len(known) == 6]
    close = [known for known in counties if known[:4] == code[:4]] or counties
    return [f"{known} {names[known]}" for known in close[:8]]


@cache
def _names(province: str) -> Mapping[str, str]:
    text = lzma.decompress((FOLDER / f"{province}.txt.xz").read_bytes()).decode()
    return dict(_lines(text))


def _lines(text: str) -> Iterator[tuple[str, str]]:
    street = ""
    for line in text.splitlines():
        code, name = line.split(" ", 1)
        if len(code) == 3:
            code = street + code
        elif len(code) == 9:
            street = code
        yield code, name
