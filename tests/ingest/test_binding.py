"""From HTTP requests to raw events: the three modes of CloudEvents 1.0, NDJSON, and what is none of them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.ingest import binding
from services.ingest.binding import BATCH, NDJSON, STRUCTURED, Sent, TooMany, Unparsable, Unsupported

CE = [
    (b"ce-specversion", b"1.0"),
    (b"ce-type", b"com.example.someevent"),
    (b"ce-time", b"2018-04-05T03:56:24Z"),
    (b"ce-id", b"1234-1234-1234"),
    (b"ce-source", b"/mycontext/subcontext"),
]
DATA = b'{\n    "message": "Hello World!"\n}'
EVENT = {
    "specversion": "1.0",
    "type": "com.example.someevent",
    "time": "2018-04-05T03:56:24Z",
    "id": "1234-1234-1234",
    "source": "/mycontext/subcontext",
    "datacontenttype": "application/json",
    "data": {"message": "Hello World!"},
}


def values(content_type: str, body: bytes, headers: Any = ()) -> list[Any]:
    return [sent.value for sent in binding.read(content_type, headers, body)]


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8"])
def test_conformance_binary_mode(content_type: str) -> None:
    """Scenario outline `Binary content mode` of the CloudEvents conformance suite."""
    assert values(content_type, DATA, CE) == [EVENT | {"datacontenttype": content_type}]


@pytest.mark.parametrize("content_type", [STRUCTURED, f"{STRUCTURED}; charset=utf-8"])
def test_conformance_structured_mode(content_type: str) -> None:
    """Scenario outline `Structured content mode` of the CloudEvents conformance suite."""
    assert values(content_type, msgspec.json.encode(EVENT)) == [EVENT]


def test_the_conformance_suite_has_no_other_http_scenarios() -> None:
    feature = Path(__file__).parents[2] / ".." / "shared" / "samples" / "cloudevents" / "http-protocol-binding.feature"
    if not feature.exists():
        pytest.skip("the samples are not here")
    scenarios = [line.strip() for line in feature.read_text().splitlines() if line.strip().startswith("Scenario")]
    assert scenarios == [
        "Scenario Outline: Binary content mode (<contentType>)",
        "Scenario Outline: Structured content mode (<contentType>)",
    ]


MINIMUM: dict[str, tuple[bytes, Any]] = {
    "text/plain; charset=us-ascii": (b"Hello, World!", Unsupported),
    "text/plain; charset=utf-8": ("Hello, 🌎!".encode(), Unsupported),
    "application/xml; charset=utf-8": ("<msg>Hello, 🌎!</msg>".encode(), Unsupported),
    "application/json; charset=utf-8": ('"Hello, 🌎!"'.encode(), "Hello, 🌎!"),
    "application/json; charset=UTF-8": ('{"msg":"Hello, 🌎!"}'.encode(), {"msg": "Hello, 🌎!"}),
    "application/json;charset=utf-8": ('["Hello","🌎!"]'.encode(), ["Hello", "🌎!"]),
}


@pytest.mark.parametrize("content_type", MINIMUM)
def test_conformance_minimum(content_type: str) -> None:
    """`v1_minimum.yaml` of the conformance suite: the hub reads JSON data and says so of others."""
    body, expected = MINIMUM[content_type]
    if expected is Unsupported:
        with pytest.raises(Unsupported):
            binding.read(content_type, CE, body)
    else:
        assert values(content_type, body, CE)[0]["data"] == expected


HEADER_VALUES = {
    b"plain": "plain",
    b"  blanks  ": "blanks",
    b"Euro%20%E2%82%AC%20%F0%9F%98%80": "Euro € 😀",
    b"%e9%9a%90%e6%82%a3": "隐患",
    "隐患".encode(): "隐患",
    b'"quoted \\"text\\""': 'quoted "text"',
    b"100%": "100%",
    b"%2541": "%41",
}


@pytest.mark.parametrize("raw", HEADER_VALUES)
def test_header_values_are_unquoted_and_percent_decoded_once(raw: bytes) -> None:
    (value,) = values("application/json", b"{}", [*CE, (b"CE-Comment", raw)])
    assert value["comment"] == HEADER_VALUES[raw]


def test_binary_mode_without_a_body_has_no_data() -> None:
    (value,) = values("", b"", CE)
    assert "data" not in value
    assert "datacontenttype" not in value


def test_binary_mode_wins_over_the_event_look_of_its_data() -> None:
    (value,) = values("application/json", msgspec.json.encode(EVENT), CE)
    assert value["data"] == EVENT


def test_other_headers_are_no_attributes() -> None:
    (value,) = values("application/json", b"{}", [*CE, (b"user-agent", b"foo"), (b"cee-x", b"1")])
    assert value.keys() == EVENT.keys()


def test_a_batch_keeps_its_order() -> None:
    body = msgspec.json.encode([EVENT | {"id": str(i)} for i in range(3)])
    assert [v["id"] for v in values(BATCH, body)] == ["0", "1", "2"]
    assert values(BATCH, b"[]") == []


def test_ndjson_counts_lines_and_skips_blank_ones() -> None:
    one = msgspec.json.encode(EVENT)
    read = binding.read(NDJSON, (), one + b"\r\n\n  \n" + one)
    assert [(sent.index, sent.value == EVENT) for sent in read] == [(0, True), (3, True)]


def test_broken_lines_are_named_and_the_others_read() -> None:
    first, second, third = binding.read(NDJSON, (), b'{"a":1}\n{"a":\nnonsense')
    assert first == Sent(0, 7, {"a": 1})
    assert [p.problem and (p.problem.field, p.problem.code) for p in (second, third)] == [
        ("line 2", "not_json"),
        ("line 3", "not_json"),
    ]


def test_a_broken_element_of_a_batch_is_named() -> None:
    _, second = binding.read(BATCH, (), b'[{"id":"1"},{"id":"\xff"}]')
    assert second.problem is not None
    assert (second.index, second.problem.code) == (1, "not_json")


def test_plain_json_is_taken_when_it_shows_that_it_is_an_event() -> None:
    assert values("application/json", msgspec.json.encode(EVENT)) == [EVENT]
    assert values("application/json", msgspec.json.encode([EVENT, 1])) == [EVENT, 1]


def test_a_byte_order_mark_is_skipped() -> None:
    assert values(STRUCTURED, b"\xef\xbb\xbf" + msgspec.json.encode(EVENT)) == [EVENT]


def test_fractions_stay_exact() -> None:
    assert values(STRUCTURED, b'{"a":0.10,"b":1}') == [{"a": Decimal("0.10"), "b": 1}]


UNPARSABLE: dict[str, tuple[str, bytes, Any]] = {
    "nothing": (STRUCTURED, b"", ()),
    "half an object": (STRUCTURED, b'{"id":', ()),
    "two objects": (STRUCTURED, b"{}{}", ()),
    "not a number": (STRUCTURED, b"NaN", ()),
    "GBK": (STRUCTURED, '{"id":"隐患"}'.encode("gb18030"), ()),
    "bottomless": (STRUCTURED, b"[" * 100_000, ()),
    "a batch that is an object": (BATCH, b"{}", ()),
    "half a batch": (BATCH, b"[{}", ()),
    "a bottomless batch": (BATCH, b"[" * 100_000, ()),
    "binary with broken data": ("application/json", b"{", CE),
    "a header that is not UTF-8": ("application/json", b"{}", [*CE, (b"ce-x", b"%ff")]),
    "ce-data": ("application/json", b"{}", [*CE, (b"ce-data", b"{}")]),
}


@pytest.mark.parametrize("case", UNPARSABLE)
def test_what_cannot_be_parsed(case: str) -> None:
    content_type, body, headers = UNPARSABLE[case]
    with pytest.raises(Unparsable):
        binding.read(content_type, headers, body)


UNSUPPORTED: dict[str, tuple[str, bytes, Any]] = {
    "nothing said": ("", b"{}", ()),
    "text": ("text/plain", b"{}", ()),
    "XML": ("application/cloudevents+xml", b"<a/>", ()),
    "a form": ("multipart/form-data; boundary=x", b"", ()),
    "binary with text": ("text/plain", b"hi", CE),
    "binary with XML": ("application/xml; charset=utf-8", b"<a/>", CE),
    "binary with a body of no type": ("", b"{}", CE),
    "another charset": (f"{STRUCTURED}; charset=gbk", b"{}", ()),
    "plain JSON": ("application/json", b'{"a":1}', ()),
    "plain JSON list": ("application/json", b"[]", ()),
}


@pytest.mark.parametrize("case", UNSUPPORTED)
def test_what_is_not_supported(case: str) -> None:
    content_type, body, headers = UNSUPPORTED[case]
    with pytest.raises(Unsupported):
        binding.read(content_type, headers, body)


def test_how_many_a_request_may_carry() -> None:
    assert len(binding.read(BATCH, (), b"[" + b",".join([b"{}"] * 5000) + b"]")) == 5000
    assert len(binding.read(NDJSON, (), b"{}\n" * 10_000)) == 10_000
    with pytest.raises(TooMany, match="5000"):
        binding.read(BATCH, (), b"[" + b",".join([b"{}"] * 5001) + b"]")
    with pytest.raises(TooMany, match="10000"):
        binding.read(NDJSON, (), b"{}\n" * 10_000 + b"{}")


def test_nesting_is_bounded() -> None:
    def nested(levels: int) -> bytes:
        return b'{"data":' * levels + b"1" + b"}" * levels

    assert binding.one(0, nested(33)).problem is None
    deep = binding.one(0, nested(34)).problem
    assert deep is not None
    assert deep.code == "depth"
    assert binding.one(0, b'{"a":[' + b"{}," * 100 + b"{}]}").problem is None
