"""Small talk from a seeded generator: of realistic length and vocabulary, and the same in every run."""

from __future__ import annotations

import random

_PEOPLE = (
    "my sister|my neighbour Ines|our old teacher|Tomas from work|the new doctor|my uncle Bela|Mira|a friend"
)
_DID = "told me about|wants to see|cannot stand|has finally fixed|was asking for|brought back|is looking for"
_THINGS = (
    "the blue bicycle|that recipe with plums|a flat near the river|the broken heating|two tickets to Ghent|"
    "the garden fence|an old camera|the choir's programme|a dentist in Porto|the chess club|our holiday plans"
)
_WHEN = "yesterday evening|last Tuesday|on the 14th|this morning|before the storm|around nine|in early spring"
_LINKS = "and then|although|because|so in the end|which is funny, since|but honestly|while at the same time"
_FEEL = (
    "I did not sleep much after that|it made me laugh for an hour|I still have to think about it|"
    "nobody had expected it|it costs about 340 euros, more than I wanted|I would rather stay at home"
)


class Texts:
    """An endless supply; equal seeds give equal texts."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)

    def said(self, low: int = 8, high: int = 60) -> str:
        """What a person might write, of about ``low`` to ``high`` words, short ones more often."""
        wanted = low + int((high - low) * self._random.random() ** 2)
        words: list[str] = []
        while len(words) < wanted:
            if words:
                words += self._pick(_LINKS).split()
            words += (
                f"{self._pick(_PEOPLE)} {self._pick(_DID)} {self._pick(_THINGS)} {self._pick(_WHEN)}".split()
            )
            if self._random.random() < 0.3:
                words += f", {self._pick(_FEEL)}".split()
        text = " ".join(words).replace(" ,", ",")
        return f"{text[0].upper()}{text[1:]}{self._random.choice('.?!.')}"

    def fact(self) -> str:
        """A statement that is worth a line in core memory."""
        return (
            f"{self._pick(_PEOPLE)} {self._pick(_DID)} {self._pick(_THINGS)} ({self._random.randrange(9999)})"
        )

    def _pick(self, choices: str) -> str:
        return self._random.choice(choices.split("|"))
