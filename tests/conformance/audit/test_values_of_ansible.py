"""The filter assess in playbooks: facts from the inventory, from set_fact and as a registered result say the same."""

from __future__ import annotations

import json
import sys
import typing as t

import yaml

from ansible_collections.rampart.postgresql.plugins.filter.assess import assess
from ansible_collections.rampart.postgresql.tests.conformance import plays
from ansible_collections.rampart.postgresql.tests.unit.plugins.plugin_utils._controls.hardened import NOW
from ansible_collections.rampart.postgresql.tests.unit.plugins.plugin_utils._controls.hardened import patched

if t.TYPE_CHECKING:
    import pathlib

_HOSTILE = {"name": "<script>{% x %}'\"", "oid": 20000, "superuser": True}
_FILTER = (
    "rampart.postgresql.assess(profile='cis', host='db1', now=now_epoch, newest_minors={'18': '18.6'}, waivers=waivers)"
)
_WAIVER = {
    "control": "RPG-ACC-101",
    "hosts": "{{ pattern }}",
    "when": "role == 'nobody'",
    "reason": "for now",
    "approved_by": "somebody",
    "expires": "2027-12-31",
}


def test_facts_of_every_source_say_the_same(tmp_path: pathlib.Path) -> None:
    role = {**patched()["roles"][0], **_HOSTILE}
    facts = patched(("roles/+", role))
    told = tmp_path / "facts.json"
    told.write_text(json.dumps(facts), encoding="utf-8")
    variables = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "inventory_facts": {
            **facts,
            "roles": [*facts["roles"][:-1], {**role, "name": {"__ansible_unsafe": role["name"]}}],
        },
        "now_epoch": NOW,
        "pattern": "db*",
        "waivers": [_WAIVER],
    }
    inventory = tmp_path / "inventory.json"
    inventory.write_text(json.dumps({"all": {"hosts": {"db1": variables}}}), encoding="utf-8")
    sources = {"set": "set_facts", "registered": "registered.msg", "inventory": "inventory_facts"}
    assessed = ", ".join(f"'{name}': {source} | {_FILTER}" for name, source in sources.items())
    tasks = [
        {"command": {"argv": ["cat", str(told)]}, "register": "read"},
        {"set_fact": {"set_facts": "{{ read.stdout | from_json }}"}},
        {"debug": {"msg": "{{ set_facts }}"}, "register": "registered"},
        {"copy": {"dest": str(tmp_path / "told.json"), "content": f"{{{{ {{{assessed}}} | to_json }}}}"}},
    ]
    playbook = tmp_path / "play.yml"
    playbook.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": tasks}]), encoding="utf-8")
    played = plays.run(str(playbook), "--inventory", str(inventory), home=tmp_path / "home", **plays.AS_JSON)
    assert played.code == 0, played.output
    waivers = [{**_WAIVER, "hosts": "db*"}]
    wanted = assess(facts, profile="cis", host="db1", now=NOW, newest_minors={18: "18.6"}, waivers=waivers)
    found = json.loads((tmp_path / "told.json").read_text(encoding="utf-8"))
    assert found == dict.fromkeys(sources, wanted)
