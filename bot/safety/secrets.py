"""Finds secrets in what people write by their shapes, and leaves a mask in their place. Pure.

Known by their shape: tokens of well-known services (each service's own documentation of its format, as GitHub's
"About authentication to GitHub: token formats"), JSON Web Tokens (RFC 7519), private keys (RFC 7468; RFC 9580), payment
cards (ISO/IEC 7812: the issuer's first digits, the length, Luhn's sum), passwords within addresses (RFC 3986,
3.2.1), and what is called a password or a key where it stands. An IBAN is none: whoever pays somebody is told it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

KEY, CARD, PASSWORD, PRIVATE_KEY = "API key", "card number", "password", "private key"  # kinds, no password
_PIECE, _REACH = (
    20_000,
    2_000,
)  # characters that are looked through at once, and beyond which no secret reaches
_LONGEST = 200  # characters of a password, or of a key that has no shape of its own

_TOKENS = r"""
    sk-(?:ant-|proj-|svcacct-|or-v1-)?[A-Za-z0-9_-]{20,}
    | (?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,} | whsec_[A-Za-z0-9+/=]{24,}
    | gh[pousr]_[A-Za-z0-9]{36,} | github_pat_[A-Za-z0-9_]{22,} | glpat-[A-Za-z0-9_-]{20,}
    | xox[abceoprs]-[A-Za-z0-9-]{10,} | xapp-\d-[A-Za-z0-9-]{20,}
    | (?:AKIA|ASIA)[A-Z0-9]{16}
    | AIza[A-Za-z0-9_-]{35} | ya29\.[A-Za-z0-9_-]{20,} | GOCSPX-[A-Za-z0-9_-]{28}
    | npm_[A-Za-z0-9]{36} | pypi-AgE[A-Za-z0-9_-]{50,} | hf_[A-Za-z0-9]{30,}
    | SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,} | dop_v1_[a-f0-9]{64} | shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}
    | (?:gsk|xai|pplx|r8|lin_api|ntn|sbp|dckr_pat|glsa|tfp)[_-][A-Za-z0-9_-]{30,}
    | eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}
    | \d{8,10}:AA[A-Za-z0-9_-]{33}
    | AGE-SECRET-KEY-1[A-Z0-9]{58}
