import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from biometric.errors import InvalidInput
from biometric.ui.session_store import PAGES, SESSIONS, SESSIONS_OF_ONE, Opening, Sessions

KEPT = 60.0


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(tmp_path: Path, clock: Clock) -> Iterator[Sessions]:
    sessions = Sessions(tmp_path, KEPT, clock)
    yield sessions
    sessions.close()


def new_key() -> str:
    return secrets.token_hex(32)


def test_sessions_are_bounded_and_take_their_files_along(sessions: Sessions) -> None:
    first, _ = sessions.open("first", new_key())
    folder = first.new_folder("clip")
    assert folder.stat().st_mode & 0o777 == 0o700
    for number in range(SESSIONS):
        sessions.open(f"s{number}", new_key(), client=f"address {number // 10}")[0].new_folder("clip")
    assert len(sessions) == SESSIONS
    assert not folder.exists()
    assert sessions.of("first") is not first


def test_an_empty_session_goes_before_one_with_footage(sessions: Sessions) -> None:
    first = sessions.of("first", client="elsewhere")
    folder = first.new_folder("clip")
    for number in range(3 * SESSIONS):
        sessions.of(f"invented {number}", client=f"address {number}")
    assert folder.exists()
    assert sessions.of("first", client="elsewhere") is first


def test_a_client_with_many_sessions_loses_its_own(sessions: Sessions) -> None:
    folder = sessions.of("first", client="elsewhere").new_folder("clip")
    for number in range(3 * SESSIONS):
        sessions.of(f"full {number}", client="attacker").new_folder("clip")
    assert folder.exists()
    assert len(sessions) == SESSIONS_OF_ONE + 1


def test_a_page_that_is_open_stays_and_more_are_refused(sessions: Sessions) -> None:
    sessions.is_open = lambda page: True
    for number in range(SESSIONS_OF_ONE):
        sessions.of(f"open {number}", client="one")
    with pytest.raises(InvalidInput, match="Too many pages"):
        sessions.of("one more", client="one")
    assert sessions.of("another", client="two")


def test_nobody_else_who_signs_in_gets_a_workspace(sessions: Sessions) -> None:
    key = new_key()
    hers, _ = sessions.open("page", key, owner="ada")
    for page in ("page",):
        with pytest.raises(InvalidInput):
            sessions.of(page, owner="bob")
        with pytest.raises(InvalidInput):
            sessions.open(page, new_key(), owner="bob")
    his, opening = sessions.open("load", key, returning=True, owner="bob")  # the same tab, after she signed out
    assert his is not hers
    assert opening is Opening.GONE
    assert sessions.find(key, "bob") is his
    assert sessions.find(key, "ada") is None
    assert sessions.find(key) is None
    assert sessions.of("page", owner="ada") is hers


def test_a_closed_page_is_kept_for_a_while(sessions: Sessions, clock: Clock) -> None:
    session = sessions.of("page")
    folder = session.new_folder("clip")
    sessions.closed("page")
    clock.now = KEPT - 1
    assert sessions.of("page") is session  # it came back without a load, as on a telephone
    clock.now += KEPT - 1
    assert sessions.of("other") is not session
    assert folder.exists()
    clock.now += 1
    sessions.of("other")
    assert not folder.exists()
    assert sessions.of("page") is not session
    sessions.closed(None)


def test_an_open_page_is_kept_however_long_it_rests(sessions: Sessions, clock: Clock) -> None:
    session = sessions.of("page")
    clock.now = 100 * KEPT
    assert sessions.of("page") is session


def test_a_reload_finds_the_workspace_under_the_key_of_its_browser_tab(sessions: Sessions, clock: Clock) -> None:
    key = new_key()
    session, opening = sessions.open("first load", key)
    assert opening is Opening.FRESH
    sessions.closed("first load")
    clock.now = KEPT - 1
    assert sessions.open("second load", key, returning=True) == (session, Opening.RESTORED)
    sessions.closed("first load")  # told late
    clock.now += 10 * KEPT
    assert sessions.of("second load") is session
    assert len(sessions) == 1


