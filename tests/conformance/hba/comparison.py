"""What we say of a login against what a server did, and what was tried that way."""

from __future__ import annotations

import collections
import dataclasses
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.filter.hba_match import hba_match
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.attempts import attempt
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.matching import deciding

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import Record
    from ansible_collections.rampart.postgresql.tests.conformance.hba.client import Answer
    from ansible_collections.rampart.postgresql.tests.conformance.hba.client import Login
    from ansible_collections.rampart.postgresql.tests.conformance.hba.judge import Judge

__all__ = ["MUST_DECIDE", "Comparison"]

_WORDS = {
    "database": ("all", "sameuser", "samerole", "samegroup", "replication", '"all"', '"replication"', '"sameuser"', 'al"l"'),
    "user": ("all", "+staff", "+people", "+guests", "++odd", '"+odd"', '"all"', '+"staff"'),
    "address": ("all", "samehost", "samenet", "IPv4 network", "IPv4 with a mask", "IPv6 network"),
}  # fmt: skip
MUST_DECIDE = (
    *(f"{field} {word}" for field, words in _WORDS.items() for word in words),
    *(f"outcome {name}" for name in ("trust", "reject", "implicit reject", "password", "md5", "scram-sha-256", "peer")),
    *(
        "outcome ident",
        "outcome certificate",
        "socket",
        "IPv4",
        "IPv4 with TLS",
        "physical replication",
        "logical replication",
    ),
    *("database regular expression", "user regular expression", "database list in a file", "user list in a file"),
)


_DOUBTFUL = re.compile(r" localhost | \.localdomain |/\S*\\[mM]")  # what the matching may leave to the server
_DOUBTFUL_ALONE = re.compile(rf"{_DOUBTFUL.pattern}|@|include ")  # and where other files are not read
_REPLICATION = {"": "no replication", "true": "physical replication", "database": "logical replication"}


@dataclasses.dataclass
class Comparison:
    """Compares answers with those of one server, and counts."""

    judge: Judge
    roles: dict[str, list[str]]
    counts: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)

    def problem(self, login: Login, text: str, answer: Answer) -> str | None:
        """What the server did and we do not say; nothing where both agree."""
        values: dict[str, t.Any] = {
            "user": login.user,
            "database": None if login.replication == "true" else login.database,
            "address": login.address,
            "tls": login.tls,
            "replication": login.replication == "true",
            "member_of": self.roles.get(login.user, []),
        }
        records = self.judge.ours(text)
        self._count(login, answer, records)
        return self._of_the_matching(records, values, answer) or self._of_the_filter(text, values, answer)

    def _of_the_matching(self, records: list[Record], values: dict[str, t.Any], answer: Answer) -> str | None:
        decision = deciding(records, attempt(**values), self.judge.dialect)
        told: list[tuple[str, str | None, int | None]] = [
            (_outcome(record.method, record.options), record.path, record.line) for record in decision.records
        ]
        doubtful = decision.records[: len(decision.records) - decision.closed]
        if not decision.closed:
            told.append(("implicit reject", None, None))
        self.counts["unknown to the matching"] += len(told) > 1
        if tuple(answer) not in told:
            return f"matching: {told}"
        lines = [" ".join(token.raw for field in record.spelled for token in field) for record in doubtful]
        return None if all(map(_DOUBTFUL.search, lines)) else f"matching, without a reason: {told}"

    def _of_the_filter(self, text: str, values: dict[str, t.Any], answer: Answer) -> str | None:
        whole = self.judge.first + text
        said = hba_match(whole, version=self.judge.server.major, **values)
        told = said["candidates"] or [said]
        self.counts["unknown to the filter"] += len(told) > 1
        lines = [whole.split("\n")[each["line"] - 1] for each in told[:-1]]
        if not all(map(_DOUBTFUL_ALONE.search, lines)):
            return f"filter, without a reason: {said}"
        if answer.path not in (None, str(self.judge.server.hba_file)):
            agree = any(each["outcome"].startswith("whatever is in ") for each in told)
        else:
            found = [(_outcome(each["outcome"], each["options"]), each["line"]) for each in told]
            agree = (answer.outcome, answer.line) in found
        return None if agree else f"filter: {said}"

    def _count(self, login: Login, answer: Answer, records: list[Record]) -> None:
        kind = "socket" if login.address is None else "IPv6" if ":" in login.address else "IPv4"
        found = [
            f"outcome {answer.outcome}",
            f"{kind}{' with TLS' if login.tls else ''}",
            _REPLICATION[login.replication],
        ]
        for record in records:
            if (record.path, record.line) == (answer.path, answer.line):
                found.append(f"type {record.type}")
                for field, tokens in (("database", record.spelled[1]), ("user", record.spelled[2])):
                    found += [f"{field} {_kind_of(field, token.raw)}" for token in tokens]
                if record.address is not None:
                    found.append(f"address {_kind_of_address(record)}")
        self.counts.update(found)


def _outcome(method: str, options: t.Mapping[str, str]) -> str:
    return "certificate" if options.get("clientcert") else method


def _kind_of(field: str, raw: str) -> str:
    if raw in _WORDS[field]:
        return raw
    if raw.strip('"')[:1] == "/":
        return "regular expression"
    return "list in a file" if raw[:1] == "@" else "name"


def _kind_of_address(record: Record) -> str:
    assert record.address is not None
    if record.address.network is None:
        return record.address.keyword or ("suffix" if str(record.address.host)[:1] == "." else "host name")
    form = "network" if "/" in record.spelled[3][0].text else "with a mask"
    return f"IPv{4 if len(record.address.network.mask) == 4 else 6} {form}"
