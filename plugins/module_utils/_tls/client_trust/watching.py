# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Trust in clients where nothing is asked for it and the server has none: most runs, which pay for no more; private."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._converge import Component
    from ansible_collections.rampart.postgresql.plugins.module_utils._converge import Sections
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["Watching", "component"]

_OPTIONS = ("client_authorities", "client_revocation_lists")
_TRUSTS = "SELECT pg_catalog.current_setting('ssl_ca_file') <> '' AS trusts"


def component(values: t.Mapping[str, t.Any], *, option: str = "", can_only_judge: bool = False) -> Component:
    """The component of the options of a certificate; ``option`` is the name of the option that holds them."""

    def whole() -> Component:
        from ansible_collections.rampart.postgresql.plugins.module_utils._tls.client_trust import (
            component as _component,
        )

        return _component.component(values, option=option, can_only_judge=can_only_judge)

    return whole() if any(values.get(name) is not None for name in _OPTIONS) else Watching(whole)


class Watching:
    """Becomes the whole component as soon as the server trusts somebody: what that lists may be near its end."""

    name = "client_trust"
    order = 11  # as the whole one

    def __init__(self, whole: t.Callable[[], Component]) -> None:
        self._make = whole
        self._whole: Component | None = None

    def observe(self, server: Server) -> t.Any:
        """What the whole component sees; None where there is nothing to see."""
        if self._whole is None and server.session.rows(_TRUSTS)[0]["trusts"]:
            self._whole = self._make()
        return self._whole.observe(server) if self._whole else None

    def offers(self, state: t.Any) -> Sections:
        """No parameters of its own."""
        return self._whole.offers(state) if self._whole else {}

    def plan(self, state: t.Any, offered: Sections) -> Planned:
        """Nothing to do, or what the whole component says."""
        return self._whole.plan(state, offered) if self._whole else Planned()

    def prepare(self, planned: Planned, server: Server) -> Planned:
        """Nothing to make up."""
        return self._whole.prepare(planned, server) if self._whole else planned

    def unproven(self, state: t.Any) -> t.Sequence[str]:
        """Nothing that could be out of force."""
        return self._whole.unproven(state) if self._whole else ()
