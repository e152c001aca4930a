# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Assessments of a fleet that does not exist, the same on every run; for tests, browsers and benchmarks of reports."""

from __future__ import annotations

import random
import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import AREAS

__all__ = ["HOSTILE", "NOW", "assessment", "drifted", "finding", "fleet", "hostile", "scored"]

NOW = 1_800_000_000
DAY = 86_400

HOSTILE = (
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script><!--",
    "\"'><img src=x onerror=alert(1)>",
    "two\nlines\r\nand\ttab",
    "bell \x07 escape \x1b[31m null-free \x7f\x85",
    "right \u202e to left \u2066 and \u200f mark",
    "half \ud800 and byte \udcff",
    "[link](javascript:alert(1)) `code` ``` | cell | {{ 7 * 7 }} {% raw %} ]]>",
    '=cmd|"/c calc"!A1',
    '@SUM(1+1)*","',
    "x" * 10_240,
    "\U0001f418 \u0301 caf\u00e9 \u2028 line",
    "tag \U000e0041 \ufe0f and \u3164 filler",
)
"""Names as an owner might choose them, and what a host in wrong hands might send."""

Values = dict[str, t.Any]

# Title, severity, evidence when it fails, role, variable, value.
_CONTROLS: dict[str, list[tuple[str, str, str, str, str, str]]] = {
    "NET": [
        ("Listens on named addresses only", "high", "listen_addresses is '*'", "pg_settings", "listen_addresses", "10.0.4.17"),
        ("No rule lets everybody in from everywhere", "critical", "1 rule has the address 0.0.0.0/0", "pg_hba", "rules", "[]"),
        ("No rule is shadowed by an earlier one", "medium", "2 rules can never match", "pg_hba", "unreachable", "remove"),
        ("Connections over the network use TLS", "high", "3 rules of the type host", "pg_hba", "require_tls", "true"),
    ],
    "ACC": [
        ("Superusers are on the list of allowed ones", "critical", "2 roles are superusers beyond the list", "pg_roles", "superusers", "[postgres]"),
        ("PUBLIC may not create objects in the schema public", "high", "PUBLIC has CREATE on public", "pg_privileges", "public_schema", "revoke"),
        ("Functions with SECURITY DEFINER set a search_path", "high", "4 functions take the caller's search_path", "pg_privileges", "definer", "report"),
        ("Row security is forced on the owner", "low", "1 table has policies that its owner passes by", "pg_privileges", "row_security", "force"),
    ],
    "AUT": [
        ("Passwords are stored as SCRAM verifiers", "high", "3 roles have md5 verifiers", "pg_roles", "password_encryption", "scram-sha-256"),
        ("No rule uses the method trust", "critical", "1 rule lets clients in without proof", "pg_hba", "methods", "[scram-sha-256, cert]"),
        ("Passwords expire", "low", "5 roles have passwords without an end", "pg_roles", "valid_until", "2027-12-31"),
        ("Failed logins are slowed down", "medium", "auth_delay is not loaded", "pg_extensions", "auth_delay", "500"),
    ],
    "ENC": [
        ("TLS 1.2 or newer", "high", "ssl_min_protocol_version is TLSv1", "pg_tls", "minimum", "TLSv1.2"),
        ("The certificate lasts at least 30 days", "high", "it expires in 12 days", "pg_tls", "renew_before", "60"),
        ("Ciphers are on the list", "medium", "ssl_ciphers allows MEDIUM", "pg_tls", "ciphers", "ECDHE+AESGCM"),
        ("Data pages have checksums", "medium", "data_checksums is off", "manual", "checksums", "true"),
    ],
    "LOG": [
        ("Connections are logged", "medium", "log_connections is off", "pg_settings", "log_connections", "true"),
        ("Statements that change roles are logged", "medium", "log_statement is none", "pg_settings", "log_statement", "ddl"),
        ("Log files are kept from other accounts", "high", "log_file_mode is 0644", "pg_settings", "log_file_mode", '"0600"'),
        ("pgAudit records reads of tables", "low", "pgaudit is not loaded", "pg_extensions", "pgaudit", "read"),
    ],
    "BAK": [
        ("A backup succeeded within a day", "critical", "the last good backup is 9 days old", "pg_backup", "schedule", "daily"),
        ("A restore was drilled within 90 days", "high", "no restore was ever drilled", "pg_backup", "drill", "monthly"),
        ("Backups are encrypted", "high", "1 job stores backups in clear", "pg_backup", "encryption", "age"),
        ("Backups leave the host", "high", "1 job has no place elsewhere", "pg_backup", "places", "[vault]"),
    ],
    "PLA": [
        ("The minor version is the newest", "high", "17.4 is behind 17.6", "manual", "packages", "17.6"),
        ("The data directory is its owner's alone", "high", "mode 0750 where 0700 is wanted", "pg_os", "data_mode", '"0700"'),
        ("The service is confined", "medium", "NoNewPrivileges is off", "pg_os", "sandbox", "true"),
        ("No password is in the environment of the account", "high", "PGPASSWORD is set in .profile", "pg_os", "environment", "clean"),
    ],
}  # fmt: skip
_RATIONALE = (
    "What an attacker reaches first is what nobody meant to leave open. This keeps the surface to what the operator"
    " wrote down, so that everything else is a finding."
)
_SEVERITIES = ("critical", "high", "medium", "low")
_ITEMS: dict[str, t.Callable[[random.Random], t.Any]] = {
    "NET": lambda chance: {
        "file": "/etc/postgresql/17/main/pg_hba.conf",
        "line": chance.randint(80, 140),
        "rule": f"host all all 10.{chance.randint(0, 9)}.0.0/16 md5",
    },
    "ACC": lambda chance: {"role": chance.choice(("deploy", "reporting", "legacy_app")), "attribute": "SUPERUSER"},
    "AUT": lambda chance: {"role": chance.choice(("billing", "etl", "grafana")), "verifier": "md5"},
    "ENC": lambda chance: {"parameter": "ssl_min_protocol_version", "value": chance.choice(("TLSv1", "TLSv1.1"))},
    "LOG": lambda chance: {"parameter": "log_statement", "value": "none", "source": "default"},
    "BAK": lambda chance: {"job": chance.choice(("nightly", "hourly")), "places": ["/var/backups"]},
    "PLA": lambda chance: {"path": "/var/lib/postgresql/17/main", "mode": "0750", "owner": "postgres"},
}


