"""Identity: the same pair is the same key, the same content the same digest, by RFC 8785."""

import json
import math
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from services.contracts import identity

SAFE = 2**53 - 1
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = st.none() | st.booleans() | st.integers(-SAFE, SAFE) | st.floats(allow_nan=False, allow_infinity=False) | TEXT
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner))


@given(JSON)
def test_canonical_is_rfc_8785(value: Any) -> None:
    assert identity.canonical(value) == rfc8785.dumps(value)


@given(st.dictionaries(TEXT, SCALARS, min_size=2))
def test_the_order_of_keys_does_not_matter(sent: dict[str, Any]) -> None:
    assert identity.digest(sent) == identity.digest(dict(reversed(sent.items())))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"b": 1, "a": "\x00\x1f\x7f\u2028\"\\/"}, b'{"a":"\\u0000\\u001f\x7f\xe2\x80\xa8\\"\\\\/","b":1}'),
        ({"\U0001f600": 1, "\ufb33": 2}, '{"\U0001f600":1,"\ufb33":2}'.encode()),
        ([1e21, 1e-7, 0.1, -0.0, 333333333.3333333], b"[1e+21,1e-7,0.1,0,333333333.3333333]"),
        ("浦口", '"浦口"'.encode()),
    ],
)  # fmt: skip
def test_the_corners_of_rfc_8785(value: Any, expected: bytes) -> None:
    assert identity.canonical(value) == expected


@pytest.mark.parametrize("value", [math.nan, math.inf, 2**53, -(2**53), "\ud800", {"\ud800": 1}, [{"a": math.nan}]])
def test_what_has_no_canonical_form_is_a_value_error(value: Any) -> None:
    with pytest.raises(ValueError):
        identity.canonical(value)


def test_the_digest_is_sha_256_in_hex() -> None:
    assert identity.digest({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


@given(TEXT, TEXT)
def test_the_same_pair_has_the_same_key_of_16_bytes(source: str, id_: str) -> None:
    assert identity.key(source, id_) == identity.key(source, id_)
    assert len(identity.key(source, id_)) == 16


@given(st.lists(st.tuples(TEXT, TEXT), unique=True, min_size=2, max_size=2))
def test_another_pair_has_another_key(pairs: list[tuple[str, str]]) -> None:
    first, second = pairs
    if "\x1f" not in json.dumps(pairs, ensure_ascii=False):
        assert identity.key(*first) != identity.key(*second)


@given(st.integers(0, 2**48 - 1), st.integers(0, 2**48 - 1), st.integers(0, 2**62 - 1))
def test_keys_of_uuid_7_are_in_the_order_of_their_time(first: int, second: int, tail: int) -> None:
    one, two = (identity.key("//a", _uuid7(at, tail)) for at in (first, second))
    assert first == second or (one < two) == (first < second)
    assert int.from_bytes(one[:6]) == first


def test_uuid_7_with_the_same_time_differ_by_the_whole_id_and_the_source() -> None:
    keys = {identity.key(source, _uuid7(1, tail)) for source in ("//a", "//b") for tail in (1, 2)}
    assert len(keys) == 4


def test_other_ids_are_hashed_whole() -> None:
    looks_like = "x1895c51-9dc0-7000-8000-000000000000"
    assert identity.key("//a", looks_like)[:6] != bytes.fromhex("01895c519dc0")
    assert identity.key("//a", "YH-1") != identity.key("//a", "YH-2")


def _uuid7(milliseconds: int, tail: int) -> str:
    digits = f"{milliseconds:012x}7000{2**63 | tail:016x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
