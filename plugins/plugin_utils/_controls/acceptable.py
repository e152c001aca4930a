# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values of parameters that are as good as the one a profile sets; private to the collection."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import Parameter
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import normalise
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import same

__all__ = ["ACCEPTABLE", "Rule", "meets"]

_ESCAPE = re.compile(r"%-?[0-9]*([a-zA-Z])")


@dataclasses.dataclass(frozen=True)
class Rule:
    """How a value may differ from the one that is wanted. ``says`` is for people."""

    says: str
    accepts: t.Callable[[Parameter, str, str], bool]  # the parameter, what it has, what is wanted


def meets(parameter: Parameter, setting: str, wanted: str) -> bool:
    """Whether a setting is the wanted value, or as good."""
    if same(parameter, setting, wanted):
        return True
    rule = ACCEPTABLE.get(parameter.name)
    return rule is not None and rule.accepts(parameter, setting, wanted)


def _number(parameter: Parameter, text: str) -> int | float:
    return t.cast("int | float", normalise(parameter, text).key)


def _at_most(parameter: Parameter, setting: str, wanted: str) -> bool:
    return 0 < _number(parameter, setting) <= _number(parameter, wanted)


def _at_least(parameter: Parameter, setting: str, wanted: str) -> bool:
    return _number(parameter, setting) >= _number(parameter, wanted)


def _no_more_bits(parameter: Parameter, setting: str, wanted: str) -> bool:
    return not int(_number(parameter, setting)) & ~int(_number(parameter, wanted))


def _ordered(*loosest_first: str) -> Rule:
    def accepts(_parameter: Parameter, setting: str, wanted: str) -> bool:
        return setting in loosest_first and loosest_first.index(setting) >= loosest_first.index(wanted)

    return Rule(f"or any that follows in {', '.join(loosest_first)}", accepts)


def _items(text: str, separator: str) -> set[str]:
    return {item.strip().lower() for item in text.split(separator) if item.strip()}


def _among(separator: str) -> Rule:
    def accepts(_parameter: Parameter, setting: str, wanted: str) -> bool:
        return bool(_items(setting, separator)) and _items(setting, separator) <= _items(wanted, separator)

    return Rule("or some of these, and no others", accepts)


def _all_aspects(parameter: Parameter, setting: str, wanted: str) -> bool:
    has, needs = normalise(parameter, setting).key, normalise(parameter, wanted).key
    return isinstance(has, frozenset) and isinstance(needs, frozenset) and has >= needs


def _all_classes(_parameter: Parameter, setting: str, wanted: str) -> bool:
    has = _items(setting, ",")
    left_out = {item[1:] for item in has if item.startswith("-")}
    needs = _items(wanted, ",")
    return not needs & left_out and ("all" in has or needs <= has)


def _tells_as_much(_parameter: Parameter, setting: str, wanted: str) -> bool:
    """Time, process, database, user, application and client in any order and spelling."""
    alike = {"t": "m", "n": "m", "r": "h"}
    has = {alike.get(letter, letter) for letter in _ESCAPE.findall(_without_signs(setting))}
    return has >= set(_ESCAPE.findall(wanted))


def _without_signs(setting: str) -> str:
    """Without the escapes that stand for a per cent sign."""
    return setting.replace("%%", "")


def _same_clock(_parameter: Parameter, setting: str, wanted: str) -> bool:
    clocks = {"utc", "gmt", "etc/utc", "etc/gmt", "universal", "zulu", "etc/universal", "etc/zulu", "gmt0", "uct"}
    return {setting.lower(), wanted.lower()} <= clocks


def _has_a_time(_parameter: Parameter, setting: str, _wanted: str) -> bool:
    return bool(_ESCAPE.search(_without_signs(setting)))


def _of_its_own(_parameter: Parameter, setting: str, _wanted: str) -> bool:
    return setting.startswith("/")


_LEVELS: t.Final = (
    "panic",
    "fatal",
    "log",
    "error",
    "warning",
    "notice",
    "info",
    "debug1",
    "debug2",
    "debug3",
    "debug4",
    "debug5",
)
_ERRORS: t.Final = tuple(
    level for level in _LEVELS if level != "log"
)  # where it concerns statements, log is above error
_AT_MOST: t.Final = Rule("or less, but not 0", _at_most)
_AT_LEAST: t.Final = Rule("or more", _at_least)

ACCEPTABLE: t.Final[t.Mapping[str, Rule]] = {
    "auth_delay.milliseconds": _AT_LEAST,
    "authentication_timeout": _AT_MOST,
    "client_connection_check_interval": _AT_MOST,
    "log_connections": Rule("or more aspects", _all_aspects),
    "log_directory": Rule("or another directory outside the data directory", _of_its_own),
    "log_error_verbosity": _ordered("terse", "default", "verbose"),
    "log_file_mode": Rule("or fewer rights", _no_more_bits),
    "log_filename": Rule("or another name with the time in it", _has_a_time),
    "log_line_prefix": Rule("or another one that tells as much", _tells_as_much),
    "log_min_error_statement": _ordered(*_ERRORS),
    "log_min_messages": _ordered(*_LEVELS),
    "log_rotation_age": _AT_MOST,
    "log_rotation_size": _AT_MOST,
    "log_statement": _ordered("none", "ddl", "mod", "all"),
    "log_timezone": Rule("or another name of the same clock", _same_clock),
    "pgaudit.log": Rule("or more classes", _all_classes),
    "ssl_ciphers": _among(":"),
    "ssl_groups": _among(":"),
    "ssl_min_protocol_version": _ordered("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"),
    "ssl_tls13_ciphers": _among(":"),
}
"""By the name of the parameter; of others only what means the same as the wanted value will do."""
