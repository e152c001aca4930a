# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one kind of right adds to the plan; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Effect
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import LeftAlone
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Step

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import Role

__all__ = ["Part"]


@dataclasses.dataclass(frozen=True)
class Part:
    """Steps that share the transaction of the component with the others'."""

    steps: tuple[Step, ...] = ()
    effects: tuple[Effect, ...] = ()
    left_alone: tuple[LeftAlone, ...] = ()
    warnings: tuple[str, ...] = ()
    needed: tuple[tuple[Role, str], ...] = ()  # what roles in use would lose, though nobody has decided about them
