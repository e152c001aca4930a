# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates of a fleet as a list and as metrics."""

from __future__ import annotations

import re
import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.rampart.postgresql.plugins.filter.certificate_expiry import certificate_expiry
from ansible_collections.rampart.postgresql.plugins.filter.certificate_metrics import certificate_metrics

NOW = 1_800_000_000
DAY = 86400
SERIES = re.compile(r'([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\+Inf|-?[0-9]+)')
LABEL = re.compile(r'([a-z]+)="((?:[^"\\\n]|\\["\\n])*)"')


def entry(*, days: float | None = 365, role: str = "server", **more: t.Any) -> dict[str, t.Any]:
    after = None if days is None else NOW + int(days * DAY)
    return {
        "role": role,
        "path": "/etc/own.pem",
        "number": 1,
        "subject": None if role == "revocation_list" else "CN=db1",
        "issuer": "CN=root",
        "not_before_epoch": NOW - 400 * DAY,
        "not_after_epoch": after,
        "not_after": "then",
        "days_left": 99,  # by the host's clock
        "state": "ok",
        "reason": "",
        "problems": [],
        **more,
    }


def unknown(**more: t.Any) -> dict[str, t.Any]:
    return entry(
        days=None,
        state="unknown",
        not_before_epoch=None,
        not_after=None,
        reason="permission denied",
        problems=[{"code": "unreadable", "severity": "critical", "message": ""}],
        **more,
    )


def facts(*entries: dict[str, t.Any], cluster: str = "17/main", **more: t.Any) -> dict[str, t.Any]:
    return {"server": {"cluster": cluster}, "certificates": list(entries), **more}


FAILED = {"failed": True, "msg": "the server\nis down", "invocation": {"module_args": {"cluster": "17/main"}}}


def expiry(given: t.Any, **options: t.Any) -> list[dict[str, t.Any]]:
    return certificate_expiry(given, now=NOW, **options)


def unescaped(match: re.Match[str]) -> str:
    return "\n" if match.group(1) == "n" else match.group(1)


def parsed(text: str) -> dict[str, dict[tuple[tuple[str, str], ...], str]]:
    """Read metrics back; every line has to be one of the format's."""
    found: dict[str, dict[tuple[tuple[str, str], ...], str]] = {}
    assert text == "" or text.endswith("\n")
    for line in text.split("\n")[:-1]:
        if line.startswith("# "):
            assert re.fullmatch(r"# (HELP [a-z_]+ .+|TYPE [a-z_]+ gauge)", line), line
            continue
        match = SERIES.fullmatch(line)
        assert match, line
        name, labels, value = match.groups()
        pairs = [(key, re.sub(r"\\(.)", unescaped, text)) for key, text in LABEL.findall(labels or "")]
        assert found.setdefault(name, {}).setdefault(tuple(pairs), value) == value
    return found


def metrics(given: t.Any, **options: t.Any) -> dict[str, dict[tuple[tuple[str, str], ...], str]]:
    full = parsed(certificate_metrics(given, now=NOW, **options))
    return {name.removeprefix("rampart_postgresql_"): series for name, series in full.items()}


@pytest.mark.parametrize(
    ("given", "hosts"),
    [
        (facts(entry()), [""]),
        ([facts(entry()), facts(entry())], ["", ""]),
        ({"db1": facts(entry()), "db2": [facts(entry()), facts(entry())]}, ["db1", "db2", "db2"]),
        ({"db1": {"results": [facts(entry())], "changed": False}}, ["db1"]),
        ({"results": [facts(entry())]}, [""]),
        ({"db1": FAILED, "db2": {"unreachable": True}}, ["db1", "db2"]),
        ({"db1": {"skipped": True, "skip_reason": "x"}}, []),
        ({}, []),
        ([], []),
        (facts(), []),
    ],
)
def test_forms_of_input(given: t.Any, hosts: list[str]) -> None:
    assert [row["host"] for row in expiry(given)] == hosts


