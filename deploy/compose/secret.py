"""Makes the secrets that nobody needs to know, once: `python -m deploy.compose.secret`, into the volume of secrets.

The files have the names of settings (`services.runtime.settings.SECRETS`), so that a secret of your own takes the same
place: `secrets:` of a compose file, or a file in the volume.
"""

from __future__ import annotations

import secrets

from services.runtime.settings import SECRETS

MADE = ("hub_postgres_password", "grafana_password")


def main() -> None:
    """Make those that are missing; what is there stays."""
    for name in MADE:
        file = SECRETS / name
        if not file.exists():
            fresh = file.with_suffix(".new")
            fresh.write_text(secrets.token_urlsafe(32), "utf-8")
            fresh.chmod(0o444)  # PostgreSQL and the hub are different users; only their containers see the volume
            fresh.replace(file)


if __name__ == "__main__":
    main()
