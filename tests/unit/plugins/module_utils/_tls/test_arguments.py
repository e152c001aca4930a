# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of a certificate: what is taken and what is refused, with which words."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.arguments import component

GOOD: tuple[dict[str, t.Any], ...] = (
    {},
    {"names": ["db1.example.org", "192.0.2.1"]},
    {"key_type": "ecdsa_p384"},
    {"key_type": "rsa", "key_size": 4096},
    {"path": "/etc/ssl/private/server.pem"},
    {"validity": 825, "renew_before": 824},
    {"validity": 1, "renew_before": 0},
)


@pytest.mark.parametrize("values", GOOD)
def test_good_values_are_taken(values: dict[str, t.Any]) -> None:
    assert component(values).name == "certificate"


@pytest.mark.parametrize(
    ("values", "option", "words"),
    [
        ({"key_type": "ed25519"}, "key_type", "SCRAM over TLS"),
        ({"key_type": "Ed25519"}, "key_type", "channel binding"),
        ({"key_type": "dsa"}, "key_type", "ecdsa_p256, ecdsa_p384, rsa"),
        ({"key_type": "rsa", "key_size": 2048}, "key_size", "3072"),
        ({"key_type": "rsa", "key_size": 3073}, "key_size", "multiple of 8"),
        ({"key_type": "rsa", "key_size": 65536}, "key_size", "8192"),
        ({"names": []}, "names", "at least one name"),
        ({"names": ["db1", "not a name"]}, "names[1]", "a DNS name"),
        ({"path": "server.pem"}, "path", "absolute"),
        ({"path": "/etc/ssl/"}, "path", "absolute"),
        ({"path": "/etc/ssl/a\nb"}, "path", "absolute"),
        ({"validity": 0}, "validity", "1 to 825"),
        ({"validity": 826}, "validity", "1 to 825"),
        ({"validity": 90, "renew_before": 90}, "renew_before", "less than validity (90)"),
        ({"renew_before": -1}, "renew_before", "0 up to"),
    ],
)
def test_bad_values_are_refused_with_their_path(values: dict[str, t.Any], option: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        component(values)
    assert caught.value.option == option
    assert words in str(caught.value)
    with pytest.raises(InputError) as caught:
        component(values, option="certificate")
    assert caught.value.option == f"certificate.{option}"


@pytest.mark.parametrize(
    ("option", "provider"), [("chain", "install"), ("source_certificate", "existing"), ("source_key", "existing")]
)
def test_an_option_of_another_provider_is_refused(option: str, provider: str) -> None:
    with pytest.raises(InputError, match=f"provider: 'self_signed' cannot be used: {provider}, as {option} is given"):
        component({option: "/a/path"})
