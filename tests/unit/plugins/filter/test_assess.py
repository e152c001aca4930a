"""Assessments: their input, what is unknown, the site's own controls, severities and waivers."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.rampart.postgresql.plugins.filter.assess import assess
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.reading import NO_FAULTS
from ansible_collections.rampart.postgresql.tests.unit.growth import no_explosion
from ansible_collections.rampart.postgresql.tests.unit.plugins.plugin_utils._controls.hardened import NOW
from ansible_collections.rampart.postgresql.tests.unit.plugins.plugin_utils._controls.hardened import hardened
from ansible_collections.rampart.postgresql.tests.unit.plugins.plugin_utils._controls.hardened import patched

SUPERUSER = "RPG-ACC-101"
HOSTILE = "<script>alert('\"')</script>\n"
OWN = {
    "id": "SITE-ACC-001",
    "title": "Databases belong to nobody who logs in",
    "area": "access",
    "severity": "high",
    "rationale": "It is so.",
    "expression": "databases[?owner == 'app_owner'].name",
}
WAIVER = {
    "control": SUPERUSER,
    "hosts": "db*",
    "when": "name == 'eve'",
    "reason": "for now",
    "approved_by": "somebody",
    "expires": "2027-06-30",
}


def superuser(name: str, number: int = 0) -> dict[str, t.Any]:
    return {**hardened()["roles"][0], "name": name, "oid": 20000 + number, "superuser": True, "login": False}


def with_superusers(*names: str) -> dict[str, t.Any]:
    return patched(*(("roles/+", superuser(name, number)) for number, name in enumerate(names)))


def finding(control: str, facts: dict[str, t.Any], **options: t.Any) -> dict[str, t.Any]:
    [found] = assess(facts, **{"host": "db1", "now": NOW, **options})
    [one] = [each for each in found["findings"] if each["control"] == control]
    return t.cast("dict[str, t.Any]", one)


def test_an_assessment_is_plain_json_with_everything_in_it() -> None:
    [found] = assess(with_superusers(HOSTILE), profile="cis", host="db1", now=NOW)
    assert json.loads(json.dumps(found)) == found
    assert (found["host"], found["cluster"], found["version"], found["schema"]) == ("db1", "18/main", "18.6", 1)
    assert {each["topic"] for each in found["follows"]} == {"log_hostname", "log_line_prefix", "TLS 1.3"}
    overall = found["score"]["overall"]
    assert overall["failed"] == 1
    assert overall["percent"] == overall["passed"] * 100 // (overall["passed"] + 1)
    assert sum(found["score"]["access"][name] for name in ("passed", "failed", "manual", "not_applicable")) > 20
    [failed] = [each for each in found["findings"] if each["status"] == "fail"]
    assert failed["items"] == [{"role": HOSTILE, "login": False}]
    assert failed["fix"]["line"].startswith("pg_access_allow: ")
    assert failed["references"][0]["number"] == "4.3"


def test_a_fix_names_the_profile_that_was_assessed_by() -> None:
    found = finding("RPG-LOG-009", patched(("settings/log_connections/setting", "off")), profile="cis")
    assert found["fix"]["line"] == "pg_logging_profile: cis"
    assert found["items"] == [
        {"name": "log_connections", "setting": "off", "wanted": "on", "source": "configuration file"}
    ]


@pytest.mark.parametrize(
    ("given", "hosts"),
    [
        (hardened(), ["db9"]),
        ([hardened(), hardened()], ["db9", "db9"]),
        ({"results": [hardened()]}, ["db9"]),
        ({"db1": hardened(), "db2": {"results": [hardened(), hardened()]}}, ["db1", "db2", "db2"]),
        ({"skipped": True, "changed": False}, []),
    ],
)
def test_every_shape_of_input_is_taken(given: t.Any, hosts: list[str]) -> None:
    assert [each["host"] for each in assess(given, host="db9", now=NOW)] == hosts


def test_a_cluster_that_could_not_be_asked_is_unknown() -> None:
    failed = {"failed": True, "msg": "no route\nto host", "invocation": {"module_args": {"cluster": "18/main"}}}
    [found] = assess({"db1": failed}, now=NOW)
    assert (found["error"], found["cluster"]) == ("no route to host", "18/main")
    assert {each["status"] for each in found["findings"]} == {"unknown"}
    assert found["score"]["overall"]["percent"] == 0


@pytest.mark.parametrize("section", [name for name in hardened() if name not in ("changed", "server", "unreadable")])
def test_what_could_not_be_read_never_passes(section: str) -> None:
    """Whatever a missing section changes, it makes nothing pass and nothing fail."""
    if section in ("version", "major"):
        return
    facts = hardened()
    facts[section] = None
    facts["unreadable"] = {section: "permission denied"}
    [before], [after] = assess(hardened(), now=NOW, profile="strict"), assess(facts, now=NOW, profile="strict")
    for old, new in zip(before["findings"], after["findings"], strict=True):
        assert new["status"] in (old["status"], "unknown")
    changed = [new for new in after["findings"] if new["status"] == "unknown"]
    assert all("permission denied" in each["reason"] for each in changed)
    judged_by_facts = section not in ("managed_by", "gathered_epoch", "session", "table_privileges")
    assert bool(changed) is judged_by_facts


def test_a_section_that_was_not_gathered_is_unknown() -> None:
    facts = hardened()
    del facts["hba"]
    assert finding("RPG-AUT-001", facts)["reason"] == "the facts have no hba"


def test_one_database_that_could_not_be_read_is_enough_to_know_nothing() -> None:
    facts = {**hardened(), "unreadable": {"schemas in secret": "permission denied"}}
    assert finding("RPG-ACC-001", facts)["status"] == "unknown"
    assert finding("RPG-ACC-115", facts)["status"] == "pass"
    broken = {**patched(("schemas/0/public_create", True)), "unreadable": {"schemas in secret": "permission denied"}}
    assert finding("RPG-ACC-001", broken)["status"] == "fail"


def test_verifiers_that_nobody_may_see_are_unknown() -> None:
    facts = hardened()
    for role in facts["roles"]:
        role["verifier"] = None
    facts["unreadable"] = {"verifiers": "permission denied for table pg_authid"}
    for control in ("RPG-AUT-007", "RPG-AUT-008", "RPG-ACC-112"):
        assert finding(control, facts)["status"] == "unknown"


def test_a_parameter_that_the_login_may_not_see_is_unknown() -> None:
    facts = hardened()
    del facts["settings"]["log_directory"]
    facts["unreadable"] = {"settings": "some are missing"}
    assert finding("RPG-LOG-007", facts, profile="cis")["reason"] == "the login may not see log_directory"
    facts["unreadable"] = {}
    assert finding("RPG-LOG-007", facts, profile="cis")["status"] == "fail"


def test_parameters_that_others_see_too_are_judged_all_the_same() -> None:
    facts = {**hardened(), "unreadable": {"settings": "some are for members of pg_read_all_settings only"}}
    assert finding("RPG-ENC-017", facts)["status"] == "pass"
    assert finding("RPG-PLT-018", facts)["status"] == "unknown"


@pytest.mark.parametrize(
    ("address", "control", "status"),
    [
        ("10.0.0.0/15", "RPG-NET-003", "fail"),
        ("10.0.0.0/16", "RPG-NET-003", "pass"),
        ("2001:db8::/32", "RPG-NET-003", "fail"),
        ("2001:db8::/48", "RPG-NET-003", "pass"),
        ("::/0", "RPG-NET-002", "fail"),
        ("10.0.0.0/0.0.0.255", "RPG-NET-003", "fail"),
        ("10.0.0.0/255.0.255.0", "RPG-NET-003", "pass"),
        ("10.0.0.0/255.0.255.0", "RPG-ENC-001", "fail"),
        ("all", "RPG-NET-002", "fail"),
        (".example.org", "RPG-NET-002", "pass"),
        (".example.org", "RPG-ENC-001", "fail"),
        ("samenet", "RPG-ENC-001", "fail"),
        ("samehost", "RPG-ENC-001", "pass"),
        ("localhost", "RPG-ENC-001", "pass"),
        ("::1/128", "RPG-ENC-001", "pass"),
    ],
)
def test_networks_are_judged_by_what_they_hold(address: str, control: str, status: str) -> None:
    rule = {**hardened()["hba"]["rules"][1], "type": "host", "address": address}
    assert finding(control, patched(("hba/rules/+", rule)))["status"] == status
    for harmless in ({"method": "reject"}, {"reachable": False}):
        assert finding(control, patched(("hba/rules/+", {**rule, **harmless})))["status"] == "pass"


def test_the_value_of_the_session_that_looked_says_nothing() -> None:
    facts = patched(("settings/row_security/setting", "off"), ("settings/row_security/source", "client"))
    assert finding("RPG-ACC-018", facts, profile="cis")["status"] == "unknown"
    assert finding("RPG-ACC-018", facts, profile="baseline")["status"] == "not_applicable"


@pytest.mark.parametrize("control", [f"RPG-ENC-00{number}" for number in range(3, 8)])
@pytest.mark.parametrize("reason", NO_FAULTS)
def test_certificates_that_nobody_could_read_are_unknown(control: str, reason: str) -> None:
    unread = {"state": "unknown", "reason": reason, "self_signed": None}
    problem = {"code": "unreadable", "severity": "critical", "message": reason}
    patches = [(f"certificates/0/{name}", value) for name, value in {**unread, "problems": [problem]}.items()]
    found = finding(control, patched(*patches))
    assert (found["status"], found["items"]) == ("unknown", [])
    assert reason in found["reason"]
    exposed = {"code": "key_exposed", "severity": "critical", "message": "mode 0644"}
    found = finding("RPG-ENC-005", patched(*patches, ("certificates/0/problems", [problem, exposed])))
    assert found["status"] == "fail"


def test_a_file_that_holds_no_certificate_is_the_servers_fault() -> None:
    problem = {"code": "unreadable", "severity": "critical", "message": "it holds no certificate"}
    facts = patched(("certificates/0/problems", [problem]), ("certificates/0/state", "unknown"))
    assert finding("RPG-ENC-005", facts)["status"] == "fail"


def test_packages_of_which_nobody_knows_the_source_are_unknown() -> None:
    facts = patched(("host/packages/0/trusted", None), ("unreadable", {"host.packages": "APT does not tell"}))
    found = finding("RPG-PLT-001", facts)
    assert (found["status"], found["reason"]) == ("unknown", "host.packages: APT does not tell")
    assert finding("RPG-PLT-001", patched(("host/packages/0/trusted", False)))["status"] == "fail"


@pytest.mark.parametrize(("control", "name"), [("RPG-BAK-005", "encrypted"), ("RPG-BAK-006", "off_host")])
def test_what_nobody_knows_of_a_job_is_unknown(control: str, name: str) -> None:
    assert finding(control, patched((f"backups/jobs/0/{name}", None)))["status"] == "unknown"
    assert finding(control, patched((f"backups/jobs/0/{name}", False)))["status"] == "fail"


def test_a_subscription_that_may_not_be_read_is_unknown() -> None:
    hidden = {"database": "app", "name": "s", "owner": "app", "owner_superuser": False, "enabled": True}
    hidden |= {"password_in_conninfo": None, "sslmode": None}
    facts = patched(("subscriptions", [hidden]), ("unreadable", {"subscriptions": "it may not"}))
    assert {finding(f"RPG-ENC-0{number}", facts)["status"] for number in (12, 13)} == {"unknown"}
    shown = {**hidden, "password_in_conninfo": False}
    assert finding("RPG-ENC-013", patched(("subscriptions", [shown])))["status"] == "fail"


@pytest.mark.parametrize("name", ["zero_damaged_pages", "ignore_checksum_failure"])
def test_an_item_names_its_parameter(name: str) -> None:
    [item] = finding("RPG-PLT-022", patched((f"settings/{name}/setting", "on")))["items"]
    assert item == {"name": name, "setting": "on"}


def test_a_member_without_the_rights_of_its_group_sees_no_more_than_others() -> None:
    """A member of pg_monitor that does not inherit: it is called monitor, and reads nothing of a superuser's parameters."""
    session = {"role": "watcher", "superuser": False, "monitor": True, "local": True}
    hidden = [("session", session), ("settings/dynamic_library_path", None)]
    assert (
        finding("RPG-PLT-024", patched(*hidden, ("unreadable", {"settings": "some are missing"})))["status"]
        == "unknown"
    )


