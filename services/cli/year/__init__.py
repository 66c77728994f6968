"""A bureau's past year as single events, made from its `year.toml`; and a live stream that goes on for ever."""

from services.cli.year.making import deliveries, events
from services.cli.year.wire import Delivery

__all__ = ["Delivery", "deliveries", "events"]
