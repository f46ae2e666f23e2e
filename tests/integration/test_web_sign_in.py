"""Signing in with Discord and with Slack: whose account it is, is the platform's word alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from yarl import URL

from bot.errors import SettingsError
from bot.events import PRIVATE, Command
from bot.settings import load
from tests.fakes.browser import WEB, Browser, Page, visiting
from tests.fakes.clock import FakeClock
from tests.fakes.parlour import House, opened, parrot
from tests.fakes.sign_in_server import SECRET, TEAM, SignInServer

US = "http://127.0.0.1:8082"
ACCOUNTS = {"discord": ("4711", "discord:4711"), "slack": ("U1", f"slack:{TEAM}/U1")}


@asynccontextmanager
async def met(
    folder: Path, clock: FakeClock | None = None
) -> AsyncIterator[tuple[House, SignInServer, Browser]]:
    """Everbot knows Ada on both platforms, each as another person."""
    async with SignInServer({name: f"{US}/in/{name}" for name in ACCOUNTS}) as server:
        web = WEB | {"public_url": US} | server.settings
        async with opened(folder, parrot, web=web, clock=clock) as house, visiting(house) as browser:
            for _, account in ACCOUNTS.values():
                origin = {
                    "account": account,
                    "name": "ada",
                    "address": f"parlour:{account}",
                    "audience": PRIVATE,
                }
                note = Command(**origin, command="memory", argument=f"add I am {account}")
                await house.app.inbound.invoke(note)
            yield house, server, browser


async def sent(browser: Browser, platform: str) -> str:
    """Where the browser is sent to sign in."""
    async with browser.client.get(f"/in/with/{platform}", allow_redirects=False) as answer:
        assert answer.status == 303
        return answer.headers["Location"]


async def returned(browser: Browser, address: str) -> Page:
    return await browser.open(URL(address).path_qs)


@pytest.mark.parametrize("platform", ["discord", "slack"])
async def test_whoever_a_platform_says_it_is_sees_their_own_memory(tmp_path: Path, platform: str) -> None:
    async with met(tmp_path) as (_, server, browser):
        assert f"/in/with/{platform}" in (await browser.open("/in")).html
        name, account = ACCOUNTS[platform]
        back = server.agreed(await sent(browser, platform), name)
        page = await returned(browser, back)
        assert server.problems == []
        notes = await browser.open(f"{page.path}notes")
        assert f"I am {account}" in notes.text
        assert [other for _, other in ACCOUNTS.values() if f"I am {other}" in notes.text] == [account]
        assert (await returned(browser, back)).status == 403  # a code is good once, and so is a state


@pytest.mark.parametrize("platform", ["discord", "slack"])
async def test_another_browser_another_state_or_a_late_return_lets_nobody_in(
    tmp_path: Path, platform: str
) -> None:
    clock = FakeClock()
    async with met(tmp_path, clock) as (house, server, browser), visiting(house) as another:
        name, _ = ACCOUNTS[platform]
        back = server.agreed(await sent(browser, platform), name)
        assert (await returned(another, back)).status == 403
        back = server.agreed(await sent(browser, platform), name)
        forged = str(URL(back).update_query(state="x" * 43))
        assert (await returned(browser, forged)).status == 403
        back = server.agreed(await sent(browser, platform), name)
        other = "slack" if platform == "discord" else "discord"
        assert (await returned(browser, back.replace(f"/in/{platform}", f"/in/{other}"))).status == 403
        refused = str(
            URL(server.agreed(await sent(browser, platform), name)).with_query(error="access_denied")
        )
        assert (await returned(browser, refused)).status == 403
        back = server.agreed(await sent(browser, platform), name)
        clock.advance(601)
        assert (await returned(browser, back)).status == 403
        assert house.rows("SELECT * FROM web_keys") == []


async def test_a_code_that_was_stolen_is_no_good_without_the_verifier(tmp_path: Path) -> None:
    async with met(tmp_path) as (_, server, browser):
        theirs = URL(server.agreed(await sent(browser, "discord"), "4711")).query["code"]
        mine = URL(server.agreed(await sent(browser, "discord"), "999"))
        page = await returned(browser, str(mine.update_query(code=theirs)))
        assert page.status == 403
        assert server.problems == ["code_verifier"]
        assert SECRET not in page.html


@pytest.mark.parametrize(
    "claims", [{"nonce": "another"}, {"aud": "another"}, {"https://slack.com/user_id": "../U2"}]
)
async def test_what_slack_told_to_another_lets_nobody_in(tmp_path: Path, claims: dict[str, str]) -> None:
    async with met(tmp_path) as (_, server, browser):
        server.claims = claims
        assert (await returned(browser, server.agreed(await sent(browser, "slack"), "U1"))).status == 403


async def test_a_stranger_to_us_is_told_so(tmp_path: Path) -> None:
    async with met(tmp_path) as (house, server, browser):
        page = await returned(browser, server.agreed(await sent(browser, "discord"), "31337"))
        assert (page.status, "I know nothing of you yet." in page.text) == (403, True)
        assert house.rows("SELECT * FROM accounts WHERE account LIKE '%31337'") == []


async def test_what_is_not_configured_is_not_offered(tmp_path: Path) -> None:
    async with opened(tmp_path, parrot, web=WEB) as house, visiting(house) as browser:
        assert "/in/with/" not in (await browser.open("/in")).html
        for path in ("/in/with/discord", "/in/discord?code=x&state=y", "/in/with/nobody"):
            assert (await browser.open(path)).status == 404


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[web.discord]\nclient_id = 'x'", "client_secret"),
        (
            "[web]\nlisten = '127.0.0.1:1'\n[web.slack]\nclient_id = 'x'\nclient_secret = 'y'",
            "web.public_url",
        ),
        ("[web]\nlisten = 'nowhere'", "web.listen"),
    ],
)
def test_half_a_configuration_is_refused_in_a_sentence(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=named):
        load(path, {})
