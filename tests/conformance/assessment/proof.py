"""How a control is proved: where it fails, what its items then name, and where it passes."""

from __future__ import annotations

import dataclasses

__all__ = ["BAD", "BAD_STANDBY", "ENDING", "GOOD", "GOOD_STANDBY", "PACKAGES", "PLAIN", "SUPPORTED", "Proof"]

BAD = "bad"
BAD_STANDBY = "bad standby"
ENDING = "ending"  # the bad server, looked at in the last half year of its version
GOOD = "good"
GOOD_STANDBY = "good standby"
PACKAGES = "packages"  # servers with the extensions of Debian's packages; see test_with_packages.py
SUPPORTED = "supported"  # the good server, looked at long before that
PLAIN = "plain"  # what cannot be wrong, or right, together with what the others have


@dataclasses.dataclass(frozen=True)
class Proof:
    """``names`` is part of the items of the failing one, so that it fails for what was planted; ``{owner}`` is the server's account."""

    names: str
    fails: str = BAD
    passes: str = GOOD
