"""Which language a text is in, and what is known of each."""

from __future__ import annotations

import pytest
import Stemmer

from memory.search import language
from memory.search.evidence import speaks_of_itself
from memory.search.folding import folded
from memory.search.terms import asked, indexed, languages_of, telling_words


def test_every_language_has_function_words_that_are_folded_and_a_stemmer_that_exists() -> None:
    for known in language.everything():
        assert known.function, known.name
        assert all(word == folded(word) for word in known.function)
        assert known.stemmer in {"", *Stemmer.algorithms()}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ich habe den Schlüssel bei der Nachbarin gelassen", "de"),
        ("j'ai laissé la clé chez ma voisine", "fr"),
        ("nyckeln är hos min granne", "sv"),
        ("jätin avaimen naapurille koska en ole kotona", "fi"),
        ("ключ у соседки", "ru"),
        ("ключ у сусідки, бо мене немає, і це добре", "uk"),
        ("המפתח אצל השכנה", "he"),
        ("钥匙在邻居家", "zh"),
        ("鍵は隣の人に預けた", "ja"),
        ("열쇠는 이웃에게 맡겼어", "ko"),
        ("the key is with my neighbour", "en"),
        ("that one is from the movie Die Hard", "en"),
    ],
)
def test_a_text_tells_its_language(text: str, name: str) -> None:
    assert language.languages_of(text.casefold().split())[0] == name


@pytest.mark.parametrize("text", ["", "one", "Anna Berlin", "1042", "die"])
def test_a_word_or_two_tell_no_language(text: str) -> None:
    assert language.languages_of(text.casefold().split()) == ()


@pytest.mark.parametrize(
    ("said", "question"),
    [
        ("Wir haben auf der Reise drei Schlösser gesehen.", "das Schloss auf unserer Reise"),
        ("Nous avons visité les vignobles avec mes cousins.", "le vignoble et mon cousin"),
        ("Мы вчера собирали грибы в лесу.", "какой гриб был в лесах"),
        ("Dün bahçede domatesleri topladık ve sonra eve gittik.", "bahçedeki domates"),
        ("Kävimme lasten kanssa järvellä ja söimme marjoja.", "marja ja järvi ja lapset"),
        ("Wir haben auf der Reise drei Schlösser gesehen.", "Reisen Schlösser"),
    ],
)
def test_other_inflections_are_looked_up_by_a_stem_that_is_stored(said: str, question: str) -> None:
    stored = set(indexed(said).split())
    sought = asked(question)
    found = [term for term in sought.terms if stored.intersection(sought.forms.get(term, (term,)))]
    assert len(found) >= 2


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("Wo habe ich denn meinen Schlüssel?", ["schlussel"]),
        ("Où est-ce que j'ai mis mes clés ?", ["mis", "cles"]),
        ("Where did I put my keys?", ["put", "keys"]),
        ("Где мои ключи?", ["ключи"]),
        ("Kamu di mana?", []),
    ],
)
def test_function_words_of_the_questions_language_tell_nothing(question: str, words: list[str]) -> None:
    assert telling_words(question) == words


def test_signs_of_a_script_without_spaces_are_sought_by_what_is_no_function_word() -> None:
    assert "什么" not in asked("我对什么食物过敏？").terms
    assert {"食物", "过敏"} <= set(asked("我对什么食物过敏？").terms)
    assert "ア" not in asked("何にアレルギーがありますか").terms
    assert asked("犬").terms == ["犬"]


@pytest.mark.parametrize(
    ("kind", "question"),
    [
        ("when", "Wann bin ich zum Zahnarzt gegangen?"),
        ("when", "Quand est-ce que je suis allé chez le dentiste ?"),
        ("when", "Когда я был у врача?"),
        ("when", "我什么时候去看牙医？"),
        ("when", "Milloin kävin hammaslääkärissä ja kenen kanssa?"),
        ("when", "מתי הייתי אצל רופא השיניים?"),
        ("count", "Wie viele Bücher habe ich gelesen?"),
        ("count", "Сколько книг я прочитал?"),
        ("count", "本を何冊読んだか、何回ですか"),
        ("you", "Was hast du mir gestern empfohlen?"),
        ("you", "¿Qué libro me recomendaste para el viaje?"),
        ("you", "Что ты советовал мне почитать?"),
    ],
)
def test_what_a_question_asks_for_is_understood(kind: str, question: str) -> None:
    assert language.asks(kind, folded(question), languages_of(question))


@pytest.mark.parametrize("kind", ["when", "count", "you"])
@pytest.mark.parametrize(
    "text", ["Ich wohne in einem Haus mit Garten.", "Я живу в доме с садом.", "我住在有花园的房子里。"]
)
def test_what_asks_for_nothing_is_not_taken_for_a_question(kind: str, text: str) -> None:
    assert not language.asks(kind, folded(text), languages_of(text))


def test_of_a_long_question_no_more_words_are_stemmed_in_every_language_than_are_looked_up() -> None:
    sought = asked(" ".join(f"{a}{b}{c}o" for a in "bdgk" for b in "aeiu" for c in "lmnrst"))
    assert len(sought.terms) == 64
    assert sought.terms[0] == "bal"


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("what I recommended", True),
        ("was ich über den Hund gesagt habe", True),
        ("was hat sie über den Hund gesagt", False),
        ("que recomendé yo en la cena", True),
        ("что я говорил о собаке", True),
        ("что она говорила о собаке", False),
        ("我说过的餐厅", True),
        ("犬について私が言ったこと", True),
        ("犬の名前", False),
    ],
)
def test_who_speaks_of_oneself_is_told_in_any_language(text: str, own: bool) -> None:
    assert speaks_of_itself(text) is own