def test_the_sites_controls_say_what_they_could_not_see() -> None:
    blind = {**OWN, "expression": "roles[?name == 'nobody']", "unclear": "roles[?name == 'app'].name"}
    found = finding("SITE-ACC-001", hardened(), controls=[blind])
    assert (found["status"], found["reason"]) == ("unknown", "app")


@pytest.mark.parametrize(
    ("addresses", "status"),
    [
        ("localhost, *", "fail"),
        ("0", "fail"),
        ("0x0", "fail"),
        ("::0", "fail"),
        ("0:0::0", "fail"),
        ("::ffff:0.0.0.0", "fail"),
        ("localhost,10.0.0.1,::1,db1.example.org", "pass"),
        ("", "pass"),
    ],
)
def test_every_address_has_many_spellings(addresses: str, status: str) -> None:
    assert finding("RPG-NET-001", patched(("settings/listen_addresses/setting", addresses)))["status"] == status


@pytest.mark.parametrize(
    ("libraries", "least", "status"),
    [
        ("auth_delay", None, "fail"),
        ("$libdir/passwordcheck", None, "pass"),
        ("auth_delay,passwordcheck.so", None, "pass"),
        ("/tmp/passwordcheck", None, "fail"),
        ("credcheck", None, "fail"),
        ("credcheck", "1", "fail"),
        ("credcheck", "12", "pass"),
    ],
)
def test_a_library_judges_passwords_by_its_name_and_its_settings(
    libraries: str, least: str | None, status: str
) -> None:
    facts = patched(("settings/shared_preload_libraries/setting", libraries))
    if least:
        facts["settings"]["credcheck.password_min_length"] = {**facts["settings"]["fsync"], "setting": least}
    assert finding("RPG-AUT-009", facts)["status"] == status


