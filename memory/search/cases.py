"""Names in their other cases: Marek, Marka, Markowi. Pure.

The endings that names change for one another are a line ``cases`` of each language's file (`memory.search.language`).
"""

from __future__ import annotations

from functools import lru_cache

from memory.search import language

SHORTEST_STEM = 2  # letters of a name: Jan, Ola


@lru_cache(maxsize=4_096)
def in_other_cases(word: str, name: str, is_name: bool = True) -> tuple[str, ...]:
    """A name (small) as it may stand in a language, which a stemmer made for common words may leave apart. Of any word,
    where a language writes prepositions together with it, the word with these and without."""
    prefixes = ("", *language.phrases(name, "prefixes"))
    bases = {word, *(word.removeprefix(p) for p in prefixes if len(word) > len(p) + SHORTEST_STEM)}
    forms = [prefix + base for base in sorted(bases) for prefix in prefixes]
    for endings in language.cases(name) if is_name else ():
        for ending in endings:
            stem = word.removesuffix(ending)
            if word.endswith(ending) and len(stem) >= SHORTEST_STEM:
                forms += [stem + other for other in endings]
    return tuple(dict.fromkeys(forms))
