"""What the roles make of their options: their own templates, in Jinja, without a playbook."""

from __future__ import annotations

import functools
import pathlib
import typing as t

import yaml
from ansible.plugins.filter.core import FilterModule
from ansible.plugins.filter.mathstuff import FilterModule as SetFilters
from ansible.plugins.test.core import TestModule
from jinja2.nativetypes import NativeEnvironment
from jinja2.runtime import Context

from ansible_collections.rampart.postgresql.plugins.filter.database_groups import database_groups
from ansible_collections.rampart.postgresql.plugins.filter.profile_libraries import profile_libraries
from ansible_collections.rampart.postgresql.plugins.filter.profile_optional import profile_optional
from ansible_collections.rampart.postgresql.plugins.filter.profile_parameters import profile_parameters

__all__ = ["COMPONENTS", "desired", "rendered"]

COMPONENTS: t.Final = ("pg_tls", "pg_network", "pg_authentication", "pg_logging", "pg_access")
_ROLES = pathlib.Path(__file__).resolve().parent.parent / "roles"


class _Variables(Context):
    """Variables that are templates themselves, rendered when they are used, as Ansible does."""

    def resolve_or_missing(self, key: str) -> t.Any:
        return _rendered(super().resolve_or_missing(key), self.parent)


def _listing(function: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
    """A filter of Jinja that gives a list where Jinja has a generator, as with Ansible."""

    @functools.wraps(function)
    def listing(*args: t.Any, **kwargs: t.Any) -> list[t.Any]:
        return list(function(*args, **kwargs))

    return listing


_SETS = SetFilters().filters()
_ENVIRONMENT = NativeEnvironment()
_ENVIRONMENT.context_class = _Variables
_ENVIRONMENT.filters = {**FilterModule().filters(), **_SETS, **_ENVIRONMENT.filters}
_ENVIRONMENT.filters.update(
    {
        f"rampart.postgresql.{function.__name__}": function
        for function in (database_groups, profile_libraries, profile_optional, profile_parameters)
    }
)
for _name in ("map", "select", "selectattr", "reject", "rejectattr"):
    _ENVIRONMENT.filters[_name] = _listing(_ENVIRONMENT.filters[_name])
_ENVIRONMENT.tests.update({**TestModule().tests(), **_ENVIRONMENT.tests})
_ENVIRONMENT.tests["in"] = lambda value, container: value in container


def desired(role: str, **options: t.Any) -> dict[str, t.Any]:
    """The variable ``ROLE_desired`` for these options of the role."""
    return t.cast("dict[str, t.Any]", rendered(role, f"{{{{ {role}_desired }}}}", **options))


def rendered(role: str, value: t.Any, **options: t.Any) -> t.Any:
    """A value with templates, as it is in a task of the role, for these options of the role."""
    return _rendered(value, {**_variables(role), **options})


@functools.cache
def _variables(role: str) -> dict[str, t.Any]:
    """Its own, as they stand there."""
    variables: dict[str, t.Any] = {}
    for path in ("defaults/main.yml", "vars/main.yml"):
        variables.update(yaml.safe_load((_ROLES / role / path).read_text(encoding="utf-8")))
    return variables


_template = functools.cache(_ENVIRONMENT.from_string)


def _rendered(value: t.Any, variables: t.Mapping[str, t.Any]) -> t.Any:
    if isinstance(value, str) and "{{" in value:
        return _template(value.strip()).render(variables)
    if isinstance(value, dict):
        return {key: _rendered(each, variables) for key, each in value.items()}
    if isinstance(value, list):
        return [_rendered(each, variables) for each in value]
    return value
