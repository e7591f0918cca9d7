"""Formats sizes, durations, numbers and dates for the reader's locale (Babel has the Unicode CLDR rules). A leaf."""

from __future__ import annotations

import datetime
import functools

from babel.core import Locale, UnknownLocaleError
from babel.dates import format_date, format_time
from babel.numbers import format_decimal, format_percent

from countersign.base.i18n import _, language, locale_name, ngettext

_UNITS = ("kB", "MB", "GB", "TB", "PB")


@functools.lru_cache(maxsize=4)
def _locale_of(name: str, spoken: str) -> Locale:
    try:
        return Locale.parse(name)
    except (ValueError, UnknownLocaleError):
        return Locale.parse(spoken)


def _locale() -> Locale:
    return _locale_of(locale_name(), language())


def number_text(n: int) -> str:
    """A whole number with group separators."""
    return format_decimal(n, locale=_locale())


def percent_text(fraction: float) -> str:
    """A fraction from 0 to 1 in whole per cent, rounded down: 100 % means all of it."""
    return format_percent(int(fraction * 100) / 100, locale=_locale())


def size_text(n: float) -> str:
    """A number of bytes in decimal units."""
    if n < 1000:
        return ngettext("{n} byte", "{n} bytes", int(n)).format(n=int(n))
    value = float(n)
    for unit in _UNITS:
        value /= 1000
        if value < 999.5 or unit == _UNITS[-1]:
            break
    number = format_decimal(value, "#,##0.0" if value < 99.95 else "#,##0", locale=_locale())
    return f"{number}\u00a0{unit}"  # no line break between number and unit


def time_text(seconds: float) -> str:
    """A duration in seconds, minutes or hours."""
    whole = max(0, round(seconds))
    if whole < 60:
        return _("{n} s").format(n=whole)
    if whole < 3600:
        return _("{m} min {s} s").format(m=whole // 60, s=whole % 60)
    return _("{h} h {m} min").format(h=whole // 3600, m=whole % 3600 // 60)


def moment_text(moment: datetime.datetime) -> str:
    """A date and time of day, in this computer's time zone."""
    local, locale = moment.astimezone().replace(tzinfo=None), _locale()
    return f"{format_date(local, 'medium', locale)}, {format_time(local, 'short', locale=locale)}"
