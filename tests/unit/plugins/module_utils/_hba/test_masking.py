"""No secret in what people see, however the server lets it be spelled."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import DIALECTS
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.masking import without_secrets
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import parse_text


def test_secrets_are_masked() -> None:
    text = (
        "host a b all ldap ldapserver=l ldapbindpasswd=planted ldapbasedn=b\n"
        'host a b all ldap ldapbindpasswd="planted ""x"" y" ldapbasedn=b\n'
        'host a b all radius "radiussecrets=planted one" radiusservers=s # c\n'
        'host a b all radius radiussecrets=pl"anted two"x\n'
        'host a b all radius radiussecrets="planted\n'
    )
    masked = without_secrets(text)
    assert "plant" not in masked and "anted" not in masked and '"x"' not in masked
    assert masked.count("********") == 5 and masked.count("ldapbasedn=b") == 2 and "# c" in masked


@pytest.mark.parametrize(
    "option",
    [
        '"ldapbindpasswd"="planted"',
        '"ldapbindpasswd="planted',
        'ldapbind"passwd=planted"',
        'l"dapbindpasswd="planted"1 2"',
        "ldapbindpasswd\\\n=pl\\\nanted",
        'ldapbindpasswd="pl\\\r\nanted"',
    ],
)
def test_spellings_of_a_secret(option: str) -> None:
    text = f"host a b all ldap ldapserver=l ldapbasedn=b {option} ldapport=1 # c\nlocal all all peer\n"
    [record, _other] = parse_text(text, DIALECTS[17])
    assert record.accepted and record.options["ldapbindpasswd"].startswith("planted")
    masked = without_secrets(text)
    assert "pl" not in masked.replace("ldapport", "") and "anted" not in masked and '1 2"' not in masked
    assert "ldapbindpasswd=********" in masked and masked.endswith("ldapport=1 # c\nlocal all all peer\n")


@given(
    st.text(alphabet='ab =,#"\\\n\r', max_size=12),
    st.text(alphabet='ab ,"\\\n', max_size=6),
    st.sampled_from(sorted(DIALECTS)),
)
def test_what_the_server_takes_for_a_secret_is_masked(before: str, inside: str, major: int) -> None:
    text = f"host a b all ldap ldapserver=l ldapbasedn=b {before} ldapbindpasswd={inside}PLANTED{inside} x=y\n"
    secrets = [
        record.options.get("ldapbindpasswd", "") for record in parse_text(text, DIALECTS[major]) if record.options
    ]
    if any("PLANTED" in secret for secret in secrets):
        assert "PLANTED" not in without_secrets(text)
