"""Client certificates on the controller: made, renewed, revoked; judged by openssl, by libpq, and as Ansible runs it."""

from __future__ import annotations

import os
import pathlib
import shutil
import time
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import KeySpec
from ansible_collections.rampart.postgresql.plugins.plugin_utils import _files as files
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority import client_arguments
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority import clients
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority import protecting
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.bundle import Wanted
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.planning import Plan
from ansible_collections.rampart.postgresql.tests.conformance.tls.authorities import TestAuthority
from ansible_collections.rampart.postgresql.tests.conformance.tls.authorities import issue
from ansible_collections.rampart.postgresql.tests.conformance.tls.authority_homes import DAY
from ansible_collections.rampart.postgresql.tests.conformance.tls.authority_homes import P256
from ansible_collections.rampart.postgresql.tests.conformance.tls.authority_homes import PASSPHRASE
from ansible_collections.rampart.postgresql.tests.conformance.tls.authority_homes import Home
from ansible_collections.rampart.postgresql.tests.conformance.tls.authority_homes import killed_before
from ansible_collections.rampart.postgresql.tests.conformance.tls.authority_homes import openssl
from ansible_collections.rampart.postgresql.tests.conformance.tls.authority_homes import play
from ansible_collections.rampart.postgresql.tests.conformance.tls.clients import refusal

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

NOW = int(time.time())
FILES = ["postgresql.crt", "postgresql.key", "root.crt"]


class Client:
    """A bundle, and the authority that it comes from."""

    def __init__(self, home: Home, name: str = "bundle") -> None:
        self.home = home
        self.path = home.path.parent / name

    def wanted(self, **options: t.Any) -> Wanted:
        values = {"role": "app", "common_name": "app", "key": P256, "validity": 365, "path": str(self.path)}
        return Wanted(**{**values, **options})

    def give(self, *, now: int = NOW, check: bool = False, **options: t.Any) -> Plan:
        return clients.give(self.home.opened(), self.wanted(**options), passphrase=PASSPHRASE, now=now, check=check)

    def revoke(self, *, now: int = NOW, check: bool = False, **options: t.Any) -> Plan:
        wanted = self.wanted(**options)
        return clients.revoke(self.home.opened(), wanted, "key_compromise", passphrase=PASSPHRASE, now=now, check=check)

    def why(self, **options: t.Any) -> str:
        """Why it is made anew, as check mode and the run say it; empty when it is not. It is good after that."""
        foreseen = self.give(check=True, **options)
        assert self.give(**options).changes == foreseen.changes
        assert self.give(**options).changes == ()
        return "; ".join(change.description.split(": ", 1)[-1] for change in foreseen.changes)

    def content(self, name: str) -> str:
        return (self.path / name).read_text()


@pytest.fixture(autouse=True)
def opened_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys of authorities that are made by these tests' own process are opened at once."""
    monkeypatch.setattr(protecting, "ROUNDS", 1000)


@pytest.fixture
def client(tmp_path: pathlib.Path) -> Client:
    home = Home(tmp_path / "authority")
    home.make(now=NOW)
    client = Client(home)
    client.give()
    return client


def test_names_and_modes_are_those_of_libpq(client: Client) -> None:
    assert {path.name: path.stat().st_mode & 0o777 for path in client.path.iterdir()} == dict(
        zip(FILES, (0o644, 0o600, 0o644), strict=True)
    )
    assert client.path.stat().st_mode & 0o777 == 0o700
    assert client.home.verdict(client.content("postgresql.crt"), "sslclient").accepted
    assert client.content("root.crt") == client.home.opened().trust_pem
    public = openssl("pkey", "-in", str(client.path / "postgresql.key"), "-pubout")
    assert public == openssl("x509", "-noout", "-pubkey", content=client.content("postgresql.crt"))


