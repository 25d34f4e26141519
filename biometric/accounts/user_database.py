"""Users, their sessions and tokens in one small SQLite file, apart from the gallery.

Passwords are kept as hashes of Argon2id, sessions and tokens as SHA-256 of 256 random bits: the file opens nothing.
"""

import hashlib
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from biometric.accounts.account_types import SignedIn, Token, User, clean_user_name, name_key
from biometric.accounts.passwords import hash_password, is_password
from biometric.accounts.roles import Role, lesser
from biometric.entities.actors import Actor, Channel, acting_as, current_actor
from biometric.entities.audit import AuditAction, AuditEvent, AuditValue
from biometric.errors import InvalidInput, StorageFull, UsersUnreadable
from biometric.storage.sqlite_files import (
    BUSY_SECONDS,
    DatabaseFault,
    apply_migrations,
    connect_database,
    create_database,
    database_fault,
    stored_version,
)

APPLICATION_ID = 0x51474855
SESSION_SECONDS = 12 * 3600
Clock = Callable[[], float]
Record = Callable[[AuditEvent], object]
TOKEN_PREFIX = "sightline_"  # noqa: S105 - what tokens begin with


def _first(db: sqlite3.Connection) -> None:
    db.execute("CREATE TABLE users (name TEXT PRIMARY KEY, key TEXT UNIQUE, role TEXT, password TEXT, created_at REAL)")
    db.execute(
        "CREATE TABLE sessions (digest BLOB PRIMARY KEY, user TEXT, version TEXT, address TEXT, "
        "created_at REAL, expires_at REAL)"
    )
    db.execute(
        "CREATE TABLE tokens (id TEXT PRIMARY KEY, digest BLOB UNIQUE, user TEXT, label TEXT, role TEXT, "
        "created_at REAL, expires_at REAL, used_at REAL)"
    )


_MIGRATIONS = [_first]


