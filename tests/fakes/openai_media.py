"""OpenAI's endpoints for sound and pictures, on loopback, as strict as its reference: what the SDK's types and the API
reference ("Create transcription", "Create speech", "Create image") ask for is asked for, and nothing that they do not
know is answered.

``async with OpenAIMedia() as server``: ``server.url``; ``heard`` holds (file name, media type, bytes, model) of every
transcription that was asked for, ``judged`` the texts that were
judged (by ``flags``: which word is of which category), ``spoke`` and ``painted`` what was to be said and shown.
"""

from __future__ import annotations

import base64
from typing import Self, get_args

from aiohttp import web
from openai.types import (
    AudioModel,
    ImageModel,
    ImagesResponse,
    ModerationCreateResponse,
    ModerationModel,
    image_generate_params,
    moderation_create_params,
)
from openai.types.audio import (
    SpeechModel,
    TranscriptionCreateResponse,
    speech_create_params,
    transcription_create_params,
)
from openai.types.moderation import Categories

from tests.fakes.pictures import png

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
        self.sound = b""  # of everything that it says; none: no sound at all
        self.heard: list[tuple[str, str, bytes, str]] = []
        self.spoke: list[str] = []
        self.painted: list[str] = []
        self.judged: list[str] = []
        self.flags: dict[str, str] = {}
        self.url = ""
        self._api_key = api_key

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=32 * 2**20)
        app.router.add_post("/v1/audio/transcriptions", self._transcribe)
        app.router.add_post("/v1/audio/speech", self._speak)
        app.router.add_post("/v1/images/generations", self._paint)
        app.router.add_post("/v1/moderations", self._judge)
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

    async def _speak(self, request: web.Request) -> web.Response:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        body = await request.json()
        if unknown := set(body) - set(speech_create_params.SpeechCreateParams.__annotations__):
            return failed(400, f"Unknown parameter: '{unknown.pop()}'.")
        if body.get("model") not in get_args(SpeechModel):
            return failed(404, "The model does not exist.", "model_not_found")
        text = body.get("input")
        if not isinstance(text, str) or not 0 < len(text) <= 4_096 or not body.get("voice"):
            return failed(400, "input of at most 4096 characters and voice are required")
        self.spoke.append(text)
        kind = {"opus": "audio/ogg", "wav": "audio/wav"}.get(body.get("response_format", "mp3"), "audio/mpeg")
        return web.Response(body=self.sound or b"OggS" + text.encode(), content_type=kind)

    async def _judge(self, request: web.Request) -> web.Response:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        body = await request.json()
        if unknown := set(body) - set(moderation_create_params.ModerationCreateParams.__annotations__):
            return failed(400, f"Unknown parameter: '{unknown.pop()}'.")
        if body.get("model") not in get_args(ModerationModel):
            return failed(404, "The model does not exist.", "model_not_found")
        texts = [body["input"]] if isinstance(body.get("input"), str) else body.get("input")
        if not texts or not all(isinstance(text, str) for text in texts):
            return failed(400, "input is required")
        self.judged += texts
        results = []
        for text in texts:
            found = {kind for word, kind in self.flags.items() if word in text}
            names = [field.alias or name for name, field in Categories.model_fields.items()]
            results.append(
                {
                    "flagged": bool(found),
                    "categories": {name: name in found for name in names},
                    "category_scores": {name: float(name in found) for name in names},
                    "category_applied_input_types": {name: ["text"] for name in names},
                }
            )
        answer = {"id": "modr-1", "model": body["model"], "results": results}
        ModerationCreateResponse.model_validate(answer)
        return web.json_response(answer)

    async def _paint(self, request: web.Request) -> web.Response:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        body = await request.json()
        known = set(image_generate_params.ImageGenerateParamsBase.__annotations__)
        if unknown := set(body) - known - {"stream"}:
            return failed(400, f"Unknown parameter: '{unknown.pop()}'.")
        model = body.get("model")
        if model not in get_args(ImageModel):
            return failed(404, "The model does not exist.", "model_not_found")
        if model.startswith("gpt-image") and "response_format" in body:
            return failed(400, "Unknown parameter: 'response_format'.")
        if not body.get("prompt"):
            return failed(400, "prompt is required")
        if "forbidden" in body["prompt"]:
            return failed(400, "Your request was rejected by the safety system.", "moderation_blocked")
        self.painted.append(body["prompt"])
        answer = {"created": 1, "data": [{"b64_json": base64.b64encode(png()).decode()}]}
        ImagesResponse.model_validate(answer)
        return web.json_response(answer)
