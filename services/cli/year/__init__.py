"""A bureau's past year as single events, made from its `year.toml`; and a live stream that goes on for ever."""

from services.cli.year.live import live
from services.cli.year.making import RIGHTS, deliveries, events
from services.cli.year.wire import Delivery, NotAccepted, publish

__all__ = ["RIGHTS", "Delivery", "NotAccepted", "deliveries", "events", "live", "publish"]
