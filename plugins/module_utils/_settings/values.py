# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values of parameters: checked and compared in base units and types, as the server does; private to the collection."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._settings import units
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.lists import LISTS
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.lists import join_items
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.lists import list_key

__all__ = [
    "Parameter",
    "Value",
    "accepted",
    "is_harmless",
    "is_running",
    "may_hold_secret",
    "normalise",
    "same",
    "show",
]

_TRUE = ("true", "yes")
_FALSE = ("false", "no")
_FILE_MODES = frozenset({"log_file_mode", "unix_socket_permissions", "data_directory_mode", "pgaudit.log_file_mode"})
_CASELESS = frozenset({"timezone", "log_timezone", "client_encoding", "timezone_abbreviations"})

# Values of enumerations that the server takes without listing them, and values that mean the same.
_HIDDEN_LABELS: t.Final[t.Mapping[str, t.Mapping[str, str]]] = {
    "wal_level": {"archive": "replica", "hot_standby": "replica"},
    "client_min_messages": {"debug": "debug2", "info": "info"},
    "log_min_messages": {"debug": "debug2"},
    "log_min_error_statement": {"debug": "debug2"},
    "icu_validation_level": {"debug": "debug2", "info": "info"},
    "trace_recovery_messages": {"debug": "debug2", "info": "info"},
    "wal_compression": {"on": "pglz"},
}
_SWITCH_WORDS: t.Final = {"true": "on", "yes": "on", "1": "on", "false": "off", "no": "off", "0": "off"}

# From PostgreSQL 18 log_connections is a list; before, a switch.
_CONNECTION_ASPECTS = frozenset({"receipt", "authentication", "authorization", "setup_durations"})
_CONNECTION_WORDS: t.Final[t.Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(("on", "true", "yes", "1"), _CONNECTION_ASPECTS - {"setup_durations"}),
    **dict.fromkeys(("off", "false", "no", "0"), frozenset()),
    "all": _CONNECTION_ASPECTS,
}

# The server shows what the operating system says of this session's own connection: 0 through a Unix socket.
_OF_THE_CONNECTION = frozenset(
    {"tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count", "tcp_user_timeout"}
)

_LEAST_WORK_MEMORY = 1024  # kB; the server silently raises autovacuum_work_mem to it, or to 64 in later versions

_DISABLED: t.Final = "(disabled)"  # what the server shows of archive_command while archive_mode is off

_DATE_ORDERS: t.Final = {"us": "mdy", "noneuropean": "mdy", "noneuro": "mdy", "euro": "dmy", "european": "dmy"}