@pytest.mark.parametrize(
    ("directory", "status"),
    [
        ("/var/lib/postgresql/18/main/log", "fail"),
        ("/var/lib/postgresql/18/main/../main/log", "fail"),
        ("/var/lib/postgresql/18/main-log", "pass"),
    ],
)
def test_a_log_in_the_data_directory_has_no_directory_of_its_own(directory: str, status: str) -> None:
    facts = patched(("settings/log_directory/setting", directory))
    facts["settings"]["data_directory"] = {**facts["settings"]["fsync"], "setting": "/var/lib/postgresql/18/main"}
    assert finding("RPG-LOG-007", facts, profile="cis")["status"] == status


def test_what_public_has_anyway_is_not_given_to_it() -> None:
    row = {"database": "app", "role": "app", "schema": None, "kind": "function", "grantee": "public"}
    assert finding("RPG-ACC-006", patched(("default_privileges/+", row)))["status"] == "pass"
    for worse in ({"kind": "table"}, {"schema": "shop"}):
        assert finding("RPG-ACC-006", patched(("default_privileges/+", {**row, **worse})))["status"] == "fail"
    of_a_role = {**row, "kind": "table", "grantee": "PUBLIC"}  # as somebody may be called
    assert finding("RPG-ACC-006", patched(("default_privileges/+", of_a_role)))["status"] == "pass"


