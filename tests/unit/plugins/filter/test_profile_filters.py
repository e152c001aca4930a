# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters are the functions of the profiles, with Ansible's errors."""

from __future__ import annotations

import pytest

errors = pytest.importorskip("ansible.errors")

from ansible_collections.rampart.postgresql.plugins.filter.profile_libraries import FilterModule as Libraries  # noqa: E402
from ansible_collections.rampart.postgresql.plugins.filter.profile_optional import FilterModule as Optional  # noqa: E402
from ansible_collections.rampart.postgresql.plugins.filter.profile_parameters import FilterModule as Parameters  # noqa: E402


def test_parameters() -> None:
    parameters = Parameters().filters()["profile_parameters"]
    assert parameters("pg_tls", "strict")["ssl_min_protocol_version"] == "TLSv1.3"
    assert parameters("pg_tls", "cis")["ssl_min_protocol_version"] == {"13": "TLSv1.2", "17": "TLSv1.3"}


def test_optional() -> None:
    assert Optional().filters()["profile_optional"]("pg_network", "strict") == ["client_connection_check_interval"]


def test_libraries() -> None:
    assert Libraries().filters()["profile_libraries"]("pg_authentication", "baseline") == ["auth_delay"]


@pytest.mark.parametrize("plugin", [Parameters, Optional, Libraries])
def test_errors_name_the_filter(plugin) -> None:  # type: ignore[no-untyped-def]
    ((name, function),) = plugin().filters().items()
    with pytest.raises(errors.AnsibleFilterError, match=f"{name}: profile: 'none' cannot be used"):
        function("pg_tls", "none")
