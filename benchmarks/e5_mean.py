"""Makes ``memory/index/e5_mean.npy``: the mean vector of plain sentences, which `memory.index.e5` takes away.

    python -m benchmarks.e5_mean memory/index/e5_mean.npy

The same six sentences in thirteen languages, about nothing in particular: what they have in common is what all texts
have in common for this model.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from memory.index.e5 import MULTILINGUAL as MODEL
from memory.index.offline import _load, find_weights

SENTENCES = """
Good morning, how are you today?
I have to go to the shops later.
That is a very good idea, thank you.
We talked about it for a long time yesterday.
What do you think I should do next?
The weather has been nice all week.
Guten Morgen, wie geht es dir heute?
Ich muss später noch einkaufen gehen.
Das ist eine sehr gute Idee, danke.
Wir haben gestern lange darüber gesprochen.
Was soll ich deiner Meinung nach als Nächstes tun?
Das Wetter war die ganze Woche schön.
Bonjour, comment vas-tu aujourd'hui ?
Je dois aller faire des courses plus tard.
C'est une très bonne idée, merci.
Nous en avons parlé longtemps hier.
Que penses-tu que je devrais faire ensuite ?
Il a fait beau toute la semaine.
Buenos días, ¿cómo estás hoy?
Tengo que ir a comprar más tarde.
Es una idea muy buena, gracias.
Ayer hablamos de ello mucho tiempo.
¿Qué crees que debería hacer ahora?
Ha hecho buen tiempo toda la semana.
Bom dia, como você está hoje?
Preciso ir às compras mais tarde.
É uma ideia muito boa, obrigado.
Ontem falamos muito tempo sobre isso.
O que você acha que devo fazer agora?
O tempo esteve bom a semana toda.
Доброе утро, как у тебя дела сегодня?
Мне нужно потом сходить в магазин.
Это очень хорошая идея, спасибо.
Мы вчера долго об этом говорили.
Как ты думаешь, что мне делать дальше?
Всю неделю стояла хорошая погода.
早上好，你今天怎么样？
我等一下要去买东西。
这是个很好的主意，谢谢。
我们昨天谈了很久。
你觉得我接下来该怎么办？
这一周天气都很好。
おはよう、今日の調子はどう？
あとで買い物に行かないといけない。
とてもいい考えだね、ありがとう。
昨日はそのことについて長く話した。
次に何をしたらいいと思う？
今週はずっと天気がよかった。
좋은 아침, 오늘 기분이 어때?
이따가 장을 보러 가야 해.
아주 좋은 생각이야, 고마워.
어제 그 일에 대해 오래 이야기했어.
이제 내가 뭘 하면 좋을까?
이번 주 내내 날씨가 좋았어.
صباح الخير، كيف حالك اليوم؟
يجب أن أذهب للتسوق لاحقًا.
هذه فكرة جيدة جدًا، شكرًا لك.
تحدثنا عن ذلك طويلًا أمس.
ماذا تظن أن علي أن أفعل بعد ذلك؟
كان الطقس جميلًا طوال الأسبوع.
सुप्रभात, आज आप कैसे हैं?
मुझे बाद में बाज़ार जाना है।
यह बहुत अच्छा विचार है, धन्यवाद।
हमने कल इस बारे में बहुत देर तक बात की।
तुम्हें क्या लगता है मुझे आगे क्या करना चाहिए?
पूरे हफ़्ते मौसम अच्छा रहा।
Günaydın, bugün nasılsın?
Daha sonra alışverişe gitmem lazım.
Bu çok iyi bir fikir, teşekkürler.
Dün bunun hakkında uzun uzun konuştuk.
Sence şimdi ne yapmalıyım?
Bütün hafta hava güzeldi.
Dzień dobry, jak się dziś masz?
Muszę później pójść na zakupy.
To bardzo dobry pomysł, dziękuję.
Wczoraj długo o tym rozmawialiśmy.
Jak myślisz, co powinienem teraz zrobić?
Przez cały tydzień była ładna pogoda.
""".strip().splitlines()


def main() -> None:
    weights = find_weights(MODEL)
    if weights is None:
        sys.exit(f"Install the package {MODEL.package}.")
    with TemporaryDirectory(prefix="everbot-bench-") as folder:
        engine = _load(MODEL, Path(folder), weights)
        rows = []
        for prefixed in (MODEL.passage, MODEL.query):
            texts = [prefixed(text) for text in SENTENCES]
            rows.append(np.mean([engine.run(engine.reader.tokens([text]))[0] for text in texts], axis=0))
    np.save(sys.argv[1], np.array(rows, np.float32))


if __name__ == "__main__":
    main()
