"""Words of somebody who thinks of ending their life, and whom they can call.

A line is told beside the agent's answer, once a day. It is meant to miss little that is said of oneself, and to leave
alone what is a figure of speech; of what others say, or a story tells, nothing is taken. No more than words is
understood.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.language import marked
from bot.safety.notices import Place, notice
from memory.records import OutboxRow, User

LINE = marked(
    "You do not have to be alone with this. {line} is there to listen. If you are in danger now, call {emergency}."
)
NOWHERE = marked(
    "You do not have to be alone with this. https://findahelpline.com shows who listens in your country. If you are in "
    "danger now, call your emergency number."
)

_LOOKED_AT = 20_000  # characters of a message
_EMERGENCY = "112"  # which mobile networks take everywhere (3GPP TS 22.101, 10.1)


@dataclass(frozen=True)
class Line:
    """Whom to call; ``source`` is who runs it, or the state's word on it."""

    text: str
    emergency: str
    source: str


LINES: Mapping[str, Line] = {
    "AT": Line("TelefonSeelsorge: 142", "112", "https://www.telefonseelsorge.at"),
    "AU": Line("Lifeline: 13 11 14", "000", "https://www.lifeline.org.au"),
    "BE": Line(
        "Zelfmoordlijn: 1813, Centre de Prévention du Suicide: 0800 32 123",
        "112",
        "https://www.zelfmoord1813.be",
    ),
    "BR": Line("CVV: 188", "192", "https://cvv.org.br"),
    "CA": Line("9-8-8: 988", "911", "https://988.ca"),
    "CH": Line("Die Dargebotene Hand, La Main Tendue: 143", "144", "https://www.143.ch"),
    "CN": Line("全国统一心理援助热线: 12356", "120", "https://www.nhc.gov.cn"),
    "DE": Line("TelefonSeelsorge: 0800 111 0 111, 116 123", "112", "https://www.telefonseelsorge.de"),
    "ES": Line("Línea de atención a la conducta suicida: 024", "112", "https://www.sanidad.gob.es/linea024"),
    "FR": Line("3114", "15", "https://3114.fr"),
    "GB": Line("Samaritans: 116 123", "999", "https://www.samaritans.org"),
    "IE": Line("Samaritans: 116 123", "112", "https://www.samaritans.org/ireland"),
    "IN": Line("Tele MANAS: 14416", "112", "https://telemanas.mohfw.gov.in"),
    "JP": Line(
        "よりそいホットライン: 0120-279-338 (岩手・宮城・福島: 0120-279-226)",
        "119",
        "https://www.since2011.net/yorisoi",
    ),
    "MX": Line("Línea de la Vida: 800 911 2000", "911", "https://www.gob.mx/lineadelavida"),
    "NZ": Line("1737", "111", "https://1737.org.nz"),
    "PT": Line("Linha Nacional de Prevenção do Suicídio: 1411", "112", "https://www.sns24.gov.pt"),
    "US": Line("988 Suicide & Crisis Lifeline: 988", "911", "https://988lifeline.org"),
}
"""By country (ISO 3166-1): those that docs/safety.md says were confirmed, and when."""
_ZONES = {
    "Europe/Vienna": "AT", "Europe/Brussels": "BE", "America/Sao_Paulo": "BR", "America/Bahia": "BR",
    "America/Fortaleza": "BR", "America/Recife": "BR", "America/Manaus": "BR", "America/Toronto": "CA",
    "America/Vancouver": "CA", "America/Edmonton": "CA", "America/Winnipeg": "CA", "America/Halifax": "CA",
    "Europe/Zurich": "CH", "Asia/Shanghai": "CN", "Europe/Berlin": "DE", "Europe/Busingen": "DE", "Europe/Madrid": "ES",
    "Atlantic/Canary": "ES", "Europe/Paris": "FR", "Europe/London": "GB", "Europe/Dublin": "IE", "Asia/Kolkata": "IN",
    "Asia/Tokyo": "JP", "America/Mexico_City": "MX", "America/Monterrey": "MX", "America/Tijuana": "MX",
    "Pacific/Auckland": "NZ", "Europe/Lisbon": "PT", "Europe/Moscow": "RU", "Asia/Yekaterinburg": "RU",
    "Asia/Novosibirsk": "RU", "Europe/Samara": "RU", "Asia/Vladivostok": "RU", "America/New_York": "US",
    "America/Chicago": "US", "America/Denver": "US", "America/Los_Angeles": "US", "America/Phoenix": "US",
    "America/Detroit": "US", "America/Anchorage": "US", "Pacific/Honolulu": "US", "Australia/Sydney": "AU",
    "Australia/Melbourne": "AU", "Australia/Brisbane": "AU", "Australia/Perth": "AU", "Australia/Adelaide": "AU",
}  # fmt: skip
_WORDS = r"""
    \bi(?:['’]?m|\sam)?\s(?:really\s|just\s|so\s|often\s)*(?:want|wanna|wish|going|gonna|plan|planning
        |intend|need|will|might|could|about)
    (?:\s(?:to|gonna|wanna|i|could|was|were|be))*\s(?:die|dead|kill\smyself|end\s(?:my\s(?:own\s)?life
        |it\sall)|take\smy\s(?:own\s)?life|hang\smyself)\b
    | \b(?:killing|kill|hang(?:ing)?|shoot(?:ing)?|drown(?:ing)?)\smyself\b
    | \b(?:end|ending|take|taking)\smy\s(?:own\s)?life\b
    | \bi(?:['’]?m|\sam)\s(?:feeling\s|so\s|really\s)*suicidal\b
    | \b(?:my|have|having)\ssuicidal\sthoughts\b
    | \bi(?:['’]ll|\swill)\scommit\ssuicide\b
    | \bi\s(?:do\snot|don['’]?t)\s(?:want\sto|wanna)\s(?:live(?!\s(?:in\s(?!this\sworld)|near|with|at|on
        |there|here|next|under))|be\salive|exist)\b
    | \b(?:i['’]?d\sbe|i['’]?m|everyone\sis)\sbetter\soff\s(?:dead|without\sme)\b
    | \bich\s(?:will|m[öo]chte|werde|wollte|k[öo]nnte)\s(?:\w+\s){0,2}?(?:nicht\smehr\sleben|sterben
        |tot\ssein|mich\sumbringen|mich\st[öo]ten)\b
    | \bmich\s(?:selbst\s)?umbringen\b
    | \bbringe?\smich\s(?:jetzt\s|heute\s|bald\s)?um\b
    | \bmir\sdas\sleben\snehmen\b
    | \bmeine?\s(?:suizid|selbstmord)gedanken\b
    | \bhabe\s(?:suizid|selbstmord)gedanken\b
    | \bmag\snicht\smehr\sleben\b
    | \bje\s(?:veux|vais|voudrais|pense\s[àa])\s(?:mourir|me\stuer|me\ssuicider|en\sfinir\savec\sla\svie)\b
    | \bme\ssuicider\b
    | \bj['’]ai\senvie\sde\s(?:mourir|me\stuer)\b
    | \b(?:plus|pas)\senvie\sde\svivre\b
    | \bje\sne\sveux\splus\svivre\b
    | \b(?:quiero|voy\sa|quisiera|pienso)\s(?:morir(?:me)?|matarme|suicidarme|quitarme\sla\svida)\b
    | \bno\squiero\s(?:seguir\s)?(?:vivir|viviendo)(?:\sm[áa]s)?\b
    | \bganas\sde\s(?:morir(?:me)?|matarme)\b
    | \bquitarme\sla\svida\b
    | \b(?:quero|vou|queria|penso\sem)\s(?:morrer|me\smatar|me\ssuicidar
        |tirar\s(?:a\s)?minha\s(?:pr[óo]pria\s)?vida)\b
    | \bn[ãa]o\squero\smais\sviver\b
    | \bvontade\sde\s(?:morrer|me\smatar)\b
    | \b(?:я\s)?хочу\s(?:умереть|сдохнуть|убить\sсебя|покончить\sс\sсобой)\b
    | \bпокончу\sс\sсобой\b
    | \bубью\sсебя\b
    | \b(?:я\s)?(?:больше\s)?не\sхочу\s(?:больше\s)?жить\b
    | \bмысли\sо\sсамоубийстве\b
    | 死にたい
    | 自殺したい
    | 自殺しよう
    | 消えてしまいたい
    | 生きていたくない
    | 死のうと思
    | 死んでしまいたい
    | 我(?:真的?)?(?:好)?想(?:去)?死(?!你|他|她|我|了你)
    | 我(?:真的)?(?:想|要)自杀
    | (?:我|真的)不想活(?:了|下去)?
    | 结束(?:我|自己)的?生命
    | 活不下去了
"""
_FIGURE = re.compile(
    r"^.{0,12}?(?:laugh|of\s(?:shame|embarrass|bored|hunger|cute)|in\s(?:the|this|that|my)\s(?:game|level|dungeon|dream|raid)|on\sthis\shill|process|vor\s(?:lachen|scham|langeweile)|"
    r"de\srire|de\shonte|de\srisa|de\sverg[üu]enza|de\srir|de\svergonha|[со]т?\s?(?:смеху|смеха|стыда)|笑)",
    re.IGNORECASE,
)
_CRISIS = re.compile(_WORDS, re.IGNORECASE | re.VERBOSE)


