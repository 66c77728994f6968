"""What the door admits, refuses and stamps, row by row."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from services.contracts import schema
from services.contracts.event import Origin, decode
from services.contracts.families import TYPES
from services.ingest import binding
from services.ingest.door import Admitted
from services.ingest.problem import CODES, status_of
from services.runtime.access import Key, Scope
from tests.ingest.scene import ALL, DOOR, KEY, NOW, admit, codes, event, record, scoped

LONG = "x" * 5000

REFUSED: dict[str, tuple[dict[str, Any], set[tuple[str, str]]]] = {
    "no specversion": ({"specversion": ...}, {("specversion", "specversion")}),
    "specversion 0.3": ({"specversion": "0.3"}, {("specversion", "specversion")}),
    "specversion a number": ({"specversion": 1.0}, {("specversion", "specversion")}),
    "no id": ({"id": ...}, {("id", "missing")}),
    "empty id": ({"id": ""}, {("id", "missing")}),
    "id null": ({"id": None}, {("id", "missing")}),
    "id a number": ({"id": 7}, {("id", "not_text")}),
    "id too long": ({"id": "x" * 257}, {("id", "too_long")}),
    "id with a line break": ({"id": "a\nb"}, {("id", "characters")}),
    "no source": ({"source": ...}, {("source", "missing")}),
    "no type": ({"type": ...}, {("type", "missing")}),
    "unknown type": ({"type": "hazard.fuond"}, {("type", "unknown_type")}),
    "type a list": ({"type": ["hazard.found"]}, {("type", "not_text")}),
    "no time": ({"time": ...}, {("time", "missing")}),
    "time without offset": ({"time": "2023-06-30T08:00:00"}, {("time", "time_format")}),
    "a date alone": ({"time": "2023-06-30"}, {("time", "time_format")}),
    "no such day": ({"time": "2023-02-30T08:00:00Z"}, {("time", "time_format")}),
    "time a number": ({"time": 1688083200}, {("time", "not_text")}),
    "year 1": ({"time": "0001-01-01T00:00:00+08:00"}, {("time", "time_range")}),
    "year 0": ({"time": "0000-01-01T00:00:00Z"}, {("time", "time_format")}),
    "year 9999": ({"time": "9999-12-31T23:59:59-08:00"}, {("time", "time_range")}),
    "tomorrow": ({"time": "2023-08-02T12:00:00Z"}, {("time", "time_ahead")}),
    "11 minutes ahead": ({"time": "2023-08-01T12:11:00Z"}, {("time", "time_ahead")}),
    "status unknown": ({"status": "real"}, {("status", "value")}),
    "status empty": ({"status": ""}, {("status", "missing"), ("status", "value")}),
    "lane unknown": ({"lane": "urgent"}, {("lane", "value")}),
    "region a number": ({"region": 320111}, {("region", "not_text")}),
    "data a text": ({"data": "hello"}, {("data", "not_an_object"), ("subject", "missing")}),
    "data a list": ({"data": [1]}, {("data", "not_an_object"), ("subject", "missing")}),
    "data_base64": ({"data_base64": "aGk="}, {("data_base64", "base64")}),
    "XML data": ({"datacontenttype": "text/xml"}, {("datacontenttype", "content_type")}),
    "no subject at all": ({"data": {}}, {("subject", "missing")}),
    "subject differs": ({"subject": "YH-2"}, {("subject", "subject_differs")}),
    "coded value": ({"data": {"hazard_id": "1", "level": "huge"}}, {("data.level", "codes")}),
    "attribute in capitals": ({"regionCode": "1"}, {("regionCode", "attribute_name")}),
    "attribute an object": ({"extra": {"a": 1}}, {("extra", "attribute_value")}),
    "attribute a fraction": ({"extra": 1.5}, {("extra", "attribute_value")}),
    "attribute beyond 32 bits": ({"extra": 2**31}, {("extra", "attribute_value")}),
    "attribute too long": ({"extra": LONG}, {("extra", "too_long")}),
    "correctssource alone": ({"correctssource": "/bureau/inspections"}, {("correctssource", "correction")}),
    "whole number beyond 2^53": ({"data": {"hazard_id": "1", "n": 2**60}}, {("data", "number")}),
    "a fraction beyond doubles": ({"data": {"hazard_id": "1", "n": msgspec.Raw(b"[1e400]")}}, {("data", "number")}),
    "U+0000": ({"data": {"hazard_id": "1", "note": "a\x00b"}}, {("", "characters")}),
    "several": (
        {"id": 1, "time": "now", "status": "x", "Ünknown": 1},
        {("id", "not_text"), ("time", "time_format"), ("status", "value"), ("Ünknown", "attribute_name")},
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_wrong_is_named_by_field_and_code(case: str) -> None:
    changes, expected = REFUSED[case]
    assert codes(event(**changes)) == expected


@pytest.mark.parametrize("raw", [1, "x", None, [], [1], True, 1.5])
def test_an_event_is_an_object(raw: Any) -> None:
    assert codes(raw) == {("", "not_an_object")}


NOT_ALLOWED: dict[str, tuple[dict[str, Any], Key, set[tuple[str, str]]]] = {
    "another source": ({"source": "/bureau/fire"}, KEY, {("source", "source_not_allowed")}),
    "a prefix is whole segments": ({"source": "/bureau/inspections2"}, KEY, {("source", "source_not_allowed")}),
    "no source at all": ({}, scoped(sources=(), rights=("publish",)), {("source", "source_not_allowed")}),
    "type": ({}, scoped(types=("drill.*", "hazard.closed")), {("type", "type_not_allowed")}),
    "status": ({"status": "exercise"}, KEY, {("status", "status_not_allowed")}),
    "region beside": ({"region": "320111002"}, scoped(regions=("320111001",)), {("region", "region_not_allowed")}),
    "region above": ({"region": "320111"}, scoped(regions=("320111001",)), {("region", "region_not_allowed")}),
    "region unknown, its prefix outside": (
        {"region": "320111002999"},
        scoped(regions=("320111001",)),
        {("region", "region_not_allowed")},
    ),
    "no region, several in the key": (
        {},
        scoped(regions=("320111001", "320111002")),
        {("region", "region_not_allowed")},
    ),
    "a key's region that the tree no longer has": (
        {},
        scoped(regions=("320111009",)),
        {("region", "region_not_allowed")},
    ),
    "only to read": ({}, scoped(rights=("read",)), {("", "right_missing")}),
    "history without the right": ({"lane": "history"}, KEY, {("", "right_missing")}),
    "a person's type": ({"type": "duty.logged", "data": {"shift_id": "1"}}, KEY, {("type", "origin_not_allowed")}),
    "the hub's type": (
        {"type": "loop.opened", "subject": "hazard/x", "data": {}},
        ALL,
        {("type", "origin_not_allowed")},
    ),
    "a person's type as history without the right": (
        {"type": "duty.logged", "data": {"shift_id": "1"}, "lane": "history"},
        KEY,
        {("", "right_missing")},
    ),
    "correcting another's": (
        {"corrects": "x", "correctssource": "/bureau/fire"},
        KEY,
        {("correctssource", "right_missing")},
    ),
    "retraction without the right": (
        {"type": "event.retracted", "subject": "YH-1", "corrects": "x", "data": {"type": "hazard.found"}},
        KEY,
        {("", "right_missing")},
    ),
    "retracting a type outside the key": (
        {"type": "event.retracted", "subject": "YH-1", "corrects": "x", "data": {"type": "hazard.found"}},
        scoped(types=("drill.*",), rights=("retract",)),
        {("type", "type_not_allowed")},
    ),
    "retracting the hub's own": (
        {"type": "event.retracted", "subject": "YH-1", "corrects": "x", "data": {"type": "loop.opened"}},
        ALL,
        {("type", "origin_not_allowed")},
    ),
}


@pytest.mark.parametrize("case", NOT_ALLOWED)
def test_what_the_key_does_not_cover_is_403_and_named(case: str) -> None:
    changes, key, expected = NOT_ALLOWED[case]
    assert codes(event(**changes), key) == expected
    found = admit(event(**changes), key)
    assert isinstance(found, list)
    assert status_of(found) == 403


ADMITTED: dict[str, tuple[dict[str, Any], Key]] = {
    "plain": ({}, KEY),
    "9 minutes ahead": ({"time": "2023-08-01T12:09:00Z"}, KEY),
    "long ago": ({"time": "1949-10-01T15:00:00+08:00"}, KEY),
    "small letters in the time": ({"time": "2023-06-30t08:00:00.123456789z"}, KEY),
    "a plan of next year": (
        {"type": "drill.planned", "data": {"drill_id": "D1"}, "time": "2024-05-12T09:00:00+08:00"},
        KEY,
    ),
    "data null": ({"data": None, "subject": "YH-1"}, KEY),
    "an attribute null": ({"drill": None}, KEY),
    "exact source": ({"source": "/bureau/inspections"}, KEY),
    "extension attributes": ({"traceparent": "00-ab", "count": 3, "flag": True}, KEY),
    "JSON with charset": ({"datacontenttype": "application/json; charset=utf-8"}, KEY),
    "vendor JSON": ({"datacontenttype": "application/vnd.x+json"}, KEY),
    "exercise": ({"status": "exercise", "drill": "D1"}, scoped(statuses=("actual", "exercise"))),
    "a code of the bureau's own": ({"data": {"hazard_id": "1", "level": "blue_plus"}}, KEY),
    "an unknown field": ({"data": {"hazard_id": "1", "colour": {"a": [1, None]}}}, KEY),
    "history": ({"lane": "history"}, scoped(rights=("history",))),
    "a person's type as history": (
        {"type": "duty.logged", "data": {"shift_id": "1"}, "lane": "history"},
        scoped(rights=("history",)),
    ),
    "correcting one's own": ({"corrects": "e-0"}, KEY),
    "correcting under another of its prefixes": (
        {"corrects": "e-0", "correctssource": "/bureau/inspections/other"},
        KEY,
    ),
    "correcting another's with the right": (
        {"corrects": "e-0", "correctssource": "/bureau/fire"},
        scoped(rights=("correct",)),
    ),
    "correcting itself: the ledger's matter": ({"corrects": "e-1"}, KEY),
    "Chinese ids": ({"id": "隐患　一"}, KEY),
}


@pytest.mark.parametrize("case", ADMITTED)
def test_what_is_right_comes_in_and_can_be_read(case: str) -> None:
    changes, key = ADMITTED[case]
    admitted = admit(event(**changes), key)
    assert isinstance(admitted, Admitted), admitted
    assert decode(admitted.record).id == event(**changes)["id"]


@pytest.mark.parametrize("type_", TYPES)
def test_the_example_of_every_type_comes_in(type_: str) -> None:
    lane = {} if Origin.PARTNER in TYPES[type_].origins else {"lane": "history"}
    admitted = admit(schema.example_event(type_) | lane, ALL)
    assert isinstance(admitted, Admitted), admitted
    assert decode(admitted.record).type == type_


def test_the_record_holds_what_was_sent_and_what_the_hub_sets() -> None:
    sent = event(extra="kept", data={"hazard_id": "YH-1", "level": "general", "unknown": [1]})
    got = record(sent)
    digest = hashlib.sha256(rfc8785.dumps(sent)).hexdigest()
    assert got == sent | {
        "subject": "YH-1",
        "region": "320111",
        "status": "actual",
        "filled": "subject region status",
        "recordedtime": "2023-08-01T12:00:00.000000Z",
        "publisher": "inspections",
        "digest": digest,
    }


def test_hub_attributes_from_outside_are_replaced_and_not_digested() -> None:
    forged = {"recordedtime": "2000-01-01T00:00:00Z", "publisher": "someone", "digest": "0" * 64, "cause": "x",
              "flags": "y", "filled": ["id"], "regiongiven": {"a": 1}}  # fmt: skip
    assert record(event(**forged)) == record(event())


def test_fractions_leave_as_they_came_and_are_doubles_in_the_digest() -> None:
    raw = msgspec.json.encode(event()).replace(b'"general"', b'"general","a":12.10,"b":99999999999999.99,"c":[1e2]')
    admitted = DOOR.admit(binding.one(0, raw), KEY, NOW)
    assert isinstance(admitted, Admitted)
    assert b'"a":12.10,"b":99999999999999.99,"c":[1E+2]' in admitted.record
    assert decode(admitted.record).digest == hashlib.sha256(rfc8785.dumps(msgspec.json.decode(raw))).hexdigest()


def test_amounts_have_two_decimals() -> None:
    fine = event(type="penalty.imposed", data={"case_id": "1", "amount_cny": 1200.5})
    assert isinstance(admit(fine), Admitted)
    assert codes(fine | {"data": {"case_id": "1", "amount_cny": "0.125"}}) == {("data.amount_cny", "money")}


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"1e99999999", "kind"),
        (b"1e-99999999999999999999", "kind"),
        (b'"1e99999999999999999999"', "kind"),
        (b'"1_000"', "kind"),
        (b'" 12 "', "kind"),
        (b'"NaN"', "kind"),
        (b"true", "kind"),
        (b"1e15", "money"),
        (b"0.001", "money"),
        (b"-0.00", None),
        (b"1e2", None),
        (b"99999999999999.99", None),
    ],
)
def test_amounts_as_they_are_written(sent: bytes, code: str | None) -> None:
    raw = msgspec.json.encode(event(type="penalty.imposed", data={"case_id": "1", "amount_cny": "@"}))
    judged = DOOR.admit(binding.one(0, raw.replace(b'"@"', sent)), KEY, NOW)
    found = {p.code for p in judged if p.field == "data.amount_cny"} if isinstance(judged, list) else {None}
    assert found == {code}


SUBJECTS: dict[str, tuple[dict[str, Any], str, dict[str, Any]]] = {
    "from the data": ({}, "YH-1", {"hazard_id": "YH-1", "level": "general"}),
    "into the data": (
        {"subject": "YH-9", "data": {"level": "general"}},
        "YH-9",
        {"level": "general", "hazard_id": "YH-9"},
    ),
    "into data that are not there": ({"subject": "YH-9", "data": ...}, "YH-9", {"hazard_id": "YH-9"}),
    "into two fields": (
        {"type": "insurance.covered", "subject": "91320/safety_liability", "data": {}},
        "91320/safety_liability",
        {"enterprise_id": "91320", "kind": "safety_liability"},
    ),
    "into the field that is missing": (
        {"type": "insurance.covered", "subject": "91320/safety_liability", "data": {"kind": "safety_liability"}},
        "91320/safety_liability",
        {"kind": "safety_liability", "enterprise_id": "91320"},
    ),
    "from two fields": (
        {"type": "insurance.covered", "data": {"enterprise_id": "91320", "kind": "safety_liability"}},
        "91320/safety_liability",
        {"enterprise_id": "91320", "kind": "safety_liability"},
    ),
    "a retraction's is its own": (
        {"type": "event.retracted", "subject": "YH-1", "corrects": "e-0", "data": {"type": "hazard.found"}},
        "YH-1",
        {"type": "hazard.found"},
    ),
}


@pytest.mark.parametrize("case", SUBJECTS)
def test_subject_and_data_are_filled_from_each_other(case: str) -> None:
    changes, subject, data = SUBJECTS[case]
    got = record(event(**changes), scoped(rights=("publish", "retract")))
    assert (got["subject"], got["data"]) == (subject, data)


def test_the_digest_is_of_what_was_sent_not_of_what_was_filled() -> None:
    sent = event(subject="YH-9", data={})
    assert record(sent)["digest"] == hashlib.sha256(rfc8785.dumps(sent)).hexdigest()


REGION_CASES = {
    "known": ("320111001", "320111001", None),
    "unknown below a known one": ("320111001777", "320111001", "320111001777"),
    "unknown everywhere": ("110101", "320111", "110101"),
    "not by digits but by the tree": ("991", "99", "991"),
}


@pytest.mark.parametrize("case", REGION_CASES)
def test_an_unknown_region_is_kept_under_its_longest_known_prefix(case: str) -> None:
    given_, region, flagged = REGION_CASES[case]
    got = record(event(region=given_))
    assert (got["region"], got.get("regiongiven")) == (region, flagged)


def test_without_region_it_is_the_keys_only_one_else_the_root() -> None:
    assert record(event(), scoped(regions=("320111002",)))["region"] == "320111002"
    assert record(event())["region"] == "320111"


def test_a_keys_region_is_checked_on_the_result() -> None:
    got = record(event(region="320111001001999"), scoped(regions=("320111001",)))
    assert got["region"] == "320111001001"


@pytest.mark.parametrize("time", ["2023-08-02T12:00:00Z", "9999-01-01T00:00:00Z", "0001-06-01T00:00:00+08:00"])
def test_a_weather_alert_is_never_refused_for_its_clock(time: str) -> None:
    raw = event(type="weather.alert_received", data={"chain_id": "C1"}, time=time)
    assert record(raw)["flags"] == "clock"
    assert "flags" not in record(raw | {"time": "2023-08-01T12:00:00Z"})


def test_a_correction_names_its_source() -> None:
    assert record(event(corrects="e-0"))["correctssource"] == event()["source"]
    assert "correctssource" not in record(event())


def test_a_retraction_goes_to_the_topic_of_the_type_taken_back() -> None:
    raw = event(type="event.retracted", subject="C1", corrects="e-0", data={"type": "weather.alert_received"})
    admitted = admit(raw, ALL)
    assert isinstance(admitted, Admitted)
    assert (admitted.topic, admitted.partition, admitted.key) == ("urgent", 0, b"C1")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"corrects": ...}, {("corrects", "missing")}),
        ({"data": {}}, {("data.type", "unknown_type")}),
        ({"data": {"type": "no.such"}}, {("data.type", "unknown_type")}),
        ({"data": {"type": "event.retracted"}}, {("data.type", "unknown_type")}),
        ({"subject": ...}, {("subject", "missing")}),
    ],
)
def test_a_retraction_names_what_it_takes_back(changes: dict[str, Any], expected: set[tuple[str, str]]) -> None:
    whole = {"type": "event.retracted", "subject": "YH-1", "corrects": "e-0", "data": {"type": "hazard.found"}}
    assert codes(event(**whole | changes), ALL) == expected


def test_where_it_goes() -> None:
    normal, urgent, past = admit(event()), admit(schema.example_event("weather.alert_received"), ALL), None
    past = admit(event(lane="history"), ALL)
    assert isinstance(normal, Admitted)
    assert isinstance(urgent, Admitted)
    assert isinstance(past, Admitted)
    assert (normal.topic, normal.partition, normal.key) == ("hazards", None, b"YH-1")
    assert (urgent.topic, urgent.partition) == ("urgent", 0)
    assert (past.topic, past.partition) == ("history", None)


def test_an_event_may_have_256_kb_as_sent() -> None:
    room = binding.MAX_EVENT - len(msgspec.json.encode(event(data={"hazard_id": "1", "note": ""})))
    fits = event(data={"hazard_id": "1", "note": "x" * 20_000, "rest": "x" * (room - 20_000 - 10)})
    assert isinstance(admit(fits), Admitted)
    fits["data"]["rest"] += "x"
    assert codes(fits) == {("", "event_too_large")}


def test_similar_names_are_suggested() -> None:
    assert "hazard.found" in DOOR.similar("hazard.fuond")
    assert DOOR.similar("zzzz") == ""


def test_every_code_used_is_in_the_table() -> None:
    used = {code for _, expected in REFUSED.values() for _, code in expected}
    used |= {code for _, _, expected in NOT_ALLOWED.values() for _, code in expected}
    assert used - CODES.keys() <= {"codes"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from([*event(), "subject", "region", "status", "lane", "corrects", "correctssource", "drill",
                         "datacontenttype", "recordedtime", "digest", "data_base64", "extra"])  # fmt: skip
VALUES = JSON | st.sampled_from(
    ["1.0", "event.retracted", "weather.alert_received", "history", "exercise", "", "320111"]
)


@given(st.dictionaries(NAMES, VALUES, max_size=4))
def test_whatever_comes_the_door_answers_and_what_it_admits_can_be_read(changes: dict[str, Any]) -> None:
    raw = event(**changes)
    try:
        encoded = msgspec.json.encode(raw)
    except UnicodeEncodeError:
        return  # no JSON holds a lone surrogate
    judged = DOOR.admit(binding.one(0, encoded), ALL, NOW)
    if isinstance(judged, Admitted):
        read = decode(judged.record)
        assert read.subject.encode() == judged.key
    else:
        assert judged


def test_the_scope_any_is_any_source() -> None:
    assert Scope(("*",)).owns("urn:x")
    assert Scope(("/",)).owns("/a/b")
    assert not Scope(("/",)).owns("urn:x")
