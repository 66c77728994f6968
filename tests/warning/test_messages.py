"""A stored warning is served again in each of its formats."""

from __future__ import annotations

import json

import pytest

from services.contracts.alert import model, reading
from services.contracts.alert.meaning import meaning
from services.contracts.alert.place import Ground
from services.contracts.region import Region, Regions
from services.ingest import cap as door
from services.warning import messages
from tests.contracts.alert.messages import cap, guotu

GROUND = Ground(Regions([Region("990111", "江滨区", "")]))


def event(body: bytes) -> dict[str, object]:
    means = meaning(reading.parse(body), GROUND)
    made: dict[str, object] = json.loads(json.dumps(door._event(means, body, "/weather", {}, "")))
    return made


@pytest.mark.parametrize(("body", "own", "other"), [(guotu(), "guotu", "cap"), (cap(), "cap", "guotu")])
def test_its_own_format_byte_for_byte_and_the_others_from_the_model(body: bytes, own: str, other: str) -> None:
    stored, alert = event(body), reading.parse(body)
    assert messages.rendered(stored, own) == body
    assert messages.rendered(stored, other) == reading.RENDER[other](alert)
    assert model.from_json(messages.rendered(stored, "json") or b"") == alert
    assert messages.MEDIA.keys() == reading.RENDER.keys()


def test_without_bytes_the_model_says_it_and_without_the_model_the_bytes() -> None:
    stored = event(guotu())
    data = stored["data"]
    assert isinstance(data, dict)
    only_model = {"data": {name: value for name, value in data.items() if name != "raw"}}
    only_bytes = {"data": {name: value for name, value in data.items() if name != "alert"}}
    assert reading.parse(messages.rendered(only_model, "guotu") or b"") == reading.parse(guotu())
    assert messages.rendered(only_bytes, "cap") == messages.rendered(stored, "cap")


@pytest.mark.parametrize(
    "data", [{}, {"alert": {"sent": 7}}, {"raw": {"deflate": "%"}}, {"raw": {"deflate": "eJw="}}, {"raw": "x"}, None]
)
def test_an_event_without_a_message_has_none(data: object) -> None:
    assert messages.rendered({"data": data}, "json") is None


def test_a_message_with_a_picture_loses_the_picture_not_the_warning() -> None:
    picture = "".join(f"{n * 0x9E3779B97F4A7C15 % 2**64:016x}" for n in range(30_000))
    resource = (
        "<resource><resourceDesc>p</resourceDesc><mimeType>image/png</mimeType>"
        f"<derefUri>{picture}</derefUri></resource>"
    )
    body = cap().replace(b"<area>", resource.encode() + b"<area>")
    stored = event(body)
    assert len(json.dumps(stored, ensure_ascii=False).encode()) <= 256 * 1024
    data = stored["data"]
    assert isinstance(data, dict)
    assert data["flaws"][-1].startswith("size:")
    told = reading.parse(messages.rendered(stored, "cap") or b"")
    assert told.info[0].headline == "River flood"
