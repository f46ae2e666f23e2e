"""Times as people tell them in other languages than English; what is said on a Saturday in November."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.search import language, time_words
from memory.search.dates import span_of
from memory.search.evidence import timing
from memory.search.folding import folded
from memory.search.terms import languages_of
from memory.search.time_phrases import phrase_of

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
SAID = {
    "de": """
        am letzten Dienstag = 2026-11-17
        Was habe ich letzten Sommer gemacht? = 2026-06-01
        Was war vor zwei Wochen? = 2026-11-02
        im März 2024 = 2024-03-01
        am 5. März = 2026-03-05
        am 5.3.2024 = 2024-03-05
        Wo war ich gestern Abend = 2026-11-20
        im letzten Jahr im März = 2025-03-01
        letzte Woche am Montag = 2026-11-09
        vor einem Monat = 2026-10-01
        in den letzten drei Tagen = 2026-11-18
        im Sommer 2021 = 2021-06-01
        Was sagte April dazu = -
        im April = 2026-04-01
        Meine Cousine hat letzte Woche ein Kind bekommen = 2026-11-09
        12. Mai = 2026-05-12
    """,
    "es": """
        el verano pasado = 2026-06-01
        el martes pasado = 2026-11-17
        hace dos semanas = 2026-11-02
        el 5 de marzo de 2024 = 2024-03-05
        ¿Qué dijo Julio ayer? = 2026-11-20
        en marzo = 2026-03-01
        la semana pasada = 2026-11-09
        en marzo del año pasado = 2025-03-01
        el mes pasado = 2026-10-01
        ¿Qué dijo Julio? = -
        el pasado mes de marzo = 2026-03-01
    """,
    "fr": """
        l'été dernier = 2026-06-01
        mardi dernier = 2026-11-17
        il y a deux semaines = 2026-11-02
        le 5 mars 2024 = 2024-03-05
        avant-hier = 2026-11-19
        en mars = 2026-03-01
        l'année dernière = 2025-01-01
        les trois derniers jours = 2026-11-18
    """,
    "it": """
        l'estate scorsa = 2026-06-01
        martedì scorso = 2026-11-17
        due settimane fa = 2026-11-02
        a marzo = 2026-03-01
        il mese scorso = 2026-10-01
    """,
    "pt": """
        no verão passado = 2026-06-01
        na terça-feira passada = 2026-11-17
        há duas semanas = 2026-11-02
        em março do ano passado = 2025-03-01
    """,
    "nl": """
        vorige zomer = 2026-06-01
        afgelopen dinsdag = 2026-11-17
        twee weken geleden = 2026-11-02
    """,
    "pl": """
        w zeszłym roku w marcu = 2025-03-01
        zeszłego lata = 2026-06-01
        w zeszły wtorek = 2026-11-17
        dwa tygodnie temu = 2026-11-02
        w marcu = 2026-03-01
        Co mówiła Maja? = -
        5 marca 2024 = 2024-03-05
    """,
    "cs": """
        minulé léto = 2026-06-01
        minulý týden = 2026-11-09
        před dvěma týdny = 2026-11-02
        v březnu = 2026-03-01
        loni v létě = 2025-06-01
    """,
    "ru": """
        в марте = 2026-03-01
        прошлым летом = 2026-06-01
        в прошлый вторник = 2026-11-17
        две недели назад = 2026-11-02
        неделю назад = 2026-11-09
        в прошлом году = 2025-01-01
        5 марта 2024 года = 2024-03-05
        в марте прошлого года = 2025-03-01
        позавчера = 2026-11-19
        за последние три дня = 2026-11-18
        в 2023 году = 2023-01-01
    """,
    "uk": """
        минулого літа = 2026-06-01
        торік у березні = 2025-03-01
        минулого вівторка = 2026-11-17
        два тижні тому = 2026-11-02
    """,
    "bg": """
        миналото лято = 2026-06-01
        преди две седмици = 2026-11-02
        през март = 2026-03-01
    """,
    "sr": """
        prošlog leta = 2026-06-01
        prije dva tjedna = 2026-11-02
        u ožujku = 2026-03-01
        prošle nedelje = 2026-11-09
    """,
    "sv": """
        förra sommaren = 2026-06-01
        i somras = 2026-06-01
        i tisdags = 2026-11-17
        för två veckor sedan = 2026-11-02
        i mars = 2026-03-01
        i går = 2026-11-20
    """,
    "da": """
        sidste sommer = 2026-06-01
        for to uger siden = 2026-11-02
        i tirsdags = 2026-11-17
    """,
    "no": """
        i fjor sommer = 2025-06-01
        forrige uke = 2026-11-09
        for to uker siden = 2026-11-02
    """,
    "fi": """
        viime kesänä = 2026-06-01
        viime tiistaina = 2026-11-17
        kaksi viikkoa sitten = 2026-11-02
        maaliskuussa = 2026-03-01
        viime vuonna = 2025-01-01
    """,
    "hu": """
        tavaly nyáron = 2025-06-01
        múlt kedden = 2026-11-17
        két héttel ezelőtt = 2026-11-02
        két hete = 2026-11-02
        márciusban = 2026-03-01
        a múlt héten = 2026-11-09
        2024. március 5-én = 2024-03-05
    """,
    "ro": """
        vara trecută = 2026-06-01
        marțea trecută = 2026-11-17
        acum două săptămâni = 2026-11-02
        în martie = 2026-03-01
    """,
    "ca": """
        l'estiu passat = 2026-06-01
        fa dues setmanes = 2026-11-02
        dimarts passat = 2026-11-17
    """,
    "el": """
        το περασμένο καλοκαίρι = 2026-06-01
        την περασμένη Τρίτη = 2026-11-17
        πριν από δύο εβδομάδες = 2026-11-02
        τον Μάρτιο = 2026-03-01
        πέρυσι το καλοκαίρι = 2025-06-01
    """,
    "tr": """
        geçen yaz = 2026-06-01
        geçen salı = 2026-11-17
        iki hafta önce = 2026-11-02
        Mart'ta = 2026-03-01
        Mart ayında = 2026-03-01
        geçen hafta = 2026-11-09
        son üç gün = 2026-11-18
    """,
    "id": """
        minggu lalu = 2026-11-09
        dua minggu yang lalu = 2026-11-02
        bulan Maret = 2026-03-01
        Selasa lalu = 2026-11-17
        kemarin = 2026-11-20
        musim panas lalu = 2026-06-01
    """,
    "vi": """
        tuần trước = 2026-11-09
        hai tuần trước = 2026-11-02
        mùa hè năm ngoái = 2025-06-01
        tháng 3 = 2026-03-01
        tháng ba năm ngoái = 2025-03-01
        thứ ba tuần trước = 2026-11-10
        hôm qua = 2026-11-20
        ngày 5 tháng 3 năm 2024 = 2024-03-05
    """,
    "th": """
        เมื่อวาน = 2026-11-20
        สัปดาห์ที่แล้ว = 2026-11-09
        2 สัปดาห์ก่อน = 2026-11-02
        ฤดูร้อนที่แล้ว = 2026-06-01
        เดือนมีนาคม = 2026-03-01
        วันอังคารที่แล้ว = 2026-11-17
        3 วันที่ผ่านมา = 2026-11-18
        ปี 2567 = 2024-01-01
    """,
    "zh": """
        去年夏天 = 2025-06-01
        上周二 = 2026-11-10
        上个星期二 = 2026-11-10
        上周 = 2026-11-09
        两周前 = 2026-11-02
        三天前 = 2026-11-18
        三月 = 2026-03-01
        2024年3月5日 = 2024-03-05
        上个月 = 2026-10-01
        过去三天 = 2026-11-18
        上周末 = 2026-11-14
        2023年 = 2023-01-01
        现在去日本的机票很贵 = -
        每天晚上都很吵 = -
    """,
    "ja": """
        去年の夏 = 2025-06-01
        先週の火曜日 = 2026-11-10
        先週 = 2026-11-09
        2週間前 = 2026-11-02
        三日前 = 2026-11-18
        3月に = 2026-03-01
        2024年3月5日 = 2024-03-05
        おととい = 2026-11-19
        先週末 = 2026-11-14
        この前の日曜日 = 2026-11-15
    """,
    "ko": """
        작년 여름 = 2025-06-01
        지난주 화요일 = 2026-11-10
        지난 화요일 = 2026-11-17
        2주 전 = 2026-11-02
        일주일 전 = 2026-11-09
        사흘 전 = 2026-11-18
        3월에 = 2026-03-01
        지난 주말 = 2026-11-14
        지난달 = 2026-10-01
        2024년 3월 5일 = 2024-03-05
    """,
    "ar": """
        الصيف الماضي = 2026-06-01
        الثلاثاء الماضي = 2026-11-17
        قبل أسبوعين = 2026-11-02
        قبل ثلاثة أيام = 2026-11-18
        في مارس = 2026-03-01
        في آذار = 2026-03-01
        الأسبوع الماضي = 2026-11-09
        أمس = 2026-11-20
        الأيام الثلاثة الماضية = 2026-11-18
    """,
    "he": """
        בקיץ שעבר = 2026-06-01
        ביום שלישי שעבר = 2026-11-17
        לפני שבועיים = 2026-11-02
        לפני שלושה ימים = 2026-11-18
        במרץ = 2026-03-01
        בשבוע שעבר = 2026-11-09
    """,
    "fa": """
        تابستان گذشته = 2026-06-01
        سه‌شنبه گذشته = 2026-11-17
        دو هفته پیش = 2026-11-02
        هفته پیش = 2026-11-09
        هفته‌ی گذشته = 2026-11-09
    """,
    "hi": """
        पिछली गर्मियों में = 2026-06-01
        पिछले मंगलवार = 2026-11-17
        दो हफ़्ते पहले = 2026-11-02
        मार्च में = 2026-03-01
        पिछले साल = 2025-01-01
        पिछले तीन दिनों में = 2026-11-18
    """,
}
"""In each language phrases, and the first day that each means; - for none."""


@pytest.mark.parametrize("name", SAID)
def test_times_are_understood(name: str) -> None:
    for line in filter(None, map(str.strip, SAID[name].splitlines())):
        text, _, since = line.rpartition(" = ")
        found = phrase_of(folded(text), name, NOW)
        assert (f"{found.days[0]:%Y-%m-%d}" if found else "-") == since, text


def test_every_language_but_english_has_phrases_to_be_understood() -> None:
    assert {known.name for known in language.everything()} - {language.ENGLISH} == set(SAID)


@pytest.mark.parametrize(
    ("text", "since", "until", "named"),
    [
        ("el verano pasado", "2026-06-01", "2026-09-01", False),
        ("wczoraj", "2026-11-20", "2026-11-21", False),
        ("maaliskuussa Lapissa", "2026-03-01", "2026-04-01", True),
        ("Wohin sind wir im Mai 2023 gefahren?", "2023-05-01", "2023-06-01", True),
        ("去年夏天我们去哪儿了？", "2025-06-01", "2025-09-01", False),
        ("am 5.3.2024 beim Arzt", "2024-03-05", "2024-03-06", True),
        ("con Anna in agosto 2025", "2025-08-01", "2025-09-01", True),
        ("What did I say on Tuesday?", "2026-11-17", "2026-11-18", False),
    ],
)
def test_a_question_need_not_tell_its_language(text: str, since: str, until: str, named: bool) -> None:
    span = span_of(text, NOW, languages_of(text))
    assert span is not None
    assert (f"{span.since:%Y-%m-%d}", f"{span.until:%Y-%m-%d}", span.named) == (since, until, named)


@pytest.mark.parametrize(
    "text", ["Anna Berlin", "Mars rover", "Julio Iglesias", "segunda vez", "ma cosa", "31. Februar"]
)
def test_names_and_words_that_may_be_others_tell_no_time(text: str) -> None:
    assert span_of(text, NOW, languages_of(text)) is None


def test_numbers_of_a_date_are_words_of_it() -> None:
    span = span_of("2024年3月5日去了哪里？", NOW, ("zh",))
    assert span is not None
    assert {"2024", "3", "5"} <= span.words


@pytest.mark.parametrize(
    ("name", "term"), [("de", "marz"), ("es", "ayer"), ("ru", "вторник"), ("zh", "昨天")]
)
def test_who_asks_when_wants_words_that_tell_a_time_in_their_language(name: str, term: str) -> None:
    assert term in timing((name,))


def test_the_calendar_of_each_language_is_whole() -> None:
    for name in SAID:
        meanings = [meaning for _, meaning in time_words.of(name).meanings()]
        assert {m.month for m in meanings if m.month} == set(range(1, 13)), name
        assert {m.weekday for m in meanings if m.weekday is not None} == set(range(7)), name
        assert {m.unit for m in meanings if m.unit} == set(time_words.UNITS), name
        assert {m.season for m in meanings if m.season} == {12, 3, 6, 9}, name
        assert {mark for m in meanings for mark in m.marks} >= {"last", "this", "ago", "weekend"}, name


@settings(max_examples=50)
@given(
    st.text("0123456789 年月日上个前vor letzten Mai 5.-", max_size=12),
    st.sampled_from(["de", "zh", "ko", "hi", "fi"]),
    st.datetimes(timezones=st.just(UTC)),
)
def test_any_text_at_any_time(text: str, name: str, now: datetime) -> None:
    found = phrase_of(folded(text), name, now)
    assert found is None or found.days[0] < found.days[1]
