#!/usr/bin/python3
"""Holds the tables of codes in docs/protocol.md and the enums in protocol/codes.hpp equal, what docs/extending.md shows of the
examples what they are, and the tests that docs/faults.md names to those that there are.

usage: tests/docs_test.py ROOT     ends with 1 after naming every difference

Below a line `<!-- from FILE -->` stands a block of code that is in FILE, line by line.
A row of the table of errors starts with | `bad_json` |, one of the table of closes with | 4001 | `auth_timeout` |;
both stand below a heading that has the word "Codes".
A row of docs/faults.md starts with its number, | 17 | or | 17b |, and names each of its tests as `tests/FILE::TEST`; one that none
holds says so by "no test:" and why. Every page may name a test so; a file below tests/ that a page names exists.
"""

import re
import sys
from pathlib import Path


def enumerators(source, enum):
    """The (name, value) pairs of one enum; the value is None where none is written."""
    body = re.search(r"enum class %s\b[^{]*\{(.*?)\}" % enum, source, re.DOTALL)
    if not body:
        sys.exit(f"docs_test: protocol/codes.hpp has no enum {enum}")
    text = re.sub(r"//[^\n]*", "", body.group(1))
    pairs = re.findall(r"(\w+)\s*(?:=\s*(\d+))?\s*(?:,|$)", text.strip())
    return {(name, int(value) if value else None) for name, value in pairs}


def codes_section(page):
    """The lines below the headings that have the word "Codes", down to the next heading that is not below them."""
    level = 0  # of the heading whose section we are in; 0: in none
    for line in page.splitlines():
        heading = re.match(r"(#+) (.*)", line)
        if heading and (not level or len(heading[1]) <= level):
            level = len(heading[1]) if re.search(r"\bcodes\b", heading[2], re.IGNORECASE) else 0
        elif level:
            yield line


def rows(page):
    """The errors and the closes of the tables, as enumerators() gives them."""
    errors, closes = set(), set()
    for line in codes_section(page):
        if row := re.match(r"\| *`(\w+)` *\|", line):
            errors.add((row[1], None))
        elif row := re.match(r"\| *(\d+) *\| *`(\w+)` *\|", line):
            closes.add((row[2], int(row[1])))
    return errors, closes


def differences(what, in_docs, in_code):
    for name, value in sorted(in_code - in_docs, key=str):
        yield f"docs/protocol.md lacks the {what} {name} {value or ''}"
    for name, value in sorted(in_docs - in_code, key=str):
        yield f"protocol/codes.hpp lacks the {what} {name} {value or ''}"


def unlike_their_files(root, page):
    """Blocks that are not in the file that they are said to be from."""
    text = (root / page).read_text()
    for file, block in re.findall(r"<!-- from (\S+) -->\n```\w*\n(.*?)```", text, re.DOTALL):
        if not (root / file).exists() or block not in (root / file).read_text():
            yield f"{page}: a block is not (any more) in {file}"
    if (said := text.count("<!-- from ")) != (found := len(re.findall(r"<!-- from \S+ -->\n```", text))):
        yield f"{page}: {said} blocks are from files, {found} can be read"


FAULTS = "docs/faults.md"
CASES = range(1, 113)  # of the catalogue


def test_names(path):
    """The tests of one file: functions of Python, cases of Boost.Test."""
    text = path.read_text()
    if path.suffix == ".py":
        return set(re.findall(r"^(?:async )?def (test_\w+)\(", text, re.MULTILINE))
    return set(re.findall(r"BOOST_(?:AUTO|DATA|FIXTURE)_TEST_CASE\(\s*(\w+)", text))


def tests_that_there_are_not(root, page):
    """Names of tests, and of files below tests/, that lead nowhere."""
    text = (root / page).read_text()
    for file, test in sorted(set(re.findall(r"`(tests/[\w./]+)(?:::(\w+))?`", text))):
        if not (root / file).exists():
            yield f"{page}: there is no {file}"
        elif test and test not in test_names(root / file):
            yield f"{page}: {file} has no test {test}"


def untested_faults(root):
    """Rows of the catalogue that no test holds, and numbers without a row."""
    rows = re.findall(r"^\| *([A-Z]?\d+\w?) *\|(.*)$", (root / FAULTS).read_text(), re.MULTILINE)
    numbers = [number for number, _ in rows]
    for number in sorted({n for n in numbers if numbers.count(n) > 1}):
        yield f"{FAULTS}: {number} stands twice"
    for number in sorted({*map(str, CASES)} - set(numbers), key=int):
        yield f"{FAULTS} lacks the case {number}"
    for number, rest in rows:
        if not re.search(r"`tests/[\w./]+::\w+`", rest) and "no test: " not in rest:
            yield f"{FAULTS}: no test holds {number}"


def main(root):
    page = root / "docs/protocol.md"
    source = (root / "protocol/codes.hpp").read_text()
    errors, closes = rows(page.read_text())
    found = [
        *differences("error", errors, enumerators(source, "code")),
        *differences("close", closes, enumerators(source, "close_code")),
        *unlike_their_files(root, "docs/extending.md"),
        *(line for path in sorted(root.glob("docs/**/*.md")) for line in tests_that_there_are_not(root, path.relative_to(root))),
        *untested_faults(root),
    ]
    print("\n".join(found))
    sys.exit(1 if found else 0)


main(Path(sys.argv[1]))
