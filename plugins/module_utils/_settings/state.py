# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the settings component observes: catalogue, files and what overrides them; private to the collection."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._server.files import FileState
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import acting_as
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import dropin
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import preload
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.deciding import Circumstances
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import Wish
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.names import Catalogue
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.names import is_custom
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.places import AUTOMATIC_FILE
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.places import FileSetting
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.places import Place
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.places import RoleSetting
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.places import find_place
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.surroundings import circumstances
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import Parameter

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["State", "observe"]

_FILE_SETTINGS = """
SELECT f.sourcefile AS path, f.sourceline AS line, f.name, f.setting AS value, f.applied, f.error,
       CASE WHEN f.name LIKE '%.%' THEN pg_catalog.current_setting(f.name, true) END AS running
FROM pg_catalog.pg_file_settings f
ORDER BY f.seqno"""

_SETTINGS = """
SELECT s.name, s.vartype, s.context, s.unit, s.min_val AS minimum, s.max_val AS maximum, s.enumvals AS labels,
       coalesce(s.setting, '') AS setting, s.boot_val AS "default", s.source, s.sourcefile, s.pending_restart
FROM pg_catalog.pg_settings s
ORDER BY s.name"""

_ROLE_SETTINGS = """
SELECT d.datname AS database, r.rolname AS role, s.setconfig AS settings
FROM pg_catalog.pg_db_role_setting s
LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
ORDER BY s.setdatabase, s.setrole"""

_LIBRARY_DIRECTORY = """
SELECT c.setting AS directory FROM pg_catalog.pg_config c WHERE c.name = 'PKGLIBDIR' ORDER BY c.setting"""

_EXTENSIONS = """
SELECT a.name FROM pg_catalog.pg_available_extensions() a ORDER BY a.name"""

_TIMES = """
SELECT extract(epoch FROM pg_catalog.pg_conf_load_time())::float8 AS loaded,
       extract(epoch FROM pg_catalog.clock_timestamp())::float8 AS now"""


@dataclasses.dataclass(frozen=True)
class State:
    """Everything that planning needs. Times in seconds since the epoch, from the server's clock."""

    catalogue: Catalogue
    files: tuple[FileSetting, ...]
    roles: tuple[RoleSetting, ...]
    place: Place
    main: FileState
    dropin: FileState | None
    missing_libraries: tuple[str, ...]
    library_directory: str
    loaded: float
    now: float
    version: int = 0  # as server_version_num gives it
    in_recovery: bool = False
    texts: t.Mapping[str, FileState] = dataclasses.field(default_factory=dict)  # other files, where they may change
    automatic: str = AUTOMATIC_FILE  # path of what ALTER SYSTEM writes
    circumstances: Circumstances = Circumstances()
    extensions: frozenset[str] = frozenset()  # that can be installed; where a wish is about the parameters of one

    @property
    def sections(self) -> dict[str, dict[str, str]]:
        """What our file holds now."""
        return dropin.parse(self.dropin.text) if self.dropin else {}

    @property
    def written_after_loading(self) -> bool:
        """Whether our file is newer than what the server has loaded; not believed of a file from the future."""
        return self.dropin is not None and self.loaded < self.dropin.modified <= self.now


def observe(
    server: Server,
    *,
    file_name: str,
    libraries: t.Sequence[str],
    wishes: t.Sequence[Wish] = (),
    everywhere: bool = False,
) -> State:
    """Read everything; ``libraries`` are those whose files are looked for, ``everywhere`` reads the files of others too."""
    if not server.session.is_superuser:
        raise Unsupported(
            f"server parameters need a superuser, which {server.session.login} is not: pg_file_settings is theirs only"
        )
    # First the files: reading this view makes the session compare them with what runs, which sets pending_restart.
    rows = server.session.rows(_FILE_SETTINGS)
    known = [_parameter(row) for row in server.session.rows(_SETTINGS)]
    catalogue = Catalogue.of([*_placeholders(rows), *known])
    main = server.read(server.paths.config_file)
    if main is None:
        raise RampartError(f"the server's configuration file {server.paths.config_file} does not exist any more")
    place = find_place(server.paths.config_file, main.text, file_name)
    directory, missing = _missing(server, libraries, catalogue.setting("dynamic_library_path"))
    automatic = os.path.join(server.cluster.data_directory, AUTOMATIC_FILE)
    times = server.session.rows(_TIMES)[0]
    return State(
        catalogue=catalogue,
        files=tuple(_file_setting(row) for row in rows),
        roles=tuple(setting for row in server.session.rows(_ROLE_SETTINGS) for setting in _role_settings(row)),
        place=place,
        main=main,
        dropin=server.read(place.path),
        missing_libraries=missing,
        library_directory=directory,
        loaded=times["loaded"],
        now=times["now"],
        circumstances=circumstances(server, catalogue.setting("log_destination"), wishes),
        version=server.version,
        in_recovery=server.in_recovery,
        texts=_texts(server, [*(row["path"] for row in rows), automatic]) if everywhere else {},
        automatic=automatic,
        extensions=_extensions(server, catalogue, wishes),
    )


def _extensions(server: Server, catalogue: Catalogue, wishes: t.Sequence[Wish]) -> frozenset[str]:
    """Those that can be installed, where a wish is for a name that no loaded library has defined."""
    found = [catalogue.find(wish.name) for wish in wishes if is_custom(wish.name)]
    if all(parameter is not None and not parameter.placeholder for parameter in found):
        return frozenset()
    return frozenset(row["name"] for row in server.session.rows(_EXTENSIONS))


def _texts(server: Server, paths: t.Iterable[str | None]) -> dict[str, FileState]:
    """The files that the server reads, as they are now."""
    found = {path: server.read(path) for path in dict.fromkeys(paths) if path}
    return {path: state for path, state in found.items() if state is not None}


def _file_setting(row: dict[str, t.Any]) -> FileSetting:
    return FileSetting(
        path=row["path"] or "",
        line=row["line"] or 0,
        name=row["name"] or "",
        value=row["value"] or "",
        applied=bool(row["applied"]),
        error=row["error"],
    )


def _placeholders(rows: t.Sequence[dict[str, t.Any]]) -> t.Iterator[Parameter]:
    """Parameters of libraries that are not loaded: the server holds their text and does not list them."""
    for row in rows:
        if row["running"] is not None:
            yield Parameter(
                name=row["name"],
                vartype="string",
                setting=row["running"],
                source="configuration file",
                placeholder=True,
            )


def _parameter(row: dict[str, t.Any]) -> Parameter:
    return Parameter(**{**row, "labels": tuple(row["labels"] or ())})


def _role_settings(row: dict[str, t.Any]) -> t.Iterator[RoleSetting]:
    for setting in row["settings"] or ():
        name, _equals, value = setting.partition("=")
        yield RoleSetting(database=row["database"], role=row["role"], name=name, value=value)


def _missing(server: Server, libraries: t.Sequence[str], search_path: str) -> tuple[str, tuple[str, ...]]:
    """The directory of the server's libraries, and those that are in no directory where the server looks."""
    if not libraries:
        return "", ()
    directory = server.session.rows(_LIBRARY_DIRECTORY)[0]["directory"]
    missing = []
    for library in libraries:
        candidates = preload.candidate_files(library, directory, search_path)
        if not any(_is_file(server, path) for path in candidates):
            missing.append(library)
    return directory, tuple(missing)


def _is_file(server: Server, path: str) -> bool:
    with acting_as(server.owner):
        return os.path.isfile(path)
