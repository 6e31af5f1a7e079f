"""Names of months in other languages than English, which is what formats of dates know."""

import re

_ENGLISH = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_FOREIGN = (
    "januar jänner janvier enero gennaio janeiro",
    "februar feber février fevrier febrero febbraio fevereiro",
    "märz maerz mars marzo março",
    "avril abril aprile",
    "mai mayo maggio maio",
    "juni juin junio giugno junho",
    "juli juillet julio luglio julho",
    "août aout agosto",
    "septembre septiembre settembre setembro",
    "oktober octobre octubre ottobre outubro",
    "novembre noviembre novembro",
    "dezember décembre decembre diciembre dicembre dezembro",
)
_SHORT = (
    "jän janv ene gen", "févr fév fev", "mär mrz", "avr abr", "mai mag", "giu", "juil lug",
    "août ago", "set", "okt ott out", "", "dez déc dic",
)  # fmt: skip
_TO_ENGLISH = {
    **{word: _ENGLISH[at] for at, words in enumerate(_FOREIGN) for word in words.split()},
    **{word: _ENGLISH[at][:3] for at, words in enumerate(_SHORT) for word in words.split()},
    "mai": "May",
    "sept": "Sep",
}
_WORD = re.compile(r"[^\W\d_]{3,}\.?")


def in_english(text: str) -> str:
    """A date with the name of its month in English, where it has one in another language.

    `2. März 2020` is `2. March 2020`, and `janv. 2020` is `Jan 2020`.
    """

    def translated(match: re.Match[str]) -> str:
        word = match[0].rstrip(".").lower()
        return _TO_ENGLISH.get(word, match[0])

    return _WORD.sub(translated, text) if any(map(str.isalpha, text)) else text
