"""The page on which an admin manages users and tokens: plain forms, each answered with the page anew."""

from datetime import UTC, datetime

from biometric.accounts.account_types import SignedIn, User
from biometric.accounts.roles import ROLE_NAMES, read_role
from biometric.accounts.user_database import UserDatabase
from biometric.errors import BiometricError, InvalidInput
from biometric.messages import describe_error
from biometric.messages.translation import gettext as _
from biometric.messages.translation import language, ngettext
from biometric.ui.asgi import Scope
from biometric.ui.sign_in import form_values
from biometric.ui.templating import render
from biometric.ui.text_format import short_day

PATH = "/sightline/users"


class UsersPage:
    """Answers requests for the page.

    Args:
        users: who is managed.
    """

    def __init__(self, users: UserDatabase) -> None:
        self._users = users

    def __call__(self, who: SignedIn, scope: Scope, body: bytes) -> tuple[int, str]:
        """Do what a form asks for; return status and HTML."""
        problem = done = secret = ""
        if scope["method"] == "POST":
            try:
                done, secret = self._act(form_values(body))
            except BiometricError as error:
                problem = describe_error(error)
        roles = [(role.value, _(text)) for role, text in ROLE_NAMES.items()]
        html = render(
            "users.html",
            language=language(),
            problem=problem,
            done=done,
            secret=secret,
            users=self._users.users(),
            tokens=self._users.tokens(),
            roles=roles,
            names=dict(roles),
            sessions=_sessions,
            day=lambda seconds: short_day(datetime.fromtimestamp(seconds, UTC).isoformat()),
        )
        return (422 if problem else 200), html

    def _act(self, form: dict[str, str]) -> tuple[str, str]:
        """Return what was done, and the secret of a new token."""
        name = form.get("name", "")
        match form.get("do", ""):
            case "add":
                self._users.add(name, read_role(form.get("role", "")), form.get("password", ""))
                return _("{name} was added.").format(name=name), ""
            case "role":
                self._users.set_role(name, read_role(form.get("role", "")))
                return _("{name} has another role.").format(name=name), ""
            case "password":
                self._users.set_password(name, form.get("password", ""))
                return _("{name} has another password, and all sessions have ended.").format(name=name), ""
            case "sign-out":
                self._users.end_sessions(name)
                return _("All sessions of {name} have ended.").format(name=name), ""
            case "remove" if "sure" in form:
                self._users.remove(name)
                return _("{name} was removed.").format(name=name), ""
            case "add-token":
                days = form.get("days", "")
                role = read_role(form.get("role", ""))
                number = float(days) if days.isascii() and days.isdecimal() else 0.0
                return "", self._users.add_token(name, role, number, form.get("label", ""))[1]
            case "remove-token":
                self._users.remove_token(form.get("token", ""))
                return _("The token was taken away."), ""
            case _:
                raise InvalidInput("This form could not be understood. Reload the page and try again.")


def _sessions(user: User) -> str:
    return ngettext("{number} session", "{number} sessions", user.sessions).format(number=user.sessions)
