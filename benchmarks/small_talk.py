"""Small talk in 26 languages, for training what is not worth bringing anything to mind.

Finnish, Vietnamese, Ukrainian, Indonesian, Greek and Hebrew are left out on purpose: they tell whether it holds."""

from __future__ import annotations

import re

_LINES = """
[en] Hi! | Hello there | Good morning! | Good evening, how are you? | Hey, what's up? | How's it going? |
Thanks! | Thank you so much | Thanks a lot, that helps | You're welcome | Great, thanks | Perfect | Cool |
Awesome! | OK | Okay, got it | Sure | Alright then | Yes please | No, not really | Maybe later | Sounds good |
I see | Makes sense | Ha ha, that's funny | LOL | Wow! | Really? | No way! | Oh no | Hmm, let me think |
Interesting | Good point | Never mind | Good night! | See you tomorrow | Bye for now | Talk to you soon |
Have a nice day | Have a good weekend | Take care | I'm fine, thanks | I'm a bit tired today |
It's raining again | I'm bored | Nothing much | Just chilling | I'm back | Can you help me? | Are you there? |
Tell me a joke | Tell me something interesting | What can you do? | Who are you? | What time is it? |
Please continue | Go on | Say that again? | I don't understand | Could you repeat that? | One moment |
That's nice of you to say | You are so kind | I like talking to you | I'm glad to hear that |
Sorry about that | Brb | Let's go | Come on | Well done | Congratulations! | Good luck! | Cheers | Why not? |
I guess so | Fair enough | Morning! | Hello again | Hi there, how have you been? | Thank you, you're the best |
That was helpful | No worries | My pleasure | Of course | Exactly | Absolutely | I agree | Not now |
Just kidding | You're funny | That makes me happy | What a day | I'm hungry | I'm so sleepy | I just woke up |
I have to go now | See you later | Sweet dreams | Happy birthday! | Merry Christmas! | Same here |
How do you feel today? | Do you like me? | Are you a robot? | Can we talk? | What shall we talk about? |
I missed you | Sing me a song | Say something nice | Yes | No | Maybe | Hurry up | Good job | Please wait |
It's hot today | Nothing special, and you? | Everything is fine | I don't feel like it | Let me know |
Whatever you want | Start over | Stop it
[de] Guten Morgen! | Danke dir | Wie geht's? | Alles klar | Gute Nacht | Bis morgen | Das ist lustig |
Ich bin müde heute | Erzähl mir einen Witz | Hallo, wie war dein Tag? | Was machst du gerade? |
Kannst du mir helfen? | Das freut mich | Kein Problem | Ich weiß nicht | Echt jetzt? | Bin wieder da |
Schönes Wochenende! | Wer bist du eigentlich? | Mir ist langweilig | Klingt gut, machen wir so |
Entschuldigung | Warte kurz | Viel Glück! | Hallo zusammen | Moin | Na, wie läuft's? |
Vielen Dank für deine Hilfe | Gern geschehen | Genau | Stimmt | Ich bin deiner Meinung | War nur Spaß |
Was für ein Tag | Ich habe Hunger | Ich bin gerade aufgewacht | Ich muss jetzt los | Bis später |
Träum was Schönes | Frohe Weihnachten | Bist du ein Roboter? | Worüber wollen wir reden? |
Ich habe dich vermisst | Ja, bitte | Nein, danke | Heiß heute | Und bei dir?
[fr] Bonjour ! | Merci beaucoup | Ça va ? | D'accord | Bonne nuit | À demain | C'est drôle |
Je suis un peu fatigué | Raconte-moi une blague | Salut, quoi de neuf ? | Tu es là ? | Tu peux m'aider ? |
Je ne sais pas | Pas de souci | C'est gentil de ta part | Bon week-end ! | Je m'ennuie | Qui es-tu ? |
Super, on fait comme ça | Désolé pour ça | Une minute | Bonne chance ! | Vraiment ? |
Bonjour, comment vas-tu aujourd'hui ? | Salut tout le monde | Ça roule ? | Merci pour ton aide | De rien |
Exactement | Tu as raison | Je plaisante | Quelle journée | J'ai faim | Je viens de me réveiller |
Je dois y aller | À plus tard | Fais de beaux rêves | Joyeux Noël | Tu es un robot ? | De quoi on parle ? |
Tu m'as manqué | Oui, s'il te plaît | Non merci | Il fait chaud aujourd'hui | Et toi ? | C'est vrai
[es] ¡Buenos días! | Muchas gracias | ¿Qué tal? | Vale | Buenas noches | Hasta mañana | Qué gracioso |
Hoy estoy cansado | Cuéntame un chiste | Hola, ¿cómo estás? | ¿Estás ahí? | ¿Me puedes ayudar? | No lo sé |
No pasa nada | ¡Qué amable! | Buen fin de semana | Me aburro | ¿Quién eres? | Perfecto, así lo hacemos |
Lo siento | Un momento, por favor | ¡Mucha suerte! | ¿En serio? | ¿Qué haces? | Hola a todos | ¿Cómo va todo? |
Gracias por tu ayuda | De nada | Exacto | Tienes razón | Es broma | Vaya día | Tengo hambre |
Acabo de despertar | Tengo que irme | Hasta luego | Dulces sueños | Feliz Navidad | ¿Eres un robot? |
¿De qué hablamos? | Te he echado de menos | Sí, por favor | No, gracias | Hoy hace calor | ¿Y tú? | Es verdad
[pt] Bom dia! | Muito obrigado | Tudo bem? | Está bem | Boa noite | Até amanhã | Que engraçado |
Estou um pouco cansado | Conta uma piada | Oi, como você está? | Você está aí? | Pode me ajudar? | Não sei |
Sem problema | Que gentil da sua parte | Bom fim de semana | Estou entediado | Quem é você? |
Perfeito, combinado | Desculpa | Só um momento | Boa sorte! | Sério? | O que você está fazendo? | Oi gente |
Tudo certo? | Obrigado pela ajuda | De nada | Exatamente | Você tem razão | Estou brincando | Que dia |
Estou com fome | Acabei de acordar | Preciso ir | Até mais tarde | Bons sonhos | Feliz Natal |
Você é um robô? | Sobre o que vamos falar? | Senti sua falta | Sim, por favor | Não, obrigado |
Está calor hoje | E você? | É verdade
[ru] Доброе утро! | Спасибо большое | Как дела? | Хорошо | Спокойной ночи | До завтра | Смешно |
Я сегодня устал | Расскажи анекдот | Привет, как ты? | Ты тут? | Можешь мне помочь? | Не знаю |
Ничего страшного | Как мило с твоей стороны | Хороших выходных! | Мне скучно | Кто ты? |
Отлично, договорились | Извини | Подожди минутку | Удачи! | Правда? | Что делаешь? | Всем привет | Как жизнь? |
Спасибо за помощь | Не за что | Точно | Ты прав | Шучу | Ну и денёк | Я голоден | Я только проснулся |
Мне пора | До скорого | Сладких снов | С Рождеством! | Ты робот? | О чём поговорим? | Я скучал по тебе |
Да, пожалуйста | Нет, спасибо | Сегодня жарко | А ты как? | Это правда | Здравствуйте | Понятно | Ладно | Ого |
Пока
[zh] 早上好 | 谢谢你 | 你好吗？ | 好的 | 晚安 | 明天见 | 真有意思 | 我今天有点累 | 讲个笑话吧 |
你好，最近怎么样？ | 你在吗？ | 你能帮我吗？ | 我不知道 | 没关系 | 你真好 | 周末愉快 | 好无聊啊 | 你是谁？ |
好的，就这么办 | 对不起 | 等一下 | 祝你好运 | 真的吗？ | 你在干嘛？ | 哈哈哈 | 今天天气真好 | 大家好 |
最近忙吗？ | 谢谢你的帮助 | 不客气 | 没错 | 你说得对 | 开玩笑的 | 今天真累 | 我饿了 | 我刚起床 | 我得走了 |
待会儿见 | 做个好梦 | 圣诞快乐 | 你是机器人吗？ | 我们聊点什么？ | 我想你了 | 好的，麻烦你 | 不用了，谢谢 |
今天好热 | 你呢？ | 真的 | 嗯嗯 | 是啊 | 哇 | 太好了 | 没事 | 随便 | 再见 | 早安 | 下午好 | 吃了吗？ |
我回来了 | 加油 | 别担心 | 好吧 | 知道了 | 让我想想 | 再说一遍 | 你真聪明
[ja] おはよう | ありがとう | 元気？ | わかった | おやすみ | また明日 | 面白いね | 今日は疲れた | 冗談を言って |
こんにちは、調子はどう？ | いる？ | 手伝ってくれる？ | わからない | 大丈夫だよ | 優しいね | 良い週末を |
暇だなあ | あなたは誰？ | 了解、そうしよう | ごめんね | ちょっと待って | 頑張って！ | 本当に？ | 何してるの？ |
ははは | いい天気だね | みなさんこんにちは | 最近どう？ | 手伝ってくれてありがとう | どういたしまして |
その通り | 君の言う通りだ | 冗談だよ | 大変な一日だった | お腹すいた | 今起きたところ | もう行かなきゃ |
またね | いい夢を | メリークリスマス | 君はロボットなの？ | 何を話そうか | 会いたかったよ | はい、お願い |
いいえ、結構です | 今日は暑いね | あなたは？ | 本当だよ | うん | そうだね | すごい | よかった | 気にしないで |
ただいま | こんばんは
[ko] 안녕하세요 | 고마워 | 잘 지내? | 알겠어 | 잘 자 | 내일 봐 | 재밌네 | 오늘 좀 피곤해 | 농담 하나 해줘 |
안녕, 요즘 어때? | 거기 있어? | 도와줄 수 있어? | 잘 모르겠어 | 괜찮아 | 정말 친절하네 | 주말 잘 보내 |
심심해 | 넌 누구야? | 좋아, 그렇게 하자 | 미안해 | 잠깐만 | 행운을 빌어! | 진짜? | 뭐 하고 있어? | ㅋㅋㅋ |
날씨 좋다 | 여러분 안녕 | 요즘 바빠? | 도와줘서 고마워 | 천만에 | 맞아 | 네 말이 맞아 | 농담이야 |
정말 힘든 하루였어 | 배고파 | 방금 일어났어 | 이제 가야 해 | 이따 봐 | 좋은 꿈 꿔 | 메리 크리스마스 |
너 로봇이야? | 무슨 얘기 할까? | 보고 싶었어 | 응, 부탁해 | 아니, 괜찮아 | 오늘 덥다 | 너는? | 정말이야 | 응 |
그래 | 와 | 잘됐다 | 신경 쓰지 마 | 다녀왔어 | 안녕히 계세요
[ar] صباح الخير | شكرا جزيلا | كيف حالك؟ | حسنا | تصبح على خير | أراك غدا | هذا مضحك | أنا متعب اليوم |
احك لي نكتة | مرحبا، كيف الحال؟ | هل أنت هنا؟ | هل يمكنك مساعدتي؟ | لا أعرف | لا مشكلة | هذا لطف منك |
عطلة نهاية أسبوع سعيدة | أشعر بالملل | من أنت؟ | ممتاز، اتفقنا | آسف | لحظة من فضلك | حظا موفقا! | حقا؟ |
ماذا تفعل؟ | ههههه | الجو جميل اليوم | أهلا بالجميع | كيف تسير الأمور؟ | شكرا على مساعدتك | عفوا | بالضبط |
معك حق | أمزح فقط | يا له من يوم | أنا جائع | استيقظت للتو | يجب أن أذهب | أراك لاحقا | أحلاما سعيدة |
عيد ميلاد مجيد | هل أنت روبوت؟ | عن ماذا نتحدث؟ | اشتقت إليك | نعم من فضلك | لا شكرا | الجو حار اليوم | وأنت؟ |
هذا صحيح | نعم | لا بأس | مساء الخير | السلام عليكم | رائع
[hi] सुप्रभात | बहुत धन्यवाद | कैसे हो? | ठीक है | शुभ रात्रि | कल मिलते हैं | मज़ेदार है | आज मैं थका हूँ |
कोई चुटकुला सुनाओ | नमस्ते, क्या हाल है? | क्या तुम वहाँ हो? | क्या तुम मेरी मदद कर सकते हो? | मुझे नहीं पता |
कोई बात नहीं | तुम बहुत अच्छे हो | अच्छा सप्ताहांत हो | मैं ऊब गया हूँ | तुम कौन हो? |
बढ़िया, ऐसा ही करते हैं | माफ़ करना | एक मिनट रुको | शुभकामनाएँ! | सच में? | क्या कर रहे हो? | हाहाहा |
सबको नमस्ते | सब कैसा चल रहा है? | मदद के लिए धन्यवाद | कोई बात नहीं जी | बिल्कुल | तुम सही हो |
मज़ाक कर रहा हूँ | क्या दिन था | मुझे भूख लगी है | मैं अभी उठा हूँ | मुझे जाना है | बाद में मिलते हैं |
मीठे सपने | क्या तुम रोबोट हो? | किस बारे में बात करें? | तुम्हारी याद आई | हाँ, कृपया | नहीं, धन्यवाद |
आज गर्मी है | और तुम? | यह सच है | हाँ | अच्छा | वाह | शुभ संध्या
[tr] Günaydın | Çok teşekkürler | Nasılsın? | Tamam | İyi geceler | Yarın görüşürüz | Çok komik |
Bugün yorgunum | Bana bir fıkra anlat | Merhaba, nasıl gidiyor? | Orada mısın? | Bana yardım eder misin? |
Bilmiyorum | Sorun değil | Çok naziksin | İyi hafta sonları | Canım sıkılıyor | Sen kimsin? |
Harika, öyle yapalım | Özür dilerim | Bir dakika | Bol şans! | Gerçekten mi? | Ne yapıyorsun? | Hahaha |
Hava çok güzel | Herkese merhaba | İşler nasıl? | Yardımın için teşekkürler | Rica ederim | Aynen | Haklısın |
Şaka yapıyorum | Ne gündü ama | Acıktım | Yeni uyandım | Gitmem lazım | Sonra görüşürüz | Tatlı rüyalar |
Mutlu yıllar | Robot musun? | Ne konuşalım? | Seni özledim | Evet, lütfen | Hayır, teşekkürler |
Bugün hava sıcak | Ya sen? | Doğru | Evet | Peki | Vay | İyi akşamlar
[pl] Dzień dobry | Dziękuję bardzo | Co słychać? | Dobrze | Dobranoc | Do jutra | To zabawne |
Jestem dziś zmęczony | Opowiedz mi dowcip | Cześć, jak leci? | Jesteś tam? | Możesz mi pomóc? | Nie wiem |
Nie ma sprawy | To miłe z twojej strony | Miłego weekendu | Nudzę się | Kim jesteś? | Super, tak zróbmy |
Przepraszam | Chwileczkę | Powodzenia! | Naprawdę? | Co robisz? | Hahaha | Ładna dziś pogoda |
Cześć wszystkim | Jak tam? | Dzięki za pomoc | Nie ma za co | Dokładnie | Masz rację | Żartuję | Co za dzień |
Jestem głodny | Dopiero wstałem | Muszę lecieć | Na razie | Słodkich snów | Wesołych Świąt | Jesteś robotem? |
O czym pogadamy? | Tęskniłem za tobą | Tak, poproszę | Nie, dziękuję | Gorąco dzisiaj | A ty? | To prawda |
No dobra | Dobry wieczór
[it] Buongiorno! | Grazie mille | Come va? | Va bene | Buonanotte | A domani | Che ridere |
Oggi sono un po' stanco | Raccontami una barzelletta | Ci sei? | Mi puoi aiutare? | Non lo so | Figurati |
Che gentile | Buon fine settimana | Mi annoio | Chi sei? | Perfetto, facciamo così | Scusa | Un attimo |
In bocca al lupo! | Davvero? | Che fai? | Ciao a tutti | Come stai oggi? | Grazie per l'aiuto | Prego |
Esatto | Hai ragione | Sto scherzando | Che giornata | Ho fame | Mi sono appena svegliato | Devo andare |
A dopo | Sogni d'oro | Buon Natale | Sei un robot? | Di cosa parliamo? | Mi sei mancato | Sì, grazie |
No, grazie | Oggi fa caldo | E tu? | È vero | Buonasera
[nl] Goedemorgen! | Dankjewel | Hoe gaat het? | Oké, prima | Welterusten | Tot morgen | Wat grappig |
Ik ben een beetje moe vandaag | Vertel eens een mop | Ben je daar? | Kun je me helpen? | Ik weet het niet |
Geen probleem | Wat lief van je | Fijn weekend | Ik verveel me | Wie ben jij? | Top, doen we | Sorry daarvoor |
Momentje | Succes! | Echt waar? | Wat ben je aan het doen? | Hoi allemaal | Alles goed? | Hoe is het met je? |
Bedankt voor je hulp | Graag gedaan | Precies | Je hebt gelijk | Grapje | Wat een dag | Ik heb honger |
Ik ben net wakker | Ik moet gaan | Tot later | Doei | Slaap lekker | Fijne kerst | Ben je een robot? |
Waar zullen we het over hebben? | Ik heb je gemist | Ja graag | Nee, dank je | Het is warm vandaag | En jij? |
Dat is waar | Goedenavond | Leuk | Mooi zo | Laat maar | Fijne dag nog | Haha, goeie
[sv] God morgon! | Tack så mycket | Hur mår du? | Okej då | God natt | Vi ses imorgon | Vad roligt |
Jag är lite trött idag | Berätta ett skämt | Är du där? | Kan du hjälpa mig? | Jag vet inte | Ingen fara |
Vad snällt av dig | Trevlig helg | Jag har tråkigt | Vem är du? | Perfekt, vi gör så | Förlåt | Vänta lite |
Lycka till! | Verkligen? | Hej allihopa | Läget? | Tack för hjälpen | Varsågod | Precis | Du har rätt |
Jag skojar | Vilken dag | Jag är hungrig | Jag vaknade nyss | Jag måste gå | Vi hörs | Sov gott | God jul |
Är du en robot? | Vad ska vi prata om? | Jag har saknat dig | Ja tack | Nej tack | Det är varmt idag |
Och du? | Det är sant | God kväll
[no] God morgen! | Tusen takk | Hvordan har du det? | Ok, greit | God natt | Vi sees i morgen | Så morsomt |
Jeg er litt trøtt i dag | Fortell en vits | Kan du hjelpe meg? | Det vet jeg ikke | Det går fint |
Ha en fin helg | Jeg kjeder meg | Hvem er du? | Beklager | Et øyeblikk | Lykke til! | Jeg er sulten
[da] Godmorgen! | Mange tak | Hvordan går det? | Okay, fint | Godnat | Vi ses i morgen | Det er sjovt |
Jeg er lidt træt i dag | Fortæl en vittighed | Er du der? | Kan du hjælpe mig? | Det ved jeg ikke |
Det gør ikke noget | God weekend | Jeg keder mig | Hvem er du? | Undskyld | Lige et øjeblik | Held og lykke! |
Virkelig? | Hej alle sammen | Hvad så? | Tak for hjælpen | Selv tak | Præcis | Du har ret | Det er bare sjov |
Sikke en dag | Jeg er sulten | Jeg er lige vågnet | Jeg må gå | Vi ses senere | Sov godt | Glædelig jul |
Er du en robot? | Hvad skal vi snakke om? | Jeg har savnet dig | Ja tak | Nej tak | Det er varmt i dag |
Og dig? | Det er rigtigt | God aften
[cs] Dobré ráno! | Děkuji moc | Jak se máš? | Dobře | Dobrou noc | Uvidíme se zítra | To je legrační |
Dnes jsem unavený | Řekni mi vtip | Jsi tam? | Můžeš mi pomoct? | Nevím | To nevadí | To je od tebe milé |
Hezký víkend | Nudím se | Kdo jsi? | Skvělé, tak to uděláme | Promiň | Moment | Hodně štěstí! | Opravdu? |
Ahoj všichni | Jak to jde? | Díky za pomoc | Není zač | Přesně | Máš pravdu | Dělám si legraci | To byl den |
Mám hlad | Právě jsem vstal | Musím jít | Zatím ahoj | Sladké sny | Veselé Vánoce | Jsi robot? |
O čem si popovídáme? | Chyběl jsi mi | Ano, prosím | Ne, děkuji | Dnes je horko | A ty? | To je pravda |
Dobrý večer
[hu] Jó reggelt! | Köszönöm szépen | Hogy vagy? | Rendben | Jó éjszakát | Holnap találkozunk | Ez vicces |
Ma fáradt vagyok | Mondj egy viccet | Ott vagy? | Tudsz segíteni? | Nem tudom | Semmi gond | Ez kedves tőled |
Jó hétvégét | Unatkozom | Ki vagy te? | Szuper, legyen így | Bocsánat | Egy pillanat | Sok szerencsét! |
Tényleg? | Sziasztok | Mi újság? | Köszi a segítséget | Szívesen | Pontosan | Igazad van | Csak viccelek |
Micsoda nap | Éhes vagyok | Most keltem fel | Mennem kell | Később találkozunk | Szép álmokat |
Boldog karácsonyt | Robot vagy? | Miről beszélgessünk? | Hiányoztál | Igen, kérlek | Nem, köszönöm |
Meleg van ma | És te? | Ez igaz | Jó estét
[ro] Bună dimineața! | Mulțumesc mult | Ce mai faci? | Bine, perfect | Noapte bună | Pe mâine | Ce amuzant |
Sunt cam obosit azi | Spune-mi o glumă | Ești acolo? | Mă poți ajuta? | Nu știu | Nicio problemă |
Ce drăguț din partea ta | Weekend plăcut | Mă plictisesc | Cine ești? | Scuze | O clipă | Mult noroc! |
Serios? | Salut tuturor | Cum merge? | Mulțumesc pentru ajutor | Cu plăcere | Exact | Ai dreptate | Glumesc |
Ce zi | Mi-e foame | Tocmai m-am trezit | Trebuie să plec | Ne vedem mai târziu | Vise plăcute |
Crăciun fericit | Ești robot? | Despre ce vorbim? | Mi-a fost dor de tine | Da, te rog | Nu, mulțumesc |
E cald azi | Și tu? | E adevărat | Bună seara
[bg] Доброто утро! | Благодаря много | Как си? | Добре | Лека нощ | До утре | Много смешно | Днес съм уморен |
Разкажи ми виц | Там ли си? | Можеш ли да ми помогнеш? | Не знам | Няма проблем | Хубав уикенд | Скучно ми е |
Коя си ти? | Извинявай | Момент | Успех! | Наистина ли? | Здравей | Как върви? | Благодаря за помощта |
Няма за какво | Точно така | Прав си | Шегувам се | Какъв ден | Гладен съм | Току-що се събудих |
Трябва да тръгвам | До после | Сладки сънища | Весела Коледа | Робот ли си? | За какво да говорим? |
Липсваше ми | Да, моля | Не, благодаря | Горещо е днес | А ти? | Вярно е | Добър вечер
[sr] Dobro jutro! | Hvala puno | Kako si? | U redu | Laku noć | Vidimo se sutra | Baš smešno |
Malo sam umoran danas | Ispričaj mi vic | Jesi li tu? | Možeš li mi pomoći? | Ne znam | Nema problema |
Lep vikend | Dosadno mi je | Ko si ti? | Izvini | Samo trenutak | Srećno! | Stvarno? | Šta radiš?
[ca] Bon dia! | Moltes gràcies | Com va? | D'acord | Bona nit | Fins demà | Que divertit | Avui estic cansat |
Explica'm un acudit | Hi ets? | Em pots ajudar? | No ho sé | Cap problema | Bon cap de setmana | M'avorreixo |
Qui ets? | Perdona | Un moment | Molta sort! | De debò? | Hola a tothom | Com anem? | Gràcies per l'ajuda |
De res | Exacte | Tens raó | És broma | Quin dia | Tinc gana | M'acabo de despertar | Me n'he d'anar |
Fins després | Dolços somnis | Bon Nadal | Ets un robot? | De què parlem? | T'he trobat a faltar |
Sí, si us plau | No, gràcies | Avui fa calor | I tu?
[th] สวัสดีตอนเช้า | ขอบคุณมาก | สบายดีไหม | โอเค | ราตรีสวัสดิ์ | เจอกันพรุ่งนี้ | ตลกจัง |
วันนี้เหนื่อยนิดหน่อย | เล่าเรื่องตลกให้ฟังหน่อย | อยู่ไหม | ช่วยหน่อยได้ไหม | ไม่รู้สิ | ไม่เป็นไร |
เบื่อจัง | คุณเป็นใคร | ขอโทษนะ | รอแป๊บ | โชคดีนะ | จริงเหรอ | สวัสดีทุกคน | เป็นไงบ้าง | ขอบคุณที่ช่วย |
ด้วยความยินดี | ถูกต้อง | คุณพูดถูก | ล้อเล่นน่ะ | วันนี้หนักมาก | หิวแล้ว | เพิ่งตื่น | ต้องไปแล้ว |
แล้วเจอกัน | ฝันดีนะ | คุณเป็นหุ่นยนต์ไหม | คุยเรื่องอะไรดี | คิดถึงนะ | ได้เลย | ไม่เป็นไร ขอบคุณ |
วันนี้ร้อนจัง | แล้วคุณล่ะ | จริงด้วย
[fa] صبح بخیر | خیلی ممنون | حالت چطوره؟ | باشه | شب بخیر | فردا می‌بینمت | چه خنده‌دار | امروز کمی خسته‌ام |
یک جوک بگو | اونجایی؟ | می‌تونی کمکم کنی؟ | نمی‌دونم | اشکالی نداره | آخر هفته خوش بگذره | حوصله‌ام سر رفته |
تو کی هستی؟ | ببخشید | یک لحظه | موفق باشی | واقعا؟ | سلام به همه | اوضاع چطوره؟ | ممنون از کمکت |
خواهش می‌کنم | دقیقا | حق با توئه | شوخی می‌کنم | عجب روزی | گرسنه‌ام | تازه بیدار شدم | باید برم |
بعدا می‌بینمت | خواب‌های خوب ببینی | تو رباتی؟ | درباره چی حرف بزنیم؟ | دلم برات تنگ شده بود | بله لطفا |
نه ممنون | امروز هوا گرمه | تو چی؟ | درسته | سلام، خوبی؟ | خداحافظ | آره | چه جالب | خوبم مرسی | عصر بخیر |
چیکار می‌کنی؟ | خیلی خوب | هههه | نگران نباش
"""
_LANGUAGE = re.compile(r"\[([a-z]{2})\]([^\[]+)")


def by_language() -> dict[str, list[str]]:
    found = {name: text.split("|") for name, text in _LANGUAGE.findall(_LINES)}
    return {name: [stripped for text in texts if (stripped := text.strip())] for name, texts in found.items()}


def small_talk() -> list[str]:
    return list(dict.fromkeys(text for texts in by_language().values() for text in texts))
