# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a login reads in a log that is not in English; private to the collection."""

from __future__ import annotations

__all__ = ["LOGINS"]

LOGINS = (
    "Verbindung autorisiert: Benutzer=",
    "conexión autorizada: usuario=",
    "connexion autorisée : utilisateur=",
    "connessione autorizzata: utente=",
    "接続が認証されました: ユーザー=",
    "接続の認証完了: ユーザー=",
    "შეერთება ავტორიზებულია: მომხმარებელი=",
    "연결 인증: user=",
    "conexão autorizada: usuário=",
    "подключение авторизовано: пользователь=",
    "anslutning auktoriserad: användare=",
    "підключення авторизовано: користувач=",
    "连接已授权: user=",
    "連線已授權: user=",
)
"""The begin of "connection authorized: user=" in PostgreSQL's own translations of 13 to 18."""