def test_the_most_urgent_one_comes_first() -> None:
    fleet = {
        "db1": facts(entry(days=100), entry(days=None), entry(days=-400, state="superseded", role="revocation_list")),
        "db2": facts(entry(days=20), unknown(), cluster="17/other"),
        "db3": [FAILED, facts(entry(days=-2))],
    }
    rows = expiry(fleet)
    assert [(row["host"], row["state"], row["days_left"]) for row in rows] == [
        ("db2", "unknown", None),
        ("db3", "unknown", None),
        ("db3", "expired", -2),
        ("db2", "soon", 20),
        ("db1", "ok", 100),
        ("db1", "ok", None),
        ("db1", "superseded", -400),
    ]
    assert (rows[0]["cluster"], rows[0]["reason"]) == ("17/other", "permission denied")
    assert (rows[1]["cluster"], rows[1]["reason"], rows[1]["role"]) == ("17/main", "the server is down", "")
    assert [row["severity"] for row in rows] == ["critical"] * 3 + ["warning", "none", "none", "none"]


def test_what_is_wrong_besides_the_time() -> None:
    problems = [
        {"code": "expires_soon", "severity": "warning", "message": "that was then"},
        {"code": "key_mismatch", "severity": "critical", "message": "the key"},
        {"code": "self_signed", "severity": "notice", "message": "so"},
    ]
    (row,) = expiry(facts(entry(problems=problems)))
    assert (row["state"], row["severity"], row["problems"]) == ("ok", "critical", ["key_mismatch", "self_signed"])


@pytest.mark.parametrize(
    ("more", "cluster"),
    [
        ({}, ""),
        ({"invocation": {"module_args": {"cluster": None, "port": 5433}}}, "5433"),
        ({"ansible_loop_var": "item", "item": {"cluster": "17/main"}}, "17/main"),
        ({"ansible_loop_var": "item", "item": {"data_directory": "/srv/data", "port": 5432}}, "/srv/data"),
        ({"ansible_loop_var": "item", "item": "17/main"}, ""),
    ],
)
def test_a_failure_tells_what_it_was_about(more: dict[str, t.Any], cluster: str) -> None:
    (row,) = expiry({"failed": True, "msg": "it is down", **more})
    assert (row["cluster"], row["reason"]) == (cluster, "it is down")


def authority(**more: t.Any) -> dict[str, t.Any]:
    """What the module certificate_authority returns."""
    client = {"usage": "client", "owner": "shop", "common_name": "shop", "not_before": "2026-12-01T00:00:00Z"}
    return {
        "trust": "",
        "issuers": "",
        "revocation_lists": "",
        "expiry": {
            "revocation_lists": "2027-07-01T00:00:00Z",
            "generations": [
                {
                    "generation": 1,
                    "signs": False,
                    "root": "2027-01-01T00:00:00Z",
                    "intermediate": "2027-01-20T00:00:00Z",
                },
                {
                    "generation": 2,
                    "signs": True,
                    "root": "2036-01-01T00:00:00Z",
                    "intermediate": "2031-01-01T00:00:00Z",
                },
            ],
        },
        "certificates": [
            {**client, "not_after": "2027-02-01T00:00:00Z"},
            {**client, "not_after": "2027-12-01T00:00:00Z"},
            {**client, "owner": "db1", "usage": "server", "not_after": "2027-02-01T00:00:00Z"},
        ],
        **more,
    }


def test_the_authority_is_taken_like_a_cluster() -> None:
    rows = expiry({"localhost": authority(), "db1": facts(entry(days=10))})  # it is 2027-01-15 now
    assert [(row["cluster"], row["role"], row["subject"], row["state"]) for row in rows] == [
        ("authority", "root", "root of generation 1", "expired"),
        ("authority", "intermediate", "intermediate of generation 1", "soon"),
        ("17/main", "server", "CN=db1", "soon"),
        ("authority", "revocation_list", "the first of all lists", "ok"),
        ("authority", "client", "shop (shop)", "ok"),
        ("authority", "intermediate", "intermediate of generation 2", "ok"),
        ("authority", "root", "root of generation 2", "ok"),
    ]
    found = metrics({"localhost": authority()})
    assert len(found["certificate_not_after_seconds"]) == 5
    assert list(found["revocation_list_next_update_seconds"].values()) == ["1814400000"]
    (none,) = expiry(authority(expiry={}, certificates=[]))
    assert (none["state"], none["reason"]) == ("unknown", "there is no authority")  # check mode made none
    with pytest.raises(AnsibleFilterError, match="as certificate_authority returns it"):
        expiry(authority(expiry={"revocation_lists": "soon"}))
    malformed: list[t.Any] = [{"generations": [{}]}, {"generations": [1]}, "soon", ["soon"]]
    for strange in malformed:
        with pytest.raises(AnsibleFilterError, match="certificate_authority returned"):
            expiry(authority(expiry=strange))


