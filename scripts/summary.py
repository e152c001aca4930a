"""Count the cases in pytest's JUnit reports, and refuse reports in which something was skipped."""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
import re
import sys
from xml.etree import ElementTree

_SHOWN = 160  # characters of a case's name
_MAJOR = re.compile(r"\bpg(\d+)\b")


@dataclasses.dataclass(frozen=True)
class Summary:
    """What one or more reports say."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    majors: frozenset[int] = frozenset()
    names: tuple[str, ...] = ()  # of those that failed

    def __add__(self, other: Summary) -> Summary:
        return Summary(
            passed=self.passed + other.passed,
            failed=self.failed + other.failed,
            skipped=self.skipped + other.skipped,
            majors=self.majors | other.majors,
            names=self.names + other.names,
        )


def read_report(path: pathlib.Path) -> Summary:
    """Summarise one report; a report that is not there is one failure."""
    if not path.exists():
        return Summary(failed=1)
    total = Summary()
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        tags = {child.tag for child in case}
        majors = frozenset(int(major) for major in _MAJOR.findall(case.get("name", "")))
        failed = bool(tags & {"failure", "error"})
        skipped = "skipped" in tags
        total += Summary(
            passed=int(not failed and not skipped),
            failed=int(failed),
            skipped=int(skipped),
            majors=majors,
            names=(f"{case.get('classname', '')}::{case.get('name', '')}"[:_SHOWN],) if failed else (),
        )
    return total


def expected_majors(path: pathlib.Path) -> frozenset[int]:
    """The major versions that a versions file lists."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return frozenset(int(line.split()[0]) for line in lines if line and not line.startswith("#"))


def main() -> int:
    """Print one line on the reports; the exit status tells whether they are complete and good."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--every-major", type=pathlib.Path, help="a file that lists the major versions that must have run"
    )
    parser.add_argument("--name", help="what to call the reports")
    parser.add_argument("reports", nargs="+", type=pathlib.Path)
    arguments = parser.parse_args()

    total = sum((read_report(path) for path in arguments.reports), Summary())
    majors = " ".join(str(major) for major in sorted(total.majors))
    name = arguments.name or " ".join(path.stem for path in arguments.reports)
    print(
        f"{name}: {majors + ', ' if majors else ''}{total.passed} cases passed, "
        f"{total.failed} failed, {total.skipped} skipped"
    )
    for each in total.names:
        print(f"{name}: FAILED {each}")
    missing = expected_majors(arguments.every_major) - total.majors if arguments.every_major else frozenset()
    if missing:
        print(f"{name}: nothing ran on {' '.join(str(major) for major in sorted(missing))}")
    return int(bool(missing or total.failed or total.skipped or not total.passed))


if __name__ == "__main__":
    sys.exit(main())
