"""Files of the fake Slack: their methods, and the addresses for uploads and downloads."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from tests.fakes.slack_api import Method
from tests.fakes.slack_methods import Methods
from tests.fakes.slack_state import Json, Refused, Workspace

LOGIN = "<html><title>Sign in to Slack</title></html>"


class Files:
    def __init__(
        self, workspace: Workspace, methods: Methods, url: Callable[[], str], bot_token: str
    ) -> None:
        self.workspace, self.methods, self.url, self.bot_token = workspace, methods, url, bot_token

    def table(self) -> dict[str, Method]:
        return {
            "files.info": Method(self.info, ("files:read",)),
            "files.getUploadURLExternal": Method(self.upload_url, ("files:write",)),
            "files.completeUploadExternal": Method(self.complete, ("files:write",)),
        }

    def info(self, args: Json) -> Json:
        file = self.workspace.files.get(str(args.get("file")))
        if file is None:
            raise Refused("file_not_found")
        return {"file": file, "comments": [], "response_metadata": {"next_cursor": ""}}

    def upload_url(self, args: Json) -> Json:
        name, length = str(args.get("filename") or ""), str(args.get("length") or "")
        if not name or not length.isdecimal() or not int(length):
            raise Refused("invalid_arguments")
        file = self.workspace.add_file(self.workspace.bot, name, "application/octet-stream", self.url())
        return {"upload_url": f"{self.url()}/upload/{file['id']}", "file_id": file["id"]}

    async def upload(self, request: web.Request) -> web.Response:
        """Takes the content, raw or as the one part of a form; the address itself is the secret."""
        file = self.workspace.files.get(request.match_info["file"])
        if file is None or file["id"] in self.workspace.contents:
            return web.Response(status=404, text="not found")
        if request.content_type.startswith("multipart/"):
            parts = [part for part in (await request.post()).values() if isinstance(part, web.FileField)]
            content = parts[0].file.read()
        else:
            content = await request.read()
        self.workspace.contents[file["id"]], file["size"] = content, len(content)
        return web.Response(text=f"OK - {len(content)}")

    def complete(self, args: Json) -> Json:
        """Shares what was uploaded, in one message of the bot per place; there is no metadata for it."""
        chosen = args.get("files") or []
        if not chosen or not all(one.get("id") in self.workspace.contents for one in chosen):
            raise Refused("file_not_found")
        for one in chosen:
            self.workspace.files[one["id"]]["title"] = one.get("title", "")
        shared = [self.workspace.files[one["id"]] for one in chosen]
        places = [*str(args.get("channels") or "").split(","), str(args.get("channel_id") or "")]
        for place in filter(None, places):
            channel = self.methods.target({"channel": place})
            message = {"text": args.get("initial_comment") or "", "files": shared, "upload": True}
            message |= {"subtype": "file_share", "user": self.workspace.bot, "bot_id": self.workspace.bot_id}
            if args.get("thread_ts"):
                message["thread_ts"] = args["thread_ts"]
            self.methods.say(channel, message)
            for file in shared:
                file["channels"].append(channel.id)
        return {"files": [{"id": file["id"], "title": file["title"]} for file in shared]}

    async def download(self, request: web.Request) -> web.Response:
        """The content; whoever may not have it is sent to a sign-in page, which answers 200."""
        file_id = request.match_info["ref"].rpartition("-")[2]
        known = request.headers.get("Authorization") == f"Bearer {self.bot_token}"
        if file_id not in self.workspace.contents:
            return web.Response(status=404)
        if not known or "files:read" not in self.workspace.scopes:
            raise web.HTTPFound("/login")
        kind = self.workspace.files[file_id]["mimetype"]
        return web.Response(body=self.workspace.contents[file_id], headers={"Content-Type": kind})

    async def login(self, request: web.Request) -> web.Response:
        return web.Response(text=LOGIN, content_type="text/html")
