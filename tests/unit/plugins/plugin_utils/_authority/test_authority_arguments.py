# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of an authority."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import KeySpec
from ansible_collections.rampart.postgresql.plugins.plugin_utils._action import validated
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.arguments import ARGUMENTS
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.arguments import desired
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.arguments import moment_of
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.arguments import secret
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.layout import Policy
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.situation import Desired

SECRET = "correct horse battery staple"


def built(**options: t.Any) -> Desired:
    return desired(validated({"path": "/srv/authority", "passphrase": SECRET, **options}, ARGUMENTS))


def test_defaults() -> None:
    found = built()
    assert found.path == "/srv/authority"
    assert found.policy == Policy(generation=1, trusted=(1,), crl_validity=180, crl_interval=45)
    assert found.recipe.key == KeySpec("ecdsa_p384")
    assert (found.recipe.root_validity, found.recipe.intermediate_validity) == (3650, 1825)
    assert found.revoked == ()
    assert SECRET not in repr(found)


def test_generations_are_in_order_and_once() -> None:
    assert built(generation=2, trusted_generations=[3, 2, 3, 1]).policy.trusted == (1, 2, 3)
    assert built(generation=7).policy.trusted == (7,)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"path": "authority"}, "path: 'authority' cannot be used"),
        ({"path": "/"}, "path: '/' cannot be used"),
        ({"path": "/srv/a\nb"}, "path: "),
        ({"common_name": ""}, "common_name: '' cannot be used: 1 to 46 printable characters"),
        ({"common_name": "x" * 47}, "common_name: "),
        ({"common_name": "a\x00b"}, "common_name: "),
        ({"organization": "x" * 65}, "organization: "),
        ({"key_type": "ed25519"}, "key_type: 'ed25519' cannot be used: one of ecdsa_p256, ecdsa_p384, rsa"),
        ({"key_type": "rsa", "key_size": 2048}, "key_size: 2048 cannot be used: a multiple of 8 from 3072 to 8192"),
        ({"key_type": "rsa", "key_size": 3073}, "key_size: 3073"),
        ({"root_validity": 0}, "root_validity: 0 cannot be used: 1 to 9131 days"),
        ({"root_validity": 9132}, "root_validity: 9132"),
        ({"root_validity": 100}, "intermediate_validity: 1825 cannot be used: 1 to 100 days"),
        ({"generation": 0}, "generation: 0 cannot be used: a number from 1 to 9999"),
        ({"trusted_generations": [1, 10000]}, "trusted_generations[1]: 10000 cannot be used"),
        ({"trusted_generations": []}, "trusted_generations: [] cannot be used: the one that signs (1) among them"),
        ({"generation": 2, "trusted_generations": [1]}, "the one that signs (2) among them"),
        ({"crl_validity": 3}, "crl_validity: 3 cannot be used: 4 to 3650 days"),
        ({"crl_validity": 179}, "crl_interval: 45 cannot be used: 1 to 44 days"),
        ({"crl_interval": 46}, "crl_interval: 46 cannot be used: 1 to 45 days"),
        ({"crl_interval": 0}, "crl_interval: 0"),
        ({"revoked": [{"serial": "xyz"}]}, "revoked[0].serial: 'xyz' cannot be used"),
        ({"revoked": [{"serial": "a" * 41}]}, "revoked[0].serial: "),
        ({"revoked": [{"host": "db1"}, {"role": "app", "issued_before": "soon"}]}, "revoked[1].issued_before: 'soon'"),
    ],
)
def test_what_cannot_be_used(options: dict[str, t.Any], told: str) -> None:
    with pytest.raises(InputError) as refused:
        built(**options)
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"sizes": 1}, "there is no option sizes"),
        ({"generation": "first"}, "generation"),
        ({"revoked": [{}]}, "one of the following is required: serial, host, role found in revoked"),
        ({"revoked": [{"host": "a", "role": "b"}]}, "mutually exclusive: serial|host|role found in revoked"),
        ({"revoked": [{"serial": "a", "issued_before": "2026-01-01"}]}, "mutually exclusive"),
        ({"revoked": [{"host": "a", "reason": "spite"}]}, "value of reason must be one of"),
    ],
)
def test_what_no_module_would_take(options: dict[str, t.Any], told: str) -> None:
    with pytest.raises(RampartError) as refused:
        built(**options)
    assert told in str(refused.value) and SECRET not in str(refused.value)


@pytest.mark.parametrize("serial", ["39:46:CE:0F", "3946ce0f", "0x3946CE0F", "003946ce0f"])
def test_a_serial_number_in_any_spelling(serial: str) -> None:
    assert built(revoked=[{"serial": serial}]).revoked[0].serial == "3946ce0f"


def test_times() -> None:
    assert moment_of(None, "x") is None
    assert moment_of("2026-11-30T08:00:00Z", "x") == moment_of("2026-11-30 09:00:00+01:00", "x") == 1796025600
    assert moment_of("2026-11-30", "x") == 1795996800


@pytest.mark.parametrize("passphrase", ["short-short", "x" * 1024, "é" * 512])
def test_a_passphrase_that_is_none_is_not_shown(passphrase: str) -> None:
    with pytest.raises(RampartError) as refused:
        secret(passphrase, "passphrase")
    assert passphrase not in str(refused.value)
    for good in ("short-short1", "x" * 1023):
        assert secret(good, "passphrase") == good