"""
_BEGINNINGS = (  # of those tokens: what has none of these is passed over quickly
    "sk- sk_ rk_ whsec_ ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ glpat- xox xapp- AKIA ASIA AIza ya29. GOCSPX- npm_ pypi- "
    "hf_ SG. dop_v1_ shpat_ shpca_ shppa_ shpss_ gsk_ gsk- xai_ xai- pplx_ pplx- r8_ r8- lin_api ntn_ ntn- sbp_ sbp- "
    "dckr_pat glsa_ glsa- tfp_ tfp- eyJ :AA AGE-SECRET-KEY-"
).split()
_BOT_TOKEN = re.compile(  # Discord's; what comes before it is looked at late, which is quicker
    r"(?P<secret>[MNO](?<![A-Za-z0-9_-].)[A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,})(?![A-Za-z0-9])"
)
_TOKEN = re.compile(rf"(?<![A-Za-z0-9_-])(?P<secret>{_TOKENS})(?![A-Za-z0-9])", re.VERBOSE)
_WEBHOOK = re.compile(
    r"https://(?:hooks\.slack\.com/(?:services|workflows|triggers)/|(?:\w+\.)?discord(?:app)?\.com/api/webhooks/\d+/)"
    r"(?P<secret>[\w/-]{20,})"
)
_PEM = re.compile(
    r"-----BEGIN (?P<what>(?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?)-----.*?(?:-----END (?P=what)-----|(?=\")|\Z)",
    re.DOTALL,
)
_IN_ADDRESS = re.compile(
    r"\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@\"'<>\\]{0,80}:(?P<secret>[^\s/@\"'<>\\]{3,200})@(?=[\w\[])"
)
_BEARER = re.compile(r"\b(?:bearer|basic)[ ]+(?P<secret>[\w.~+/-]{20,}=*)", re.IGNORECASE)
_CARD = re.compile(r"(?<![\w.+-])(?<!\d[ -])(?P<secret>\d{4}(?:[ -]?\d){10,15})(?![ -]?\d|[\w]|[.,]\d)")
_GROUPS = re.compile(r"\d{14,16}|\d{4}([ -])\d{4}\1\d{4}\1\d{4}(?:\1\d{3})?|\d{4}([ -])\d{6}\2\d{4,5}")
_VERBS = r"is|was|ist|lautet|est|es|é|era|это|[:=：＝]|は|是|為|为"
_IS = rf"(?:{_VERBS}|\s[-–—]\s)"
_SPACE = r"\s{0,200}+"  # never given back: a long run of spaces would be tried in all its parts
_PASSWORDS = (
    r"pass(?:word|phrase|code|wd)|pwd|pw|pass?wort|kennwort|mot\sde\spasse|mdp|contraseña|senha|пароль|パスワード"
    r"|密码|密碼|口令"
)
_KEYS = (
    r"api[\s_-]?(?:key|token|schlüssel)|(?:secret|access|auth|client|private|session|refresh)[\s_-]?(?:key|token|secret)"
    r"|secret|token"
)
_CALLED = re.compile(
    rf"(?<![^\W_])(?:(?P<pass>{_PASSWORDS})|(?P<key>{_KEYS}))[\"'`*_]*+"
    rf"(?:\s(?!{_IS})[^\n:=.?!\[\];]{{1,40}}?)??{_SPACE}(?:{_VERBS}|(?<=\s)[-–—]\s){_SPACE}(?:[:=]{_SPACE})?"
    rf"[\"'`*「“„«]*+(?P<secret>[^\s\\\"'`「」“”„«»<>(){{}}\[\]|、。，]{{6,{_LONGEST}}})(?P<after>[(\[]?)",
    re.IGNORECASE,
)
_CALLING = (  # a word of each of those
    "pass pwd pw kennwort mdp contraseña senha пароль パスワード 密码 密碼 口令 key token schlüssel secret"
).split()
_DIGIT = re.compile(r"[0-9]")  # without one there is no token
_FOUR_DIGITS = re.compile(r"\d{4}")
_ENDS = ".,;:!?*_"
_SYMBOLS = frozenset("!@#$%^&*+=?~§")


@dataclass(frozen=True, kw_only=True)
class Masked:
    """A text without its secrets, and of what kinds these were."""

    text: str
    kinds: frozenset[str] = frozenset()


def masked(text: str, *, called: bool = True) -> Masked:
    """The text with a mask in the place of each secret, such as ``[API key not kept]``; the same text if there is none,
    and for what is masked already. Not ``called``: only what is known by its own shape."""
    kinds: set[str] = set()
    for find in _FINDERS if called else _FINDERS[:-1]:
        pieces: list[str] = []
        at = 0
        for start, end, kind in find(text):
            pieces += [text[at:start], f"[{kind} not kept]"]
            kinds.add(kind)
            at = end
        text = "".join([*pieces, text[at:]])
    return Masked(text=text, kinds=frozenset(kinds))


def bare(value: Any, *, called: bool = True) -> Any:
    """A JSON value with all its texts masked; the very same if there is nothing to mask. A text that is JSON itself is
    looked at as it is read: a line break is one there, and no backslash with an n."""
    if isinstance(value, str):
        return masked(_bare_json(value, called), called=called).text
    if isinstance(value, dict):
        items = {key: bare(one, called=called) for key, one in value.items()}
        return items if any(items[key] is not value[key] for key in value) else value
    if isinstance(value, list):
        ones = [bare(one, called=called) for one in value]
        return ones if any(one is not before for one, before in zip(ones, value, strict=True)) else value
    return value


def _bare_json(text: str, called: bool) -> str:
    """The text without the secrets that only show when it is read as JSON; the very same if it is none."""
    if not text.startswith(("{", "[")):
        return text
    try:
        value = json.loads(text)
        kept = bare(value, called=called)
    except (ValueError, RecursionError):
        return text
    return text if kept is value else json.dumps(kept, ensure_ascii=False, separators=(",", ":"))


_Span = tuple[int, int, str]


def _private_keys(text: str) -> Iterator[_Span]:
    for found in _PEM.finditer(text) if "PRIVATE KEY" in text else ():
        yield *found.span(), PRIVATE_KEY


def _shaped(
    pattern: re.Pattern[str],
    kind: str,
    is_one: Callable[[str], bool],
    may_be: Callable[[str], object] = bool,
) -> Callable[[str], Iterator[_Span]]:
    """``may_be`` passes quickly over texts that have none: the patterns take a third of a second for a million
    characters."""

    def find(text: str) -> Iterator[_Span]:
        for found in _each(pattern, text) if may_be(text) else ():
            if is_one(found["secret"]):
                yield *found.span("secret"), kind

    return find


def _called(text: str) -> Iterator[_Span]:
    """What is said to be a password, or a key."""
    at = 0
    if not _holds(text.lower(), _CALLING):
        return
    while found := next(_each(_CALLED, text, at), None):
        secret = found["secret"].rstrip(_ENDS)
        is_one = _is_password(secret) if found["pass"] else _is_random(secret)
        if is_one and not found["after"] and "://" not in secret:  # no call in a program, no address
            start = found.start("secret")
            at = start + len(secret)
            yield start, at, PASSWORD if found["pass"] else KEY
        else:  # another may be called one within what was read for it
            at = found.end("pass") if found["pass"] else found.end("key")


def _each(pattern: re.Pattern[str], text: str, at: int = 0) -> Iterator[re.Match[str]]:
    """Every match, looked for in pieces: a search holds the interpreter until it ends, in whatever thread it runs."""
    for piece in range(at, len(text), _PIECE):
        for found in pattern.finditer(text, max(at, piece), piece + _PIECE + _REACH):
            if found.start() >= piece + _PIECE:
                break
            at = found.end()
            yield found


def _holds(text: str, words: Sequence[str]) -> bool:
    return any(word in text for word in words)


def _is_token(text: str) -> bool:
    """Whether it is no word with hyphens that begins so."""
    return any(map(str.isdigit, text)) and (any(map(str.isupper, text)) or "-" not in text[4:])


def _is_password(text: str) -> bool:
    """Whether it is no mere word, as in "the password is wrong"."""
    return len(text) >= 6 and (
        any(map(str.isdigit, text))
        or not _SYMBOLS.isdisjoint(text)
        or (text != text.title() and _mixed(text))
    )


def _mixed(text: str) -> bool:
    """Capitals among small letters."""
    return any(a.islower() and b.isupper() for a, b in pairwise(text))


def _is_random(text: str) -> bool:
    """Whether nobody would choose it for a name."""
    if len(text) < 16 or not any(map(str.isdigit, text)):
        return False
    return (any(map(str.isupper, text)) and any(map(str.islower, text))) or bool(
        re.fullmatch(r"[0-9a-f]{32,}", text)
    )


def _is_card(text: str) -> bool:
    digits = re.sub(r"\D", "", text)
    return bool(_GROUPS.fullmatch(text)) and _is_issued(digits) and _luhn(digits)


def _is_issued(digits: str) -> bool:
    """Whether cards begin so, and are so long."""
    two, four, length = int(digits[:2]), int(digits[:4]), len(digits)
    if length == 16:
        return (
            digits[0] == "4"
            or 51 <= two <= 55
            or 2221 <= four <= 2720
            or two in (35, 62, 64, 65)
            or four == 6011
        )
    if length == 15:
        return two in (34, 37)
    return length == 14 and (two in (36, 38, 39) or 3000 <= four <= 3059)


def _luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    doubled = [int(d) * (2 if n % 2 else 1) for n, d in enumerate(reversed(digits))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


_FINDERS: tuple[Callable[[str], Iterator[_Span]], ...] = (
    _private_keys,
    _shaped(_TOKEN, KEY, _is_token, lambda text: _DIGIT.search(text) and _holds(text, _BEGINNINGS)),
    _shaped(_BOT_TOKEN, KEY, _is_token, _DIGIT.search),
    _shaped(_WEBHOOK, KEY, lambda text: True, lambda text: "https://" in text),
    _shaped(
        _IN_ADDRESS,
        PASSWORD,
        lambda text: not text.startswith("["),
        lambda text: "://" in text and "@" in text,
    ),
    _shaped(
        _BEARER,
        KEY,
        lambda text: any(map(str.isdigit, text)),
        lambda text: _holds(text.lower(), ("bearer", "basic")),
    ),
    _shaped(_CARD, CARD, _is_card, _FOUR_DIGITS.search),
    _called,
)
"""Most certain first: what one has masked is nothing to the next."""