def test_a_certificate_that_names_the_role_is_a_proof() -> None:
    rule = {**hardened()["hba"]["rules"][1], "method": "trust", "options": {"clientcert": "verify-full"}}
    assert finding("RPG-AUT-001", patched(("hba/rules/+", rule)))["status"] == "pass"
    any_of_the_authority = {**rule, "options": {"clientcert": "verify-ca"}}
    assert finding("RPG-AUT-001", patched(("hba/rules/+", any_of_the_authority)))["status"] == "fail"


def test_a_standby_that_is_not_connected_is_judged_by_its_connection_string() -> None:
    conninfo = {"role": "standby", "sslmode": None, "password_in_clear": False}
    standby = [("in_recovery", True), ("replication/conninfo", conninfo)]
    assert finding("RPG-ENC-010", patched(*standby))["status"] == "fail"
    assert finding("RPG-ENC-010", patched(*standby[1:]))["status"] == "not_applicable"
    connected = ("replication/receiver", {"role": "standby", "sslmode": "verify-full"})
    assert finding("RPG-ENC-010", patched(*standby, connected))["status"] == "pass"


def test_a_version_before_those_that_are_known_has_ended() -> None:
    assert finding("RPG-PLT-007", patched(("major", 12), ("version", 120022)))["status"] == "fail"


