"""Runs a module of the collection as Ansible would, in a process of its own, against a conformance server."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import io
import json
import os
import subprocess
import sys
import typing as t

from ansible.module_utils import basic

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

__all__ = ["Result", "call_main", "run_module"]

_PACKAGE = "ansible_collections.rampart.postgresql.plugins.modules"


@dataclasses.dataclass(frozen=True)
class Result:
    """What a module returned, and everything that it wrote."""

    values: dict[str, t.Any]
    output: str

    @property
    def failed(self) -> bool:
        """Whether the module ended with fail_json."""
        return bool(self.values.get("failed"))

    @property
    def changed(self) -> bool:
        """Whether the module changed something, or would."""
        return bool(self.values.get("changed"))

    @property
    def message(self) -> str:
        """The message of a failure."""
        return str(self.values.get("msg", ""))


def run_module(
    name: str, server: Server | None = None, *, check: bool = False, as_uid: int | None = None, **options: t.Any
) -> Result:
    """Run a module, as `as_uid` where it is given; `server` becomes its option `cluster`."""
    if server is not None:
        options.setdefault("cluster", str(server.data_directory))
    request = {"ANSIBLE_MODULE_ARGS": {**options, "_ansible_check_mode": check, "_ansible_diff": True}}
    account: dict[str, t.Any] = {} if as_uid is None else {"user": as_uid, "group": as_uid, "extra_groups": []}
    done = subprocess.run(
        [sys.executable, "-m", __name__, name],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=dict(os.environ),
        **account,
    )
    output = done.stdout + done.stderr
    try:
        result = Result(values=json.loads(done.stdout.strip().splitlines()[-1]), output=output)
    except (IndexError, ValueError):
        raise RuntimeError(f"{name} returned no result:\n{output}") from None
    if result.values.get("deprecations"):
        raise RuntimeError(f"{name} does what Ansible is going to refuse: {result.values['deprecations']}")
    return result


def call_main(name: str, request: bytes) -> None:
    """Call a module's main() with a request, in this process."""
    basic._ANSIBLE_ARGS = request
    basic._ANSIBLE_PROFILE = "legacy"
    importlib.import_module(f"{_PACKAGE}.{name}").main()


if __name__ == "__main__":
    with contextlib.closing(io.BytesIO(sys.stdin.buffer.read())) as stream:
        call_main(sys.argv[1], stream.getvalue())
