"""Relief supplies and their depots (物资)."""

from __future__ import annotations

from services.contracts.event import Data, row
from services.contracts.fields import Id, Moment, Money, Number, Text


class SupplyDepotRegistered(Data, frozen=True, kw_only=True):
    """A depot or supply point is registered."""

    about = row("supply.depot_registered", "储备库/点登记", "depot_id", keys="depot_id")
    example = {"depot_id": "CK-01", "tier": "district", "address": "江浦街道文德路1号", "region_code": "320111"}

    depot_id: Id | None = None
    tier: Text | None = None
    address: Text | None = None
    region_code: Text | None = None


class SupplyPurchased(Data, frozen=True, kw_only=True):
    """Supplies are bought."""

    about = row("supply.purchased", "采购", "item")
    example = {"item": "编织袋", "quantity": 500, "cost_cny": "15000.00"}

    item: Text | None = None
    quantity: Number | None = None
    cost_cny: Money | None = None


class SupplyStocked(Data, frozen=True, kw_only=True):
    """Supplies come into a depot."""

    about = row("supply.stocked", "储备", "depot_id")
    example = {"depot_id": "CK-01", "item": "编织袋", "quantity": 500, "expires": "2026-06-30"}

    depot_id: Id | None = None
    item: Text | None = None
    quantity: Number | None = None
    expires: Moment | None = None


class SupplyAllocated(Data, frozen=True, kw_only=True):
    """Supplies move from one depot to another."""

    about = row("supply.allocated", "调拨", "from/to/item")
    example = {"from": "CK-01", "to": "CK-02", "item": "编织袋", "quantity": 500, "incident_id": "TF-2023-0716-01"}

    from_: Id | None = None
    to: Id | None = None
    item: Text | None = None
    quantity: Number | None = None
    incident_id: Id | None = None


class SupplyIssued(Data, frozen=True, kw_only=True):
    """Supplies are handed out."""

    about = row("supply.issued", "发放", "depot_id")
    example = {"depot_id": "CK-01", "item": "编织袋", "quantity": 500, "to": "江浦街道办事处"}

    depot_id: Id | None = None
    item: Text | None = None
    quantity: Number | None = None
    to: Text | None = None


class SupplyReturned(Data, frozen=True, kw_only=True):
    """Supplies come back."""

    about = row("supply.returned", "回收", "depot_id")
    example = {"depot_id": "CK-01", "item": "编织袋", "quantity": 500}

    depot_id: Id | None = None
    item: Text | None = None
    quantity: Number | None = None


class SupplyVerified(Data, frozen=True, kw_only=True):
    """The stock of a depot is verified."""

    about = row("supply.verified", "物资核报", "depot_id")
    example = {"depot_id": "CK-01", "differences": "无"}

    depot_id: Id | None = None
    differences: Text | None = None


TYPES = (
    SupplyDepotRegistered,
    SupplyPurchased,
    SupplyStocked,
    SupplyAllocated,
    SupplyIssued,
    SupplyReturned,
    SupplyVerified,
)