@pytest.mark.parametrize(
    ("what", "right", "control"),
    [
        ("hba_file", "of_another", "RPG-PLT-012"),
        ("ident_file", "of_another", "RPG-PLT-012"),
        ("config_file", "of_another", "RPG-PLT-013"),
        ("included_file", "of_another", "RPG-PLT-013"),
        ("included_file", "writable_by_others", "RPG-PLT-013"),
        ("included_directory", "writable_by_group", "RPG-PLT-013"),
        ("tablespace", "writable_by_others", "RPG-PLT-004"),
        ("wal_directory", "of_another", "RPG-PLT-004"),
    ],
)
def test_whoever_owns_or_writes_a_file_decides_what_is_in_it(what: str, right: str, control: str) -> None:
    file = {**hardened()["files"][0], "what": what, "path": "/srv/other"}
    assert finding(control, patched(("files/+", file)))["status"] == "pass"
    assert finding(control, patched(("files/+", {**file, right: True})))["items"][0]["path"] == "/srv/other"


def test_a_server_that_says_ssl_is_on_and_does_not_offer_it_speaks_no_tls() -> None:
    problem = {"code": "not_served", "severity": "warning", "message": "ssl is on, but the server does not offer TLS"}
    patches = [("certificates/0/problems", [problem]), ("certificates/0/served", None)]
    assert finding("RPG-ENC-017", patched(*patches))["status"] == "fail"
    of_another = patched(patches[0], ("certificates/0/served", False))  # which is a certificate all the same
    assert finding("RPG-ENC-017", of_another)["status"] == "pass"


@pytest.mark.parametrize(
    ("libraries", "status"),
    [
        ("pgaudit, $libdir/auth_delay", "pass"),
        ("/usr/lib/postgresql/18/lib/pgaudit.so", "pass"),
        ("/tmp/evil", "fail"),
        ("pgaudit,$libdir/../evil", "fail"),
        ("/usr/lib/../../tmp/evil.so", "fail"),
    ],
)
def test_a_library_from_elsewhere_is_found_wherever_it_is_named(libraries: str, status: str) -> None:
    for name in ("shared_preload_libraries", "session_preload_libraries", "local_preload_libraries"):
        facts = hardened()
        facts["settings"][name] = {**facts["settings"]["dynamic_library_path"], "setting": libraries}
        assert finding("RPG-PLT-024", facts)["status"] == status
    of_one = {"role": "app", "database": None, "name": "session_preload_libraries", "value": libraries}
    assert finding("RPG-PLT-024", patched(("role_settings/+", of_one)))["status"] == status