def test_within_decides_what_is_soon() -> None:
    given = facts(entry(days=40))
    assert [expiry(given, within=days)[0]["state"] for days in (40, 41)] == ["ok", "soon"]


def test_a_list_bears_the_name_of_its_issuer() -> None:
    (row,) = expiry(facts(entry(role="revocation_list")), host="db1")
    assert (row["subject"], row["host"]) == ("CN=root", "db1")


def test_metrics() -> None:
    found = metrics(
        {
            "db1": facts(
                entry(days=100, problems=[{"code": "self_signed", "severity": "notice", "message": "so"}]),
                entry(role="revocation_list", days=20, number=2),
                entry(role="revocation_list", days=None, number=3),
                entry(role="revocation_list", days=-9, number=4, state="superseded"),
                unknown(path="/etc/clients.pem", role="client_authority", subject=None),
            ),
            "db2": facts(),
            "db3": FAILED,
        }
    )
    cluster = ("cluster", "17/main")
    own = (cluster, ("host", "db1"), ("number", "1"), ("path", "/etc/own.pem"), ("role", "server"))
    assert found["certificate_not_after_seconds"] == {(*own, ("subject", "CN=db1")): str(NOW + 100 * DAY)}
    assert list(found["revocation_list_next_update_seconds"].values()) == [str(NOW + 20 * DAY), "+Inf"]
    assert sorted(found["certificates"].items()) == [
        ((cluster, ("host", "db1")), "5"),
        ((cluster, ("host", "db2")), "0"),
    ]
    assert list(found["certificates_gathered_seconds"].values()) == [str(NOW)] * 2  # nobody looked at db3
    told = sorted((dict(labels)["host"], dict(labels)["problem"]) for labels in found["certificate_problem"])
    assert told == [("db1", "expires_soon"), ("db1", "self_signed"), ("db1", "unreadable"), ("db3", "unreadable")]
    assert set(found["certificate_problem"].values()) == {"1"}


def test_a_series_that_comes_twice_is_written_once() -> None:
    assert len(metrics([facts(entry()), facts(entry())])["certificate_not_after_seconds"]) == 1


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_survives_in_a_label(subject: str, path: str) -> None:
    ((labels, _value),) = metrics(facts(entry(subject=subject, path=path)))["certificate_not_after_seconds"].items()
    assert (dict(labels).get("subject", ""), dict(labels).get("path", "")) == (subject, path)


def test_bytes_that_are_no_text_do_not_spoil_the_file() -> None:
    text = certificate_metrics(facts(entry(path=b"/etc/\xff.pem")), now=NOW)
    assert 'path="/etc/?.pem"' in text
    text.encode("utf-8")


@pytest.mark.parametrize(
    ("given", "options", "words"),
    [
        ("text", {}, "cluster_info returned"),
        (None, {}, "cluster_info returned"),
        ({"server": {}, "roles": []}, {}, "gather"),
        (facts(t.cast("dict[str, t.Any]", "text")), {}, r"certificates\[0\]"),
        (facts(entry(state="fine")), {}, r"certificates\[0\]\.state"),
        (facts(entry(not_after_epoch="2027")), {}, "not_after_epoch"),
        (facts(entry(problems=["bad"])), {}, "problems"),
        ({"certificates": "all"}, {}, "a list"),
        (facts(), {"within": -1}, "within"),
        (facts(), {"within": "20"}, "within"),
        (facts(), {"host": 3}, "host"),
        (facts(), {"now": "today"}, "now"),
    ],
)
def test_what_cannot_be_meant_is_an_error(given: t.Any, options: dict[str, t.Any], words: str) -> None:
    for function in (certificate_expiry, certificate_metrics):
        with pytest.raises(AnsibleFilterError, match=words):
            function(given, **{"now": NOW, **options})
