"""What is a secret, and what only looks like one."""

from __future__ import annotations

import json

import pytest

from bot.safety.secrets import CARD, KEY, PASSWORD, PRIVATE_KEY, bare, masked


def _a(*parts: str) -> str:
    """Put together here, so that no scanner of repositories takes the test for a leak."""
    return "".join(parts)


KEYS = [
    _a("sk-", "abcdEFGH1234ijklMNOP5678"),
    _a("sk-proj-", "aB3_dE5-fG7hI9jK1lM2nO4pQ6"),
    _a("sk-ant-", "api03-aB3dE5fG7hI9jK1lM2nO4pQ6rS8tU0"),
    _a("sk_", "live_4eC39HqLyjWDarjtT1zdp7dc"),
    _a("ghp_", "16C7e42F292c6912E7710c838347Ae178B4a"),
    _a("github_", "pat_11ABCDEFG0abcdefghijkl_mnopqrstuv"),
    _a("glpat-", "abcDEF123-ghiJKL456_"),
    _a("xoxb-", "123456789012-1234567890123-AbCdEfGhIjKlMnOpQrStUvWx"),
    _a("xapp-", "1-A012ABCDE-123456789-0abcdef123456789"),
    _a("AKIA", "IOSFODNN7EXAMPLE"),
    _a("AIza", "SyA1234567890abcdefghijklmnopqrstuv"),
    _a("npm_", "abcdefghij0123456789ABCDEFGHIJ012345"),
    _a("hf_", "abcdefghijKLMNOPQRST0123456789uvwx"),
    _a("SG.", "ngeVfQFYQlKU0ufo8x5d1A.TwL2iGABf9DHoTf-09kqeF8tAmbihYzrnopKc-1s5cr"),
    _a(
        "eyJhbGciOiJIUzI1NiJ9.", "eyJzdWIiOiIxMjM0NTY3ODkwIn0.", "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
    ),
    _a("MTk4NjIyNDgzNDcxOTI1MjQ4", ".Cl2FMQ.", "ZnCjm1XVW7vRze4b7Cq4se7kKWs"),
    _a("123456789:", "AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1"),
]
PASSWORDS = [
    ("my password is hunter2", "hunter2"),
    ("my API key and the password is hunter22", "hunter22"),
    ("password: P@ssw0rd!x", "P@ssw0rd!x"),
    ("The Wi-Fi password for the guest room is Blue-42-Horse.", "Blue-42-Horse"),
    ("DB_PASSWORD=tr0ub4dor&3", "tr0ub4dor&3"),
    ('{"password": "s3cr3t-Pass"}', "s3cr3t-Pass"),
    ("Mein Passwort lautet Gl4sperle!", "Gl4sperle"),
    ("Das Kennwort ist: Regen99bogen", "Regen99bogen"),
    ("mon mot de passe est soleil1984", "soleil1984"),
    ("mi contraseña es perro2020", "perro2020"),
    ("minha senha é gato#123", "gato#123"),
    ("мой пароль: qwerty123", "qwerty123"),
    ("パスワードは sakura77 です", "sakura77"),
    ("密码是 abc12345", "abc12345"),
    ("postgresql://ada:S3cretPw@db.example/shop", "S3cretPw"),
]
CARDS = [
    "4111 1111 1111 1111",
    "5500-0000-0000-0004",
    "378282246310005",
    "3782 822463 10005",
    "6011000990139424",
    "30569309025904",
    "2223003122003222",
]
HARMLESS = [
    "d670460b4b4aece5915caf5c68d12f560a9fe3e4",  # a commit
    "a commit such as 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "123e4567-e89b-12d3-a456-426614174000",
    "Call me at +49 151 2345 6789 or 0043 664 1234567 or (415) 555-2671.",
    "order 4111111111111112 was shipped",  # Luhn's sum is wrong
    "order number 1234567890123452",  # the sum is right, and no card begins so
    "tracking 1Z999AA10123456784",
    "<@198622483471925248> wrote in <#613425648685547541>",
    "DE89 3704 0044 0532 0130 00",  # an IBAN
    "ISBN 978-3-16-148410-0, EAN 4006381333931",
    "1763942400000 and 1763942400000000 are times",
    "pi is 3.1415926535897932384626",
    "I forgot my password again",
    "the password is wrong, and the password is required",
    "password: required",
    "Das Passwort ist falsch. Le mot de passe est incorrect. La contraseña es incorrecta.",
    "The secret is patience, the token of love is a ring.",
    "token = get_token2(Request)",
    "password = os.environ['PASSWORD1']",
    "secret: see config.example.toml",
    "the token is 128 tokens long",
    "scikit-learn, sk-learn-compatible-estimators and sk-lots-of-little-words-here",
    "https://example.com/a:b/c@2x.png and mailto:ada@example.com",
    "https://user@example.com:8443/path",
    "bearer of good news, basic understanding of everything",
    "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "my pass is valid until 2031",
    "K7QF-2MXA",
    "2026-11-27 12:30:45 1024x768 1,234,567.89 12 34 56 78",
]


