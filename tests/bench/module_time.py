# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Call the main() of a module with arguments from standard input, and print what it took, as JSON.

Runs on a host, with Ansible's module_utils and the module's collection on the path. The clock starts when main() is
called and stops when it calls exit_json (or fail_json): what comes after, the encoding of the result, is Ansible's.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import sys
import time
import typing as t

from ansible.module_utils import basic


def main() -> None:
    """``module_time.py package.of.the.module < arguments.json``"""
    module = importlib.import_module(sys.argv[1])
    arguments = json.load(sys.stdin)
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    ends: list[tuple[float, float]] = []

    def stopping(method: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
        def stop(*positional: t.Any, **named: t.Any) -> t.Any:
            ends.append((time.monotonic(), time.process_time()))
            return method(*positional, **named)

        return stop

    basic.AnsibleModule.exit_json = stopping(basic.AnsibleModule.exit_json)  # type: ignore[method-assign]
    basic.AnsibleModule.fail_json = stopping(basic.AnsibleModule.fail_json)  # type: ignore[method-assign]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        begin, working = time.monotonic(), time.process_time()
        module.main()
    result = json.loads(printed.getvalue().splitlines()[-1])
    kept = {name: result[name] for name in ("changed", "failed", "msg") if name in result}
    end, worked = ends[0]
    print(json.dumps({"seconds": end - begin, "processor": worked - working, "result": kept}))


main()