def test_a_new_one_is_made_when_it_has_to_be_and_never_otherwise(client: Client) -> None:
    assert client.why() == ""
    assert client.why(now=NOW + 240 * DAY) == ""
    assert client.why(now=NOW + 244 * DAY).startswith("it expires on")
    client.home.path.joinpath("issued.jsonl").touch()
    assert client.why(now=NOW + 244 * DAY, renew_before=360) == ""
    assert client.why(now=NOW + 250 * DAY, renew_before=360).startswith("it expires on")
    later: dict[str, t.Any] = {"now": NOW + 250 * DAY}
    assert client.why(**later, validity=90) == "it is valid for more than 90 days"
    assert client.why(now=NOW + 345 * DAY, validity=90).startswith("it has expired on")
    later = {"now": NOW + 345 * DAY}
    assert client.why(**later, common_name="app@example.org") == "its common name is app"
    assert client.why(**later, role="other", common_name="app@example.org") == "it is that of app"
    assert client.why(**later, key=KeySpec("ecdsa_p384")).startswith("it is that of other")
    assert client.why(**later) == "its key is ECDSA P-384, not ECDSA P-256"
    assert client.why(**later, made_since=later["now"]) == ""
    assert client.why(now=later["now"] + 60, made_since=later["now"] + 60).startswith("it was made on")
    with pytest.raises(InputError, match="made_since: .* cannot be used: not after now"):
        client.give(**later, made_since=later["now"] + 1)
    client.home.make(now=later["now"] + 60, trusted=(1, 2))
    assert client.why(now=later["now"] + 60) == "write the roots that are trusted"
    client.home.make(now=later["now"] + 60, generation=2, trusted=(1, 2))
    assert client.why(now=later["now"] + 60) == "generation 1 issued it, and generation 2 signs now"


def test_what_was_tampered_with(client: Client) -> None:
    other = Client(client.home, "other")
    other.give(role="other", common_name="other")
    stranger = Home(client.path.parent / "strangers")
    stranger.make()
    certificate, key = (client.path / name for name in FILES[:2])
    damage: list[tuple[str, t.Callable[[], object]]] = [
        ("its key is missing", key.unlink),
        ("no certificate can be read", certificate.unlink),
        ("no certificate can be read", lambda: certificate.write_text("nothing")),
        ("the key does not belong to the certificate", lambda: key.write_text(other.content(FILES[1]))),
        ("its key cannot be read", lambda: key.write_text("nothing")),
        ("others can read its key: mode 0644", lambda: key.chmod(0o644)),
        ("it is that of other", lambda: shutil.copytree(other.path, client.path, dirs_exist_ok=True)),
        ("this authority did not issue it", lambda: certificate.write_text(stranger.client("app").chain_pem)),
        (
            "more or less follows",
            lambda: certificate.write_text(
                client.content(FILES[0]).split("-----END")[0] + "-----END CERTIFICATE-----\n"
            ),
        ),
        ("more or less follows", lambda: certificate.write_text(client.content(FILES[0]) + "more")),
        ("write the roots that are trusted", (client.path / "root.crt").unlink),
        ("write the roots that are trusted", lambda: (client.path / "root.crt").write_text("nothing")),
        ("there is none; write the roots that are trusted", lambda: shutil.rmtree(client.path)),
    ]
    for reason, harm in damage:
        harm()
        assert reason in client.why()
        assert client.home.verdict(client.content(FILES[0]), "sslclient").accepted


def test_the_key_is_encrypted_when_that_is_wanted(client: Client) -> None:
    path = str(client.path / "postgresql.key")
    assert client.why(key_passphrase="open sesame") == "its key is not encrypted"
    assert client.content("postgresql.key").startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----")
    openssl("pkey", "-in", path, "-noout", "-passin", "pass:open sesame")
    assert client.why(key_passphrase="another one") == "its key cannot be read with this key_passphrase"
    assert client.why() == "its key is encrypted"
    openssl("pkey", "-in", path, "-noout")


def test_one_that_ends_with_its_authority_is_not_made_again_and_again(tmp_path: pathlib.Path) -> None:
    home = Home(tmp_path / "authority")
    home.make(now=NOW, validity=(100, 90))
    client = Client(home)
    assert "is valid until" in client.give().warnings[0]
    plan = client.give(now=NOW + 80 * DAY)
    assert plan.changes == () and "ends with the authority" in plan.warnings[0]


def test_revoked(client: Client) -> None:
    second = Client(client.home, "second")
    second.give()
    first = client.content("postgresql.crt")
    assert client.why(validity=90) != ""
    renewed = client.content("postgresql.crt")
    (client.path / "notes.txt").write_text("mine")
    foreseen = client.revoke(check=True)
    assert client.home.verdict(renewed, "sslclient").accepted
    done = client.revoke()
    assert [change.kind for change in done.changes] == ["revoke", "revoke", "lists", "remove"]
    assert [change.kind for change in foreseen.changes] == [change.kind for change in done.changes]
    for chain in (first, renewed):
        assert "certificate revoked" in client.home.verdict(chain, "sslclient").output
    assert client.home.verdict(second.content("postgresql.crt"), "sslclient").accepted
    assert [path.name for path in client.path.iterdir()] == ["notes.txt"]
    assert client.revoke().changes == ()
    (client.path / "notes.txt").unlink()
    second.revoke()
    assert not second.path.exists() and second.revoke().changes == ()
    assert client.why() != ""
    assert client.home.verdict(client.content("postgresql.crt"), "sslclient").accepted


