# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every module's main() does around its components; private to the collection."""

from __future__ import annotations

import gc
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._converge import Component
from ansible_collections.rampart.postgresql.plugins.module_utils._converge import Guard
from ansible_collections.rampart.postgresql.plugins.module_utils._converge import converge
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server
from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Options

__all__ = ["Module", "run"]

Values = t.Mapping[str, t.Any]


class Module(t.Protocol):
    """What is used of AnsibleModule."""

    params: dict[str, t.Any]
    check_mode: bool

    def exit_json(self, **result: t.Any) -> t.NoReturn:
        """End well."""

    def fail_json(self, msg: str, **result: t.Any) -> t.NoReturn:
        """End badly."""

    def warn(self, warning: str) -> None:
        """Tell the operator."""


def run(
    module: Module,
    build: t.Callable[[Values], t.Sequence[Component]],
    guard: t.Callable[[Values], t.Sequence[Guard]] = lambda values: (),
    host: t.Callable[[], Values] = dict,
) -> t.NoReturn:
    """Converge what ``build`` makes of the module's parameters, under what ``guard`` makes of them; end the module.

    ``host`` tells what is returned whether that goes well or not.
    """
    gc.disable()  # what thousands of rules become is kept to the end, and looking through it again and again takes long
    try:
        options = Options.from_task(module.params)
        components, guards = build(module.params), guard(module.params)
        with Server.open(options) as server:
            outcome = converge(server=server, components=components, guards=guards, check_mode=module.check_mode)
        result = outcome.result()
    except RampartError as error:
        module.fail_json(msg=str(error), **{**error.details, **host()})
    for warning in result.pop("warnings"):
        module.warn(warning)
    module.exit_json(**{**result, **host()})
