"""Our reading of pg_hba.conf against that of real servers: verdict, fields, options, words, line numbers."""

from __future__ import annotations

import collections
import json
import os
import pathlib
import typing as t

import psycopg
import pytest

from ansible_collections.rampart.postgresql.tests.conformance.counts import tell
from ansible_collections.rampart.postgresql.tests.conformance.hba.coverage import REQUIRED
from ansible_collections.rampart.postgresql.tests.conformance.hba.generator import generate
from ansible_collections.rampart.postgresql.tests.conformance.hba.judge import Judge
from ansible_collections.rampart.postgresql.tests.conformance.hba.judge import our_rows

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import Record
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Workshop

_CORPUS = pathlib.Path(__file__).parent / "corpus.json"
_EXTENDED = os.environ.get("RAMPART_EXTENDED", "") not in ("", "0")
_GENERATED = int(os.environ.get("RAMPART_GENERATED", "20000" if _EXTENDED else "700"))
_SEED = os.environ.get("RAMPART_SEED", "2" if _EXTENDED else "1")
_LEAST = 20  # of each construct
_TOGETHER = 50  # texts in one file
_CHANGED_BY_MORE = {"NUL byte", "line around 20480 bytes"}
_ABOUT_TLS = ("client certificates", "connection types")


def _corpus() -> dict[str, list[str]]:
    groups: dict[str, list[str]] = json.loads(_CORPUS.read_text(encoding="utf-8"))
    groups["limits"] = _limits()
    return groups


def _limits() -> list[str]:
    """Inputs around the lengths that 13 to 15 allow: tokens of 10239 bytes, lines of 20478."""
    names = [f"local {'a' * length} u trust" for length in (10238, 10239, 10240)]
    names += [f"local {'a' * length},b u trust" for length in (10238, 10239)]
    names += [f'local "{"a" * length}" u trust' for length in (10238, 10239)]
    names += [f"local {'é' * length} u trust" for length in (5119, 5120)]
    names += [
        f"local {'a' * 10239}#c",
        f"local {'a,' * 6000}b u trust",
        f"local {','.join(['abcdefgh'] * 3000)} u trust",
    ]
    lines = [f"local db u trust{' ' * length}" for length in (20461, 20462, 20463, 20464)]
    lines += [f"local db u trust{' ' * 20470}local x y trust"]
    lines += [f"#{'c' * length}" for length in (20476, 20477, 20478, 30000)]
    lines += [f"#{'c' * 20478}local x y trust", f"#{'c' * 20476}\nlocal db u bad"]
    return [*names, *lines, "local db u trust \\\n" * 3 + "x" * 12000]


@pytest.fixture(scope="module")
def judge(workshop: Workshop, major: int) -> Iterator[Judge]:
    server = workshop.server(major)
    judge = Judge(server)
    yield judge
    judge.close()
    workshop.discard(server)


def _disagreement(judge: Judge, text: str, *, reload: bool = True) -> str | None:
    judge.put(text)
    records = judge.ours(text)
    theirs, ours = judge.rows(), our_rows(records, judge.hidden)
    if theirs != ours:
        return f"{text[:300]!r}\n  server: {theirs}\n  ours:   {ours}"
    return _misjudged(judge, text, records) if reload else None


def _misjudged(judge: Judge, text: str, records: list[Record]) -> str | None:
    """Whether the server loads what we accept and refuses what we reject, with our words where only its log has them."""
    accepted = all(record.accepted for record in records)
    offset = judge.log_size()
    if judge.loads() != accepted:
        return f"{text[:300]!r}: we say {'accepted' if accepted else 'rejected'}, the server does not"
    log = judge.log_since(offset)
    unsaid = [record.logged for record in records if record.logged is not None and record.logged not in log]
    return f"{text[:300]!r}: the server's log does not say {unsaid}" if unsaid else None


def test_corpus(judge: Judge) -> None:
    counts: collections.Counter[str] = collections.Counter()
    wrong = []
    for group, texts in _corpus().items():
        for text in texts:
            counts["accepted" if all(record.accepted for record in judge.ours(text)) else "rejected"] += 1
            problem = _disagreement(judge, text)
            if problem is not None:
                wrong.append(f"{group}: {problem}")
    words = f"PostgreSQL {judge.version}: {counts.total()} inputs of the corpus, {len(wrong)} disagreements"
    tell("grammar", words, counts)
    assert not wrong, "\n".join(wrong)
    assert counts.total() >= 300