def finding(control: t.Any = "RPG-NET-001", **more: t.Any) -> Values:
    """One finding as the filter assess returns it."""
    return {
        "control": control,
        "title": "Listens on named addresses only",
        "area": "network",
        "severity": "high",
        "status": "pass",
        "items": [],
        "item_count": len(more.get("items", [])),
        "waived": [],
        "evidence": "",
        "reason": "",
        "rationale": "",
        "fix": None,
        "references": [],
        **more,
    }


def hostile(name: str) -> Values:
    """A cluster with the name wherever somebody else decides what is there."""
    items = [name, {"role": name, name: name, "file": name, "line": 3}, {"nested": [name]}]
    waiver = {"reason": name, "approved_by": name, "expires": name}
    fix = {"role": name, "variable": name, "value": name, "line": name}
    references = [{"benchmark": name, "edition": name, "number": name, "title": name, "source": name}]
    texts = {"title": name, "evidence": name, "reason": name, "rationale": name, "fix": fix, "references": references}
    return assessment(
        finding("RPG-NET-001", status="fail", items=items, **texts),
        finding("RPG-NET-002", status="waived", waived=[{"item": items[1], "waiver": waiver}], **texts),
        finding("RPG-NET-003", status="unknown", **texts),
        host=name,
        cluster=name,
        version=name,
        profile=name,
        error=name,
        managed_by=[name],
        follows=[{"topic": name, "benchmark": name, "says": name}],
        waivers=[{"control": name, "hosts": [name], **waiver, "expired": False, "used": 1}],
        views={
            "hba": {"rules": [_rule(1, "local all all - peer", text=name, reachable=False)], "who": [dict.fromkeys(
                ("from", "type", "databases", "users", "method"), name)]},
            "certificates": [{"role": name, "subject": name, "path": name, "not_after_epoch": NOW, "state": "ok"}],
            "backups": {"jobs": [{"name": name, "kind": name, "schedule": name, "last_success_epoch": NOW}]},
        },
    )  # fmt: skip


def scored(findings: t.Iterable[Values]) -> Values:
    """The counts of each area."""
    names: dict[str, str] = {"pass": "passed", "fail": "failed"}
    found = {area: dict.fromkeys(("passed", "failed", "unknown", "manual", "waived", "not_applicable"), 0) for area in
             (*AREAS, "overall")}  # fmt: skip
    for one in findings:
        for area in (one["area"], "overall"):
            found[area][names.get(one["status"]) or one["status"]] += 1
    return {area: {**counts, "percent": _percent(counts)} for area, counts in found.items()}


def _percent(counts: dict[str, int]) -> int | None:
    judged = counts["passed"] + counts["failed"] + counts["unknown"]
    return 100 * counts["passed"] // judged if judged else None


