"""The canonical topics: one row each. Partitions are for life; a type's family names its topic."""

from __future__ import annotations

from dataclasses import dataclass

from services.contracts.event import Type

DAY_MS = 86_400_000


@dataclass(frozen=True)
class Topic:
    """One Kafka topic of the hub."""

    name: str
    lane: str
    families: tuple[str, ...]
    partitions: int
    retention_days: int
    about: str
    durable: bool = True
    """Each record is on disk before it is acknowledged (`flush.messages=1` on one broker)."""
    foreign: bool = False
    """A partner writes it: what cannot be read is set aside without end, and its times are the broker's."""


URGENT_FAMILIES = ("weather", "warning", "callout", "duty", "incident", "command", "alarm")
"""One partition of `urgent` each, in this order."""

TOPICS: tuple[Topic, ...] = (
    Topic("urgent", "urgent",
          ("weather", "period", "warning", "callout", "contact", "duty", "incident", "accident", "investigation",
           "accountability", "evacuation", "command", "emergency", "support", "alarm", "device", "anomaly", "quake",
           "grid"), len(URGENT_FAMILIES), 90, "what must be acted on within minutes"),
    Topic("hazards", "normal", ("hazard", "patrol", "problem", "monitor", "zero_report", "risk", "loop"), 4, 90,
          "hazards and what finds them"),
    Topic("inspections", "normal",
          ("inspection", "draw", "rectification", "recheck", "revisit", "campaign", "enterprise", "park", "insurance"),
          4, 90, "inspections, enterprises and their grading"),
    Topic("enforcement", "normal",
          ("enforcement", "penalty", "document", "case", "case_file", "hearing", "credit", "coercion", "site_measure"),
          4, 90, "cases, penalties, credit"),
    Topic("services", "normal",
          ("permit", "project", "knowledge", "hotline", "safety_report", "petition", "service", "notification"), 4, 90,
          "permits, hotline tickets, public reports, service visits, messages sent"),
    Topic("readiness", "normal",
          ("plan", "township", "drill", "team", "supply", "agreement", "infoofficer", "disaster", "training", "exam",
           "certificate", "study", "competition", "award"), 4, 90, "plans, drills, teams, supplies, training"),
    Topic("affairs", "normal",
          ("publicity", "bulletin", "demo_site", "policy", "decision", "legal", "reconsideration", "litigation", "org",
           "officer", "supervisor", "inspector", "expert", "task", "obligation", "supervision", "proposal", "meeting",
           "rule", "leader", "figure", "report", "feed", "channel", "config", "access", "quarantine", "silence"), 4, 90,
          "publicity, law, organisation, tasks and the hub's own acts"),
    Topic("history", "history", (), 4, 90, "imports: counted and folded, nobody is told"),
    Topic("quarantine", "aside", (), 1, 365, "what could not be read, with its reason"),
    Topic("fates", "aside", (), 1, 90, "every outcome but accepted, for the publisher's own view"),
    Topic("telemetry", "telemetry", ("sensor",), 4, 30, "sensor readings in frames", durable=False),
)  # fmt: skip

BY_NAME = {topic.name: topic for topic in TOPICS}
CANONICAL = tuple(t for t in TOPICS if t.lane in ("urgent", "normal", "history"))
"""The topics whose records are facts: the ledger reads all of them."""

_BY_FAMILY = {family: topic for topic in TOPICS for family in topic.families}

_URGENT_PARTITION = {
    "weather": 0, "period": 0, "quake": 0, "grid": 0,
    "warning": 1,
    "callout": 2, "contact": 2,
    "duty": 3,
    "incident": 4, "accident": 4, "investigation": 4, "accountability": 4, "evacuation": 4,
    "command": 5, "emergency": 5, "support": 5,
    "alarm": 6, "device": 6, "anomaly": 6,
}  # fmt: skip


def inbox_of(publisher: str) -> Topic:
    """Where a partner that speaks Kafka writes its events: one partition, so that they stay in order."""
    return Topic(f"inbox.{publisher}", "inbox", (), 1, 30, f"events from {publisher}", foreign=True)


def receipts_of(publisher: str) -> Topic:
    """Where a partner reads what became of each record of its inbox."""
    return Topic(f"receipts.{publisher}", "receipts", (), 1, 30, f"outcomes for {publisher}")


def topic_of(type_: Type, lane: str = "") -> Topic:
    """The topic that carries a type; imports (`lane=history`) have one of their own."""
    return BY_NAME["history"] if lane == "history" else _BY_FAMILY[type_.family]


def partition_of(type_: Type, topic: Topic) -> int | None:
    """The fixed partition of an urgent family; None: by the key, so that one subject stays in order."""
    return _URGENT_PARTITION[type_.family] if topic.name == "urgent" else None