def test_paths_of_libraries_and_extensions_lead_nowhere_else() -> None:
    facts = hardened()
    facts["settings"]["extension_control_path"] = {**facts["settings"]["dynamic_library_path"], "setting": "$system"}
    assert finding("RPG-PLT-024", facts)["status"] == "pass"
    facts["settings"]["extension_control_path"]["setting"] = "/tmp:$system"
    assert finding("RPG-PLT-024", facts)["status"] == "fail"
    of_one = {"role": "app", "database": None, "name": "dynamic_library_path", "value": "/tmp"}
    assert finding("RPG-PLT-024", patched(("role_settings/+", of_one)))["status"] == "fail"


def test_facts_that_cannot_be_understood_are_unknown() -> None:
    found = finding("RPG-NET-002", patched(("hba/rules", [{"type": "host"}])))
    assert found["status"] == "unknown"
    assert "hba.rules cannot be understood" in found["reason"]


def test_memberships_count_by_every_way_and_option() -> None:
    group = {**hardened()["roles"][0], "name": "ops", "oid": 30000, "login": False}
    steps = [("ops", "app"), ("pg_execute_server_program", "ops")]
    grants = [{"role": role, "member": member, "grantor": "postgres", "admin_option": False} for role, member in steps]
    facts = patched(("roles/+", group), ("memberships", grants))
    found = finding("RPG-ACC-108", facts)
    assert {"role": "app", "login": True, "path": "app > ops > pg_execute_server_program"} in found["items"]
    for grant in grants:
        grant.update(set_option=False, inherit_option=False)
    assert finding("RPG-ACC-108", patched(("roles/+", group), ("memberships", grants)))["status"] == "pass"
    grants[1]["admin_option"] = grants[0]["admin_option"] = True
    assert finding("RPG-ACC-108", patched(("roles/+", group), ("memberships", grants)))["status"] == "fail"


def test_a_host_that_sends_nonsense_is_not_believed() -> None:
    facts = {**hardened(), "gathered_epoch": "yesterday", "in_recovery": "perhaps"}
    [found] = assess(facts, host="db1", now=NOW)
    assert (found["gathered_epoch"], found["in_recovery"]) == (None, None)


def test_evidence_says_none_for_a_parameter_that_is_not_there() -> None:
    own = {**OWN, "evidence": "{setting: settings.nowhere.setting, wanted: 'on'}"}
    assert finding("SITE-ACC-001", hardened(), controls=[own])["evidence"] == "setting: none, wanted: on"


def test_many_items_are_counted_and_not_all_kept() -> None:
    found = finding(SUPERUSER, with_superusers(*(f"r{number}" for number in range(150))))
    assert (len(found["items"]), found["item_count"]) == (100, 150)


def test_the_sites_own_controls_and_severities() -> None:
    found = finding("SITE-ACC-001", hardened(), controls=[OWN], severities={"SITE-ACC-001": "low"})
    assert (found["status"], found["items"], found["severity"], found["fix"]) == ("fail", ["app"], "low", None)
    manual = {**OWN, "manual": "Look.", "applies": {"first": 17}, "fix": {"role": "r", "variable": "v", "value": "1"}}
    found = finding("SITE-ACC-001", hardened(), controls=[manual])
    assert (found["status"], found["reason"], found["items"]) == ("manual", "Look.", ["app"])
    assert found["fix"]["line"] == "v: 1"
    elsewhere = {**OWN, "applies": {"condition": "in_recovery", "reason": "It is no standby."}}
    found = finding("SITE-ACC-001", hardened(), controls=[elsewhere])
    assert (found["status"], found["reason"]) == ("not_applicable", "It is no standby.")