def is_acute(text: str) -> bool:
    """Whether somebody says of themselves that they think of ending their life."""
    return any(not _FIGURE.search(text[found.end() : found.end() + 40]) for found in _CRISIS.finditer(text))


def region_of(zone: str, locale: str, default: str) -> str:
    """The country that a person is likely in: by their time zone, as it is set, by their locale."""
    told = locale.replace("_", "-").partition("-")[2].upper()[:2]
    return _ZONES.get(zone) or default or told


class Crisis:
    """``own`` are an operator's lines by country, "*" of all others; ``region`` is where people are taken to be who do
    not tell."""

    def __init__(self, on: bool, region: str, own: Mapping[str, str]) -> None:
        self._on = on
        self._region = region
        self._own = own

    def line(self, text: str, user: User, locale: str, place: Place, now: datetime) -> OutboxRow | None:
        """What the person is told beside the answer, once a day; None: the text is not of that kind."""
        if not self._on or not is_acute(text[:_LOOKED_AT]):
            return None
        country = region_of(user.timezone, locale or user.locale, self._region)
        known = LINES.get(country)
        own = self._own.get(country) or self._own.get("*")
        occasion = f"crisis/{user.id}/{now:%Y-%m-%d}"
        if own or known:
            emergency = known.emergency if known else _EMERGENCY
            line = own or (known.text if known else "")
            return notice(occasion, place, LINE, now, line=line, emergency=emergency)
        return notice(occasion, place, NOWHERE, now)
