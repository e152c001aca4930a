"""What becomes of a connection, said in the simplest way."""

from __future__ import annotations

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.outcomes import Outcome
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.outcomes import outcome
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import DIALECTS
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.matching import Attempt
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import parse_text


def of(*lines: str) -> Outcome:
    attempt = Attempt("ann", "app", bytes((10, 0, 0, 1)), member_of=frozenset(("ann",)))
    return outcome(parse_text("\n".join(lines), DIALECTS[17]), attempt, DIALECTS[17])


@pytest.mark.parametrize(
    ("lines", "words", "certainty"),
    [
        ([], "no match", 0),
        (["host all all all md5"], "md5", 2),
        (["host all all all reject"], "reject", 0),
        (["host all all a.example md5"], "md5 if address matches a.example, else no match", 1),
        (["host all all a.example md5", "host all all all md5"], "md5", 2),
        (["host all all a.example reject"], "no match", 0),
        (
            ["host all all a.example md5", "host all all a.example reject", "host all all all reject"],
            "md5 if address matches a.example, else reject",
            1,
        ),
        (
            [r"host /\mapp /\mann a.example md5", "host all all all scram-sha-256"],
            r"md5 if address matches a.example and database matches /\mapp and user matches /\mann, else scram-sha-256",
            2,
        ),
    ],
)
def test_words(lines: list[str], words: str, certainty: int) -> None:
    found = of(*lines)
    assert (str(found), found.certainty) == (words, certainty)


def test_what_a_client_would_not_notice() -> None:
    first, second = "host all all a.example md5", "host all all b.example md5"
    assert of(first, second).same_as(of(second, first))
    assert not of(first).same_as(of(second))
    assert not of(first, "host all all b.example reject").same_as(of("host all all b.example reject", first))
    assert of("host all all all reject").same_as(of())
    assert not of("host all all all pam pamservice=x").same_as(of("host all all all pam pamservice=y"))
