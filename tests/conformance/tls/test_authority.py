"""The certificate authority on the controller; openssl judges what it makes, and real runs of Ansible how it is used."""

from __future__ import annotations

import concurrent.futures
import datetime
import functools
import json
import multiprocessing
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ConcurrentRun
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import KeySpec
from ansible_collections.rampart.postgresql.plugins.plugin_utils import _files as files
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority import protecting
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.situation import ToRevoke
from ansible_collections.rampart.postgresql.tests.conformance.tls.authority_homes import DAY
from ansible_collections.rampart.postgresql.tests.conformance.tls.authority_homes import PASSPHRASE
from ansible_collections.rampart.postgresql.tests.conformance.tls.authority_homes import Home
from ansible_collections.rampart.postgresql.tests.conformance.tls.authority_homes import killed_before
from ansible_collections.rampart.postgresql.tests.conformance.tls.authority_homes import openssl
from ansible_collections.rampart.postgresql.tests.conformance.tls.authority_homes import play

NAME = "db1.example.org"
NOW = int(time.time())
HOST = ToRevoke("revoked[0]", host="db1")


@pytest.fixture(autouse=True)
def opened_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys that are made by these tests' own process are opened at once."""
    monkeypatch.setattr(protecting, "ROUNDS", 1000)


@pytest.fixture
def home(tmp_path: pathlib.Path) -> Home:
    return Home(tmp_path / "authority")


@pytest.fixture
def made(home: Home) -> Home:
    home.make(now=NOW)
    return home


def kinds(home: Home, **options: t.Any) -> list[str]:
    return [change.kind for change in home.make(**options).changes]


# What is made


@pytest.mark.parametrize("key", [KeySpec("ecdsa_p384"), KeySpec("ecdsa_p256"), KeySpec("rsa", 3072)], ids=str)
def test_openssl_accepts_what_it_signs_for_that_use_only(home: Home, key: KeySpec) -> None:
    home.make(key=key)
    server, client = home.server(NAME, "192.0.2.10"), home.client("app")
    assert home.verdict(server.chain_pem, "sslserver", "-verify_hostname", NAME).accepted
    assert home.verdict(server.chain_pem, "sslserver", "-verify_ip", "192.0.2.10").accepted
    assert home.verdict(client.chain_pem, "sslclient").accepted
    assert "hostname mismatch" in home.verdict(server.chain_pem, "sslserver", "-verify_hostname", "db2").output
    assert "unsuitable certificate purpose" in home.verdict(server.chain_pem, "sslclient").output
    assert "unsuitable certificate purpose" in home.verdict(client.chain_pem, "sslserver").output


def test_what_openssl_reads_in_the_certificates(made: Home) -> None:
    texts = {
        name: openssl("x509", "-noout", "-text", content=content)
        for name, content in {
            "root": made.opened().trust_pem,
            "intermediate": made.opened().issuer_pem,
            "server": made.server(NAME).chain_pem,
            "client": made.client("app", common_name="app@example.org").chain_pem,
        }.items()
    }
    for name, path_length in (("root", 1), ("intermediate", 0)):
        assert f"CA:TRUE, pathlen:{path_length}" in texts[name]
        assert "Key Usage: critical\n                Certificate Sign, CRL Sign\n" in texts[name]
        assert f"Subject: O = Example, CN = PostgreSQL {name} 1" in texts[name]
        assert "Extended Key Usage" not in texts[name]
    for name, usage in (("server", "TLS Web Server Authentication"), ("client", "TLS Web Client Authentication")):
        assert "X509v3 Basic Constraints: critical\n                CA:FALSE" in texts[name]
        assert f"X509v3 Extended Key Usage: \n                {usage}\n" in texts[name]
        assert "X509v3 Key Usage: critical\n                Digital Signature\n" in texts[name]
    assert f"DNS:{NAME}" in texts["server"] and f"CN = {NAME}" in texts["server"]
    assert "Alternative Name" not in texts["client"] and "CN = app@example.org" in texts["client"]
    for text in texts.values():
        serial = re.search(r"Serial Number:\s+([0-9a-f:]+)", text)
        assert serial is not None and len(serial.group(1)) > 40  # random, 64 bits at the very least
        assert "X509v3 Subject Key Identifier" in text
    assert all("X509v3 Authority Key Identifier" in texts[name] for name in ("intermediate", "server", "client"))


