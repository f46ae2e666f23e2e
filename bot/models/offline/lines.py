"""First-person clauses that belong in core memory, and the lines that they become."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass

from bot.models.offline.lexicon import anycase, wordset


@dataclass(frozen=True)
class Line:
    """A line of core memory. ``gone``: these values no longer hold."""

    key: str
    values: tuple[str, ...]
    gone: bool = False


Maker = Callable[[re.Match[str]], list[Line]]

_LONGEST = 60  # characters of a value; a longer one is a story, not a line
_I = r"(?:i|we)(?: (?:now|currently|still|actually|really|also|just|absolutely|do|mostly|always|only))*"
_BE = r"(?:i'm|i am|we're|we are)(?: (?:now|currently|still|actually|also|originally|really|just))*"
_AGAIN = anycase(
    r"(?: (?:any ?more|any longer|now|again|too|as well|very much|so much|a lot|these days|at the moment|at all"
    r"|nowadays|really|currently|instead|today|last (?:week|month|year)|yesterday|recently))*$"
)
_CLAUSE_END = anycase(r"\s(?:because|since|when|although|though|but|so|while|if)\s")
_PLACE_END = anycase(
    rf"\s*[,;(:]|{_CLAUSE_END.pattern}|\s(?:where|which|who|as)\s"
    r"|\s(?:with|near|for|until|this|next|last|in) (?=\S)"
)
_AND = re.compile(r"\s*,\s*(?:and |or )?|\s+and\s+|\s+or\s+|\s*&\s*")
_NO_NAME = wordset(
    """a african again allergic also always american an anytime asian at australian austrian autistic back
    belgian bisexual bored brazilian british buddhist busy canadian catholic chinese christian crazy czech
    danish done down dutch english european fine finnish french friday from gay german going good great
    greek happy here hindu human hungarian hungry i if in indian irish it italian japanese jewish just
    korean late later lesbian married maybe me mexican monday muslim my never new no norwegian not now off
    ok okay old on out please polish portuguese ready real really russian sad saturday scottish single so
    sorry spanish still sunday sure swedish swiss that the this thursday tired today tomorrow too tuesday
    turkish ukrainian up vegan vegetarian very wednesday well welsh whatever when yes you your"""
)
_NO_PLACE = wordset(
    """a alone an another by different fear her here his my near next one our peace that their there this to
    together two with your"""
)
_PARTICLES = wordset("bin da de del den der di do dos la le van von")
_NAME = (
    r"(?P<name>[^\W\d_][\w'.-]*(?: (?!(?i:and|from|but|or|in|at|by|now|please|not)\b)[^\W\d_][\w'.-]*){0,3})"
)
_PERSONAL = anycase(r"\b(?:you|your|it|this|that|these|those|him|her|them|me|my|our|us|how|what|when|i|we)\b")


def _bare(text: str) -> str:
    return _AGAIN.sub("", text.strip()).strip(" '\"")


def _clause(text: str) -> str:
    return _bare(_CLAUSE_END.split(text, maxsplit=1)[0])


def _name(match: re.Match[str]) -> list[Line]:
    said = match["name"].rstrip(".-' ").split()
    sure = match.groupdict().get("sure") is not None
    words = list(itertools.takewhile(lambda w: w[0].isupper() or w in _PARTICLES, said))
    if not words and sure and len(said) <= 2:
        words = [w.capitalize() for w in said]
    whole = len(words) == len(said) and not match.string.isupper()
    if not words or words[0].lower() in _NO_NAME or not (sure or whole) or not words[-1][0].isupper():
        return []
    rest = match.string[match.end("name") :].strip()
    return [Line("Name", (" ".join(words),)), *(_place("From", rest[5:]) if rest.startswith("from ") else [])]


def _place(key: str, text: str, gone: bool = False) -> list[Line]:
    head, _, rest = map(_bare, text.partition(","))
    value = _bare(_PLACE_END.split(head, maxsplit=1)[0])
    if value == head and re.fullmatch(r"[A-Z][\w.-]*(?: [A-Z][\w.-]*){0,2}", rest):
        value = f"{value}, {rest}"
    sound = 0 < len(value) <= _LONGEST and value[0].isalpha() and value.split(" ")[0].lower() not in _NO_PLACE
    return [Line(key, (value,), gone)] if sound else []


def _at(key: str, gone: bool = False) -> Maker:
    return lambda match: _place(key, match["v"], gone)


def _value(key: str, gone: bool = False) -> Maker:
    def make(match: re.Match[str]) -> list[Line]:
        value = _bare(_clause(match["v"]).partition(",")[0])
        return [Line(key, (value,), gone)] if 0 < len(value) <= _LONGEST else []

    return make


def _items(text: str) -> tuple[str, ...]:
    items = tuple(filter(None, map(_bare, _AND.split(_clause(text)))))
    plain = all(len(i) <= 40 and not _PERSONAL.search(i) for i in items) and len(items) <= 8
    return items if plain else ()


def _list(key: str = "", *, gone: str = "") -> Maker:
    """Items of ``key``; they leave the list ``gone``."""

    def make(match: re.Match[str]) -> list[Line]:
        items = _items(match["v"])
        lines = [Line(gone, items, True)] if gone else []
        return [*lines, *([Line(key, items)] if key else [])] if items else []

    return make


_LIKES = _list("Likes", gone="Dislikes")


def _prefers(match: re.Match[str]) -> list[Line]:
    better = re.match(r"(?P<a>.{1,40}?) (?:over|to|rather than|more than) (?P<b>.{1,40})$", match["v"])
    return [Line("Prefers", (f"{better['a']} over {_bare(better['b'])}",))] if better else _LIKES(match)


def _work(match: re.Match[str]) -> list[Line]:
    said = match.groupdict(default="")
    job = re.sub(r"(?i)^(?:an?|the) ", "", said.get("job", "").strip())
    place = re.sub(r"^(?:the|a) (?=[A-Z])", "", said.get("place", ""))
    return [*([Line("Works as", (job,))] if job else []), *(_place("Works at", place) if place else [])]


def _languages(match: re.Match[str]) -> list[Line]:
    items = tuple(
        re.sub(r"^(?:fluent|some|a little|a bit of) | fluently$", "", i) for i in _items(match["v"])
    )
    return [Line("Speaks", items)] if items and all(i[:1].isupper() for i in items) else []


def _favourite(match: re.Match[str]) -> list[Line]:
    return _value("Favourite " + match["what"].lower().replace("color", "colour"))(match)


_JOBS = """teacher nurse student engineer developer programmer designer lawyer baker driver writer painter
    farmer researcher manager chef cook waiter waitress photographer plumber carpenter pilot sailor soldier
    translator librarian musician singer dancer gardener surgeon consultant accountant barista midwife
    firefighter hairdresser butcher tailor secretary clerk mechanic"""
_JOB = (
    r"(?:[a-z-]+ ){0,2}(?:[a-z-]{2,}(?:ician|ologist|tist|nist|list|rist|eer|tor|wright|smith|itect)"
    rf"|(?:{'|'.join(_JOBS.split())}))"
)
DIET = (
    r"(?:vegan|vegetarian|pescatarian|lactose[ -]intolerant|gluten[ -]free|coeliac|celiac|diabetic|teetotal)"
)

_RULES: list[tuple[str, Maker]] = [
    (rf"(?P<sure>my (?:full |first |real )?name(?:'s| is)(?: now)?) {_NAME}(?=$|[ ,.!(])", _name),
    (r"(?P<sure>(?:please )?(?:just )?(?:you (?:can|may|should) )?call me|i go by"
     rf"|(?:people|everyone|everybody|my friends|they|friends) calls? me) {_NAME}(?=$|[,.!])", _name),
    (rf"(?:i'm|i am) (?:called |named )?{_NAME}(?=$|,| from\b| and\b| by the way)", _name),
    (r"i (?:don't|no longer|do not) live in (?P<v>.+)", _at("Lives in", gone=True)),
    (rf"(?:{_I} live (?:in|at)|{_BE} (?:living|based) in) (?P<v>.+)", _at("Lives in")),
    (r"(?:i|we)(?:'ve| have)?(?: (?:just|recently|now|finally))* (?:moved|relocated)(?: (?:back|over))? to "
     r"(?P<v>.+)", _at("Lives in")),
    (rf"(?:{_BE} from|{_I} come from) (?P<v>.+)", _at("From")),
    (r"i (?:no longer|don't|do not) work (?:at|for) (?P<v>.+)", _at("Works at", gone=True)),
    (r"i (?:no longer|don't|do not) work as (?:an? )?(?P<v>.+)", _value("Works as", gone=True)),
    (rf"(?:{_I} work|{_BE} working) as (?P<job>[^,]+?)(?: (?:at|for|with) (?P<place>.+))?$", _work),
    (rf"(?:{_I} work|{_BE} working) (?:at|for) (?P<place>.+)", _work),
    (rf"{_I} (?:got|have|started|found)(?: an?)?(?: new)? job(?: as (?P<job>[^,]+?))? (?:at|with) "
     r"(?P<place>.+)", _work),
    (r"my (?:job|profession|occupation) is (?:to be )?(?P<job>[^,]+)$", _work),
    (rf"{_BE} an? (?P<job>{_JOB})(?: (?:at|for|with) (?P<place>.+))?$", _work),
    (rf"(?:{_BE}|i(?:'ve)? (?:just )?turned|my age is) (?P<v>\d{{1,3}})"
     r"(?: years?(?: old| of age)?| today| yesterday| last week)?$", _value("Age")),
    (r"(?:my birthday(?:'s| is)(?: on)?|i was born on) "
     r"(?P<v>(?!soon|today|tomorrow|coming|near|next|in\b).+)", _value("Birthday")),
    (rf"{_I} speak (?P<v>.+)", _languages),
    (rf"(?:{_BE} (?:no longer|not)) (?:an? )?(?P<v>{DIET})", _value("Diet", gone=True)),
    (rf"(?:{_BE}|i became|i(?:'ve| have)? (?:turned|gone|went)) (?:an? )?(?:strict )?(?P<v>{DIET})"
     r"(?: (?:now|again|these days|today))?$", _value("Diet")),
    (rf"{_BE} (?:not|no longer) allergic to (?P<v>.+)", _list(gone="Allergic to")),
    (rf"{_BE} (?:very |highly |severely )?allergic to (?P<v>.+)", _list("Allergic to")),
    (rf"{_I} have an? (?:severe )?(?P<v>[\w -]+?) allergy$", _list("Allergic to")),
    (r"my time ?zone(?:'s| is) (?P<v>.+)", _value("Time zone")),
    (r"my pronouns are (?P<v>.+)", _value("Pronouns")),
    (r"my favou?rite (?P<what>[a-z]+(?: [a-z]+)?)(?:'s| is| are)(?: now)? (?P<v>.+)", _favourite),
    (rf"{_I} (?:don't|do not|no longer|never)(?: really| actually)? (?:hate|dislike|mind) (?P<v>.+)",
     _list(gone="Dislikes")),
    (rf"{_I} (?:don't|do not|no longer|never)(?: really| actually)? (?:like|love|enjoy|care for) (?P<v>.+)",
     _list("Dislikes", gone="Likes")),
    (rf"{_I} (?:hate|dislike|detest|loathe|can't stand|cannot stand|can't bear) (?P<v>.+)",
     _list("Dislikes", gone="Likes")),
    (rf"{_I} prefer (?P<v>.+)", _prefers),
    (rf"{_I} (?:like|love|enjoy|adore) (?P<v>.+)", _LIKES),
    (rf"{_BE} (?:fond of|into|(?:a (?:big |huge |great )?(?:fan|lover) of)) (?P<v>.+)", _LIKES),
]  # fmt: skip
_COMPILED = [(anycase(pattern), make) for pattern, make in _RULES]


def lines_of(clause: str) -> list[Line]:
    """The lines that a clause without its final stop tells; the first rule that yields any decides."""
    matches = ((make, pattern.match(clause[:300])) for pattern, make in _COMPILED)
    return next((lines for make, match in matches if match and (lines := make(match))), [])
