"""Who speaks of ending their life, and who only speaks so."""

from __future__ import annotations

import pytest

from bot.safety.crisis import LINES, is_acute, region_of

ACUTE = [
    "I want to die", "i just want to kill myself", "I'm going to end my life tonight", "I don't want to live anymore",
    "I’m suicidal", "I have suicidal thoughts again", "they'd all see, I'd be better off dead", "i wish i was dead",
    "Ich will nicht mehr leben", "ich möchte einfach nur sterben", "Ich bringe mich um", "ich habe Suizidgedanken",
    "Je veux mourir", "je pense à me suicider", "j'ai envie de mourir", "je ne veux plus vivre",
    "quiero morirme", "voy a matarme", "no quiero vivir más", "tengo ganas de morir",
    "quero morrer", "vou me matar", "não quero mais viver",
    "я хочу умереть", "Не хочу больше жить", "я убью себя",
    "もう死にたい", "消えてしまいたい", "自殺したいです",
    "我想死", "我真的不想活了", "我想自杀",
]  # fmt: skip
FIGURES = [
    "I'm dying of laughter", "kill the process with SIGKILL", "I want to die laughing", "I could kill for a pizza",
    "my phone died", "he wants to die as a hero in act three", "the suicide rate fell", "Suicide Squad was fun",
    "I don't want to live in Berlin is what she said about rent", "this deadline is killing me",
    "I died three times in this game", "I wish my battery was not dead", "how do I kill a zombie process?",
    "I want to dive into Rust", "I will die in this game again", "end it all with a semicolon", "that is to die for",
    "ich will sterben vor Lachen", "Ich lach mich tot", "das bringt mich um den Schlaf", "Wer starb in Staffel 3?",
    "je veux mourir de rire", "c'est à mourir de rire", "me muero de risa", "quiero morir de risa", "morri de rir",
    "хочу умереть со смеху", "умираю от любопытства", "笑い死にしそう", "死ぬほど食べたい",
    "想死你了", "我想死你了", "笑死我了",
]  # fmt: skip


@pytest.mark.parametrize("text", ACUTE)
def test_what_is_said_of_oneself_is_heard(text: str) -> None:
    assert is_acute(text)
    assert is_acute(f"hm. {text}, and nobody cares")


@pytest.mark.parametrize("text", FIGURES)
def test_figures_of_speech_and_other_peoples_deaths_are_left_alone(text: str) -> None:
    assert not is_acute(text)


def test_a_region_is_told_by_zone_then_as_it_is_set_then_by_locale() -> None:
    assert region_of("Europe/Vienna", "de-DE", "CH") == "AT"
    assert region_of("UTC", "de-DE", "CH") == "CH"
    assert region_of("UTC", "pt-BR", "") == "BR"
    assert region_of("", "en", "") == ""


def test_every_line_has_a_number_and_a_source() -> None:
    for country, line in LINES.items():
        assert len(country) == 2
        assert any(map(str.isdigit, line.text))
        assert line.emergency.isdigit()
        assert line.source.startswith("https://")