def test_corpus_with_tls(judge: Judge) -> None:
    judge.use_tls(True)
    try:
        groups = _corpus()
        wrong = [
            problem
            for group in _ABOUT_TLS
            for text in groups[group]
            if (problem := _disagreement(judge, text)) is not None
        ]
    finally:
        judge.use_tls(False)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("oauth", [(), ("va",), ("va", "vb")])
def test_corpus_with_validators(judge: Judge, oauth: tuple[str, ...]) -> None:
    judge.use_validators(*oauth)
    try:
        wrong = [problem for text in _corpus()["oauth"] if (problem := _disagreement(judge, text)) is not None]
    finally:
        judge.use_validators()
    assert not wrong, "\n".join(wrong)


def test_a_line_that_ends_the_server(fresh_server: Server) -> None:
    """Asked about it, or told to load it, a server that knows LDAP dies of it: so it counts as refused."""
    judge = Judge(fresh_server)
    text = 'host all all all ldap "ldapurl=ldap://l/dc=x?,"'
    judge.put(text)
    assert [record.accepted for record in judge.ours(text)] == [False]
    if "ldap" in judge.lacks:
        assert "not supported by this build" in str(judge.rows()[0]["error"])
    else:
        with pytest.raises(psycopg.OperationalError, match="server closed the connection"):
            judge.rows()
    judge.close()


class _Trial:
    """Many texts on one server. Those that both take are loaded together: a reload takes longer than a look."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.counts: collections.Counter[str] = collections.Counter()
        self.wrong: list[str] = []
        self._taken: list[str] = []

    def try_out(self, text: str, held: set[str]) -> None:
        records = self.judge.ours(text)
        accepted = all(record.accepted for record in records)
        self.counts.update(held)
        self.counts["accepted" if accepted else "rejected"] += 1
        # What the view does not explain, a part of all that is refused, and what a line added would change.
        alone = not _CHANGED_BY_MORE.isdisjoint(held)
        if not accepted:
            alone = alone or self.counts["rejected"] % 20 == 0 or not all(map(_is_plain, records))
        problem = _disagreement(self.judge, text, reload=alone)
        if problem is not None:
            self.wrong.append(problem)
        elif accepted and not alone:
            self._taken.append(text)
            if len(self._taken) == _TOGETHER:
                self.load_what_was_taken()

    def load_what_was_taken(self) -> None:
        self.judge.put("\n\n".join(self._taken))
        if not self.judge.loads():
            for text in self._taken:
                self.judge.put(text)
                problem = _misjudged(self.judge, text, self.judge.ours(text))
                self.wrong += [] if problem is None else [problem]
            assert self.wrong, "together they are refused, and each alone is not"
        self._taken = []


def _is_plain(record: Record) -> bool:
    return record.accepted == (record.error is None)


def test_generated(judge: Judge) -> None:
    trial = _Trial(judge)
    wanted = dict.fromkeys(REQUIRED, _LEAST)
    texts = generate(f"{_SEED}-{judge.server.major}", _GENERATED, judge.dialect, unsupported=judge.lacks, wanted=wanted)
    for index, (text, held) in enumerate(texts):
        if index % (_GENERATED // 3) == 0:
            turn = index // (_GENERATED // 3) % 3
            trial.load_what_was_taken()
            judge.use_tls(turn > 0)
            judge.use_validators(*("va", "vb")[:turn])
        trial.try_out(text, held)
    trial.load_what_was_taken()
    judge.use_tls(False)
    judge.use_validators()
    counts, total = trial.counts, trial.counts["accepted"] + trial.counts["rejected"]
    rarest = min(REQUIRED, key=lambda name: counts[name])
    share = f"{100 * counts['accepted'] // total} % accepted, {100 * counts['rejected'] // total} % rejected"
    words = (
        f"PostgreSQL {judge.version}, seed {_SEED}: {total} generated inputs, {len(trial.wrong)} disagreements, {share},"
        f" {len(REQUIRED)} constructs {counts[rarest]} times and more"
    )
    tell("grammar", words, counts)
    assert not trial.wrong, "\n".join(trial.wrong[:50])
    assert min(counts["accepted"], counts["rejected"]) >= 0.3 * total
    assert counts[rarest] >= _LEAST, rarest
