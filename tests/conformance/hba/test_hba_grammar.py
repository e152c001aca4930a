"""Our reading of pg_hba.conf against that of real servers: verdict, fields, options, words, line numbers."""

from __future__ import annotations

import collections
import json
import os
import pathlib
import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests.conformance.hba.generator import generate
from ansible_collections.rampart.postgresql.tests.conformance.hba.judge import Judge
from ansible_collections.rampart.postgresql.tests.conformance.hba.judge import our_rows

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.tests.conformance.servers import Workshop

_CORPUS = pathlib.Path(__file__).parent / "corpus.json"
_GENERATED = int(os.environ.get("RAMPART_GENERATED", "500"))
_SEED = os.environ.get("RAMPART_SEED", "1")
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
    theirs, ours = judge.rows(), our_rows(records)
    if theirs != ours:
        return f"{text[:300]!r}\n  server: {theirs}\n  ours:   {ours}"
    accepted = all(record.accepted for record in records)
    if reload and judge.loads() != accepted:
        return f"{text[:300]!r}: we say {'accepted' if accepted else 'rejected'}, the server does not"
    return None


def test_corpus(judge: Judge) -> None:
    counts: collections.Counter[str] = collections.Counter()
    wrong = []
    for group, texts in _corpus().items():
        for text in texts:
            counts["accepted" if all(record.accepted for record in judge.ours(text)) else "rejected"] += 1
            problem = _disagreement(judge, text)
            if problem is not None:
                wrong.append(f"{group}: {problem}")
    print(f"\nPostgreSQL {judge.server.major}: {dict(counts)} corpus inputs, {len(wrong)} disagreements")
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


def test_generated(judge: Judge) -> None:
    counts: collections.Counter[str] = collections.Counter()
    wrong = []
    for index, case in enumerate(generate(f"{_SEED}-{judge.server.major}", _GENERATED)):
        accepted = all(record.accepted for record in judge.ours(case.text))
        counts["accepted" if accepted else "rejected"] += 1
        counts.update(case.constructs)
        # The view tells nearly everything; every tenth input is loaded too, which takes longer.
        problem = _disagreement(judge, case.text, reload=index % 10 == 0)
        if problem is not None:
            wrong.append(problem)
    print(f"\nPostgreSQL {judge.server.major}, seed {_SEED}: {_GENERATED} generated inputs, {len(wrong)} disagreements")
    print("  " + ", ".join(f"{name} {count}" for name, count in sorted(counts.items())))
    assert not wrong, "\n".join(wrong[:50])
    assert min(counts["accepted"], counts["rejected"]) >= 0.3 * _GENERATED