def test_a_waiver_covers_the_items_that_its_condition_fits() -> None:
    found = finding(SUPERUSER, with_superusers("eve", "mallory"), waivers=[{**WAIVER, "when": "role == 'eve'"}])
    assert (found["status"], found["items"], found["item_count"]) == ("fail", [{"role": "mallory", "login": False}], 1)
    assert found["waived"][0]["item"]["role"] == "eve"
    assert found["waived"][0]["waiver"]["reason"] == "for now"
    whole = {key: value for key, value in WAIVER.items() if key != "when"}
    found = finding(SUPERUSER, with_superusers("eve", "mallory"), waivers=[whole])
    assert (found["status"], found["items"], len(found["waived"])) == ("waived", [], 2)


@pytest.mark.parametrize(("hosts", "status"), [("db*", "waived"), (["x", "db1"], "waived"), ("web*", "fail")])
def test_a_waiver_is_for_its_hosts(hosts: t.Any, status: str) -> None:
    waiver = {**WAIVER, "hosts": hosts, "when": "role == 'eve'"}
    assert finding(SUPERUSER, with_superusers("eve"), waivers=[waiver])["status"] == status


@pytest.mark.parametrize(
    ("expires", "status", "expired"), [("2027-06-14", "waived", "pass"), ("2027-06-13", "fail", "fail")]
)
def test_a_waiver_holds_through_its_last_day(expires: str, status: str, expired: str) -> None:
    last_second = 1_812_931_200 + 86399  # of 2027-06-14 in UTC
    options = {"waivers": [{**WAIVER, "when": "role == 'eve'", "expires": expires}], "now": last_second}
    assert finding(SUPERUSER, with_superusers("eve"), **options)["status"] == status
    assert finding("RPG-AUD-001", with_superusers("eve"), **options)["status"] == expired


def test_an_unused_waiver_is_a_finding_where_it_is_for_this_host_alone() -> None:
    alone = {**WAIVER, "hosts": "db1"}
    assert finding("RPG-AUD-002", hardened(), waivers=[alone])["items"][0]["control"] == SUPERUSER
    assert finding("RPG-AUD-002", hardened(), waivers=[WAIVER])["status"] == "pass"
    assert finding("RPG-AUD-002", hardened(), waivers=[{**WAIVER, "hosts": "db2"}])["status"] == "pass"
    unread = {**hardened(), "roles": None}
    assert finding("RPG-AUD-002", unread, waivers=[alone])["status"] == "pass"


def test_the_assessment_tells_how_often_waivers_were_used() -> None:
    waivers = [{**WAIVER, "when": "role == 'eve'"}, {**WAIVER, "control": "RPG-NET-001"}]
    [found] = assess(with_superusers("eve"), host="db1", now=NOW, waivers=waivers)
    assert [(each["control"], each["used"], each["expired"]) for each in found["waivers"]] == [
        (SUPERUSER, 1, False),
        ("RPG-NET-001", 0, False),
    ]


