"""What was spent."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Tokens of one model request, as the model reported them; of what makes pictures, speaks and hears: how many
    pictures, characters of text, and seconds of sound."""

    prompt: int = 0
    completion: int = 0
    cached: int = 0
    pictures: int = 0
    characters: int = 0
    seconds: int = 0

    @property
    def total(self) -> int:
        """Tokens."""
        return self.prompt + self.completion

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            prompt=self.prompt + other.prompt,
            completion=self.completion + other.completion,
            cached=self.cached + other.cached,
            pictures=self.pictures + other.pictures,
            characters=self.characters + other.characters,
            seconds=self.seconds + other.seconds,
        )
