"""Trains the gate of `memory.search.sureness`: is there anything in memory that this is about?

    python -m benchmarks.train_gate --data ../locomo --data ../beam

Questions of the conversations are what memory knows of; the small talk below, in thirteen languages, is what it does
not need to. Logistic
regression, both with the same weight; figures are leave-one-conversation-out.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks import dialogues
from benchmarks.everbot import EmbedderKind
from memory.search.search import gather, look, question_of
from memory.search.terms import telling_words

SMALL_TALK = """
Hi! | Hello there | Good morning! | Good evening, how are you? | Hey, what's up? | How's it going?
Thanks! | Thank you so much | Thanks a lot, that helps | You're welcome | Great, thanks | Perfect | Cool | Awesome!
OK | Okay, got it | Sure | Alright then | Yes please | No, not really
Maybe later | Sounds good | I see | Makes sense
Ha ha, that's funny | LOL | Wow! | Really? | No way! | Oh no
Hmm, let me think | Interesting | Good point | Never mind
Good night! | See you tomorrow | Bye for now | Talk to you soon | Have a nice day | Have a good weekend | Take care
I'm fine, thanks | I'm a bit tired today | It's raining again | I'm bored | Nothing much | Just chilling | I'm back
Can you help me? | Are you there? | Tell me a joke | Tell me something interesting | What can you do? | Who are you?
What time is it? | Please continue | Go on | Say that again?
I don't understand | Could you repeat that? | One moment
That's nice of you to say | You are so kind | I like talking to you | I'm glad to hear that | Sorry about that
Brb | Let's go | Come on | Well done | Congratulations! | Good luck! | Cheers | Why not? | I guess so | Fair enough
Guten Morgen! | Danke dir | Wie geht's? | Alles klar | Gute Nacht
Bis morgen | Das ist lustig | Ich bin müde heute | Erzähl mir einen Witz
Bonjour ! | Merci beaucoup | Ça va ? | D'accord | Bonne nuit
À demain | C'est drôle | Je suis un peu fatigué | Raconte-moi une blague
¡Buenos días! | Muchas gracias | ¿Qué tal? | Vale | Buenas noches
Hasta mañana | Qué gracioso | Hoy estoy cansado | Cuéntame un chiste
Bom dia! | Muito obrigado | Tudo bem? | Está bem | Boa noite
Até amanhã | Que engraçado | Estou um pouco cansado | Conta uma piada
Доброе утро! | Спасибо большое | Как дела? | Хорошо | Спокойной ночи
До завтра | Смешно | Я сегодня устал | Расскажи анекдот
早上好 | 谢谢你 | 你好吗？ | 好的 | 晚安 | 明天见 | 真有意思 | 我今天有点累 | 讲个笑话吧
おはよう | ありがとう | 元気？ | わかった | おやすみ | また明日 | 面白いね | 今日は疲れた | 冗談を言って
안녕하세요 | 고마워 | 잘 지내? | 알겠어 | 잘 자 | 내일 봐 | 재밌네 | 오늘 좀 피곤해 | 농담 하나 해줘
صباح الخير | شكرا جزيلا | كيف حالك؟ | حسنا | تصبح على خير | أراك غدا | هذا مضحك | أنا متعب اليوم | احك لي نكتة
सुप्रभात | बहुत धन्यवाद | कैसे हो? | ठीक है | शुभ रात्रि
कल मिलते हैं | मज़ेदार है | आज मैं थका हूँ | कोई चुटकुला सुनाओ
Günaydın | Çok teşekkürler | Nasılsın? | Tamam | İyi geceler
Yarın görüşürüz | Çok komik | Bugün yorgunum | Bana bir fıkra anlat
Dzień dobry | Dziękuję bardzo | Co słychać? | Dobrze | Dobranoc
Do jutra | To zabawne | Jestem dziś zmęczony | Opowiedz mi dowcip
"""


def small_talk() -> list[str]:
    return [text.strip() for line in SMALL_TALK.strip().splitlines() for text in line.split("|")]


async def cases(folder: Path, directory: Path, embedder: EmbedderKind) -> list[tuple[str, bool, list[float]]]:
    """(scope, is about memory, sureness) of every question, and of small talk in every scope."""
    result = []
    async with dialogues.opened(folder, directory, embedder) as talks:
        asked = [(q.scope, q.text, q.asker, True) for q in talks.questions]
        asked += [(name, text, None, False) for name in talks.agents for text in small_talk()]
        for scope, text, asker, about in asked:
            if not telling_words(text):
                continue  # never surfaced for
            agent, memory = talks.agents[scope], talks.memory
            vector = await memory.indexer.query_vector(text, "messages")
            place = await look(memory.indexer.index_of_messages, agent.id, None, vector)
            question = question_of(text, asker, agent.now)
            async with memory.store.read() as session:
                found = await gather(session, "messages", [place], question)
            result.append((scope, about, found.signs(found.features())))
    return result


def fit(some: list[tuple[str, bool, list[float]]], width: int) -> Any:
    """Weights and, last, the bias."""
    x = np.array([[*known[-width:], 1.0] for _, _, known in some])
    y = np.array([about for _, about, _ in some], float)
    share = np.where(y > 0, 0.5 / y.sum(), 0.5 / (1 - y).sum())
    weights = np.zeros(width + 1)
    for _ in range(60):  # Newton's method
        p = 1 / (1 + np.exp(-x @ weights))
        slope = x.T @ (share * (p - y)) + 1e-3 * weights
        weights -= np.linalg.solve(
            (x * (share * p * (1 - p))[:, None]).T @ x + 1e-3 * np.eye(len(weights)), slope
        )
    return weights


def main() -> None:
    options = dialogues.training_options(__doc__)
    variants: tuple[tuple[str, EmbedderKind, int], ...] = (("GATE", "auto", 2), ("GATE_OF_WORDS", "none", 1))
    with TemporaryDirectory(prefix="everbot-bench-") as scratch:
        for name, embedder, width in variants:
            root = (options.keep or Path(scratch)) / embedder
            every = [case for f in options.data for case in asyncio.run(cases(f, root / f.name, embedder))]
            passed: dict[bool, list[bool]] = {True: [], False: []}
            for scope in {scope for scope, _, _ in every}:
                weights = fit([case for case in every if case[0] != scope], width)
                for where, about, known in every:
                    if where == scope:
                        passed[about].append(float(np.dot(weights, [*known[-width:], 1.0])) >= 0)
            print(f"{name} = {tuple(round(float(w), 2) for w in fit(every, width))}")
            print(f"  opens for {100 * np.mean(passed[True]):.1f} % of questions", end=", ")
            print(f"{100 * np.mean(passed[False]):.1f} % of small talk")


if __name__ == "__main__":
    main()