def assessment(*findings: Values, **more: t.Any) -> Values:
    """One cluster with the findings."""
    return {
        "schema": 1,
        "host": "db1",
        "cluster": "17/main",
        "major": 17,
        "version": "17.6",
        "profile": "strict",
        "follows": [],
        "gathered_epoch": NOW - 60,
        "assessed_epoch": NOW - 30,
        "in_recovery": False,
        "managed_by": [],
        "score": scored(findings),
        "findings": list(findings),
        "waivers": [],
        "views": {"hba": None, "certificates": None, "backups": None},
        **more,
    }


def drifted(*names: str, now: int = NOW) -> Values:
    """What a hardening would change on hosts of these names, as the filter drift tells it."""
    rows = [
        {
            "host": name,
            "cluster": "17/main",
            "component": component,
            "severity": severity,
            "subject": f"{subject} {name}",
            "description": "take it away",
            "statement": f"-- {name}",
            "before": f"there: {name}",
            "after": "",
        }
        for name in names
        for component, severity, subject in (("role_attributes", "high", "role"), ("settings", "low", "parameter"))
    ]
    return {
        "schema": 1,
        "generated_epoch": now,
        "hosts": [*names, "db9"],
        "drifted": list(names),
        "counts": {"critical": 0, "high": len(names), "medium": 0, "low": len(names)},
        "rows": rows,
    }


def fleet(hosts: int = 12, *, controls: int = 150, seed: int = 1, now: int = NOW) -> list[Values]:
    """A cluster on each host; another seed is the same fleet at another time, with a few controls that differ."""
    return [_cluster(number, controls, seed, now) for number in range(hosts)]


def _chance(number: int, index: int, seed: int) -> random.Random:
    """What decides on one control of one cluster, mostly whatever the seed."""
    moved = random.Random(f"{seed}/{number}/{index}").random() < 0.03
    return random.Random(f"{seed}/{number}/{index}/moved" if moved else f"{number}/{index}")


def _cluster(number: int, controls: int, seed: int, now: int) -> Values:
    chance = random.Random(number)
    host = f"db-{('fra', 'ams', 'dub')[number % 3]}-{number + 1:04}.example.org"
    major, minor = chance.choice(((13, 22), (15, 14), (17, 4), (17, 6), (18, 0)))
    told: Values = {
        "host": host,
        "cluster": f"{major}/main",
        "major": major,
        "version": f"{major}.{minor}",
        "follows": [{"topic": "log_hostname", "benchmark": "CIS 17", "says": "off, as names can be forged"}],
        "gathered_epoch": now - chance.randint(60, 7200),
        "assessed_epoch": now - 30,
        "in_recovery": number % 4 == 3,
        "managed_by": ["patroni"] if number % 5 == 4 else [],
        "profile": "strict" if number % 2 else "baseline",
    }
    if number == 7:  # nobody could look at it
        findings = [
            {**_finding(index, _chance(number, index, seed), 0.0), "status": "unknown", "items": [], "item_count": 0, "evidence": "",
             "reason": "the host could not be reached"}
            for index in range(controls)
        ]  # fmt: skip
        return assessment(
            *findings, **{**told, "version": "", "gathered_epoch": None}, error="the host could not be reached"
        )
    failing = chance.choice((0.02, 0.06, 0.15))
    findings = [_finding(index, _chance(number, index, seed), failing) for index in range(controls)]
    views = {
        "hba": _hba(chance),
        "certificates": _certificates(host, major, chance, now),
        "backups": _backups(chance, now),
    }
    waived = [one["waiver"] for found in findings for one in found["waived"]]
    waivers = (
        [
            {
                "control": "RPG-NET-009",
                "hosts": ["db-*"],
                "when": None,
                **waived[0],
                "expired": False,
                "used": len(waived),
            }
        ]
        if waived
        else []
    )
    old = {"control": "RPG-ACC-001", "hosts": ["db-fra-*"], "reason": "two administrators until the directory is there",
           "approved_by": "A. Officer", "expires": "2026-12-31", "when": None, "expired": True, "used": 0}  # fmt: skip
    return assessment(*findings, **told, views=views, waivers=[*waivers, old])


