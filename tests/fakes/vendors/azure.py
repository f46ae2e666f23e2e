"""Azure OpenAI: the deployment's address, the key's header, the content filter's chunks and refusals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from tests.fakes.openai_wire import Answer, Json
from tests.fakes.vendors.openai import OpenAI
from tests.fakes.vendors.vendor import Added, No, fault, lesson

_SAFE = {"hate": {"filtered": False, "severity": "safe"}, "violence": {"filtered": False, "severity": "safe"}}


class Azure(OpenAI):
    """learn.microsoft.com, "Azure OpenAI REST API reference" and "Content filtering".

    - The address holds the deployment and ``api-version``; the key goes out as ``api-key`` (a bearer token is one of
      Entra ID's).
    - Before 2024-09-01-preview ``stream_options`` was refused (openai/openai-python#1469).
    - The first chunk has no choices but ``prompt_filter_results`` (microsoft/semantic-kernel#3650); others carry
      ``content_filter_results``, and with asynchronous filtering have no delta (microsoft/autogen#6465).
    """

    name = "azure"
    model = "gpt-4o"
    path = "/openai/deployments/my-deployment/chat/completions"
    settings: ClassVar[Json] = {"temperature": 0.7}

    def base_url(self, origin: str) -> str:
        return super().base_url(origin) + "?api-version=2024-06-01"

    def authorized(self, headers: Mapping[str, str], query: Mapping[str, str]) -> bool:
        well = headers.get("api-key") == "the-key" and "Authorization" not in headers
        return well and query.get("api-version") == "2024-06-01"

    def of_parameters(self, body: Json) -> Iterator[No]:
        yield from super().of_parameters(body)
        if "stream_options" in body:
            yield lesson(400, "Unrecognized request argument supplied: stream_options")

    def refused(self) -> No | list[Json]:
        """The guide's example of a prompt that the filter stops."""
        inner = {
            "code": "ResponsibleAIPolicyViolation",
            "content_filter_result": _SAFE | {"violence": {"filtered": True, "severity": "medium"}},
        }
        text = (
            "The response was filtered due to the prompt triggering Azure OpenAI's content management policy."
        )
        more = {"param": "prompt", "status": 400, "innererror": inner}
        return fault(400, text, code="content_filter", more=more)

    def chunks(self, body: Json, answer: Answer, added: Added) -> Iterator[Json | str]:
        results = [{"prompt_index": 0, "content_filter_results": _SAFE}]
        yield {
            "id": "",
            "choices": [],
            "created": 0,
            "model": "",
            "object": "",
            "prompt_filter_results": results,
        }
        for chunk in super().chunks(body, answer, added):
            if isinstance(chunk, dict) and chunk["choices"]:
                chunk["choices"][0]["content_filter_results"] = {}
            yield chunk
        offsets = {"check_offset": 44, "start_offset": 44, "end_offset": 198}
        late = {
            "index": 0,
            "finish_reason": None,
            "content_filter_results": _SAFE,
            "content_filter_offsets": offsets,
        }
        yield {"id": "", "object": "", "created": 0, "model": "", "choices": [late], "usage": None}
