"""Names in whatever case they stand."""

from __future__ import annotations

from itertools import chain, permutations

import pytest

from memory.search.people import named, without_names
from memory.search.terms import asked, indexed

SAID = {
    "pl": ("Wczoraj {} nie było w pracy, bo ma grypę.", "Co wiem o {} i co było nie tak?"),
    "ru": ("Вчера мы говорили про {}, и это было хорошо.", "Что я говорил о {} и когда?"),
    "uk": ("Вчора ми говорили про {}, і це було добре.", "Що я казав про {} і коли?"),
    "cs": ("Včera jsem mluvil o {} a bylo to dobré.", "Co jsem říkal o {} a kdy to bylo?"),
    "fi": ("Eilen minä ja {} olimme siellä, ja se oli hyvä.", "Mitä minä sanoin, kun {} oli siellä?"),
    "hu": ("Tegnap én is beszéltem {} és nagyon jó volt.", "Mit mondtam {} és mikor volt ez?"),
    "tr": ("Dün {} ile konuştum ve çok güzel oldu.", "Ben {} için ne dedim ve ne zaman?"),
    "sr": ("Juče sam ja pričao o {} i to je bilo dobro.", "Šta sam ja rekao o {} i kada je to bilo?"),
    "el": ("Χθες μίλησα για {} και ήταν καλά.", "Τι είπα για {} και πότε;"),
    "de": ("Gestern war ich bei {} und es war schön.", "Was habe ich über {} gesagt?"),
    "ro": ("Ieri am vorbit despre {} și a fost bine.", "Ce am spus despre {} și când?"),
    "ar": ("أمس تحدثت عن {} وكان هذا جيدا.", "ماذا قلت عن {} ومتى كان؟"),
    "he": ("אתמול דיברתי על {} וזה היה טוב.", "מה אמרתי על {} ומתי זה היה?"),
}
NAMES = {
    "pl": (
        "Anna Anny Annie Annę Anną",
        "Marek Marka Markowi Markiem",
        "Kasia Kasi Kasię Kasią",
        "Zofia Zofii Zofię",
    ),
    "ru": (
        "Анна Анны Анне Анну Анной",
        "Павел Павла Павлу Павлом",
        "Юрий Юрия Юрию",
        "Катя Кати Кате Катю Катей",
    ),
    "uk": ("Анна Анни Анні Анну Анною", "Марко Марка Маркові Марком", "Ольга Ольги Ользі Ольгу"),
    "cs": ("Anna Anny Anně Annu Annou", "Pavel Pavla Pavlovi Pavlem", "Katka Katky Katce Katku"),
    "fi": ("Anna Annan Annaa Annalle Annalta", "Pekka Pekan Pekkaa Pekalle", "Antti Antin Anttia Antille"),
    "hu": ("Anna Annának Annát Annával", "Péter Péternek Pétert Péterrel"),
    "tr": ("Anna Anna'nın Anna'ya Anna'dan", "Ayşe Ayşenin Ayşeye Ayşeden"),
    "sr": ("Ana Ane Ani Anu Anom", "Petar Petra Petru Petrom", "Jelena Jelene Jeleni Jelenu"),
    "el": ("Μαρία Μαρίας", "Νίκος Νίκου Νίκο"),
    "de": ("Anna Annas", "Fritz Fritzens"),
    "ro": ("Ana Anei", "Radu Radului", "Maria Mariei"),
    "ar": ("أحمد لأحمد وأحمد بأحمد", "سارة لسارة وسارة"),
    "he": ("דנה לדנה ודנה שדנה", "משה למשה ומשה"),
}


@pytest.mark.parametrize("name", SAID)
def test_a_name_is_found_in_any_case_and_no_other_is(name: str) -> None:
    said, question = SAID[name]
    stored = {case: set(indexed(said.format(case)).split()) for one in NAMES[name] for case in one.split()}
    others = set(asked(question.format("")).terms)
    for one in NAMES[name]:
        for case in one.split():
            sought = asked(question.format(case))
            terms = [term for term in sought.terms if term not in others]
            forms = set(chain.from_iterable(sought.forms.get(term, (term,)) for term in terms))
            found = {told for told, words in stored.items() if forms & (words - others)}
            assert found == set(one.split()), case


@pytest.mark.parametrize("name", SAID)
def test_whom_a_question_names_is_told_in_any_case(name: str) -> None:
    people = [one.split()[0] for one in NAMES[name]]
    for one, other in permutations(NAMES[name], 2):
        question = SAID[name][1].format(f"{one.split()[-1]} {other.split()[-1]}")
        assert named(people, question, (name,)) == [one.split()[0], other.split()[0]], question


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("What did Joanna tell Nate?", ["Nate"]),
        ("Qu'a dit elodie ?", ["Élodie"]),
        ("nobody", []),
        ("Max's", ["Max"]),
    ],
)
def test_a_name_is_no_part_of_another_and_needs_no_accent(text: str, found: list[str]) -> None:
    assert named(["Nate", "Jo", "Élodie", "Max"], text) == found


@pytest.mark.parametrize(
    ("text", "found", "rest"),
    [
        ("张伟推荐了什么？", ["张伟"], "推荐了什么？"),
        ("민수가 뭐라고 했어?", ["민수"], "가 뭐라고 했어?"),
        ("What books has Ada's son read?", ["Ada B."], "What books has son read?"),
        ("What did the dude say about books?", ["The Dude"], "What did the say about books?"),
        ("Where is the other book?", [], "Where is the other book?"),
        ("Ada", ["Ada B."], "Ada"),
        ("Who is Ada?", ["Ada B."], "Who is Ada?"),
    ],
)
def test_of_a_question_the_names_of_who_talks_are_left_out_if_anything_else_tells(
    text: str, found: list[str], rest: str
) -> None:
    people = ["张伟", "민수", "Ada B.", "The Dude"]
    assert named(people, text) == found
    assert without_names(people, text) == rest
