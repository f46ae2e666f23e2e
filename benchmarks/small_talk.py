"""Small talk in two dozen languages, for training what is not worth bringing anything to mind.

Finnish, Vietnamese, Ukrainian, Indonesian, Greek and Hebrew are left out on purpose: they tell whether it holds."""

from __future__ import annotations

_LINES = """
Hi! | Hello there | Good morning! | Good evening, how are you? | Hey, what's up? | How's it going?
Thanks! | Thank you so much | Thanks a lot, that helps | You're welcome | Great, thanks | Perfect | Cool
Awesome!
OK | Okay, got it | Sure | Alright then | Yes please | No, not really
Maybe later | Sounds good | I see | Makes sense
Ha ha, that's funny | LOL | Wow! | Really? | No way! | Oh no
Hmm, let me think | Interesting | Good point | Never mind
Good night! | See you tomorrow | Bye for now | Talk to you soon | Have a nice day | Have a good weekend
Take care
I'm fine, thanks | I'm a bit tired today | It's raining again | I'm bored | Nothing much | Just chilling
I'm back
Can you help me? | Are you there? | Tell me a joke | Tell me something interesting | What can you do?
Who are you?
What time is it? | Please continue | Go on | Say that again?
I don't understand | Could you repeat that? | One moment
That's nice of you to say | You are so kind | I like talking to you | I'm glad to hear that
Sorry about that
Brb | Let's go | Come on | Well done | Congratulations! | Good luck! | Cheers | Why not? | I guess so
Fair enough
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
صباح الخير | شكرا جزيلا | كيف حالك؟ | حسنا | تصبح على خير | أراك غدا | هذا مضحك | أنا متعب اليوم
احك لي نكتة
सुप्रभात | बहुत धन्यवाद | कैसे हो? | ठीक है | शुभ रात्रि
कल मिलते हैं | मज़ेदार है | आज मैं थका हूँ | कोई चुटकुला सुनाओ
Günaydın | Çok teşekkürler | Nasılsın? | Tamam | İyi geceler
Yarın görüşürüz | Çok komik | Bugün yorgunum | Bana bir fıkra anlat
Dzień dobry | Dziękuję bardzo | Co słychać? | Dobrze | Dobranoc
Do jutra | To zabawne | Jestem dziś zmęczony | Opowiedz mi dowcip
Hallo, wie war dein Tag? | Was machst du gerade? | Kannst du mir helfen? | Das freut mich | Kein Problem
Ich weiß nicht | Echt jetzt? | Bin wieder da | Schönes Wochenende! | Wer bist du eigentlich?
Mir ist langweilig | Klingt gut, machen wir so | Entschuldigung | Warte kurz | Viel Glück!
Salut, quoi de neuf ? | Tu es là ? | Tu peux m'aider ? | Je ne sais pas | Pas de souci
C'est gentil de ta part | Bon week-end ! | Je m'ennuie | Qui es-tu ? | Super, on fait comme ça
Désolé pour ça | Une minute | Bonne chance ! | Vraiment ? | Bonjour, comment vas-tu aujourd'hui ?
Hola, ¿cómo estás? | ¿Estás ahí? | ¿Me puedes ayudar? | No lo sé | No pasa nada | ¡Qué amable!
Buen fin de semana | Me aburro | ¿Quién eres? | Perfecto, así lo hacemos | Lo siento
Un momento, por favor | ¡Mucha suerte! | ¿En serio? | ¿Qué haces?
Oi, como você está? | Você está aí? | Pode me ajudar? | Não sei | Sem problema | Que gentil da sua parte
Bom fim de semana | Estou entediado | Quem é você? | Perfeito, combinado | Desculpa | Só um momento
Boa sorte! | Sério? | O que você está fazendo?
Привет, как ты? | Ты тут? | Можешь мне помочь? | Не знаю | Ничего страшного | Как мило с твоей стороны
Хороших выходных! | Мне скучно | Кто ты? | Отлично, договорились | Извини | Подожди минутку | Удачи!
Правда? | Что делаешь?
你好，最近怎么样？ | 你在吗？ | 你能帮我吗？ | 我不知道 | 没关系 | 你真好 | 周末愉快 | 好无聊啊
你是谁？ | 好的，就这么办 | 对不起 | 等一下 | 祝你好运 | 真的吗？ | 你在干嘛？ | 哈哈哈 | 今天天气真好
こんにちは、調子はどう？ | いる？ | 手伝ってくれる？ | わからない | 大丈夫だよ | 優しいね | 良い週末を
暇だなあ | あなたは誰？ | 了解、そうしよう | ごめんね | ちょっと待って | 頑張って！ | 本当に？
何してるの？ | ははは | いい天気だね
안녕, 요즘 어때? | 거기 있어? | 도와줄 수 있어? | 잘 모르겠어 | 괜찮아 | 정말 친절하네 | 주말 잘 보내
심심해 | 넌 누구야? | 좋아, 그렇게 하자 | 미안해 | 잠깐만 | 행운을 빌어! | 진짜? | 뭐 하고 있어? | ㅋㅋㅋ
날씨 좋다
مرحبا، كيف الحال؟ | هل أنت هنا؟ | هل يمكنك مساعدتي؟ | لا أعرف | لا مشكلة | هذا لطف منك
عطلة نهاية أسبوع سعيدة | أشعر بالملل | من أنت؟ | ممتاز، اتفقنا | آسف | لحظة من فضلك | حظا موفقا! | حقا؟
ماذا تفعل؟ | ههههه | الجو جميل اليوم
नमस्ते, क्या हाल है? | क्या तुम वहाँ हो? | क्या तुम मेरी मदद कर सकते हो? | मुझे नहीं पता | कोई बात नहीं
तुम बहुत अच्छे हो | अच्छा सप्ताहांत हो | मैं ऊब गया हूँ | तुम कौन हो? | बढ़िया, ऐसा ही करते हैं
माफ़ करना | एक मिनट रुको | शुभकामनाएँ! | सच में? | क्या कर रहे हो? | हाहाहा
Merhaba, nasıl gidiyor? | Orada mısın? | Bana yardım eder misin? | Bilmiyorum | Sorun değil
Çok naziksin | İyi hafta sonları | Canım sıkılıyor | Sen kimsin? | Harika, öyle yapalım | Özür dilerim
Bir dakika | Bol şans! | Gerçekten mi? | Ne yapıyorsun? | Hahaha | Hava çok güzel
Cześć, jak leci? | Jesteś tam? | Możesz mi pomóc? | Nie wiem | Nie ma sprawy | To miłe z twojej strony
Miłego weekendu | Nudzę się | Kim jesteś? | Super, tak zróbmy | Przepraszam | Chwileczkę | Powodzenia!
Naprawdę? | Co robisz? | Hahaha | Ładna dziś pogoda
Buongiorno! | Grazie mille | Come va? | Va bene | Buonanotte | A domani | Che ridere
Oggi sono un po' stanco | Raccontami una barzelletta | Ci sei? | Mi puoi aiutare? | Non lo so | Figurati
Che gentile | Buon fine settimana | Mi annoio | Chi sei? | Perfetto, facciamo così | Scusa | Un attimo
In bocca al lupo! | Davvero? | Che fai?
Goedemorgen! | Dankjewel | Hoe gaat het? | Oké, prima | Welterusten | Tot morgen | Wat grappig
Ik ben een beetje moe vandaag | Vertel eens een mop | Ben je daar? | Kun je me helpen? | Ik weet het niet
Geen probleem | Wat lief van je | Fijn weekend | Ik verveel me | Wie ben jij? | Top, doen we
Sorry daarvoor | Momentje | Succes! | Echt waar? | Wat ben je aan het doen?
God morgon! | Tack så mycket | Hur mår du? | Okej då | God natt | Vi ses imorgon | Vad roligt
Jag är lite trött idag | Berätta ett skämt | Är du där? | Kan du hjälpa mig? | Jag vet inte | Ingen fara
Vad snällt av dig | Trevlig helg | Jag har tråkigt | Vem är du? | Perfekt, vi gör så | Förlåt
Vänta lite | Lycka till! | Verkligen?
Dobré ráno! | Děkuji moc | Jak se máš? | Dobře | Dobrou noc | Uvidíme se zítra | To je legrační
Dnes jsem unavený | Řekni mi vtip | Jsi tam? | Můžeš mi pomoct? | Nevím | To nevadí | To je od tebe milé
Hezký víkend | Nudím se | Kdo jsi? | Skvělé, tak to uděláme | Promiň | Moment | Hodně štěstí! | Opravdu?
Jó reggelt! | Köszönöm szépen | Hogy vagy? | Rendben | Jó éjszakát | Holnap találkozunk | Ez vicces
Ma fáradt vagyok | Mondj egy viccet | Ott vagy? | Tudsz segíteni? | Nem tudom | Semmi gond
Ez kedves tőled | Jó hétvégét | Unatkozom | Ki vagy te? | Szuper, legyen így | Bocsánat | Egy pillanat
Sok szerencsét! | Tényleg?
Bună dimineața! | Mulțumesc mult | Ce mai faci? | Bine, perfect | Noapte bună | Pe mâine | Ce amuzant
Sunt cam obosit azi | Spune-mi o glumă | Ești acolo? | Mă poți ajuta? | Nu știu | Nicio problemă
Ce drăguț din partea ta | Weekend plăcut | Mă plictisesc | Cine ești? | Scuze | O clipă | Mult noroc!
Serios?
Доброто утро! | Благодаря много | Как си? | Добре | Лека нощ | До утре | Много смешно | Днес съм уморен
Разкажи ми виц | Там ли си? | Можеш ли да ми помогнеш? | Не знам | Няма проблем | Хубав уикенд
Скучно ми е | Коя си ти? | Извинявай | Момент | Успех! | Наистина ли?
สวัสดีตอนเช้า | ขอบคุณมาก | สบายดีไหม | โอเค | ราตรีสวัสดิ์ | เจอกันพรุ่งนี้ | ตลกจัง
วันนี้เหนื่อยนิดหน่อย | เล่าเรื่องตลกให้ฟังหน่อย | อยู่ไหม | ช่วยหน่อยได้ไหม | ไม่รู้สิ | ไม่เป็นไร
เบื่อจัง | คุณเป็นใคร | ขอโทษนะ | รอแป๊บ | โชคดีนะ | จริงเหรอ
صبح بخیر | خیلی ممنون | حالت چطوره؟ | باشه | شب بخیر | فردا می‌بینمت | چه خنده‌دار | امروز کمی خسته‌ام
یک جوک بگو | اونجایی؟ | می‌تونی کمکم کنی؟ | نمی‌دونم | اشکالی نداره | آخر هفته خوش بگذره
حوصله‌ام سر رفته | تو کی هستی؟ | ببخشید | یک لحظه | موفق باشی | واقعا؟
Godmorgen! | Mange tak | Hvordan går det? | Okay, fint | Godnat | Vi ses i morgen | Det er sjovt
Jeg er lidt træt i dag | Fortæl en vittighed | Er du der? | Kan du hjælpe mig? | Det ved jeg ikke
Det gør ikke noget | God weekend | Jeg keder mig | Hvem er du? | Undskyld | Lige et øjeblik
Held og lykke! | Virkelig?
Bon dia! | Moltes gràcies | Com va? | D'acord | Bona nit | Fins demà | Que divertit | Avui estic cansat
Explica'm un acudit | Hi ets? | Em pots ajudar? | No ho sé | Cap problema | Bon cap de setmana
M'avorreixo | Qui ets? | Perdona | Un moment | Molta sort! | De debò?
"""


def small_talk() -> list[str]:
    return list(
        dict.fromkeys(text.strip() for line in _LINES.strip().splitlines() for text in line.split("|"))
    )
