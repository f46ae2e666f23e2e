"""Does it know when a line in a room is for it? Scenes that were made up, in eight languages, with what is meant for
``ever`` marked; and the weights of `bot.people.rooms`.

    python -m benchmarks.rooms [--train]

Each line is judged with all of its scene before it; figures are with the gate trained on all other scenes. What
``--train`` prints are the weights of all scenes, for `bot.people.rooms.GATE`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from benchmarks import report
from bot.events import MessageReceived, Quote, community_audience
from bot.people.rooms import SIGNS, Line, signs

_BEGIN = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
_STEPS, _RATE, _DECAY = 4_000, 0.3, 0.002
# Who, seconds since the line before, what; a star: it is for the bot.
SCENES = {
    "en, dinner": """
Ann 0 Who is in for dinner on Friday?
Ben 40 me!
Cleo 30 Can't, I'm at my sister's
Ann 20 Ben, pizza or ramen?
Ben 15 ramen
* Ann 25 ever, what was that ramen place we liked in spring?
* Ann 60 And is it open on Fridays?
Ben 30 I think it closes at ten
Cleo 45 have fun you two
""",
    "en, alone": """
* Dan 0 Good morning
* Dan 90 I finally sent the application
* Dan 60 Do you remember which documents were missing?
* Dan 400 ok, sent those too
* Dan 4000 They answered. I have an interview on Tuesday
""",
    "en, release": """
