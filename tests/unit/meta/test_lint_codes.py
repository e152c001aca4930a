"""Every remark about pg_hba.conf is explained in the guide, and can be made fatal."""

from __future__ import annotations

import pathlib
import re

import yaml

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.finding import CODES

_ROOT = pathlib.Path(__file__).parents[3]


def test_the_guide_explains_every_code() -> None:
    guide = (_ROOT / "docs/docsite/rst/rules.rst").read_text(encoding="utf-8")
    rows = re.findall(r"^   \* - ``([a-z0-9-]+)``\n     - (.+)\n     - (.+)\n     - (.+)$", guide, re.MULTILINE)
    assert sorted(code for code, *_rest in rows) == sorted(CODES)
    assert all({*severities.split(", ")} <= {"high", "medium", "low"} for _code, severities, *_rest in rows)


def test_the_module_documents_every_code() -> None:
    text = (_ROOT / "plugins/modules/hba.py").read_text(encoding="utf-8")
    options = yaml.safe_load(text.split('DOCUMENTATION = r"""', 1)[1].split('"""', 1)[0])["options"]
    assert options["fail_on"]["choices"] == list(CODES)


def test_the_role_documents_every_code() -> None:
    text = (_ROOT / "roles/pg_network/meta/argument_specs.yml").read_text(encoding="utf-8")
    option = yaml.safe_load(text)["argument_specs"]["main"]["options"]["pg_network_hba_fail_on"]
    assert option["choices"] == list(CODES)