_SECRET = re.compile(r"conninfo|passphrase|passwd|password|secret|token|credential|_command$", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Parameter:
    """One row of pg_settings. ``unit``, ``minimum`` and ``maximum`` are the server's own texts."""

    name: str
    vartype: str  # bool, integer, real, string, enum
    context: str = "sighup"
    unit: str | None = None
    minimum: str | None = None
    maximum: str | None = None
    labels: tuple[str, ...] = ()
    setting: str = ""
    source: str = "default"
    sourcefile: str | None = None
    pending_restart: bool = False
    placeholder: bool = False  # a name with a dot that no loaded library has defined
    default: str | None = None  # what it has when no place sets it


@dataclasses.dataclass(frozen=True)
class Value:
    """A checked value: ``key`` is equal for values that mean the same, ``text`` is what is written."""

    key: t.Hashable
    text: str


def normalise(parameter: Parameter, value: object) -> Value:
    """Check a value of YAML or of a file against the parameter; ValueError says what would be accepted."""
    text = _as_text(parameter, value)
    try:
        return _NORMALISERS[parameter.vartype](parameter, text)
    except ValueError:
        raise ValueError(accepted(parameter)) from None


def same(parameter: Parameter, left: str, right: str) -> bool:
    """Whether two texts mean the same value of the parameter; texts that the server refuses compare as they are."""
    try:
        return normalise(parameter, left).key == normalise(parameter, right).key
    except ValueError:
        return left == right


def is_running(parameter: Parameter, value: Value) -> bool:
    """Whether pg_settings shows this value; it shows six digits of a floating-point number."""
    if _is_replaced(parameter, value):
        return True
    if parameter.vartype == "real" and isinstance(value.key, float):
        return f"{value.key:g}" == f"{float(parameter.setting) + 0.0:g}"
    if parameter.name == "DateStyle":
        return _date_style(value.text) <= _date_style(parameter.setting)
    if parameter.name in ("TimeZone", "log_timezone") and not value.text[:1].isalpha():
        return True  # an offset is shown in the form of POSIX
    try:
        return normalise(parameter, parameter.setting).key == value.key
    except ValueError:
        return parameter.setting == value.text


def accepted(parameter: Parameter) -> str:
    """What the server accepts for a parameter, in words."""
    if parameter.vartype == "bool":
        return "on or off (true, false, yes, no, 1, 0)"
    if parameter.vartype == "enum":
        return "one of " + ", ".join(label or "''" for label in parameter.labels)
    if parameter.vartype in ("integer", "real"):
        kind = "an integer" if parameter.vartype == "integer" else "a number"
        named = units.units_for(parameter.unit)
        unit = f", with a unit ({', '.join(named)}) or in units of {parameter.unit}" if named else ""
        return f"{kind} from {_limit(parameter, parameter.minimum)} to {_limit(parameter, parameter.maximum)}{unit}"
    if parameter.name == "log_connections":
        return f"a list of {', '.join(sorted(_CONNECTION_ASPECTS))}; or all, on or off"
    if parameter.name.lower() in LISTS:
        return "a list, or text with commas between the items"
    return "text"


def show(parameter: Parameter, text: str) -> str:
    """A value for people: numbers with their unit as SHOW prints it, secrets hidden."""
    if may_hold_secret(parameter.name, parameter.vartype) and text:
        return "********"
    if parameter.vartype == "integer":
        try:
            number = units.parse_integer(text, parameter.unit)
        except ValueError:
            return text
        return f"0{number:03o}" if parameter.name in _FILE_MODES else units.show_integer(number, parameter.unit)
    return text


def may_hold_secret(name: str, vartype: str = "string") -> bool:
    """Whether values of this name are kept out of texts for people."""
    return vartype == "string" and bool(_SECRET.search(name))


def is_harmless(text: str) -> bool:
    """Numbers, switches and names of methods are no secrets: ``password_encryption = 'scram-sha-256'``."""
    return bool(re.fullmatch(r"'?(?:[0-9]+[a-z]*|on|off|true|false|md5|scram-sha-256|)'?", text.strip()))


def _is_replaced(parameter: Parameter, value: Value) -> bool:
    """Whether the server has put a value of its own in place of this one, without a word."""
    if parameter.name in _OF_THE_CONNECTION:
        return True
    if parameter.name == "wal_buffers":
        return value.key == -1
    if parameter.name == "archive_command":
        return parameter.setting == _DISABLED
    if parameter.name == "autovacuum_work_mem" and isinstance(value.key, int):
        return 0 <= value.key < int(parameter.setting) <= _LEAST_WORK_MEMORY
    return False


def _date_style(text: str) -> frozenset[str]:
    """Style and order of fields; the server shows both, whichever were given."""
    words = t.cast("frozenset[str]", list_key("datestyle", text))
    return frozenset(_DATE_ORDERS.get(word, word) for word in words)


def _limit(parameter: Parameter, text: str | None) -> str:
    if text is None:
        return "any"
    if parameter.name in _FILE_MODES:
        return f"0{int(text):o} (octal)"
    return show(parameter, text)


def _as_text(parameter: Parameter, value: object) -> str:
    """The text that a value of YAML stands for."""
    if isinstance(value, bool):
        if parameter.vartype in ("integer", "real"):
            raise ValueError(accepted(parameter))
        return "on" if value else "off"
    if isinstance(value, (list, tuple)):
        if parameter.name.lower() not in LISTS or not all(isinstance(item, (str, int)) for item in value):
            raise ValueError(accepted(parameter))
        items = [str(item) for item in value]
        return _storable(join_items(items, fold=LISTS[parameter.name.lower()] == "folded"))
    if not isinstance(value, (str, int, float)):
        raise ValueError(accepted(parameter))
    return _storable(str(value))


def _storable(text: str) -> str:
    """The text, if a configuration file can hold it."""
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise ValueError("text that UTF-8 can express") from None
    if "\0" in text:
        raise ValueError("text without a NUL byte")
    return text


def _boolean(parameter: Parameter, text: str) -> Value:
    """Any unambiguous beginning of true, false, yes, no, on, off; 1 and 0."""
    word = text.lower()
    if parameter.name == "log_connections" and _is_connection_list(word):
        word = "on" if _connection_aspects(word) else "off"
    if word and (any(full.startswith(word) for full in _TRUE) or word in ("on", "1")):
        return Value(True, "on")
    if word and (any(full.startswith(word) for full in _FALSE) or word in ("of", "off", "0")):
        return Value(False, "off")
    raise ValueError(text)


def _integer(parameter: Parameter, text: str) -> Value:
    number = units.parse_integer(text, parameter.unit)
    if (parameter.minimum is not None and number < int(parameter.minimum)) or (
        parameter.maximum is not None and number > int(parameter.maximum)
    ):
        raise ValueError(text)
    if parameter.name in _FILE_MODES:
        return Value(number, f"0{number:03o}")
    return Value(number, text.strip())


def _real(parameter: Parameter, text: str) -> Value:
    number = units.parse_real(text, parameter.unit)
    # pg_settings rounds the limits to six digits, so a limit may be off by that much.
    if (parameter.minimum is not None and number < float(parameter.minimum)) or (
        parameter.maximum is not None and number > _upper(parameter.maximum)
    ):
        raise ValueError(text)
    return Value(number + 0.0, text.strip())


def _upper(text: str) -> float:
    return 1.7976931348623157e308 if text == "1.79769e+308" else float(text)


def _enumeration(parameter: Parameter, text: str) -> Value:
    labels = {label.lower(): label for label in parameter.labels}
    word = text.lower()
    word = _HIDDEN_LABELS.get(parameter.name, {}).get(word, word)
    if word not in labels and {"on", "off"} <= set(labels):
        word = _SWITCH_WORDS.get(word, word)
        word = _HIDDEN_LABELS.get(parameter.name, {}).get(word, word)
    if word in labels:
        return Value(labels[word], labels[word])
    if word in _HIDDEN_LABELS.get(parameter.name, {}).values():
        return Value(word, word)
    raise ValueError(text)


def _string(parameter: Parameter, text: str) -> Value:
    name = parameter.name.lower()
    if name == "log_connections":
        return Value(_connection_aspects(text), text)
    if name == "datestyle":
        return Value(_date_style(text), text)
    if name in LISTS:
        return Value(list_key(name, text), text)
    if name == "synchronous_standby_names":
        return Value(tuple(re.findall(r'"(?:[^"]|"")*"|[^\s"(),]+|[(),]', text)), text)
    if name in _CASELESS:
        return Value(text.lower(), text)
    return Value(text, text)


def _is_connection_list(word: str) -> bool:
    items = {item.strip() for item in word.split(",")}
    return not word.strip() or items <= {*_CONNECTION_ASPECTS, "all"}


def _connection_aspects(text: str) -> frozenset[str]:
    """What log_connections of PostgreSQL 18 logs; ValueError for a word that it does not know."""
    key = list_key("log_connections", text)
    words = t.cast("frozenset[str]", key)
    if len(words) == 1 and words <= set(_CONNECTION_WORDS):
        return _CONNECTION_WORDS[next(iter(words))]
    if not words <= {*_CONNECTION_ASPECTS, "all"}:
        raise ValueError(text)
    return _CONNECTION_ASPECTS if "all" in words else words


_NORMALISERS: t.Final[t.Mapping[str, t.Callable[[Parameter, str], Value]]] = {
    "bool": _boolean,
    "integer": _integer,
    "real": _real,
    "enum": _enumeration,
    "string": _string,
}