Eve 0 the build is red again
Finn 35 looking
Finn 300 it was the cache, fixed
Eve 20 thanks
* Eve 40 ever, note that the cache key must hold the compiler's version
Finn 30 good idea
* Finn 1500 ever: when did this happen last?
* Finn 60 who fixed it then?
Eve 30 that was me
Gil 15 @Eve did you write it down?
Eve 30 no :(
""",
    "en, lunch": """
Hal 0 lol
Ivy 10 what now
Hal 20 the printer speaks french
Ivy 15 since when?
Hal 30 since you touched it
Ivy 15 I did not
* Ivy 30 Ever is my witness, isn't it?
Hal 20 haha
""",
    "de, Garten": """
Jan 0 Morgen soll es regnen
Kai 30 Schon wieder?
Jan 25 Ja, bis Mittwoch
Kai 30 Jan, hast du die Tomaten abgedeckt?
Jan 20 Noch nicht
* Kai 60 Ever, erinnere mich morgen früh an die Tomaten
Jan 30 Danke, Kai
* Kai 40 Ach, um sieben bitte
Jan 400 Die Schnecken sind auch wieder da
""",
    "de, allein": """
* Lea 0 Hallo
* Lea 30 Ich habe heute meine Prüfung bestanden!
* Lea 70 Wie hieß noch das Buch, das ich danach lesen wollte?
* Lea 2000 Das Wetter ist schrecklich
""",
    "fr, voyage": """
Mia 0 Vous partez quand, vous deux ?
Noé 30 Samedi matin
Mia 20 En train ?
Noé 20 oui
* Noé 40 Ever, à quelle heure est notre train samedi ?
* Noé 50 Et le retour ?
Mia 30 Le retour c'est dimanche soir je crois
Noé 15 Mia, tu nous gardes le chat ?
Mia 20 bien sûr
""",
    "fr, seul": """
* Ola 0 Bonjour !
* Ola 40 J'ai trouvé un appartement à Lyon
* Ola 60 Tu te souviens du loyer que je voulais payer au maximum ?
""",
    "es, equipo": """
Paz 0 ¿Alguien ha visto mis llaves?
Quim 20 están en la mesa
Paz 15 gracias
Rosa 100 ¿A qué hora es el partido?
Quim 20 a las nueve
Rosa 15 ok
* Rosa 60 Ever, ¿quién ganó la última vez?
* Rosa 40 ¿Y el año pasado?
Quim 30 nosotros, claro
Paz 20 Quim, no mientas
""",
    "es, sola": """
* Sol 0 hola
* Sol 60 ayer adopté un perro, se llama Trufa
* Sol 300 ¿qué nombre te había dicho antes?
""",
    "pt, banda": """
Tom 0 ensaio hoje?
Uma 30 hoje não posso
Tom 20 e amanhã?
Uma 30 amanhã sim
Vera 40 eu também
* Tom 30 ever, marca ensaio amanhã às oito
Uma 25 boa
* Tom 200 ever, qual era a terceira música da lista?
Vera 30 era a nova
""",
    "ru, дача": """
Вера 0 Кто едет на дачу в субботу?
Гоша 40 Я еду
Дима 30 А я не могу
Вера 20 Гоша, возьмёшь пилу?
Гоша 15 Возьму
* Вера 60 Ever, что мы забыли в прошлый раз?
* Вера 40 А кто обещал привезти гвозди?
Дима 30 Я обещал...
Гоша 10 ну вот
""",
    "ru, одна": """
* Зоя 0 Привет
* Зоя 50 Сегодня сдала последний экзамен
* Зоя 90 Сколько их было всего, помнишь?
""",
    "ja, 週末": """
アキ 0 週末どうする？
ユウ 30 映画はどう？
アキ 20 いいね
ケン 40 俺は仕事
* アキ 60 Ever、前に見たいと言ってた映画は何だっけ？
* アキ 50 上映は何時から？
ユウ 30 七時だったと思う
ケン 20 楽しんで
""",
    "zh, 聚会": """
小明 0 周五谁来聚会？
小红 30 我来
小李 30 我要加班
小明 20 小红，你带什么？
小红 25 我带水果
* 小明 60 Ever 上次谁带的蛋糕？
* 小明 40 在哪家店买的？
小李 30 是我买的
小红 20 哈哈
""",
    "en, thread of two": """
* Wes 0 I want to learn the guitar
* Wes 60 How many weeks until my birthday?
Xena 30 oh nice, which guitar?
Wes 30 my dad's old one
Xena 20 does it still have strings?
Wes 25 four of them
Xena 20 haha
* Wes 40 ever, remind me on Saturday to buy strings
* Wes 20 the thin ones
Xena 40 Wes, want to come by on Sunday?
Wes 20 sure
""",
    "en, many": """
Yan 0 gg
Zoe 5 gg
Abe 5 wp
Bea 10 one more?
Yan 10 sure
Abe 10 who is tank?
Zoe 10 me
* Abe 40 ever, how many did we win this week?
Yan 20 too few
Bea 10 lol
Zoe 15 Bea, ready?
Bea 10 yes
""",
    "en, reply to another": """
Cal 0 My plant is dying
Dot 30 How often do you water it?
Cal 20 every day
Dot 20 that's why :)
Cal 20 oh
* Cal 90 Ever, how much water did I say that it needs?
Dot 40 Once a week is enough
Cal 10 ok ok
""",
}


@dataclass(frozen=True)
class Case:
    scene: str
    text: str
    meant: bool
    signs: list[float]


def cases() -> list[Case]:
    """Every line with its signs, as they are when all before it was judged rightly."""
    return [case for name, text in SCENES.items() for case in _of(name, text)]


def _of(scene: str, text: str) -> list[Case]:
    found: list[Case] = []
    lines: list[Line] = []
    at = _BEGIN
    # The room is older than the scene: the platform shows who spoke there before.
    people = dict.fromkeys(told.removeprefix("* ").split(" ", 1)[0] for told in text.strip().splitlines())
    before = tuple(Quote(key=f"room:{name}", account=f"room:{name}", text="…") for name in people)
    for told in text.strip().splitlines():
        meant = told.startswith("* ")
        name, pause, said = told.removeprefix("* ").split(" ", 2)
        at += timedelta(seconds=int(pause))
        event = MessageReceived(
            key=f"room:{len(lines)}",
            account=f"room:{name}",
            name=name,
            address="room:1",
            audience=community_audience("room:1"),
            at=at,
            addressed=False,
            text=said,
            context=before,
        )
        found.append(Case(scene, said, meant, signs(event, lines, "ever")))
        lines.append(Line(key=event.key, account=event.account, name=name, at=at, ours=meant))
    return found


def trained(known: Sequence[Case]) -> np.ndarray:
    """Weights and bias by gradient descent, both answers with the same weight in all."""
    x = np.array([[*case.signs, 1.0] for case in known])
    y = np.array([float(case.meant) for case in known])
    share = np.where(y > 0, 0.5 / y.mean(), 0.5 / (1 - y.mean()))
    weights = np.zeros(x.shape[1])
    for _ in range(_STEPS):
        error = (1 / (1 + np.exp(-x @ weights)) - y) * share
        weights -= _RATE * (x.T @ error / len(y) + _DECAY * np.append(weights[:-1], 0.0))
    return weights


def judged(known: Sequence[Case]) -> dict[str, list[tuple[Case, bool]]]:
    """Every line by a gate that was trained without its scene."""
    result: dict[str, list[tuple[Case, bool]]] = {}
    for scene in SCENES:
        weights = trained([case for case in known if case.scene != scene])
        own = [case for case in known if case.scene == scene]
        result[scene] = [(case, bool(np.dot([*case.signs, 1.0], weights) > 0)) for case in own]
    return result


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--train", action="store_true", help="print the weights of all scenes")
    options = parser.parse_args()
    known = cases()
    print(report.heading("Lines in rooms: which are for the bot"))
    result = judged(known)
    every = [pair for pairs in result.values() for pair in pairs]
    meant = [opened for case, opened in every if case.meant]
    others = [opened for case, opened in every if not case.meant]
    rows = [
        ("meant for it", len(meant), 100 * sum(meant) / len(meant)),
        ("of others, among themselves", len(others), 100 * sum(others) / len(others)),
    ]
    print(report.table(("lines", "how many", "answered %"), rows))
    for case, opened in every:
        if case.meant != opened:
            print(f"  {'unheard' if case.meant else 'answered'}: {case.scene}: {case.text}")
    if options.train:
        weights = trained(known)
        print(", ".join(f"{weight:.2f}" for weight in weights), "\n", (*SIGNS, "bias"))


if __name__ == "__main__":
    main()