def test_only_that_role_is_revoked(client: Client) -> None:
    with pytest.raises(RampartError, match="holds the certificate of app, not of other"):
        client.revoke(role="other")
    moved = Client(client.home, "moved")
    shutil.move(client.path, moved.path)
    chain = moved.content("postgresql.crt")
    moved.revoke()
    assert not client.home.verdict(chain, "sslclient").accepted


def test_what_cannot_be(client: Client, tmp_path: pathlib.Path) -> None:
    with pytest.raises(RampartError, match="cannot be made in it"):
        client.give(path=f"{tmp_path}/missing/bundle")
    with pytest.raises(RampartError, match="cannot be opened with this passphrase"):
        clients.give(client.home.opened(), client.wanted(common_name="other"), passphrase="wrong passphrase", now=NOW)
    assert client.why() == ""


def test_several_runs_take_one_bundle_away(client: Client) -> None:
    """As a task without run_once does, for each host of a play."""
    client.give()
    with files.locked(str(client.path)):
        runs = [_exit_code(client.revoke) for _run in range(3)]
        time.sleep(0.5)  # they wait
        files.remove(str(client.path), FILES)
    codes = sorted(os.waitstatus_to_exitcode(os.waitpid(run, 0)[1]) for run in runs)
    assert codes == [0, 0, 1]  # unchanged, unchanged, changed
    assert not client.path.exists()
    assert client.revoke().changes == ()


def _exit_code(action: t.Callable[[], Plan]) -> int:
    """A process that ends with 1 when something changed, with 0 when nothing did, and with 2 after an error."""
    child = os.fork()
    if not child:
        code = 2
        try:
            code = int(bool(action().changes))
        finally:
            os._exit(code)
    return child


def test_a_bundle_has_a_place_of_its_own(client: Client, tmp_path: pathlib.Path) -> None:
    (tmp_path / "link").symlink_to(client.home.path)
    own = {"path": str(client.home.path), "passphrase": PASSPHRASE}
    defaults = {name: option.get("default") for name, option in client_arguments.ARGUMENTS.items()}
    values = {**defaults, "authority": own, "role": "app"}
    for path in (client.home.path, client.home.path / "1", client.home.path / "app", tmp_path / "link" / "app"):
        with pytest.raises(InputError, match="^path: .* outside of that of the authority"):
            client_arguments.wanted({**values, "path": str(path)})
    beside = f"{client.home.path}-clients"
    assert client_arguments.wanted({**values, "path": beside}).path == beside


def test_a_run_that_is_killed(client: Client) -> None:
    step = 0
    killed = True
    while killed:
        step += 1
        killed = killed_before(step, lambda: client.give(key=KeySpec("ecdsa_p384")))
        client.why(key=KeySpec("ecdsa_p384"))
        assert sorted(path.name for path in client.path.iterdir()) == FILES
        key = openssl("pkey", "-in", str(client.path / "postgresql.key"), "-pubout")
        assert key == openssl("x509", "-noout", "-pubkey", content=client.content("postgresql.crt"))
        client.give()
    assert step > 4


def test_a_run_that_is_killed_while_it_revokes(client: Client, tmp_path: pathlib.Path) -> None:
    chain = client.content("postgresql.crt")
    home, kept = client.home, tmp_path / "kept"
    shutil.copytree(home.path, kept / "authority")
    shutil.copytree(client.path, kept / "bundle")
    step = 0
    killed = True
    seen: set[bool] = set()
    while killed:
        step += 1
        for path in (home.path, client.path):
            shutil.rmtree(path, ignore_errors=True)
            shutil.copytree(kept / path.name, path)
        killed = killed_before(step, client.revoke)
        revoked = bool(home.opened().lists[1].serials)
        seen.add(revoked)
        assert revoked or (client.path / "postgresql.crt").exists()  # it is on the list before it is gone
        client.revoke()
        assert client.revoke().changes == ()
        assert not client.path.exists()
        assert len(home.opened().lists[1].serials) == 1
    assert step > 5 and seen == {True, False}
    assert "certificate revoked" in home.verdict(chain, "sslclient").output