@pytest.mark.parametrize("key", KEYS)
def test_keys_are_known_by_their_shape(key: str) -> None:
    for said in (key, f"here: {key}.", f"KEY={key}", f'"{key}"', f"`{key}`, please"):
        found = masked(said)
        assert key[6:] not in found.text
        assert found.kinds == {KEY}


@pytest.mark.parametrize(("said", "password"), PASSWORDS)
def test_passwords_are_known_by_what_they_are_called(said: str, password: str) -> None:
    found = masked(said)
    assert found.text == said.replace(password, "[password not kept]")
    assert found.kinds == {PASSWORD}


@pytest.mark.parametrize("card", CARDS)
def test_cards_are_known_by_issuer_length_and_sum(card: str) -> None:
    found = masked(f"Pay with {card}, 12/29.")
    assert found.text == "Pay with [card number not kept], 12/29."
    assert found.kinds == {CARD}


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_a_secret_is_left(text: str) -> None:
    assert masked(text).text == text
    assert not masked(text).kinds


@pytest.mark.parametrize(
    "kind", ["PRIVATE KEY", "RSA PRIVATE KEY", "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK"]
)
def test_a_private_key_goes_whole_also_when_its_end_is_missing(kind: str) -> None:
    body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQC7"
    whole = f"mine:\n-----BEGIN {kind}-----\n{body}\n-----END {kind}-----\nkeep it"
    assert masked(whole).text == "mine:\n[private key not kept]\nkeep it"
    assert masked(whole[:60]).text == "mine:\n[private key not kept]"
    assert masked(whole).kinds == {PRIVATE_KEY}


def test_what_is_masked_is_masked_already() -> None:
    said = "\n".join([*KEYS, *CARDS, *(text for text, _ in PASSWORDS)])
    once = masked(said)
    assert masked(once.text).text == once.text
    assert not masked(once.text).kinds
    assert once.kinds == {KEY, CARD, PASSWORD}


def test_a_json_value_stays_one_and_is_the_same_where_nothing_is_masked() -> None:
    calm = {"a": ["x", 1, None], "b": {"c": "hello"}}
    assert bare(calm) is calm
    told = {"note": f'his key is "{KEYS[0]}"', "n": 3, "more": [CARDS[0]]}
    kept = bare(told)
    assert kept == {"note": 'his key is "[API key not kept]"', "n": 3, "more": ["[card number not kept]"]}
    assert json.loads(json.dumps(kept)) == kept


def test_a_long_text_takes_no_longer_than_reading_it() -> None:
    """Nothing in the patterns goes back over what it has read: ten times as much takes ten times as long."""
    for text in (
        "password is " * 20_000,
        "a" * 300_000,
        "4" * 300_000,
        "sk-" * 100_000,
        "://" * 80_000,
        "eyJa." * 50_000,
    ):
        assert masked(text).kinds <= {PASSWORD, KEY}


def test_a_text_that_is_json_stays_json() -> None:
    """As messages are stored for the model: the mask takes no quote and no escape with it."""
    for said in (
        "-----BEGIN PRIVATE KEY-----\nMIIEvQ",
        'my "password is hunter22\\"',
        "password: hunter22\nand more",
        *KEYS,
    ):
        stored = json.dumps({"type": "message", "message": said, "time": "now"})
        kept = json.loads(masked(stored).text)
        assert kept["time"] == "now"
        assert "not kept]" in kept["message"]


@pytest.mark.parametrize(
    "text",
    [
        "password is" + " " * 100_000,
        "password" + " " * 100_000,
        "token:" + " \n" * 50_000 + "=",
        ("my password was" + " " * 500) * 200,
        "token = " + "*" * 100_000 + '"',
    ],
    ids=lambda text: repr(text[:18]),
)
def test_a_long_run_of_nothing_is_read_once(text: str) -> None:
    """Tried in all its parts, such a text would take hours."""
    assert masked(text).text == text
