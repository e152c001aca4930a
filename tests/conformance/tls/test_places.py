"""Where a private key lies: who could put another in its place, and what the file has to keep."""

from __future__ import annotations

import os
import pathlib
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._server.files import replace_file
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import Account
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import account_of
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.places import exposed
from ansible_collections.rampart.postgresql.tests.conformance.tls.test_certificate import good
from ansible_collections.rampart.postgresql.tests.conformance.tls.test_certificate import handshake
from ansible_collections.rampart.postgresql.tests.conformance.tls.test_certificate import in_file
from ansible_collections.rampart.postgresql.tests.conformance.tls.test_certificate import own_file
from ansible_collections.rampart.postgresql.tests.conformance.tls.test_certificate import run

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Workshop

NAMES = ["localhost"]
NOBODY = 65534
CONTEXT = "security.selinux"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@pytest.fixture
def owner(workshop: Workshop) -> Account:
    return account_of(workshop.owner.uid)


@pytest.fixture
def room(workshop: Workshop, owner: Account, request: pytest.FixtureRequest) -> pathlib.Path:
    """A directory of root's with one of the owner's in it: ``etc/keys``."""
    path = workshop.directory / request.node.name
    keys = path / "keys"
    keys.mkdir(parents=True, mode=0o755)
    os.chown(keys, owner.uid, owner.gid)
    return path


@needs_root
def test_every_directory_on_the_way_counts(room: pathlib.Path, owner: Account) -> None:
    keys, file = room / "keys", str(room / "keys" / "server.pem")
    assert exposed(file, owner) == ""

    for directory in (keys, room):
        before = directory.stat()
        directory.chmod(0o757)
        assert exposed(file, owner) == f"everybody can write in {directory} (mode 0757)"
        os.chown(directory, -1, NOBODY)
        directory.chmod(0o775)
        assert f"can write in {directory} (mode 0775)" in exposed(file, owner)
        os.chown(directory, -1, 0)  # a group of root's
        assert exposed(file, owner) == ""
        directory.chmod(0o755)
        os.chown(directory, NOBODY, -1)
        assert exposed(file, owner) == f"{directory} belongs to nobody"
        os.chown(directory, before.st_uid, before.st_gid)
        assert exposed(file, owner) == ""

    # As in /tmp: what is there is safe from others, what is yet to come is not.
    room.chmod(0o1777)
    assert exposed(file, owner) == ""
    assert "everybody can write" in exposed(str(room / "server.pem"), owner)


@needs_root
def test_links_on_the_way_count_too(room: pathlib.Path, owner: Account) -> None:
    public = room / "public"
    public.mkdir()
    (public / "link").symlink_to(room / "keys")
    file = str(public / "link" / "server.pem")
    assert exposed(file, owner) == ""
    public.chmod(0o777)  # where the link could be led elsewhere
    assert exposed(file, owner) == f"everybody can write in {public} (mode 0777)"
    public.chmod(0o1777)
    assert exposed(file, owner) == ""
    os.chown(public / "link", NOBODY, -1, follow_symlinks=False)
    assert exposed(file, owner) == f"{public / 'link'} belongs to nobody"


@needs_root
@pytest.mark.in_turn
def test_no_key_is_put_where_others_can_write(fresh_server: Server) -> None:
    server = fresh_server
    folder = server.data_directory.parent / "keys"
    folder.mkdir()
    os.chown(folder, server.owner.uid, server.owner.gid)
    folder.chmod(0o777)
    path = str(folder / "server.pem")
    for check in (True, False):
        refused = run(server, check=check, names=NAMES, path=path)
        assert refused.failed and f"everybody can write in {folder} (mode 0777)" in refused.message, refused.output
    assert list(folder.iterdir()) == []
    folder.chmod(0o755)
    assert good(run(server, names=NAMES, path=path)).changed
    folder.chmod(0o777)
    left = good(run(server, names=NAMES, path=path))
    assert not left.changed
    assert ["another key can be put in its place" in words for words in left.values["warnings"]].count(True) == 1


@needs_root
def test_a_key_of_roots_that_its_group_reads_is_fine(fresh_server: Server) -> None:
    """The two ways that PostgreSQL takes a key: 0600 of its own account, or 0640 of root's."""
    server = fresh_server
    good(run(server, names=NAMES))
    served = handshake(server)
    os.chown(own_file(server), 0, server.owner.gid)
    own_file(server).chmod(0o640)
    server.restart()  # the server itself takes it
    assert handshake(server) == served
    assert not good(run(server, names=NAMES)).changed
    own_file(server).chmod(0o644)
    made = good(run(server, names=NAMES))
    assert "others can read its key: mode 0644" in made.values["steps"][0]["description"]
    found = own_file(server).stat()
    assert (found.st_uid, found.st_mode & 0o7777) == (server.owner.uid, 0o600)
    assert handshake(server) == in_file(server) != served
    own_file(server).chmod(0o640)
    assert good(run(server, names=NAMES)).changed  # which the server would not take from its own account


@needs_root
def test_the_security_context_is_kept(room: pathlib.Path) -> None:
    """Only root may set one where the kernel has no SELinux, so this is a file of root's."""
    root, path = account_of(0), room / "server.pem"
    replace_file(str(path), b"first", owner=root)
    assert CONTEXT not in os.listxattr(path)
    context = b"system_u:object_r:postgresql_db_t:s0\0"
    os.setxattr(path, CONTEXT, context)
    before = path.stat().st_ino
    replace_file(str(path), b"second", owner=root)
    assert path.read_bytes() == b"second" and path.stat().st_ino != before
    assert os.getxattr(path, CONTEXT) == context