def test_what_openssl_reads_in_the_lists(made: Home) -> None:
    blocks = [
        f"{block}-----END X509 CRL-----\n"
        for block in (made.path / "crl.pem").read_text().split("-----END X509 CRL-----\n")[:-1]
    ]
    texts = [openssl("crl", "-noout", "-text", content=block) for block in blocks]
    assert [re.findall(r"Issuer: (.*)", text)[0] for text in texts] == [
        "O = Example, CN = PostgreSQL root 1",
        "O = Example, CN = PostgreSQL intermediate 1",
    ]
    for text in texts:
        assert "X509v3 CRL Number" in text and "X509v3 Authority Key Identifier" in text and "No Revoked" in text
        begin, end = (
            datetime.datetime.strptime(found, "%b %d %H:%M:%S %Y GMT")
            for found in re.findall(r"(?:Last|Next) Update: (.*)", text)
        )
        assert end - begin == datetime.timedelta(days=180, hours=1)


def test_modes(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    home.make()
    secret = {"1/root.key", "1/intermediate.key", "issued.jsonl"}
    public = {"1/root.pem", "1/intermediate.pem", "trust.pem", "crl.pem", "authority.json"}
    assert {name: mode for name, (mode, _content) in home.tree().items()} == {
        **dict.fromkeys(secret, 0o600),
        **dict.fromkeys(public, 0o644),
    }
    assert [(home.path / name).stat().st_mode & 0o777 for name in (".", "1")] == [0o755, 0o700]
    for usage in ("root", "intermediate"):
        path = str(home.path / "1" / f"{usage}.key")
        assert pathlib.Path(path).read_text().startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----")
        openssl("pkey", "-in", path, "-noout", "-check", "-passin", f"pass:{PASSPHRASE}")
        parsed = openssl("asn1parse", "-in", path)
        rounds = re.search(r"INTEGER +:([0-9A-F]+)", parsed)
        assert rounds is not None and int(rounds.group(1), 16) == 200_000
        assert all(word in parsed for word in ("PBES2", "PBKDF2", "hmacWithSHA256", "aes-256-cbc"))


def test_check_mode_says_what_the_run_does(home: Home) -> None:
    foreseen = home.make(check=True, now=NOW)
    assert not home.path.exists()
    assert home.make(now=NOW) == foreseen and foreseen.changes
    before = home.tree()
    assert home.make(check=True).changes == home.make().changes == ()
    assert home.tree() == before


def test_the_record_says_what_was_issued(made: Home) -> None:
    server, client = made.server(NAME, now=NOW), made.client("app", now=NOW)
    lines = [json.loads(line) for line in (made.path / "issued.jsonl").read_text().splitlines()]
    assert [line["usage"] for line in lines] == ["root", "intermediate", "server", "client"]
    assert (lines[2]["serial"], lines[2]["owner"], lines[2]["names"]) == (server.serial, "db1", [NAME])
    assert (lines[3]["serial"], lines[3]["owner"], lines[3]["names"]) == (client.serial, "app", [])
    for line, issued in zip(lines[2:], (server, client), strict=True):
        text = openssl("x509", "-noout", "-serial", "-fingerprint", "-sha256", content=issued.chain_pem).lower()
        assert re.search(rf"serial=0?{line['serial']}\n", text)
        assert line["fingerprint"] in text.replace(":", "")
        assert (line["generation"], line["time"]) == (1, NOW)
        assert (line["not_before"], line["not_after"]) == (NOW - 3600, NOW + 90 * DAY)


# Revocation


def test_a_revoked_certificate_is_refused_and_no_other(made: Home) -> None:
    first, second, client = made.server(NAME), made.server("db2.example.org", host="db2"), made.client("app")
    assert made.verdict(first.chain_pem, "sslserver").accepted
    plan = made.make(HOST, ToRevoke("revoked[1]", role="app", reason="key_compromise"))
    assert [change.kind for change in plan.changes] == ["revoke", "revoke", "lists"]
    assert "certificate revoked" in made.verdict(first.chain_pem, "sslserver").output
    assert "certificate revoked" in made.verdict(client.chain_pem, "sslclient").output
    assert made.verdict(second.chain_pem, "sslserver").accepted
    assert "Key Compromise" in openssl("crl", "-noout", "-text", content=made.opened().lists[1].pem.decode())
    assert made.make().changes == ()  # it stays revoked
    assert "certificate revoked" in made.verdict(first.chain_pem, "sslserver").output


def test_nobody_gets_in_again_because_a_record_was_lost(made: Home) -> None:
    first, second = made.server(NAME), made.server("db2.example.org", host="db2")
    copy = (made.path / "issued.jsonl").read_bytes()
    made.make(ToRevoke("revoked[0]", host="db1", reason="superseded"), now=NOW)
    before = openssl("crl", "-noout", "-text", content=made.opened().lists[1].pem.decode())
    (made.path / "issued.jsonl").unlink()
    assert kinds(made) == ["record"]
    for record in (None, copy):
        if record is not None:
            (made.path / "issued.jsonl").write_bytes(record)
        assert kinds(made, lists=(90 if record is None else 100, 20)) == ["lists", "policy"]
        assert "certificate revoked" in made.verdict(first.chain_pem, "sslserver").output
        assert made.verdict(second.chain_pem, "sslserver").accepted
        after = openssl("crl", "-noout", "-text", content=made.opened().lists[1].pem.decode())
        entry = r"(Serial Number: .*\s+Revocation Date: .*\s+CRL entry extensions:\s+.*\s+Superseded)"
        assert re.findall(entry, before) == re.findall(entry, after) != []


def test_by_serial_number_as_openssl_prints_it(made: Home) -> None:
    first, second = made.server(NAME), made.server(NAME)
    made.make(ToRevoke("revoked[0]", serial=first.serial))
    assert not made.verdict(first.chain_pem, "sslserver").accepted
    assert made.verdict(second.chain_pem, "sslserver").accepted
    before = made.tree()
    with pytest.raises(InputError, match="a serial number that the record knows"):
        made.make(ToRevoke("revoked[0]", serial="1234"))
    assert made.tree() == before


def test_only_what_was_issued_before_a_time(made: Home) -> None:
    old, new = made.server(NAME, now=NOW), made.server(NAME, now=NOW + 60)
    made.make(ToRevoke("revoked[0]", host="db1", before=NOW + 30), now=NOW + 90)
    assert not made.verdict(old.chain_pem, "sslserver").accepted
    assert made.verdict(new.chain_pem, "sslserver").accepted


def test_an_intermediate_that_does_not_sign_any_more(made: Home) -> None:
    first = made.server(NAME)
    serial = next(entry.serial for entry in made.opened().entries() if entry.usage == "intermediate")
    root = next(entry.serial for entry in made.opened().entries() if entry.usage == "root")
    with pytest.raises(InputError, match="this intermediate signs"):
        made.make(ToRevoke("revoked[0]", serial=serial))
    with pytest.raises(InputError, match="no list names a root"):
        made.make(ToRevoke("revoked[0]", serial=root))
    made.make(generation=2, trusted=(1, 2))
    assert made.verdict(first.chain_pem, "sslserver").accepted
    made.make(ToRevoke("revoked[0]", serial=serial), generation=2, trusted=(1, 2))
    assert "error 23 at 1 depth lookup: certificate revoked" in made.verdict(first.chain_pem, "sslserver").output


def test_the_lists_are_renewed_in_time_and_together(made: Home) -> None:
    before = made.opened().lists
    assert kinds(made, now=NOW + 44 * DAY) == []
    assert kinds(made, now=NOW + 45 * DAY + 60) == ["lists"]
    after = made.opened().lists
    assert [new.number > old.number for old, new in zip(before, after, strict=True)] == [True, True]
    assert {new.next_update for new in after} == {NOW + (45 + 180) * DAY + 60}
    assert kinds(made, now=NOW + 46 * DAY, lists=(90, 20)) == ["lists", "policy"]
    (made.path / "crl.pem").unlink()
    with pytest.raises(RampartError, match=r"crl\.pem lacks a list of a trusted generation"):
        made.opened()
    assert kinds(made, now=NOW + 46 * DAY, lists=(90, 20)) == ["lists"]
    assert made.opened().lists[0].number > after[0].number


def test_an_expired_list_refuses_what_is_good(made: Home) -> None:
    client = made.client("app")
    late = str(NOW + 181 * DAY)
    assert "CRL has expired" in made.verdict(client.chain_pem, "sslclient", "-attime", late).output
    assert made.verdict(client.chain_pem, "sslclient", "-attime", str(NOW + 80 * DAY)).accepted


# Generations


def test_one_generation_takes_the_place_of_another(made: Home) -> None:
    old = made.server(NAME)
    assert kinds(made, trusted=(1, 2)) == ["generation", "record", "lists", "trust", "policy"]
    still = made.server(NAME)
    assert kinds(made, generation=2, trusted=(1, 2)) == ["policy"]
    new = made.server(NAME)
    for issued in (old, still, new):
        assert made.verdict(issued.chain_pem, "sslserver").accepted
    plan = made.make(generation=2, trusted=(2,))
    assert [change.kind for change in plan.changes] == ["trust", "policy"]
    assert any("certificates of it are still valid: db1" in warning for warning in plan.warnings)
    assert made.verdict(new.chain_pem, "sslserver").accepted
    assert "unable to get local issuer certificate" in made.verdict(old.chain_pem, "sslserver").output
    assert made.make(generation=2, trusted=(2,)).changes == ()
    assert not any("signs from now on" in warning for warning in plan.warnings)
    assert "generation 3 signs from now on" in made.make(generation=3, trusted=(2, 3)).warnings[0]


def test_a_generation_whose_files_are_lost_is_not_made_anew(made: Home) -> None:
    shutil.move(made.path / "1", made.path.parent / "elsewhere")
    with pytest.raises(RampartError, match="generation 1 issued certificates, and its directory is gone"):
        made.make()
    shutil.move(made.path.parent / "elsewhere", made.path / "1")
    assert made.make().changes == ()


# What is refused, beside what is not


def test_a_passphrase_that_was_changed_with_openssl(made: Home) -> None:
    for path in made.path.glob("1/*.key"):
        options = ["pkcs8", "-topk8", "-v2", "aes-256-cbc", "-iter", "3000", "-in", str(path)]
        path.write_text(openssl(*options, "-passin", f"pass:{PASSPHRASE}", "-passout", "pass:another horse"))
    with pytest.raises(RampartError, match="cannot be opened with this passphrase"):
        made.make()
    assert made.make(passphrase="another horse").changes == ()
    made.server(NAME, passphrase="another horse")


def test_a_wrong_passphrase(made: Home) -> None:
    before = made.tree()
    wrong = "another horse"
    for attempt in (lambda: made.make(passphrase=wrong), lambda: made.server(NAME, passphrase=wrong)):
        with pytest.raises(
            RampartError, match=r"1/(root|intermediate)\.key cannot be opened with this passphrase"
        ) as told:
            attempt()
        assert wrong not in str(told.value)
    assert made.tree() == before
    made.server(NAME)


def test_an_expired_authority_and_one_whose_time_has_not_come(home: Home) -> None:
    home.make(now=NOW, validity=(100, 30))
    for now, told in ((NOW + 31 * DAY, "has expired on"), (NOW - 7200, "is not valid before")):
        with pytest.raises(RampartError, match=told):
            home.server(NAME, now=now)
    with pytest.raises(RampartError, match="set the clock right"):
        home.server(NAME, now=NOW - 2 * DAY)
    with pytest.raises(RampartError, match="set the clock right"):
        home.make(now=NOW - 2 * DAY)
    issued = home.server(NAME, now=NOW + 29 * DAY)
    assert issued.not_after == NOW + 30 * DAY
    assert "is valid until" in issued.warnings[0]
    assert home.server(NAME, now=NOW + 29 * DAY, days=1).warnings == ()
    with pytest.raises(RampartError, match="sign with another generation"):
        home.server(NAME, now=NOW)
    plan = home.make(now=NOW + 29 * DAY, validity=(100, 30))
    assert any("the intermediate of generation 1 expires on" in warning for warning in plan.warnings)


@pytest.mark.parametrize(
    ("name", "mode", "told"),
    [
        ("1/intermediate.key", 0o644, "others can read"),
        ("1/intermediate.key", 0o640, "others can read"),
        ("1/root.key", 0o604, "others can read"),
        ("1", 0o770, "others can write"),
        (".", 0o777, "others can write"),
        ("1/root.pem", 0o666, "others can write"),
        ("trust.pem", 0o664, "others can write"),
        ("crl.pem", 0o646, "others can write"),
        ("authority.json", 0o666, "others can write"),
        ("issued.jsonl", 0o660, "others can write"),
    ],
)
def test_what_others_could_read_or_change(made: Home, name: str, mode: int, told: str) -> None:
    path = made.path / name
    right = path.stat().st_mode & 0o777
    path.chmod(mode)
    for attempt in (made.opened, made.make):
        with pytest.raises(RampartError, match=told):
            attempt()
    path.chmod(right)
    made.server(NAME)


def test_a_key_that_is_not_encrypted_or_not_the_right_one(made: Home) -> None:
    path = made.path / "1" / "intermediate.key"
    right = path.read_bytes()
    plain = openssl("pkey", "-in", str(path), "-passin", f"pass:{PASSPHRASE}")
    for content, told in (
        (plain.encode(), "is not encrypted"),
        ((made.path / "1/root.key").read_bytes(), "not the key of"),
    ):
        path.write_bytes(content)
        with pytest.raises(RampartError, match=told):
            made.server(NAME)
    path.write_bytes(right)
    made.server(NAME)


def test_what_is_no_authority(home: Home) -> None:
    with pytest.raises(RampartError, match="is no directory of a certificate authority"):
        home.opened()
    home.path.mkdir(mode=0o755)
    with pytest.raises(RampartError, match="is no certificate authority"):
        home.opened()
    (home.path / "notes.txt").write_text("mine")
    with pytest.raises(RampartError, match=r"is no certificate authority, and not empty: notes\.txt"):
        home.make()
    (home.path / "notes.txt").unlink()
    home.make()  # an empty one may be used
    home.opened()
    (home.path / "authority.json").unlink()
    with pytest.raises(RampartError, match="was made by half"):
        home.opened()
    assert kinds(home) == ["policy"]
    (home.path / "1" / "root.pem").write_text("nothing")
    with pytest.raises(RampartError, match=r"root\.pem holds no certificate"):
        home.opened()


def test_where_nothing_can_be_made(tmp_path: pathlib.Path) -> None:
    with pytest.raises(RampartError, match="cannot be made in it"):
        Home(tmp_path / "missing" / "authority").make()
    (tmp_path / "file").write_text("")
    with pytest.raises(RampartError, match="is not a directory"):
        Home(tmp_path / "file").make()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


# Runs that are killed, and runs at the same time


@pytest.fixture
def memory() -> t.Iterator[pathlib.Path]:
    """A directory where it costs nothing to have all on the disk."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as directory:
        yield pathlib.Path(directory)


def test_a_run_that_is_killed_while_it_makes_an_authority(memory: pathlib.Path) -> None:
    step = 0
    killed = True
    while killed:
        step += 1
        home = Home(memory / f"authority{step}")
        killed = killed_before(step, home.make)
        try:
            home.opened()
        except RampartError as error:
            assert "certificate authority" in str(error)
        home.make()
        assert home.leftovers() == []
        assert home.make().changes == ()
        assert [entry.usage for entry in home.opened().entries()] == ["root", "intermediate"]
    assert step > 15
    assert home.verdict(home.server(NAME).chain_pem, "sslserver").accepted


def test_a_run_that_is_killed_while_it_changes_one(memory: pathlib.Path) -> None:
    made = Home(memory / "authority")
    made.make()
    good, bad = made.server("db2.example.org", host="db2"), made.server(NAME)
    step = 0
    killed = True
    seen: set[tuple[bool, int]] = set()
    judged: set[str] = set()
    while killed:
        step += 1
        home = Home(memory / f"copy{step}" / "authority")
        shutil.copytree(made.path, home.path)
        killed = killed_before(step, functools.partial(home.make, HOST, generation=2, trusted=(1, 2)))
        found = home.opened()  # whatever it was killed at
        if found.revocation_lists_pem + found.trust_pem not in judged:
            assert home.verdict(good.chain_pem, "sslserver").accepted
        judged.add(found.revocation_lists_pem + found.trust_pem)
        seen.add((bad.serial in found.lists[1].serials, found.policy.generation))
        home.make(HOST, generation=2, trusted=(1, 2))
        assert home.leftovers() == []
        assert home.make(HOST, generation=2, trusted=(1, 2)).changes == ()
        assert bad.serial in home.opened().lists[1].serials
        shutil.rmtree(home.path if killed else made.path)
    assert step > 15
    assert seen == {(False, 1), (True, 1), (True, 2)}
    assert home.verdict(good.chain_pem, "sslserver").accepted
    assert "certificate revoked" in home.verdict(bad.chain_pem, "sslserver").output


def test_a_record_whose_last_line_was_cut_off(made: Home) -> None:
    first = made.server(NAME)
    path = made.path / "issued.jsonl"
    path.write_bytes(path.read_bytes() + b'{"event": "issued", "ser')
    second = made.server(NAME)
    assert [entry.serial for entry in made.opened().entries()][2:] == [first.serial, second.serial]
    made.make(ToRevoke("revoked[0]", serial=second.serial))
    assert not made.verdict(second.chain_pem, "sslserver").accepted


def _sign(arguments: tuple[str, int]) -> str:
    path, number = arguments
    return Home(pathlib.Path(path)).server(f"db{number}.example.org", host=f"db{number}").serial


def test_twenty_hosts_at_once(made: Home) -> None:
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(8, mp_context=context) as pool:
        serials = list(pool.map(_sign, [(str(made.path), number) for number in range(20)]))
    entries = [entry for entry in made.opened().entries() if entry.usage == "server"]
    assert sorted(entry.serial for entry in entries) == sorted(serials) and len(set(serials)) == 20
    assert {entry.owner for entry in entries} == {f"db{number}" for number in range(20)}


def _make(path: str) -> list[str]:
    return [change.kind for change in Home(pathlib.Path(path)).make(trusted=(1, 2)).changes]


def test_the_first_one_makes_the_authority(home: Home) -> None:
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(6, mp_context=context) as pool:
        made = list(pool.map(_make, [str(home.path)] * 6))
    assert sorted(sum(made, [])) == sorted(
        ["directory", *["generation"] * 2, *["record"] * 2, "lists", "trust", "policy"]
    )
    assert home.make(trusted=(1, 2)).changes == ()


def test_two_runs_do_not_meet(made: Home) -> None:
    with (
        files.locked(str(made.path)),
        pytest.raises(ConcurrentRun, match="another run"),
        files.locked(str(made.path), patience=0.1),
    ):
        pass
    with files.locked(str(made.path), patience=0.1):
        pass


# As Ansible runs it


def task(**options: t.Any) -> dict[str, t.Any]:
    return {"rampart.postgresql.certificate_authority": {"passphrase": "{{ secret }}", **options}}


def asserted(*conditions: str) -> dict[str, t.Any]:
    return {"ansible.builtin.assert": {"that": list(conditions)}}


def test_check_run_check_run(tmp_path: pathlib.Path) -> None:
    authority = {**task(path=f"{tmp_path}/authority", organization="Example"), "register": "found"}
    first = ("found is changed", "found.steps | length == 6", "found.diff | length == 6")
    there = ("found.trust is search('BEGIN CERT')", "found.revocation_lists is search('BEGIN X509 CRL')")
    nothing = ("found is not changed", "found.steps == []", "found.diff == []")
    played = play(
        tmp_path / "play",
        [
            {**authority, "check_mode": True},
            asserted(*first, "found.trust == ''"),
            authority,
            asserted(*first, *there, "found.expiry.generations[0].signs"),
            {**authority, "check_mode": True},
            asserted(*nothing, *there),
            authority,
            asserted(*nothing, *there),
        ],
        secret=PASSPHRASE,
    )
    assert played.good, played.output
    Home(tmp_path / "authority").server(NAME)


def test_the_playbook(tmp_path: pathlib.Path) -> None:
    variables = {
        "pg_tls_authority": {"path": f"{tmp_path}/authority", "passphrase": PASSPHRASE, "trust_clients": True},
        "pg_authority_options": {"organization": "Ours", "trusted_generations": [1, 2]},
    }
    told = [run_playbook("rampart.postgresql.certificate_authority", tmp_path, variables) for _run in range(2)]
    assert "changed=1" in told[0] and "changed=0" in told[1]
    authority = Home(tmp_path / "authority").opened()
    assert [each.root.subject.rfc4514_string() for each in authority.generations] == [
        f"CN=PostgreSQL root {number},O=Ours" for number in (1, 2)
    ]


def run_playbook(name: str, directory: pathlib.Path, variables: dict[str, t.Any]) -> str:
    (directory / "variables.json").write_text(json.dumps(variables))
    done = subprocess.run(
        ["ansible-playbook", "-e", f"@{directory}/variables.json", name],
        env={**os.environ, "ANSIBLE_HOME": str(directory / "home")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_errors_name_the_option(tmp_path: pathlib.Path) -> None:
    path = f"{tmp_path}/authority"
    wrong: dict[str, dict[str, t.Any]] = {
        "trusted_generations: .1. cannot be used": {"path": path, "generation": 2, "trusted_generations": [1]},
        "crl_interval: 46 cannot be used: 1 to 45 days": {"path": path, "crl_interval": 46},
        "path: .here. cannot be used": {"path": "here"},
        "key_type: .ed25519. cannot be used: one of": {"path": path, "key_type": "ed25519"},
        "there is no option sizes": {"path": path, "sizes": 1},
        "missing required arguments: path": {},
        "passphrase: it has fewer than 12 characters": {"path": path, "passphrase": "short"},
        "one of the following is required: serial, host, role": {"path": path, "revoked": [{"reason": "superseded"}]},
    }
    tasks = []
    for message, options in wrong.items():
        tasks += [
            {**task(**options), "register": "found", "ignore_errors": True},
            asserted("found is failed", f"found.msg is search({message!r})"),
        ]
    played = play(tmp_path / "play", tasks, secret=PASSPHRASE)
    assert played.good, played.output
    assert not os.path.exists(path)


def test_nothing_shows_the_passphrase_or_a_key(tmp_path: pathlib.Path) -> None:
    good, wrong = task(path=f"{tmp_path}/authority"), task(path=f"{tmp_path}/authority", passphrase="{{ other }}")
    secrets = {"secret": PASSPHRASE, "other": "another horse battery"}
    tasks = [good, {**good, "check_mode": True}, {**wrong, "ignore_errors": True}]
    played = play(tmp_path / "play", tasks, "-vvvv", "--diff", **secrets)
    assert played.good and "cannot be opened with this passphrase" in played.output, played.output
    contents = [content.decode() for _mode, content in Home(tmp_path / "authority").tree().values()]
    keys = [content.splitlines()[1] for content in contents if "PRIVATE" in content]
    assert len(keys) == 2
    commands = [
        ["echo", "{{ secret }} {{ other }}"],
        ["cat", f"{tmp_path}/authority/1/root.key", f"{tmp_path}/authority/1/intermediate.key"],
    ]
    leaking = play(
        tmp_path / "leaking", [{"ansible.builtin.command": {"argv": each}} for each in commands], "-v", **secrets
    )
    for secret in (*secrets.values(), *keys, "PRIVATE KEY"):
        assert secret in leaking.seen, leaking.output
        assert secret not in played.seen