def test_what_a_page_did_before_its_key_was_known_is_kept_under_the_key(sessions: Sessions) -> None:
    key, session = new_key(), sessions.of("early")
    assert sessions.open("early", key) == (session, Opening.FRESH)
    assert sessions.open("reload", key, returning=True)[0] is session


def test_a_page_that_acted_before_its_key_was_known_joins_its_workspace(sessions: Sessions) -> None:
    key = new_key()
    session, _ = sessions.open("first", key)
    stray = sessions.of("second").new_folder("clip")
    assert sessions.open("second", key, returning=True)[0] is session
    assert sessions.of("second") is session
    assert not stray.exists()
    assert len(sessions) == 1


def test_a_key_tells_which_pages_are_open_with_its_workspace(sessions: Sessions) -> None:
    key = new_key()
    sessions.open("first", key)
    assert sessions.pages(key) == ("first",)
    sessions.closed("first")
    sessions.open("second", key, returning=True)
    assert sessions.pages(key) == ("second",)
    assert sessions.pages(new_key()) == sessions.pages("no key") == ()


def test_one_key_never_opens_another_workspace(sessions: Sessions) -> None:
    first, second = new_key(), new_key()
    one, _ = sessions.open("one", first)
    two, _ = sessions.open("two", second)
    assert one is not two
    assert sessions.open("again", second)[0] is two
    assert sessions.open("one", second)[0] is two  # the page says so itself
    assert sessions.open("third", first)[0] is one  # and the other workspace stays under its own key
    for near in (first[:-1] + ("0" if first[-1] != "0" else "1"), first.upper() + "0", f" {first}", f"{first}\n"):
        assert sessions.open("near", near)[0] not in (one, two)
        assert sessions.find(near) is not one


@pytest.mark.parametrize(
    "key", [None, "", "x", 5, ["a"], "0" * 63, "0" * 65, "G" * 64, "A" * 64, "0" * 64 + "\n", "../x"]
)
def test_a_key_of_another_form_gives_a_fresh_page_that_cannot_be_found_by_it(sessions: Sessions, key: object) -> None:
    session, opening = sessions.open("page", key, returning=False)
    assert opening is Opening.FRESH
    assert sessions.of("page") is session
    assert sessions.find(key) is None
    assert sessions.open("other", key)[0] is not session


def test_an_unknown_key_of_a_page_that_was_used_is_told_as_gone(sessions: Sessions, clock: Clock) -> None:
    key = new_key()
    assert sessions.open("page", key, returning=True)[1] is Opening.GONE
    sessions.closed("page")
    clock.now = KEPT
    assert sessions.open("late", key, returning=True)[1] is Opening.GONE
    assert sessions.open("again", key, returning=True)[1] is Opening.RESTORED


def test_page_loads_of_one_session_are_bounded(sessions: Sessions) -> None:
    key = new_key()
    session, _ = sessions.open("load", key)
    for number in range(3 * PAGES):
        sessions.open(f"load{number}", key)
    assert sessions.of("load") is not session
    assert sessions.of(f"load{3 * PAGES - 1}") is session


def test_asking_for_changes_is_a_sign_of_life(sessions: Sessions, clock: Clock) -> None:
    key = new_key()
    session, _ = sessions.open("page", key)
    sessions.closed("page")
    for _ in range(3):
        clock.now += KEPT - 1
        assert sessions.find(key) is session
    clock.now += KEPT
    sessions.of("other")
    assert sessions.find(key) is None
    assert sessions.find(new_key()) is None


@pytest.mark.parametrize("page", [None, "", "x" * 201, 5])
def test_requests_without_a_page_are_refused(sessions: Sessions, page: object) -> None:
    with pytest.raises(InvalidInput, match="open page"):
        sessions.of(page)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="open page"):
        sessions.open(page, new_key())  # type: ignore[arg-type]


def test_the_keys_themselves_are_not_kept(sessions: Sessions) -> None:
    key = new_key()
    sessions.open("page", key)
    assert key not in repr(vars(sessions))
