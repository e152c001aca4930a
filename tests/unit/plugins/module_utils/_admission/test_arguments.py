"""Options of admission: what they become, and what is refused."""

from __future__ import annotations

import subprocess
import sys
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._admission.arguments import ADMISSION_ARGUMENTS
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.arguments import guards
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import CertificateReplaced
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Effect
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import ParameterBecomes
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Plan
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Reload
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Step

PLAIN = {"user": "app", "database": "shop"}


def test_what_is_given() -> None:
    entries = [
        {**PLAIN, "address": "10.0.0.1", "tls": True, "certificate": "app"},
        {"user": "copier", "address": "::1", "replication": True},
        {**PLAIN, "replication": True, "name": "subscriber"},
        {**PLAIN, "address": "local", "system_user": "www"},
    ]
    demands = guards({"must_admit": entries, "sessions": "terminate", "allow_lockout": True})[-1].guard().demands
    tls, physical, logical, local = demands.must_admit
    assert tls.certificate is not None and tls.certificate.common_name == "app" and tls.attempt.tls
    assert physical.attempt.replication and not physical.logical
    assert logical.logical and not logical.attempt.replication and logical.label == "must_admit[2] (subscriber)"
    assert local.attempt.address is None and local.account == "www" and local.has_password
    assert demands.terminate and demands.allow_lockout


def test_silence() -> None:
    demands = guards({name: option.get("default") for name, option in ADMISSION_ARGUMENTS.items()})[-1].guard().demands
    assert demands == guards({})[-1].guard().demands and not demands.terminate and not demands.allow_lockout


@pytest.mark.parametrize(
    ("values", "option", "words"),
    [
        ({"must_admit": [{"user": ""}]}, "must_admit[0].user", "give the name"),
        ({"must_admit": [PLAIN, {"user": "app"}]}, "must_admit[1].database", "give the name"),
        ({"must_admit": [{**PLAIN, "address": "10.0.0.0/24"}]}, "must_admit[0].address", "IP address"),
        ({"must_admit": [{**PLAIN, "tls": True}]}, "must_admit[0].tls", "socket"),
        ({"must_admit": [{**PLAIN, "address": "::1", "tls": True, "gss": True}]}, "must_admit[0].tls", "not both"),
        ({"must_admit": [{**PLAIN, "certificate": "app"}]}, "must_admit[0].certificate", "over TLS"),
        ({"must_admit": [{**PLAIN, "address": "::1", "system_user": "x"}]}, "must_admit[0].system_user", "socket"),
        ({"accept_unproven": [{}]}, "accept_unproven[0]", "at least one"),
        ({"accept_unproven": [{"user": ""}]}, "accept_unproven[0].user", "leave it out"),
        ({"accept_unproven": [{"address": "10.0.0.1/8"}]}, "accept_unproven[0].address", "10.0.3.0/24"),
        ({"accept_unproven": [{"address": "host.example"}]}, "accept_unproven[0].address", "10.0.3.0/24"),
        ({"sessions": "kill"}, "sessions", "report, terminate"),
    ],
)
def test_what_is_refused(values: dict[str, t.Any], option: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        guards(values)
    assert caught.value.option == option


def test_what_judges_clients_is_not_imported_before_it_is_needed() -> None:
    """Importing it would take longer than a run of settings that changes nothing."""
    packages = "ansible_collections.rampart.postgresql.plugins.module_utils"
    script = (
        f"import sys; from {packages}._admission.arguments import guards; import {packages}._settings.arguments\n"
        "loaded = lambda: [name for name in sys.modules if '._hba' in name]\n"
        "[_tls, guard] = guards({}); print(len(loaded())); guard.guard(); print(len(loaded()))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    before, after = map(int, done.stdout.split())
    assert before == 0
    assert after > 0


def test_the_guard_of_tls_looks_only_at_what_changes_it() -> None:
    tls = guards({})[0]
    step = Step("settings", "file", "set", "", "", Reload())

    def concerned(*effects: Effect, changed: bool = True) -> bool:
        return tls.concerned(Plan((Planned(steps=(step,) if changed else (), effects=effects),)))

    assert concerned(ParameterBecomes("ssl_ciphers", "HIGH"))
    assert concerned(CertificateReplaced("file"))
    assert not concerned(ParameterBecomes("ssl_ciphers", "HIGH"), changed=False)
    assert not concerned(ParameterBecomes("work_mem", "1"))
    assert not concerned()