@pytest.mark.parametrize("facts", [hardened(), {"failed": True, "msg": "no way in"}], ids=["known", "failed"])
def test_the_assessment_has_the_waivers_of_other_hosts_too(facts: dict[str, t.Any]) -> None:
    others = [{**WAIVER, "hosts": "gone1"}, {**WAIVER, "hosts": "gone2", "expires": "2020-12-31"}]
    [found] = assess(facts, host="db1", now=NOW, waivers=[*others, WAIVER])
    assert [(each["hosts"], each["concerns"], each["expired"]) for each in found["waivers"]] == [
        (["db*"], True, False),
        (["gone1"], False, False),
        (["gone2"], False, True),
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"profile": "loose"}, "profile: 'loose' cannot be used: it is one of baseline, cis, strict"),
        ({"now": "today"}, "now: 'today' cannot be used"),
        ({"severities": {"RPG-NO-1": "low"}}, "severities: 'RPG-NO-1' cannot be used: the id of a control"),
        ({"severities": {SUPERUSER: "bad"}}, f"severities.{SUPERUSER}: 'bad' cannot be used"),
        ({"newest_minors": {17: "18.1"}}, "newest_minors[17]: '18.1' cannot be used"),
        ({"newest_minors": {17: 17.1}}, "newest_minors[17]: 17.1 cannot be used"),
        ({"controls": [{**OWN, "id": "RPG-X-1"}]}, "controls[0].id: 'RPG-X-1' cannot be used"),
        (
            {"controls": [{**OWN, "expression": "a[?"}]},
            "SITE-ACC-001.expression: 'a[?' cannot be used: it is no JMESPath",
        ),
        ({"controls": [{**OWN, "area": "garden"}]}, "SITE-ACC-001.area: 'garden' cannot be used"),
        ({"controls": [{**OWN, "colour": "red"}]}, "controls[0].colour: 'red' cannot be used: the keys are"),
        ({"controls": [OWN, OWN]}, "controls[1].id: 'SITE-ACC-001' cannot be used"),
        ({"controls": [{**OWN, "fix": {"role": "r"}}]}, "controls[0].fix.variable: None cannot be used"),
        ({"controls": [{**OWN, "applies": {"first": "17"}}]}, "controls[0].applies.first: '17' cannot be used"),
        ({"controls": [{**OWN, "expression": ""}]}, "SITE-ACC-001.expression: '' cannot be used"),
        ({"waivers": [{**WAIVER, "control": "RPG-NO-1"}]}, "waivers[0].control: 'RPG-NO-1' cannot be used"),
        ({"waivers": [{**WAIVER, "control": "RPG-AUD-001"}]}, "waivers[0].control: 'RPG-AUD-001' cannot be used"),
        ({"waivers": [{**WAIVER, "expires": "soon"}]}, "waivers[0].expires: 'soon' cannot be used: the last day"),
        ({"waivers": [{**WAIVER, "reason": " "}]}, "waivers[0].reason: ' ' cannot be used"),
        ({"waivers": [{**WAIVER, "reason": None}]}, "waivers[0].reason: None cannot be used: it is required"),
        ({"waivers": [{**WAIVER, "when": "=="}]}, "waivers[0].when: '==' cannot be used: it is no JMESPath"),
        ({"waivers": [{**WAIVER, "host": "db1"}]}, "waivers[0].host: 'db1' cannot be used: the keys are"),
        ({"waivers": {}}, "waivers: {} cannot be used"),
        ({"waivers": [{**WAIVER, "control": [SUPERUSER]}]}, f"waivers[0].control: ['{SUPERUSER}'] cannot be used"),
        (
            {"waivers": [{**WAIVER, "when": "lenght(name) > `1`"}]},
            "waivers[0].when: 'lenght(name) > `1`' cannot be used: JMESPath has no function lenght",
        ),
        ({"controls": [{**OWN, "unclear": "nope(@)"}]}, "JMESPath has no function nope"),
    ],
)
def test_what_cannot_be_used_is_named(options: dict[str, t.Any], message: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        assess(hardened(), **{"now": NOW, **options})
    assert message in str(caught.value)


def test_what_is_no_result_is_refused() -> None:
    with pytest.raises(AnsibleFilterError, match="give what rampart.postgresql.cluster_info returned"):
        assess("facts", now=NOW)


def test_a_large_cluster_takes_no_more_than_its_size() -> None:
    """Roles, memberships and rules, a hundred times what a site has."""
    many = range(10_000)
    role, rule = hardened()["roles"][0], hardened()["hba"]["rules"][1]
    roles = [{**role, "name": f"r{number}", "oid": 40000 + number} for number in many]
    grants = [
        {"role": "pg_monitor", "member": f"r{number}", "grantor": "postgres", "admin_option": False} for number in many
    ]
    rules = [{**rule, "line": number} for number in many]
    facts = patched(("roles", hardened()["roles"] + roles), ("memberships", grants), ("hba/rules", rules))
    with no_explosion():
        [found] = assess(facts, host="db1", now=NOW)
    assert found["score"]["overall"]["unknown"] == 0