def _finding(index: int, chance: random.Random, failing: float) -> Values:
    codes = list(_CONTROLS)
    code = codes[index % len(codes)]
    nth = index // len(codes)
    title, severity, evidence, role, variable, value = _CONTROLS[code][nth % 4]
    if nth >= 4:
        title, severity = f"{title}, case {nth // 4 + 1}", _SEVERITIES[1 + index % 3]
    status = chance.choices(
        ("fail", "unknown", "manual", "waived", "not_applicable", "pass"),
        (failing, 0.02, 0.03 if nth > 2 else 0.0, 0.01, 0.04, 1 - failing - 0.1),
    )[0]
    items = [_ITEMS[code](chance) for _one in range(chance.randint(1, 3))] if status in ("fail", "waived") else []
    items = [item for number, item in enumerate(items) if item not in items[:number]]
    waiver = {"reason": "moves to the new host in spring", "approved_by": "A. Officer", "expires": "2027-03-31"}
    return finding(
        f"RPG-{code}-{nth + 1:03}",
        title=title,
        area=AREAS[codes.index(code)],
        severity=severity,
        status=status,
        items=items if status == "fail" else [],
        item_count=len(items) if status == "fail" else 0,
        waived=[{"item": item, "waiver": waiver} for item in items] if status == "waived" else [],
        evidence=evidence if status in ("fail", "waived") else "as the profile wants it" if status == "pass" else "",
        reason={
            "unknown": "pg_hba_file_rules: permission denied",
            "manual": "Look at who can read the place where backups are stored.",
            "not_applicable": "not on this version",
        }.get(status, ""),
        rationale=_RATIONALE,
        fix={"role": role, "variable": f"{role}_{variable}", "value": value, "line": f"{role}_{variable}: {value}"},
        references=[
            {"benchmark": "CIS PostgreSQL", "edition": "17 v1.0.0", "number": f"{1 + index % 8}.{1 + nth}", "title": title,
             "source": "https://www.tenable.com/audits"}
        ]
        if index % 3
        else [],
    )  # fmt: skip


def _rule(number: int, words: str, **more: t.Any) -> Values:
    kind, databases, users, address, method = words.split()
    return {
        "number": number,
        "file": "/etc/postgresql/17/main/pg_hba.conf",
        "line": 90 + number,
        "type": kind,
        "databases": [databases],
        "users": [users],
        "address": None if address == "-" else address,
        "method": method,
        "options": {},
        "text": words.replace(" -", ""),
        "reachable": True,
        "shadowed_by": [],
        **more,
    }


def _hba(chance: random.Random) -> Values:
    network = f"10.{chance.randint(0, 40)}.0.0/16"
    rules = [
        _rule(1, "local all postgres - peer"),
        _rule(2, f"hostssl orders orders_app {network} scram-sha-256"),
        _rule(3, "hostssl replication standby 10.0.4.0/24 cert"),
        _rule(4, f"host orders orders_app {network} md5", reachable=False, shadowed_by=[2]),
        _rule(5, "hostssl all +analysts 192.168.16.0/20 scram-sha-256"),
        _rule(6, "host all all 0.0.0.0/0 reject"),
    ]
    who = [
        {"from": rule["address"] or "socket", **{key: rule[key] for key in ("type", "databases", "users", "method")}}
        for rule in rules
        if rule["reachable"] and rule["method"] != "reject"
    ]
    return {
        "files": [rules[0]["file"]],
        "rules": rules,
        "findings": [
            {
                "code": "unreachable",
                "severity": "medium",
                "message": "no client ever gets to this rule",
                "file": "",
                "line": 94,
            }
        ],
        "who": who,
    }


def _certificates(host: str, major: int, chance: random.Random, now: int) -> list[Values]:
    rows = []
    for role, subject in (("server", f"CN={host}"), ("client_authority", "CN=Example Clients 2026"),
                          ("revocation_list", "CN=Example Clients 2026")):  # fmt: skip
        after = now + chance.choice((-3, 5, 21, 64, 200, 340, 700)) * DAY + chance.randint(0, DAY)
        left = (after - now) // DAY
        rows.append(
            {"host": host, "cluster": f"{major}/main", "role": role, "path": f"/etc/postgresql/{role}.pem", "number": 1,
             "subject": subject, "not_after": "", "not_before_epoch": after - 730 * DAY, "not_after_epoch": after,
             "days_left": left, "state": "expired" if left < 0 else "soon" if left < 30 else "ok", "problems": [],
             "severity": "none", "reason": ""}
        )  # fmt: skip
    return rows


def _backups(chance: random.Random, now: int) -> Values:
    jobs = []
    for name, kind, schedule in (("nightly", "base", "daily 02:00"), ("wal", "wal", "continuous")):
        last = None if chance.random() < 0.06 else now - int(chance.choice((0.3, 0.6, 0.9, 1.2, 9)) * DAY)
        jobs.append(
            {"name": name, "kind": kind, "encrypted": chance.random() < 0.9, "places": ["vault:/srv/backups"],
             "off_host": chance.random() < 0.9, "last_success_epoch": last,
             "verified_epoch": None if last is None else last + 600,
             "restored_epoch": None if chance.random() < 0.3 else now - chance.randint(3, 140) * DAY, "schedule": schedule}
        )  # fmt: skip
    return {"jobs": jobs, "tools": []}
