"""OpenAI's endpoints for sound, on loopback, as strict as its reference: what the SDK's types and the API reference
("Create transcription") ask for is asked for, and nothing that they do not know is answered.

``async with OpenAIMedia() as server``: ``server.url``; ``heard`` holds (file name, media type, bytes, model) of every
transcription that was asked for.
"""

from __future__ import annotations

from typing import Self, get_args

from aiohttp import web
from openai.types import AudioModel
from openai.types.audio import TranscriptionCreateResponse, transcription_create_params

_FORMATS = {"flac", "mp3", "mp4", "mpeg", "mpga", "m4a", "ogg", "oga", "wav", "webm"}
_FIELDS = {
    name
    for shape in (transcription_create_params.TranscriptionCreateParamsBase,)
    for name in shape.__annotations__
}


def failed(status: int, message: str, code: str | None = None) -> web.Response:
    kind = "invalid_request_error" if status < 500 else "server_error"
    error = {"message": message, "type": kind, "param": None, "code": code}
    return web.json_response({"error": error}, status=status)


class OpenAIMedia:
    """``says`` is what it hears in everything; ``status`` other than 200 refuses everything."""

    def __init__(self, says: str = "Hello", *, status: int = 200, api_key: str = "sk-media") -> None:
        self.says, self.status = says, status
        self.heard: list[tuple[str, str, bytes, str]] = []
        self.url = ""
        self._api_key = api_key

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=32 * 2**20)
        app.router.add_post("/v1/audio/transcriptions", self._transcribe)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def _refusal(self, request: web.Request) -> web.Response | None:
        if request.headers.get("Authorization") != f"Bearer {self._api_key}":
            return failed(401, "Incorrect API key provided.", "invalid_api_key")
        return failed(self.status, "The server had an error.") if self.status != 200 else None

    async def _transcribe(self, request: web.Request) -> web.Response:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        if not request.content_type.startswith("multipart/form-data"):
            return failed(400, "multipart/form-data is expected")
        form = await request.post()
        file, model = form.get("file"), form.get("model")
        if unknown := set(form) - _FIELDS:
            return failed(400, f"Unknown parameter: '{unknown.pop()}'.")
        if not isinstance(file, web.FileField) or not isinstance(model, str):
            return failed(400, "file and model are required")
        if model not in get_args(AudioModel):
            return failed(404, f"The model `{model}` does not exist.", "model_not_found")
        if file.filename.rpartition(".")[2] not in _FORMATS:
            return failed(400, "Invalid file format.")
        self.heard.append((file.filename, file.content_type, file.file.read(), model))
        answer = {"text": self.says, "usage": {"type": "duration", "seconds": 3}}
        get_args(TranscriptionCreateResponse)[0].model_validate(answer)
        return web.json_response(answer)
