"""An alert from the bytes that came: CAP 1.2 or 国突, told apart by content; and back in each format."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from services.contracts.alert import cap, guotu, markup, model
from services.contracts.alert.model import Alert, Flaw, Malformed

RENDER: Mapping[str, Callable[[Alert], bytes]] = {"cap": cap.render, "guotu": guotu.render, "json": model.to_json}
"""Name of a format (and ending of its address) → what writes it."""


def parse(body: bytes) -> Alert:
    """The alert in an XML document. Raises Malformed with every flaw."""
    root = markup.parse(body)
    if cap.is_cap(root):
        return cap.read(root)
    if guotu.is_guotu(root):
        return guotu.read(root)
    said = f"<{markup.local(root)}> in {markup.namespace(root) or 'no namespace'}"
    wanted = f"<alert> in {cap.NAMESPACE} (CAP 1.2), or without namespace (国突)"
    raise Malformed([Flaw("", f"{said[:200]} is no alert: send {wanted}", "namespace")])