@pytest.mark.in_turn
def test_libpq_logs_in_with_the_bundle(fresh_server: Server, tmp_path: pathlib.Path) -> None:
    server = fresh_server
    authority = TestAuthority(tmp_path / "authority")
    client, mapped = Client(Home(tmp_path / "authority")), Client(Home(tmp_path / "authority"), "mapped")
    client.give()
    mapped.give(role="boss", common_name="boss@example.org", key_passphrase="open sesame")
    full = Client(Home(tmp_path / "authority"), "full")
    full.give(role="full", common_name="full")
    for role in ("app", "boss", "full"):
        server.query(f"CREATE ROLE {role} LOGIN")
    rules = "hostssl all app 127.0.0.1/32 cert\nhostssl all boss 127.0.0.1/32 cert map=people\n"
    rules += "hostssl all full 127.0.0.1/32 trust clientcert=verify-full\n"
    with server.owner.acting():
        server.hba_file.write_text(rules + server.hba_file.read_text())
        (server.data_directory / "pg_ident.conf").write_text("people boss@example.org boss\n")
    trusting: dict[str, t.Any] = {"names": ["localhost"], "own": {"trust_clients": True}}
    assert not issue(server, authority, **trusting).failed

    def told(bundle: Client, user: str, **options: str) -> str:
        files = {"sslcert": f"{bundle.path}/postgresql.crt", "sslkey": f"{bundle.path}/postgresql.key"}
        return refusal(server, bundle.path / "root.crt", user=user, **files, **options)

    assert told(client, "app") == ""
    assert told(mapped, "boss", sslpassword="open sesame") == ""
    assert told(full, "full") == ""
    assert "certificate authentication failed" in told(client, "boss")
    assert told(client, "full") != ""
    assert told(mapped, "boss", sslpassword="wrong") != ""
    kept = tmp_path / "kept"
    shutil.copytree(client.path, kept)
    client.revoke()
    assert issue(server, authority, **trusting).changed
    client.path = kept
    assert "certificate revoked" in told(client, "app")
    assert told(mapped, "boss", sslpassword="open sesame") == ""


def test_as_ansible_runs_it(tmp_path: pathlib.Path) -> None:
    authority, bundle = f"{tmp_path}/authority", f"{tmp_path}/bundle"
    secrets = {"secret": PASSPHRASE, "other": "another horse battery", "sesame": "open sesame"}
    options = {"role": "app", "path": bundle, "key_passphrase": "{{ sesame }}"}

    def task(passphrase: str = "{{ secret }}", **more: t.Any) -> dict[str, t.Any]:
        own = {"path": authority, "passphrase": passphrase}
        return {"rampart.postgresql.client_certificate": {"authority": own, **options, **more}, "register": "found"}

    def asserted(*conditions: str) -> dict[str, t.Any]:
        return {"ansible.builtin.assert": {"that": list(conditions)}}

    made = ("found is changed", "found.steps | length == 2", "found.diff | length == 2")
    tasks: list[dict[str, t.Any]] = [
        {**task(), "check_mode": True},
        asserted(*made, "found.certificate is none", "found.warnings[0] is search('is still to be made')"),
        {
            "rampart.postgresql.certificate_authority": {"path": authority, "passphrase": "{{ secret }}"},
        },
        {**task(), "check_mode": True},
        asserted(*made, "found.certificate is none"),
        {**task("{{ other }}"), "ignore_errors": True},
        asserted("found is failed", "found.msg is search('cannot be opened with this passphrase')"),
        task(),
        asserted(*made, "found.certificate.owner == 'app'", "found.certificate.usage == 'client'"),
        {**task(), "check_mode": True},
        asserted("found is not changed", "found.diff == []"),
        task(),
        asserted("found is not changed", "found.steps == []"),
        {**task(role="x" * 64), "ignore_errors": True},
        asserted("found is failed", "found.msg is search('role: .* cannot be used: at most 63 bytes')"),
        {**task(validity=826), "ignore_errors": True},
        asserted("found is failed", "found.msg is search('validity: 826 cannot be used: 1 to 825 days')"),
    ]
    played = play(tmp_path / "play", tasks, "-vvvv", "--diff", **secrets)
    assert played.good, played.output
    key = pathlib.Path(bundle, "postgresql.key").read_text()
    planted = [["echo", "{{ secret }} {{ other }} {{ sesame }}"], ["cat", f"{bundle}/postgresql.key"]]
    leaking = play(
        tmp_path / "leaking", [{"ansible.builtin.command": {"argv": each}} for each in planted], "-v", **secrets
    )
    for secret in (*secrets.values(), key.splitlines()[1], "PRIVATE KEY"):
        assert secret in leaking.seen, leaking.output
        assert secret not in played.seen
    gone = play(
        tmp_path / "gone",
        [task(state="revoked"), asserted("found is changed"), task(state="revoked"), asserted("found is not changed")],
        **secrets,
    )
    assert gone.good, gone.output
    assert not os.path.exists(bundle)
