"""The register of event types: what is registered is complete, because it is registered."""

import re

import pytest

from services.contracts import codes
from services.contracts.check import check_data
from services.contracts.event import Data, Origin, subject_of
from services.contracts.families import CLASS_OF, CLASSES, FIELDS, TYPES
from services.contracts.fields import MONEY, Codes
from services.contracts.topics import CANONICAL, TOPICS, partition_of, topic_of

RETRACTION = "event.retracted"
"""Goes to the topic, and has the subject, of the type that it takes back."""
EVERY_TYPE = pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.about.name)


def test_a_type_is_registered_once() -> None:
    assert len(TYPES) == len(CLASSES)


@EVERY_TYPE
def test_the_class_is_named_like_the_type(cls: type[Data]) -> None:
    assert cls.__name__.lower() == re.sub("[._]", "", cls.about.name)
    assert re.fullmatch(r"[a-z_]+\.[a-z_]+", cls.about.name)


@EVERY_TYPE
def test_the_row_explains_itself(cls: type[Data]) -> None:
    assert re.search("[一-鿿]", cls.about.zh)
    assert cls.__doc__
    assert cls.about.origins


@EVERY_TYPE
def test_the_example_is_valid_and_uses_registered_fields_only(cls: type[Data]) -> None:
    assert check_data(cls.about.name, cls.example) == []
    assert set(cls.example) <= set(FIELDS[cls.about.name])


@EVERY_TYPE
def test_subject_and_keys_are_fields(cls: type[Data]) -> None:
    assert {*cls.about.subject, *cls.about.keys} <= set(FIELDS[cls.about.name])


@pytest.mark.parametrize("name", sorted(set(TYPES) - {RETRACTION}))
def test_the_example_names_its_subject(name: str) -> None:
    assert subject_of(TYPES[name], CLASS_OF[name].example)


def test_a_retraction_has_no_subject_of_its_own() -> None:
    assert subject_of(TYPES[RETRACTION], CLASS_OF[RETRACTION].example) is None


@pytest.mark.parametrize("name", sorted(set(TYPES) - {RETRACTION}))
def test_the_family_has_a_topic(name: str) -> None:
    topic = topic_of(TYPES[name])
    partition = partition_of(TYPES[name], topic)
    assert topic in CANONICAL or topic.name == "telemetry"
    assert partition is None or partition in range(topic.partitions)


def test_every_family_of_a_topic_has_types() -> None:
    assert {family for topic in TOPICS for family in topic.families} == {type_.family for type_ in TYPES.values()} - {
        "event"
    }


@EVERY_TYPE
def test_every_field_is_optional(cls: type[Data]) -> None:
    assert cls() is not None


def test_a_field_named_cny_is_money_and_money_is_named_cny() -> None:
    fields = {(name, spec) for specs in FIELDS.values() for name, spec in specs.items()}
    assert all((spec.kind is MONEY) == name.endswith("_cny") for name, spec in fields)


def test_a_python_word_is_sent_without_its_underscore() -> None:
    assert "from" in FIELDS["period.declared"]
    assert not [name for specs in FIELDS.values() for name in specs if name.endswith("_")]


def test_every_list_of_codes_is_used_and_has_its_constants_name() -> None:
    lists = {name: value for name, value in vars(codes).items() if isinstance(value, Codes)}
    used = {spec.codes for specs in FIELDS.values() for spec in specs.values() if spec.codes}
    assert set(lists.values()) == used
    assert all(value.name == name.lower() and all(value.values.values()) for name, value in lists.items())


def test_what_only_a_person_or_the_hub_may_say() -> None:
    assert TYPES["warning.notice_approved"].origins == {Origin.PERSON}
    assert TYPES["warning.notice_issued"].origins == {Origin.PERSON, Origin.HUB}
    assert TYPES["loop.closed"].origins == {Origin.HUB}
    assert TYPES["alarm.raised"].origins == {Origin.PARTNER, Origin.HUB}
    assert TYPES["feed.zero_declared"].origins == {Origin.PARTNER}


def test_plans_may_lie_ahead_and_alerts_are_never_refused_for_their_clock() -> None:
    ahead = {name for name, type_ in TYPES.items() if type_.ahead}
    planned = {name for name in TYPES if name.endswith(".planned")}
    assert ahead == planned | {"duty.shift_assigned", "duty.shift_swapped", "campaign.started", "period.declared"}
    assert [name for name, type_ in TYPES.items() if not type_.clock] == ["weather.alert_received"]


@pytest.mark.parametrize(
    ("type_name", "field"),
    [
        ("incident.reported", "reporter"), ("duty.logged", "caller"), ("contact.upserted", "channels"),
        ("callout.answered", "text"), ("publicity.activity", "speaker"), ("investigation.concluded", "responsible"),
    ],
)  # fmt: skip
def test_what_names_or_reaches_a_person_is_marked(type_name: str, field: str) -> None:
    assert FIELDS[type_name][field].personal
