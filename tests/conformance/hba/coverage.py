"""What a pg_hba.conf text holds: counted from the text itself, whatever it was meant to be."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba import patterns
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.addresses import numeric_address
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import CONNECTION_TYPES
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.expansion import INCLUDES
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import Token
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import read_lines
from ansible_collections.rampart.postgresql.tests.conformance.hba.vocabulary import METHOD_OPTIONS
from ansible_collections.rampart.postgresql.tests.conformance.hba.vocabulary import OPTION_VALUES

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import Dialect

__all__ = ["IN_TEXT", "REQUIRED", "TOKEN_FORMS", "constructs", "in_text", "of_include", "token_forms"]

_PATTERNS = {
    "CRLF": r"\r\n",
    "CR between fields": r"\S\r+ *\S",
    "tab between fields": r"\S\t+\S",
    "blank at the start of a line": r"(?m)^[ \t]+[^\s,]",
    "blank line": r"(?m)^[ \t]*$",
    "no newline at the end": r"[^\n]\Z",
    "NUL byte": r"\0",
    "form feed or vertical tab": r"[\f\v]",
    "not UTF-8": r"[\udc80-\udcff]",
    "byte order mark": "\ufeff",
    "not ASCII": r"[^\x00-\x7f]",
    "comma at the start of a line": r"(?m)^[ \t]*,",
    "comma at the end of a line": r"(?m),[ \t\r]*$",
    "blank after a comma": r"[^\s,],[ \t]+[^\s,#]",
    "blank before a comma": r"[^\s,][ \t]+,[ \t]*[^\s,#]",
    "two commas": r"[^\s,],,",
    "comment alone on its line": r"(?m)^[ \t]*#",
    "comment after a blank": r"(?m)[^\s#][ \t]+#",
    "comment in mid-token": r'[^\s,#"]#',
    "comment with a quote or a comma": r'#[^\n]*[",]',
    "comment that ends in a backslash": r"#[^\n]*\\\r?(?:\n|\Z)",
    "backslash at the end of a line": r"\\\r?\n",
    "backslash at the end of two lines": r"\\\r?\n[^\n]*\\\r?\n",
    "two backslashes at the end of a line": r"\\\\\r?(?:\n|\Z)",
    "backslash at the end of the text": r"\\\r?\Z",
    "backslash and a blank at the end": r"\\[ \t]+\r?(?:\n|\Z)",
    "backslash at the end inside quotes": r'(?m)^[^"\n#]*"[^"\n]*\\\r?(?:\n|\Z)',
}
_SOUGHT = {name: re.compile(pattern) for name, pattern in _PATTERNS.items()}
_RARE = ("backslash at the end inside quotes",)  # too odd to be asked for often; counted nevertheless
IN_TEXT = tuple(name for name in _PATTERNS if name not in _RARE)

TOKEN_FORMS = (
    *(
        "quoted token",
        "quote in mid-token",
        "quotes around half a token",
        "doubled quote",
        "empty token",
        "blank in quotes",
    ),
    *(
        "comma in quotes",
        "number sign in quotes",
        "unterminated quote",
        "keyword with a quote inside",
        "quoted keyword",
    ),
    *("quoted +role", "+ before a quote", "@ before a quote", "quoted @", "bare @", "backslash in a token"),
)
_LIST_CONSTRUCTS = (
    *("list", "regular expression", "malformed regular expression", "quoted regular expression", "list in a file"),
    *("missing list in a file", "nested list in a file", "empty list in a file", "name of 63 bytes", "longer name"),
)
_KEYWORDS = frozenset(("all", "sameuser", "samerole", "samegroup", "replication", "samehost", "samenet"))
_DATABASE_WORDS = ("all", "sameuser", "samerole", "samegroup", "replication", "name", "+role", "ALL")
_USER_WORDS = ("all", "+role", "name", "ALL")
_ADDRESS_FORMS = (
    *(
        "all",
        "samehost",
        "samenet",
        "IPv4/bits",
        "IPv6/bits",
        "host name",
        ".suffix",
        "short IPv4",
        "octal or hexadecimal",
    ),
    *(
        "host bits",
        "zone",
        "IPv4 in IPv6",
        "address and mask",
        "mask that is no prefix",
        "families that differ",
        "mask missing",
    ),
    *("bits out of range", "host name and bits", "several", "quoted", "quoted keyword"),
)
_LIMITS = ("token around 10240 bytes", "line around 20480 bytes")

REQUIRED: tuple[str, ...] = (
    *IN_TEXT,
    *TOKEN_FORMS,
    *_LIST_CONSTRUCTS,
    *_LIMITS,
    *("several records", "field missing", "text of more fields"),
    *(f"type {kind}" for kind in CONNECTION_TYPES),
    *("type in quotes", "type in capitals", "unknown type", "several types"),
    *(f"database {word}" for word in _DATABASE_WORDS),
    *(f"user {word}" for word in _USER_WORDS),
    *(f"address {form}" for form in _ADDRESS_FORMS),
    *(f"method {method}" for method in METHOD_OPTIONS),
    *("unknown method", "method in capitals", "several methods"),
    *(f"option {name}" for name in OPTION_VALUES),
    *(
        "unknown option",
        "option without a value",
        "option that is empty",
        "option twice",
        "option in quotes",
        "quotes in a value",
    ),
    *(f"clientcert={value}" for value in ("verify-ca", "verify-full", "1", "0", "no-verify", "another")),
    *(f"clientname={value}" for value in ("CN", "DN", "another")),
    *INCLUDES,
    *("include in quotes", "target in quotes", "target missing", "directory as target", "target with an error"),
    *("include that includes", "include that is too deep", "include_dir with files left out"),
)
"""Every construct of the grammar."""


def constructs(text: str, dialect: Dialect) -> set[str]:
    """What there is in a text, each at most once."""
    found = in_text(text)
    records = [line.fields for line in read_lines(text, dialect) if line.fields]
    if len(records) > 1:
        found.add("several records")
    for fields in records:
        found |= token_forms(token for field in fields for token in field)
        if fields[0][0].text in INCLUDES:
            found |= of_include(fields)
        else:
            found |= _of_rule(fields)
    return found


def in_text(text: str) -> set[str]:
    """What shows without knowing what a field is."""
    found = {name for name, pattern in _SOUGHT.items() if pattern.search(text)}
    if any(20470 < len(line.encode("utf-8", "surrogateescape")) < 20490 for line in text.split("\n")):
        found.add("line around 20480 bytes")
    return found


def token_forms(tokens: t.Iterable[Token]) -> set[str]:
    """How tokens are spelled."""
    found: set[str] = set()
    for token in tokens:
        if 10200 < len(token.text.encode("utf-8", "surrogateescape")) < 10300:
            found.add("token around 10240 bytes")
        found |= {name for name, is_so in _FORMS.items() if is_so(token.raw, token.text)}
    return found


_FORMS: dict[str, t.Callable[[str, str], bool]] = {
    "quoted token": lambda raw, text: raw[0] == '"' and raw[-1] == '"',
    "quote in mid-token": lambda raw, text: '"' in raw and raw[0] != '"',
    "quotes around half a token": lambda raw, text: raw[0] == '"' and raw[-1] != '"' and raw.count('"') == 2,
    "doubled quote": lambda raw, text: '""' in raw[1:-1] and '"' in text,
    "empty token": lambda raw, text: not text,
    "blank in quotes": lambda raw, text: " " in text or "\t" in text,
    "comma in quotes": lambda raw, text: "," in text,
    "number sign in quotes": lambda raw, text: "#" in text,
    "unterminated quote": lambda raw, text: raw.count('"') % 2 == 1,
    "keyword with a quote inside": lambda raw, text: text in _KEYWORDS and '"' in raw and raw[0] != '"',
    "quoted keyword": lambda raw, text: text in _KEYWORDS and raw[0] == '"',
    "quoted +role": lambda raw, text: text[:1] == "+" and raw[0] == '"',
    "+ before a quote": lambda raw, text: raw[0] == "+" and '"' in raw,
    "@ before a quote": lambda raw, text: raw[:2] == '@"',
    "quoted @": lambda raw, text: text[:1] == "@" and raw[0] == '"',
    "bare @": lambda raw, text: raw == "@",
    "backslash in a token": lambda raw, text: "\\" in text,
}


def of_include(fields: list[list[Token]]) -> set[str]:
    """What a line is that includes files."""
    keyword = fields[0][0]
    found = {keyword.text}
    if keyword.quoted:
        found.add("include in quotes")
    if len(fields) == 2:
        target = fields[1][0]
        if target.quoted:
            found.add("target in quotes")
        for name, texts in _TARGETS.items():
            if (keyword.text, target.text) in texts or (None, target.text) in texts:
                found.add(name)
    return found


_TARGETS: dict[str, tuple[tuple[str | None, str], ...]] = {
    "target missing": tuple((None, name) for name in ("missing.inc", "missing.d", "/no/such/file")),
    "directory as target": (("include", "rules.d"), ("include_if_exists", "rules.d")),
    "target with an error": ((None, "broken.inc"), (None, "broken.d")),
    "include that includes": ((None, "outer.inc"), (None, "deep3.inc"), (None, "d/beside.inc")),
    "include that is too deep": ((None, "loop.inc"), (None, "deep0.inc"), (None, "deep2.inc")),
    "include_dir with files left out": (("include_dir", "rules.d"), ("include_dir", "rules.d/")),
}


def _of_rule(fields: list[list[Token]]) -> set[str]:
    kind = fields[0][0].text
    found = {f"type {kind}"} if kind in CONNECTION_TYPES else {"unknown type"}
    found |= {"type in quotes"} if fields[0][0].quoted else set()
    found |= {"type in capitals"} if kind.lower() in CONNECTION_TYPES and not kind.islower() else set()
    found |= {"several types"} if len(fields[0]) > 1 else set()
    if kind not in CONNECTION_TYPES:
        return found
    for what, names, field in zip(("database", "user"), (_DATABASE_WORDS, _USER_WORDS), fields[1:3]):
        found |= {"list"} if len(field) > 1 else set()
        for token in field:
            found |= _of_name(token)
            found.add(f"{what} {_word(token, names)}")
    at = 3 + (kind != "local") + (kind != "local" and _has_mask(fields))
    if kind != "local" and len(fields) > 3:
        found |= {f"address {form}" for form in _of_address(fields)}
    if len(fields) <= at:
        return found | {"field missing"}
    if len(fields) > at + 4:
        found.add("text of more fields")
    return found | _of_method(fields[at]) | _of_options([token for field in fields[at + 1 :] for token in field])


def _word(token: Token, names: tuple[str, ...]) -> str:
    if not token.quoted and token.text in names:
        return token.text
    return "+role" if token.raw[:1] == "+" and len(token.text) > 1 else "name"


def _of_name(token: Token) -> set[str]:
    found = set()
    length = len(token.text.encode("utf-8", "surrogateescape"))
    if length > 62:
        found.add("name of 63 bytes" if length == 63 else "longer name")
    if token.text[:1] == "/":
        malformed = patterns.problem(token.text[1:]) is not None
        found.add("malformed regular expression" if malformed else "regular expression")
        found |= {"quoted regular expression"} if token.quoted else set()
    if token.raw[:1] == "@" and len(token.text) > 1:
        found.add("list in a file")
        for name, start in (("missing", "@missing"), ("nested", "@nested"), ("nested", "@deep"), ("empty", "@empty")):
            found |= {f"{name} list in a file"} if token.text.startswith(start) else set()
    return found


def _has_mask(fields: list[list[Token]]) -> bool:
    return len(fields) > 3 and numeric_address(fields[3][0].text) is not None


def _of_address(fields: list[list[Token]]) -> set[str]:
    token = fields[3][0]
    found = {"several"} if len(fields[3]) > 1 else set()
    if token.text in ("all", "samehost", "samenet"):
        return found | {"quoted keyword" if token.quoted else token.text}
    found |= {"quoted"} if token.quoted else set()
    text, slash, bits = token.text.partition("/")
    packed = numeric_address(text)
    if packed is None:
        return found | {"host name and bits" if slash else ".suffix" if text[:1] == "." else "host name"}
    if slash:
        found.add(_of_bits(packed, bits))
    elif len(fields) > 4 and (mask := numeric_address(fields[4][0].text)) is not None:
        found |= _of_mask(packed, mask)
    else:
        found.add("mask missing")
    return found | _of_number(text, packed)


def _of_bits(packed: bytes, bits: str) -> str:
    if not bits.isdigit() or int(bits) > 8 * len(packed):
        return "bits out of range"
    free = (1 << (8 * len(packed) - int(bits))) - 1
    if int.from_bytes(packed, "big") & free:
        return "host bits"
    return f"IPv{4 if len(packed) == 4 else 6}/bits"


def _of_mask(packed: bytes, mask: bytes) -> set[str]:
    if len(packed) != len(mask):
        return {"families that differ"}
    free = int.from_bytes(mask, "big") ^ ((1 << 8 * len(mask)) - 1)
    return {"address and mask", *(("mask that is no prefix",) if free & (free + 1) else ())}


def _of_number(text: str, packed: bytes) -> set[str]:
    found = set()
    if len(packed) == 4:
        parts = text.split(".")
        found |= {"short IPv4"} if len(parts) < 4 else set()
        found |= {"octal or hexadecimal"} if any(part[0] == "0" and len(part) > 1 for part in parts) else set()
    else:
        found |= {"zone"} if "%" in text else set()
        found |= {"IPv4 in IPv6"} if "." in text else set()
    return found


def _of_method(field: list[Token]) -> set[str]:
    method = field[0].text
    found = {f"method {method}"} if method in METHOD_OPTIONS else {"unknown method"}
    found |= {"method in capitals"} if method.lower() in METHOD_OPTIONS and not method.islower() else set()
    return found | ({"several methods"} if len(field) > 1 else set())


def _of_options(tokens: list[Token]) -> set[str]:
    found = set()
    names = []
    for token in tokens:
        name, equals, value = token.text.partition("=")
        names.append(name)
        known = name in OPTION_VALUES
        found.add("option without a value" if not equals else f"option {name}" if known else "unknown option")
        found |= {"option that is empty"} if equals and not value else set()
        found |= {"option in quotes"} if token.quoted else set()
        found |= {"quotes in a value"} if '="' in token.raw else set()
        if name in ("clientcert", "clientname"):
            found.add(f"{name}={value}" if f"{name}={value}" in _CERTIFICATE_VALUES else f"{name}=another")
    return found | ({"option twice"} if len(set(names)) < len(names) else set())


_CERTIFICATE_VALUES = frozenset(name for name in REQUIRED if name[:6] == "client")
