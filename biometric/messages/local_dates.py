"""Dates and times as the language of this process writes them, on the clock of this machine."""

import datetime as clock

from biometric.messages.translation import SOURCE, language


def long_day(stamp: str) -> str:
    """Return "4 December 2026" of an ISO 8601 time stamp."""
    return _formatted_day(stamp, "long")


def short_day(stamp: str) -> str:
    """Return "4 Dec 2026" of an ISO 8601 time stamp."""
    return _formatted_day(stamp, "medium")


def day_of(date: str | None) -> str:
    """Return "4 December 2026" of a date such as "2026-12-04", or of a time stamp; what is none is said as it is."""
    from babel.dates import format_date

    try:
        moment = clock.datetime.fromisoformat(date or "")
        day = (moment if moment.tzinfo is None else moment.astimezone()).date()
        return format_date(day, "long", locale=_locale())
    except ValueError:
        return date or ""


def day_and_time(stamp: str) -> str:
    """Return "4 December 2026, 09:12" of an ISO 8601 time stamp."""
    return f"{long_day(stamp)}, {time_of_day(stamp)}"


def utc_time(stamp: str) -> str:
    """Return "4 December 2026, 08:12 UTC" of an ISO 8601 time stamp, which is the same on every machine's clock."""
    from babel.dates import format_date, format_time

    moment, locale = clock.datetime.fromisoformat(stamp).astimezone(clock.UTC), _locale()
    return f"{format_date(moment, 'long', locale=locale)}, {format_time(moment, 'short', locale=locale)} UTC"


def time_of_day(stamp: str) -> str:
    """Return "09:12" of an ISO 8601 time stamp."""
    from babel.dates import format_time

    return format_time(_moment(stamp), "short", locale=_locale())


def _formatted_day(stamp: str, form: str) -> str:
    from babel.dates import format_date

    return format_date(_moment(stamp).date(), form, locale=_locale())


def _moment(stamp: str) -> clock.datetime:
    return clock.datetime.fromisoformat(stamp).astimezone()


def _locale() -> str:
    return "en_GB" if language() == SOURCE else language()  # the day first, 24 hours
