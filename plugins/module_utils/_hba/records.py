# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records from tokens: the fields, and the server's own words where it refuses; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba import methods
from ansible_collections.rampart.postgresql.plugins.module_utils._hba import patterns
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.addresses import Network
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.addresses import cidr_mask
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.addresses import numeric_address
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.addresses import show_address
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.circumstances import Circumstances
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import CONNECTION_TYPES
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import Dialect
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.expansion import Line
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.expansion import NoFiles
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.expansion import Sources
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.expansion import expand
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import Token
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import read_lines
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.refusal import Refusal

__all__ = ["ADDRESS_KEYWORDS", "Address", "Record", "parse_line", "parse_text"]

ADDRESS_KEYWORDS = ("all", "samehost", "samenet")
_NO_SUCH_NAME = "Name or service not known"  # what glibc says for EAI_NONAME


class Address(t.NamedTuple):
    """What the address field means; exactly one of the three is set."""

    keyword: str | None = None  # all, samehost, samenet
    network: Network | None = None
    host: str | None = None  # a host name, or with a leading dot a suffix

    def shown(self) -> tuple[str, str | None]:
        """Address and netmask as pg_hba_file_rules shows them."""
        if self.network is not None:
            return show_address(self.network.address), show_address(self.network.mask)
        return str(self.keyword if self.host is None else self.host), None


@dataclasses.dataclass(frozen=True)
class Record:
    """One record. ``accepted`` is the verdict; ``error`` may stand beside either verdict."""

    path: str
    line: int
    accepted: bool
    error: str | None = None  # as the server's view has it
    type: str = ""
    databases: tuple[Token, ...] = ()
    users: tuple[Token, ...] = ()
    address: Address | None = None
    method: str = ""  # what the server does: ident on a socket is peer
    options: methods.Values = dataclasses.field(default_factory=dict)
    comment: str | None = None
    spelled: tuple[tuple[Token, ...], ...] = ()  # the fields as the line has them
    logged: str | None = None  # why it is refused, where only the server's log says so

    @property
    def refusal(self) -> str | None:
        """Why the server refuses it, in its words; None for a record that it takes."""
        return None if self.accepted else self.logged or self.error


def parse_text(
    text: str,
    dialect: Dialect,
    *,
    path: str = "pg_hba.conf",
    sources: Sources | None = None,
    circumstances: Circumstances | None = None,
) -> list[Record]:
    """Every record of a file and of the files that it names, in the order in which they are tried."""
    around = circumstances or Circumstances()
    lines = expand(read_lines(text, dialect), path=path, dialect=dialect, sources=sources or NoFiles())
    return [parse_line(line, dialect, around) for line in lines]


def parse_line(line: Line, dialect: Dialect, around: Circumstances) -> Record:
    """Read one record; what makes the server refuse it is in ``error``, in the server's words."""
    if line.error is not None:
        return Record(line.path, line.number, False, line.error, comment=line.comment, spelled=_frozen(line.spelled))
    reader = _Reader(line.fields)
    try:
        kind, warning = _connection_type(reader, around)
    except Refusal as refusal:
        return _refused(line, refusal)
    try:
        databases = _names(reader, "database", dialect)
        users = _names(reader, "role", dialect)
        address = None if kind == "local" else _address(reader, around)
        method = methods.read_method(reader, kind, dialect, around)
        options = methods.read_options(reader, kind, method, dialect, around)
    except Refusal as refusal:
        return _refused(line, refusal, warning)
    return Record(
        path=line.path,
        line=line.number,
        accepted=True,
        error=None if method == "oauth" else warning,  # looking at its validator, the server forgets what it said
        type=kind,
        databases=databases,
        users=users,
        address=address,
        method=method,
        options=options,
        comment=line.comment,
        spelled=_frozen(line.spelled),
    )


class _Reader:
    """The fields of a line, taken one after the other."""

    def __init__(self, fields: list[list[Token]]) -> None:
        self._fields = fields
        self._next = 0

    def field(self, missing: str) -> list[Token]:
        if self._next == len(self._fields):
            raise Refusal(f"end-of-line before {missing}")
        self._next += 1
        return self._fields[self._next - 1]

    def single(self, missing: str, name: str) -> Token:
        field = self.field(missing)
        if len(field) > 1:
            raise Refusal(f"multiple values specified for {name}")
        return field[0]

    def rest(self) -> t.Iterator[Token]:
        for field in self._fields[self._next :]:
            yield from field


def _frozen(fields: list[list[Token]]) -> tuple[tuple[Token, ...], ...]:
    return tuple([tuple(field) for field in fields])


def _refused(line: Line, refusal: Refusal, warning: str | None = None) -> Record:
    """A record that is refused. What the view does not say leaves standing there what was said before."""
    error, logged = (refusal.words, None) if refusal.in_view else (warning, refusal.words)
    spelled = _frozen(line.spelled)
    return Record(line.path, line.number, False, error, comment=line.comment, spelled=spelled, logged=logged)


def _connection_type(reader: _Reader, around: Circumstances) -> tuple[str, str | None]:
    kind = reader.single("connection type", "connection type").text
    if kind not in CONNECTION_TYPES:
        raise Refusal(f'invalid connection type "{kind}"')
    if kind == "hostssl" and not around.ssl:
        return kind, "hostssl record cannot match because SSL is disabled"
    if kind == "hostgssenc" and "gss" in around.unsupported:
        return kind, "hostgssenc record cannot match because GSSAPI is not supported by this build"
    return kind, None


def _names(reader: _Reader, what: str, dialect: Dialect) -> tuple[Token, ...]:
    tokens = reader.field(f"{what} specification")
    if dialect.regular_expressions:
        for token in tokens:
            if token.text[:1] == "/":
                problem = patterns.problem(token.text[1:])
                if problem is not None:
                    raise Refusal(f'invalid regular expression "{token.text[1:]}": {problem}')
    return tuple(tokens)


def _address(reader: _Reader, around: Circumstances) -> Address:
    token = reader.single("IP address specification", "host address")
    if token.text in ADDRESS_KEYWORDS and not token.quoted:
        return Address(keyword=token.text)
    text, slash, bits = token.text.partition("/")
    packed = numeric_address(text, around.interfaces)
    if packed is None:
        if slash:
            raise Refusal(f'specifying both host name and CIDR mask is invalid: "{token.text}"')
        return Address(host=text)
    if slash:
        mask = cidr_mask(bits, len(packed))
        if mask is None:
            raise Refusal(f'invalid CIDR mask in address "{token.text}"')
        return Address(network=Network(packed, mask))
    return Address(network=Network(packed, _netmask(reader, len(packed), around)))


def _netmask(reader: _Reader, length: int, around: Circumstances) -> bytes:
    token = reader.single("netmask specification", "netmask")
    mask = numeric_address(token.text, around.interfaces)
    if mask is None:
        raise Refusal(f'invalid IP mask "{token.text}": {_NO_SUCH_NAME}')
    if len(mask) != length:
        raise Refusal("IP address and mask do not match")
    return mask
