"""Dates in other languages, brought into English: its names are what formats of dates know."""

import re

_ENGLISH = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_FOREIGN = (
    "januar jänner januari janvier enero gennaio janeiro",
    "februar feber februari février fevrier febrero febbraio fevereiro",
    "märz maerz maart marts mars marzo março",
    "avril abril aprile",
    "mai mei maj mayo maggio maio",
    "juni juin junio giugno junho",
    "juli juillet julio luglio julho",
    "augustus augusti août aout agosto",
    "septembre septiembre settembre setembro",
    "oktober octobre octubre ottobre outubro",
    "novembre noviembre novembro",
    "dezember décembre decembre diciembre dicembre dezembro",
)
_SHORT = (
    "jän janv ene gen", "févr fév fev", "mär mrz mrt", "avr abr", "mag", "giu", "juil lug",
    "ago", "sept set", "okt ott out", "", "dez déc dic",
)  # fmt: skip
_TO_ENGLISH = {
    **{name.lower(): name for name in _ENGLISH},
    **{name[:3].lower(): name[:3] for name in _ENGLISH},
    **{word: _ENGLISH[at] for at, words in enumerate(_FOREIGN) for word in words.split()},
    **{word: _ENGLISH[at][:3] for at, words in enumerate(_SHORT) for word in words.split()},
}
_WORD = re.compile(r"[^\W\d_]{3,}\.?")
_FULL = re.compile("|".join(_ENGLISH))
# A weekday of another language is left out; only before a whole date, for `mar` is a month too.
_WEEKDAY = re.compile(
    r"(?:mon|diens|donners|frei|sams|sonn)tag|mittwoch|sonnabend|mo|di|mi|do|fr|sa|so"
    r"|(?:lun|mar|mercre|jeu|vendre|same)di|dimanche|jeu|sam|dim"
    r"|lunes|martes|mi[ée]rcoles|jueves|viernes|s[áa]bado|domingo|mi[ée]|jue|vie|s[áa]b"
    r"|(?:lune|marte|mercole|giove|vener)d[iì]|sabato|domenica|lun|mar|mer|gio|ven|dom"
    r"|(?:segunda|ter[çc]a|quarta|quinta|sexta)(?:-feira)?|seg|ter|qua|qui|sex"
    r"|(?:maan|dins|woens|donder|vrij|zater|zon)dag|ma|wo|vr|za|zo",
    re.IGNORECASE,
)
_BEFORE_DATE = re.compile(
    rf"(?:{_WEEKDAY.pattern})[.,]*\s+"
    r"(?=\d{1,2}\D{0,3}\s(?:de\s)?[^\W\d_]{3}|\d{1,4}[-/.]\d{1,2}[-/.]\d)",
    re.IGNORECASE,
)
_ORDINAL = re.compile(r"\b(\d{1,2})(?:st|nd|rd|th|er|[ºª°])(?=\W)")  # 1st May, 1er mai
_OF = re.compile(r"\s+(?:del?|of)\s+", re.IGNORECASE)  # 1 de mayo de 2020


def in_english(text: str) -> str:
    """A date with the name of its month in English, and without a foreign weekday or fill words.

    `2. März 2020` is `2. March 2020`, `janv. 2020` is `Jan 2020`, `lun 2 de enero de 2023` is
    `2 January 2023`.
    """
    if not any(map(str.isalpha, text)):
        return text

    def translated(match: re.Match[str]) -> str:
        return _TO_ENGLISH.get(match[0].rstrip(".").lower(), match[0])

    plain = _OF.sub(" ", _ORDINAL.sub(r"\1", _BEFORE_DATE.sub("", text, count=1)))
    return _WORD.sub(translated, plain)


def with_short_months(text: str) -> str:
    """A date in English with its month in three letters, as `%b` reads it: `June` is `Jun`."""
    return _FULL.sub(lambda match: match[0][:3], text)
