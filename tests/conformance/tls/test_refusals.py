"""What cannot be is refused in clear words, and the old certificate goes on being served."""

from __future__ import annotations

import pathlib
import time
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import DEFAULT_KEY
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.waiting import make_pending
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.waiting import read_pending
from ansible_collections.rampart.postgresql.tests.conformance.modules import Result
from ansible_collections.rampart.postgresql.tests.conformance.tls.authorities import DAY
from ansible_collections.rampart.postgresql.tests.conformance.tls.authorities import PASSPHRASE
from ansible_collections.rampart.postgresql.tests.conformance.tls.authorities import TestAuthority
from ansible_collections.rampart.postgresql.tests.conformance.tls.authorities import issue
from ansible_collections.rampart.postgresql.tests.conformance.tls.authorities import signer
from ansible_collections.rampart.postgresql.tests.conformance.tls.clients import refusal
from ansible_collections.rampart.postgresql.tests.conformance.tls.clients import served
from ansible_collections.rampart.postgresql.tests.conformance.tls.clients import trusted

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

OLD, NEW = ["localhost"], ["localhost", "db1.example.org"]
HOUR: t.Final = 3600  # seconds


class Place:
    """A server with a certificate of an authority, which a run is about to replace."""

    def __init__(self, server: Server, directory: pathlib.Path) -> None:
        self.server = server
        self.authority = TestAuthority(directory / "authority")
        self.root = trusted(server.socket_directory, self.authority.open().trust_pem.encode())
        self.file = server.data_directory / "rampart-server.pem"
        assert issue(server, self.authority, names=OLD).changed

    def refused(self, **options: t.Any) -> str:
        """Try to have another certificate; what was said, when clients go on being served with the old one."""
        before, content = served(self.server), self.file.read_bytes()
        message = said({"authority": self.authority, "names": NEW, **options}, self.server)
        assert message, "it was not refused"
        assert served(self.server) == before and self.file.read_bytes() == content
        assert refusal(self.server, self.root) == ""
        return message

    def restarted(self) -> None:
        """What is in the file is what is served."""
        before = served(self.server)
        self.server.restart()
        assert served(self.server) == before

    def granted(self, **options: t.Any) -> None:
        """The control: the same run without what was wrong; and back again."""
        for names in (NEW, OLD):
            result = issue(self.server, self.authority, **{"names": names, **options})
            assert result.changed and not result.failed, result.output
        assert not list(self.server.data_directory.glob("*.pending"))


def said(options: dict[str, t.Any], server: Server) -> str:
    """The message of a task that fails, on the controller or on the host; empty when it does not."""
    try:
        result: Result = issue(server, options.pop("authority"), **options)
    except RampartError as error:
        return str(error)
    return result.message if result.failed else ""


@pytest.fixture
def place(fresh_server: Server, tmp_path: pathlib.Path) -> Place:
    return Place(fresh_server, tmp_path)


@pytest.mark.in_turn
def test_a_wrong_passphrase(place: Place) -> None:
    message = place.refused(own={"passphrase": "wr0ng-Passphrase"})
    assert message.endswith("intermediate.key cannot be opened with this passphrase")
    assert "cannot be opened" in place.refused(own={"passphrase": None})
    place.restarted()
    for secret in ("wr0ng-Passphrase", PASSPHRASE):
        assert secret not in message
    place.granted()


@pytest.mark.in_turn
def test_an_authority_that_has_expired(place: Place, tmp_path: pathlib.Path) -> None:
    past = int(time.time()) - 30 * DAY
    late = TestAuthority(tmp_path / "late", now=past, intermediate_validity=10)
    message = place.refused(authority=late)
    assert "the intermediate of generation 1" in message and "has expired on" in message
    assert "make another generation" in message
    place.restarted()
    late.establish(now=int(time.time()), generation=2, trusted=(1, 2))
    assert issue(place.server, late, names=OLD).changed
    assert refusal(place.server, trusted(place.server.socket_directory, late.open().trust_pem.encode())) == ""


@pytest.mark.in_turn
def test_a_request_for_another_hosts_name(place: Place) -> None:
    """As a host would make one that somebody has taken over."""
    asked = signer(place.authority, host="db1", names=NEW)
    for names, refused in (
        (("localhost", "db2.example.org"), "db2.example.org"),
        (("*.example.org",), "*.example.org"),
    ):
        pending = read_pending(make_pending(names, DEFAULT_KEY))
        assert pending is not None
        with pytest.raises(RampartError, match=r"request of db1 .* is refused: it may not bear") as caught:
            asked.sign(pending.request, int(time.time()))
        assert refused in str(caught.value)
    recorded = [entry.names for entry in place.authority.open().entries() if entry.usage == "server"]
    assert recorded == [tuple(OLD)]
    allowed = signer(place.authority, host="db1", names=NEW, own={"allowed_names": ["db2.example.org"]})
    pending = read_pending(make_pending(("localhost", "db2.example.org"), DEFAULT_KEY))
    assert pending is not None
    assert allowed.sign(pending.request, int(time.time())).chain_pem.count("BEGIN CERTIFICATE") == 2


@pytest.mark.in_turn
def test_names_that_do_not_parse(place: Place) -> None:
    for name in ("-db1", "db1..example.org", "*.*.org", "10.0.0.300", "b\u00fccher.example", " "):
        words = "a DNS name such as" if name.isascii() else "A-labels"
        ways = {"names[2]": {"names": [*NEW, name]}, "additional_names[0]": {"additional_names": [name]}}
        for option, options in ways.items():
            message = place.refused(**options)
            assert option in message and repr(name)[1:-1] in message and words in message
        assert "allowed_names[0]" in place.refused(own={"allowed_names": [name]})
    place.restarted()
    place.granted()


@pytest.mark.in_turn
def test_keys_that_others_can_read(place: Place) -> None:
    for name in ("root.key", "intermediate.key"):
        key = place.authority.path / "1" / name
        key.chmod(0o644)
        message = place.refused()
        assert f"others can read {key}: mode 0644" in message
        key.chmod(0o600)
    place.restarted()
    place.granted()
    old = served(place.server)
    place.file.chmod(0o644)  # the server keeps what it has loaded, and would not start again
    place.server.reload()
    assert served(place.server) == old
    made = issue(place.server, place.authority, names=OLD)
    assert "others can read its key: mode 0644" in made.values["steps"][0]["description"]
    assert place.file.stat().st_mode & 0o7777 == 0o600 and served(place.server) != old, (
        "a key that was seen is not kept"
    )


@pytest.mark.in_turn
def test_a_clock_that_is_far_off(place: Place) -> None:
    now = int(time.time())
    for clock in (now - 12 * HOUR, now + 12 * HOUR):
        message = place.refused(now=clock)
        assert "the clock of this host says" in message and "set the one that is wrong" in message
    message = place.refused(now=now + 30 * DAY)
    assert "the clock of this host says" in message
    asked = signer(place.authority, names=NEW)
    pending = read_pending(make_pending(tuple(NEW), DEFAULT_KEY))
    assert pending is not None
    with pytest.raises(RampartError, match="the clock of the controller says .* but generation 1 issued something on"):
        asked.sign(pending.request, now - 3 * DAY)
    place.restarted()
    place.granted(now=now + HOUR // 2)