class UserDatabase:
    """The users of one data folder; safe for several threads and processes.

    Args:
        path: the file; made with the first user or session.
        login: name and password of a user who is no row: an admin whom the settings name; or None.
        clock: seconds since 1970.
        record: takes what is done into the audit trail, right after it is done.

    Methods raise `UsersUnreadable` where the file cannot be read, `StorageFull` where it cannot be written.
    """

    def __init__(
        self, path: Path, login: tuple[str, str] | None = None, clock: Clock = time.time, record: Record = bool
    ) -> None:
        self._path, self._record = path, record
        self._login = login
        self._login_version = secrets.token_hex(8)  # sessions of the settings' user end with the process
        self._clock = clock

    @property
    def is_needed(self) -> bool:
        """Whether people must sign in: there is somebody who can."""
        if self._login is not None:
            return True
        if not self._path.exists():
            return False
        with self._database() as db:
            return bool(db.execute("SELECT count(*) FROM users").fetchone()[0])

    def users(self) -> list[User]:
        """Return all users by name, without the one of the settings."""
        with self._database() as db:
            rows = db.execute(
                "SELECT name, role, created_at, "
                "(SELECT count(*) FROM sessions WHERE user = name AND expires_at > ?1), "
                "(SELECT count(*) FROM tokens WHERE user = name AND expires_at > ?1) FROM users ORDER BY key",
                (self._clock(),),
            )
            return [User(name, Role(role), created, sessions, tokens) for name, role, created, sessions, tokens in rows]

    def add(self, name: str, role: Role, password: str) -> None:
        """Add a user. Raises `InvalidInput`: name or password cannot be used, or the first user is no admin."""
        name = clean_user_name(name)
        stored = hash_password(password)
        with self._database(write=True) as db:
            taken = db.execute("SELECT name FROM users WHERE key = ?", (name_key(name),)).fetchone()
            if taken is not None or (self._login is not None and name_key(self._login[0]) == name_key(name)):
                raise InvalidInput("There is a user {name} already.", name=name)
            if role is not Role.ADMIN and not self._admins(db):
                raise InvalidInput("The first user must be an admin: say --role admin.")
            row = (name, name_key(name), role.value, stored, self._clock())
            db.execute("INSERT INTO users VALUES (?, ?, ?, ?, ?)", row)
        self._note(AuditAction.USER_ADDED, name, role=role.value)

    def remove(self, name: str) -> None:
        """Remove a user with all sessions and tokens. Raises `InvalidInput`: there is none, or no other admin."""
        with self._database(write=True) as db:
            name, role = self._known(db, name)
            others = db.execute("SELECT count(*) FROM users WHERE name != ?", (name,)).fetchone()[0]
            if others and role is Role.ADMIN and len(self._admins(db)) == 1:
                raise InvalidInput("{name} is the only admin. Give somebody else that role first.", name=name)
            for table in ("sessions", "tokens"):
                db.execute(f"DELETE FROM {table} WHERE user = ?", (name,))  # noqa: S608 - one of two
            db.execute("DELETE FROM users WHERE name = ?", (name,))
        self._note(AuditAction.USER_REMOVED, name)

    def set_password(self, name: str, password: str) -> None:
        """Give a user another password, which ends all sessions. Raises `InvalidInput`: as `add`, or nobody of it."""
        stored = hash_password(password)
        with self._database(write=True) as db:
            name, _ = self._known(db, name)
            db.execute("UPDATE users SET password = ? WHERE name = ?", (stored, name))
            db.execute("DELETE FROM sessions WHERE user = ?", (name,))
        self._note(AuditAction.USER_PASSWORD_SET, name)

    def set_role(self, name: str, role: Role) -> None:
        """Give a user another role, from the next request on. Raises `InvalidInput`: as `remove`."""
        with self._database(write=True) as db:
            name, former = self._known(db, name)
            if former is Role.ADMIN and role is not Role.ADMIN and len(self._admins(db)) == 1:
                raise InvalidInput("{name} is the only admin. Give somebody else that role first.", name=name)
            db.execute("UPDATE users SET role = ? WHERE name = ?", (role.value, name))
        self._note(AuditAction.USER_ROLE_SET, name, role=role.value)

    def sign_in(self, name: str, password: str, address: str) -> str | None:
        """Return the secret of a new session, None where name or password are wrong."""
        secret, known = self._session(name, password, address)
        action = AuditAction.SIGN_IN_FAILED if secret is None else AuditAction.SIGNED_IN
        self._note(action, known, by="" if secret is None else known, address=address)
        return secret

    def _session(self, name: str, password: str, address: str) -> tuple[str | None, str]:
        """Return the secret of a new session, or None, and whose the name is: "" for nobody's, it may be a password."""
        with self._database() as db:
            row = db.execute("SELECT name, password FROM users WHERE key = ?", (name_key(name),)).fetchone()
        if self._login is not None and name_key(name) == name_key(self._login[0]):
            known, version = self._login[0], self._login_version
            if not secrets.compare_digest(password.encode(), self._login[1].encode()):
                return None, known
        else:
            if not is_password(password, None if row is None else row[1]):
                return None, "" if row is None else str(row[0])
            known, version = row[0], _version(row[1])
        secret, now = secrets.token_urlsafe(32), self._clock()
        with self._database(write=True) as db:
            db.execute("DELETE FROM sessions WHERE expires_at <= ?", (now,))
            values = (_digest(secret), known, version, address, now, now + SESSION_SECONDS)
            db.execute("INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?)", values)
        return secret, known

    def session(self, secret: str) -> SignedIn | None:
        """Return who a session is of, None where it has ended or never was."""
        if not secret or not self._path.exists():
            return None
        with self._database() as db:
            row = db.execute(
                "SELECT s.user, s.version, u.role, u.password FROM sessions s LEFT JOIN users u ON u.name = s.user "
                "WHERE s.digest = ? AND s.expires_at > ?",
                (_digest(secret), self._clock()),
            ).fetchone()
        if row is None:
            return None
        name, version, role, password = row
        if password is not None:
            expected = _version(password)
        elif self._login is not None and name == self._login[0]:
            role, expected = Role.ADMIN, self._login_version
        else:
            return None
        if not secrets.compare_digest(version, expected):
            return None
        return SignedIn(name, Role(role), f"session:{_digest(secret).hex()}")

    def sign_out(self, secret: str) -> None:
        """End one session."""
        with self._database(write=True) as db:
            row = db.execute("SELECT user FROM sessions WHERE digest = ?", (_digest(secret),)).fetchone()
            db.execute("DELETE FROM sessions WHERE digest = ?", (_digest(secret),))
        if row is not None:
            self._note(AuditAction.SIGNED_OUT, row[0], by=row[0])

    def end_sessions(self, name: str) -> int:
        """End all sessions of a user; return how many there were. Raises `InvalidInput`: there is no such user."""
        with self._database(write=True) as db:
            name, _ = self._known(db, name)
            ended = db.execute("DELETE FROM sessions WHERE user = ?", (name,)).rowcount
        self._note(AuditAction.SESSIONS_ENDED, name)
        return int(ended)

    def add_token(self, name: str, role: Role, days: float, label: str = "") -> tuple[str, str]:
        """Return id and secret of a new token of a user, which is shown once.

        Raises:
            InvalidInput: there is no such user, the role is more than theirs, or the days are not 1 to 3650.
        """
        if not 0 < days <= 3650:
            raise InvalidInput("A token must be good for 1 to 3650 days.")
        secret, token_id, now = TOKEN_PREFIX + secrets.token_urlsafe(32), secrets.token_hex(4), self._clock()
        with self._database(write=True) as db:
            name, users_role = self._known(db, name)
            if not users_role.includes(role):
                raise InvalidInput("A token cannot do more than {name}, who is {role}.", name=name, role=users_role)
            values = (token_id, _digest(secret), name, label[:100], role.value, now, now + days * 86400, None)
            db.execute("INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
        self._note(AuditAction.TOKEN_ADDED, name, role=role.value, token=token_id)
        return token_id, secret

    def tokens(self) -> list[Token]:
        """Return all tokens, the latest first."""
        with self._database() as db:
            rows = db.execute(
                "SELECT id, user, label, role, created_at, expires_at, used_at FROM tokens ORDER BY created_at DESC"
            ).fetchall()
        return [
            Token(token_id, user, label, Role(role), created, expires, used)
            for token_id, user, label, role, created, expires, used in rows
        ]

    def remove_token(self, token_id: str) -> None:
        """Take a token away, from the next request on. Raises `InvalidInput`: there is none of that id."""
        with self._database(write=True) as db:
            if not db.execute("DELETE FROM tokens WHERE id = ?", (token_id,)).rowcount:
                raise InvalidInput("There is no token {token}.", token=token_id)
        self._note(AuditAction.TOKEN_REMOVED, "", token=token_id)

    def token(self, secret: str) -> SignedIn | None:
        """Return who a token is of, and what it may do: no more than its user may now. None where it is worthless."""
        if not secret.startswith(TOKEN_PREFIX) or not self._path.exists():
            return None
        now = self._clock()
        with self._database() as db:
            row = db.execute(
                "SELECT t.id, t.user, t.role, u.role, t.used_at FROM tokens t JOIN users u ON u.name = t.user "
                "WHERE t.digest = ? AND t.expires_at > ?",
                (_digest(secret), now),
            ).fetchone()
            if row is None:
                return None
            if row[4] is None or now - row[4] > 60:
                db.execute("UPDATE tokens SET used_at = ? WHERE id = ?", (now, row[0]))
        return SignedIn(row[1], lesser(Role(row[2]), Role(row[3])), f"token:{row[0]}")

    def _note(self, action: AuditAction, account: str, by: str | None = None, **details: AuditValue) -> None:
        with acting_as(current_actor() if by is None else Actor(by, Channel.PAGE, is_user=bool(by))):
            self._record(AuditEvent(action.value, details={"account": account, **details}))

    def _known(self, db: sqlite3.Connection, name: str) -> tuple[str, Role]:
        row = db.execute("SELECT name, role FROM users WHERE key = ?", (name_key(name),)).fetchone()
        if row is None:
            raise InvalidInput("There is no user {name}.", name=name)
        return row[0], Role(row[1])

    def _admins(self, db: sqlite3.Connection) -> list[str]:
        return [name for (name,) in db.execute("SELECT name FROM users WHERE role = ?", (Role.ADMIN.value,))]

    @contextmanager
    def _database(self, write: bool = False) -> Iterator[sqlite3.Connection]:
        try:
            create_database(self._path)
            db = connect_database(self._path, BUSY_SECONDS)
            try:
                version = stored_version(db, APPLICATION_ID)
                if version is None or version > len(_MIGRATIONS):
                    raise UsersUnreadable("The file of users, {path}, is not one of this program.", path=self._path)
                db.execute("BEGIN IMMEDIATE" if write or version < len(_MIGRATIONS) else "BEGIN")
                version = stored_version(db, APPLICATION_ID) or 0
                apply_migrations(db, APPLICATION_ID, version, _MIGRATIONS)
                yield db
                db.execute("COMMIT")
            finally:
                db.close()  # what was not committed is taken back
        except (sqlite3.Error, OSError) as error:
            if isinstance(error, OSError) or database_fault(error) is DatabaseFault.UNUSABLE:
                raise StorageFull("The file of users, {path}, cannot be written.", path=self._path) from error
            raise UsersUnreadable(
                "The file of users, {path}, cannot be read: {reason}. Restore it from a copy.",
                path=self._path,
                reason=error,
            ) from error


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _version(stored: str) -> str:
    """Return what changes with a stored password: sessions of a former one are worth nothing."""
    return hashlib.sha256(stored.encode()).hexdigest()[:16]
