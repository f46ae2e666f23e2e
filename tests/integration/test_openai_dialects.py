"""What a server refuses in how a question is put is learned, and kept for this model at this server."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from bot.errors import ModelDenied, ModelOverflow, ModelRefused, ModelUnavailable
from bot.models.openai_errors import ErrorMap
from bot.ports import ModelRequest, Rendered
from tests.fakes.openai_server import Answer, Fault, Raw
from tests.integration.openai_bench import TOOLS, ask, lines, opened

ERRORS = ErrorMap(model="test-model", place="localhost:1")


def refusing(
    is_wrong: Callable[[dict[str, Any]], bool], message: Any, status: int = 400, **answer: Any
) -> Callable[[dict[str, Any], Mapping[str, str]], Answer | Fault]:
    """A script that refuses what is wrong, in these words."""

    def script(request: dict[str, Any], headers: Mapping[str, str]) -> Answer | Fault:
        if is_wrong(request):
            return Fault(kind="status", status=status, message=message)
        return Answer(**(answer or {"text": "Hi"}))

    return script


EXTRA = {"temperature": 0.2, "frequency_penalty": 0.1, "reasoning_effort": "low"}


@pytest.mark.parametrize(
    ("name", "says", "status"),
    [
        ("stream_options", "Unknown name \"stream_options\": Cannot find field.", 400),
        ("stream_options", "Extra inputs are not permitted: ['body', 'stream_options']", 422),
        ("temperature", "Unsupported value: 'temperature' does not support 0.2 with this model.", 400),
        ("temperature", "invalid temperature: only 1 is allowed for this model", 400),
        ("frequency_penalty", "Argument not supported on this model: frequencyPenalty", 400),
        ("reasoning_effort", "property 'reasoning_effort' is unsupported", 400),
        ("reasoning_effort", "参数 reasoning_effort 不支持", 400),
        ("reasoning_effort", "Unrecognized request argument supplied: reasoning_effort", 400),
        ("tool_choice", "deepseek-reasoner does not support this tool_choice", 400),
        ("tool_choice", "tool_choice 'required' is incompatible with thinking enabled", 400),
        ("max_tokens", "json: unknown field \"max_tokens\"", 400),
        ("max_tokens", "max_tokens is too large: 900. This model supports at most 800 completion tokens", 400),
        ("frequency_penalty", "Jinja: Unsupported param: frequency_penalty", 500),
    ],
)  # fmt: skip
async def test_a_refused_parameter_is_left_out_from_then_on(name: str, says: str, status: int) -> None:
    script = refusing(lambda request: name in request, says, status)
    async with opened(script, extra=EXTRA) as (model, server, _):
        for _ in range(2):
            reply = await model.complete(ask(tool_choice="required", max_tokens=900))
            assert reply.text == "Hi"
    assert [e.outcome for e in server.transcript] == ["fault:status", "answered", "answered"]
    kept = {"stream", "tools", "messages", "model", "tool_choice", "max_tokens", "stream_options", *EXTRA}
    assert set(server.transcript[-1].request) == kept - {name}


async def test_a_server_that_cannot_stream_is_asked_for_plain_answers() -> None:
    script = refusing(lambda request: bool(request.get("stream")), "Parameter 'stream' is not supported.")
    async with opened(script) as (model, server, _):
        assert (await model.complete(ask())).text == "Hi"
    assert "stream_options" not in server.transcript[-1].request


@pytest.mark.parametrize(
    "says",
    [
        "registry.ollama.ai/library/gemma3:4b does not support tools",
        '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
        "No endpoints found that support tool use.",
        "tools param requires --jinja flag",
    ],
)
async def test_a_server_without_tools_is_told_of_them_in_the_text(says: str) -> None:
    written = '<tool_call>{"name": "send_message", "arguments": {"message": "Hi"}}</tool_call>'
    script = refusing(
        lambda request: "tools" in request, says, 404 if "endpoints" in says else 400, text=written
    )
    call = {
        "id": "aaaaaaaaa",
        "type": "function",
        "function": {"name": "send_message", "arguments": '{"message": "Ho"}'},
    }
    messages = [
        {"role": "system", "content": "You are Ever."},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "aaaaaaaaa", "content": '{"status": "OK"}'},
        {"role": "user", "content": "And now?"},
    ]
    async with opened(script) as (model, server, _):
        reply = await model.complete(ask(messages=messages))
    assert [(c.name, json.loads(c.arguments)) for c in reply.calls] == [("send_message", {"message": "Hi"})]
    sent = server.transcript[-1].request["messages"]
    assert all(tool["function"]["name"] in sent[0]["content"] for tool in TOOLS)
    assert "<tool_call>" in sent[2]["content"]
    assert not [message for message in sent if message["role"] == "tool" or "tool_calls" in message]


HISTORY = [
    {"role": "system", "content": "You are Ever."},
    {"role": "user", "content": "Hello"},
    {"role": "assistant", "content": None, "tool_calls": [
        {"id": "aaaaaaaaa", "type": "function", "function": {"name": "send_message", "arguments": "{}"}}]},
    {"role": "tool", "tool_call_id": "aaaaaaaaa", "content": "OK"},
    {"role": "user", "content": "And now?"},
    {"role": "user", "content": "Well?"},
]  # fmt: skip


def roles(request: dict[str, Any]) -> list[str]:
    return [message["role"] for message in request["messages"]]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda r: "tool user" in " ".join(roles(r)), "Unexpected role 'user' after role 'tool'"),
        (lambda r: "system" in roles(r), "System role not supported"),
        (
            lambda r: "user user" in " ".join(roles(r)) or "tool" in roles(r),
            "Conversation roles must alternate user/assistant/user/assistant/...",
        ),
        (
            lambda r: any(m["content"] is None for m in r["messages"]),
            "Invalid value for 'content': expected a string, got null.",
        ),
        (
            lambda r: any(not m["content"] for m in r["messages"]),
            "messages: text content blocks must be non-empty",
        ),
    ],
)
async def test_messages_are_put_as_the_server_takes_them(
    wrong: Callable[[dict[str, Any]], bool], says: str
) -> None:
    async with opened(refusing(wrong, says)) as (model, server, _):
        for _ in range(2):
            assert (await model.complete(ask(messages=HISTORY))).text == "Hi"
    assert [e.outcome for e in server.transcript] == ["fault:status", "answered", "answered"]
    assert "And now?" in str(server.transcript[-1].request["messages"])


def rendered(given: dict[str, Any] | None) -> Rendered:
    message = HISTORY[2] | ({"given": given} if given else {})
    return Rendered(json.dumps(message))


async def conversation(model: Any, own: Rendered) -> Any:
    return await model.complete(ask(messages=[*HISTORY[:2], own, *HISTORY[3:]]))


async def test_what_a_server_added_comes_back_to_it_alone() -> None:
    signature = {"extra_content": {"google": {"thought_signature": "c2ln"}}}
    chunk = {"role": "assistant", "content": "", "reasoning_content": "They greet."}
    call = {"index": 0, "id": "x", "function": {"name": "send_message", "arguments": "{}"}, **signature}
    raw = Raw(chunks=[
        {"choices": [{"index": 0, "delta": {**chunk, "tool_calls": [call]}}]},
        {"choices": [{"index": 0, "delta": {"reasoning_content": " I answer."}, "finish_reason": "tool_calls"}]},
    ])  # fmt: skip
    async with opened(lines(raw)) as (model, server, _):
        reply = await model.complete(ask())
        assert dict(reply.extra) == {"reasoning_content": "They greet. I answer."}
        assert dict(reply.calls[0].extra) == signature
        given = {"by": reply.origin, "message": dict(reply.extra), "calls": [dict(reply.calls[0].extra)]}
        await conversation(model, rendered(given))
        await conversation(model, rendered(given | {"by": "another"}))
    own, foreign = (exchange.request["messages"][2] for exchange in server.transcript[1:])
    assert own == HISTORY[2] | dict(reply.extra) | {"tool_calls": [HISTORY[2]["tool_calls"][0] | signature]}
    assert foreign == HISTORY[2]


@pytest.mark.parametrize(
    ("says", "path"),
    [
        ("Function call is missing a thought_signature in functionCall parts.", ("tool_calls", 0, "extra_content")),
        ("reasoning_content is missing in assistant tool call message at index 2", ("reasoning_content",)),
        ("The reasoning_content in the thinking mode must be passed back to the API.", ("reasoning_content",)),
    ],
)  # fmt: skip
async def test_another_models_message_gets_what_this_one_cannot_do_without(
    says: str, path: tuple[Any, ...]
) -> None:
    def found(request: dict[str, Any]) -> Any:
        value: Any = request["messages"][2]
        for step in path:
            if isinstance(value, dict) and step not in value:
                return None
            value = value[step]
        return value

    async with opened(refusing(lambda request: found(request) is None, says)) as (model, server, _):
        await conversation(model, rendered({"by": "another", "message": {"reasoning": "x"}, "calls": [{}]}))
    assert found(server.transcript[-1].request) is not None


async def test_a_field_that_it_gave_and_does_not_take_is_left_out() -> None:
    says = "'messages.2': property 'reasoning' is unsupported"
    script = refusing(lambda request: "reasoning" in request["messages"][2], says)
    async with opened(script) as (model, server, _):
        origin = (await model.complete(ask(messages=HISTORY))).origin
        await conversation(model, rendered({"by": origin, "message": {"reasoning": "x"}, "calls": [{}]}))
    assert [e.outcome for e in server.transcript] == ["answered", "fault:status", "answered"]


@pytest.mark.parametrize(
    "says",
    [
        "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
        "Invalid request: Your request exceeded model token limit: 8192",
        "Range of input length should be [1, 30720]",
        "prompt token count of 135530 exceeds the limit of 128000",
        "Request body too large for gpt-4o model. Max size: 8000 tokens.",
        "Input validation error: `inputs` must have less than 4096 tokens. Given: 5000",
        "input length and `max_tokens` exceed context limit: 198000 + 8000 > 200000",
        "tokens in request more than max tokens allowed",
        "Prompt exceeds max length",
        "too many total text bytes",
        "Input is too long for requested model.",
        "The input (9000 tokens) is longer than the model's context length (4096 tokens).",
        "输入长度超过限制",
        "プロンプトが長すぎます",
        "the decoder prompt (length 5000) is longer than the maximum model length of 4096. Make sure that ...",
        "The message you submitted was too long, please submit something shorter.",
        "The sequence length 5000 is larger than max_sequence_length 4096",
        "max_tokens must be at least 1, got -200.",
        "Please shorten your prompt.",
    ],
)
def test_a_request_is_too_long_in_many_words(says: str) -> None:
    assert type(ERRORS.of_status(400, says, "invalid_request_error", None)) is ModelOverflow


@pytest.mark.parametrize(
    ("status", "says", "code"),
    [
        (400, "The response was filtered due to the prompt triggering the content policy.", "content_filter"),
        (400, "Your prompt was flagged as potentially violating our usage policy.", "invalid_prompt"),
        (400, "The request was rejected because it was considered high risk", "content_filter"),
        (400, "Content Exists Risk", "invalid_request_error"),
        (400, "Input data may contain inappropriate content.", "data_inspection_failed"),
        (403, "Your chosen model requires moderation and your input was flagged", "403"),
        (403, "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_CSAM", ""),
        (400, "Output blocked by content filtering policy", "invalid_request_error"),
        (400, "系统检测到输入或生成内容可能包含不安全或敏感内容", "1301"),
        (400, "Could not process image", "invalid_request_error"),
        (404, "No endpoints found that support image input", ""),
        (400, "messages.0.content.1.image.source.base64: image exceeds 5 MB maximum: 6000000 bytes", ""),
        (400, "unknown variant `image_url`, expected `text`", "invalid_request_error"),
        (500, "image input is not supported - hint: you may need to provide the mmproj", "server_error"),
        (500, "unable to make llava embedding from image", ""),
        (415, "Unsupported image type", ""),
        (501, "multimodal not supported", ""),
        (451, "Unavailable", ""),
    ],
)  # fmt: skip
def test_a_request_is_refused_for_what_is_in_it(status: int, says: str, code: str) -> None:
    error = ERRORS.of_status(status, says, code, None)
    assert type(error) is ModelRefused
    assert error.content


@pytest.mark.parametrize(
    "says",
    [
        "Jinja Exception: Only user, assistant and tool roles are supported",
        'Error rendering prompt with jinja template: "No user query found in messages."',
        "Value is not callable: null at row 1, column 62",
        "Failed to parse tool call arguments as JSON: [json.exception.parse_error.101]",
    ],
)
def test_a_local_servers_template_refuses_one_request(says: str) -> None:
    assert type(ERRORS.of_status(500, says, "server_error", None)) is ModelRefused


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (400, "The model `llama-3.2-90b-vision-preview` has been decommissioned and is no longer supported."),
        (400, "API key not valid. Please pass a valid API key."),
        (400, "Incorrect API key provided: abc. You can obtain one from the console."),
        (400, "Invalid model: mistral-huge"),
        (400, "The model `gpt-9` does not exist or you do not have access to it: model_not_found"),
        (400, "Your credit balance is too low to access the API."),
        (402, "Insufficient Balance"),
        (403, "Country, region, or territory not supported"),
        (403, "Your account was suspended for violating our usage policies"),
        (404, "The deployment for this resource was not found"),
        (307, ""),
    ],
)
def test_what_the_operator_must_mend(status: int, says: str) -> None:
    assert type(ERRORS.of_status(status, says, "", None)) is ModelDenied


def called(given: dict[str, Any], text: str | None = None, *names: str) -> Rendered:
    calls = [
        {"id": f"aaaaaaaa{n}", "type": "function", "function": {"name": name, "arguments": "{}"}}
        for n, name in enumerate(names or ("send_message", "send_message"))
    ]
    return Rendered(json.dumps({"role": "assistant", "content": text, "tool_calls": calls, "given": given}))


def results(message: Rendered) -> list[dict[str, Any]]:
    return [{"role": "tool", "tool_call_id": call["id"], "content": "OK"} for call in message["tool_calls"]]


async def test_only_the_first_of_several_calls_is_signed_for_a_server_that_wants_it() -> None:
    message = called({"by": "another", "message": {}, "calls": [{}, {}]})
    says = "Function call is missing a thought_signature in functionCall parts."
    script = refusing(lambda r: "extra_content" not in r["messages"][2]["tool_calls"][0], says)
    async with opened(script) as (model, server, _):
        await model.complete(ask(messages=[*HISTORY[:2], message, *results(message)]))
    first, second = server.transcript[-1].request["messages"][2]["tool_calls"]
    assert first["extra_content"]["google"]["thought_signature"] == "skip_thought_signature_validator"
    assert "extra_content" not in second


async def test_signatures_that_a_server_knows_no_more_are_replaced_and_later_ones_kept() -> None:
    def signed(value: str) -> dict[str, Any]:
        return {"extra_content": {"google": {"thought_signature": value}}}

    script = refusing(lambda r: "old" in json.dumps(r["messages"]), "Corrupted thought signature.")
    async with opened(script) as (model, server, _):
        by = (await model.complete(ask())).origin
        messages = list(HISTORY[:2])
        for value in ("old", "new"):
            message = called({"by": by, "message": {}, "calls": [signed(value), {}]})
            messages += [message, *results(message)]
            await model.complete(ask(messages=messages))
    sent = json.dumps(server.transcript[-1].request["messages"])
    assert "skip_thought_signature_validator" in sent
    assert '"new"' in sent


async def test_what_stands_for_missing_reasoning_is_no_empty_text_where_none_is_taken() -> None:
    says = "The `reasoning_content` in the thinking mode must be passed back to the API."
    script = refusing(lambda r: not r["messages"][2].get("reasoning_content"), says)
    async with opened(script) as (model, server, _):
        await conversation(model, rendered({"by": "another", "message": {}, "calls": [{}]}))
    assert [e.outcome for e in server.transcript] == ["fault:status", "fault:status", "answered"]


@pytest.mark.parametrize(
    ("effort", "says", "bodies"),
    [
        ({}, "To use function tools, use /v1/responses or set reasoning_effort to 'none'.", [(1, None), (1, "none")]),
        ({"reasoning_effort": "high"}, "Please use /v1/responses instead.", [(1, "high"), (1, "none"), (0, "high")]),
    ],
)  # fmt: skip
async def test_tools_that_are_taken_without_reasoning_only_or_not_at_all(
    effort: dict[str, Any], says: str, bodies: list[tuple[bool, str | None]]
) -> None:
    text = f"Function tools with reasoning_effort are not supported for m in /v1/chat/completions. {says}"

    def wrong(request: dict[str, Any]) -> bool:
        return "tools" in request and ("instead" in says or request.get("reasoning_effort") != "none")

    async with opened(refusing(wrong, text), extra=effort) as (model, server, _):
        assert (await model.complete(ask())).text == "Hi"
    sent = [exchange.request for exchange in server.transcript]
    assert [("tools" in body, body.get("reasoning_effort")) for body in sent] == bodies


ODD = [
    {"type": "function", "function": {
        "name": "weigh", "description": "Weigh it. " * 60, "parameters": {
            "type": "object", "additionalProperties": False, "properties": {
                "pattern": {"type": "number", "exclusiveMinimum": 0},
                "things": {"type": "array", "items": {"type": "string", "pattern": "a+"}}}}}},
    {"type": "function", "function": {"name": "rest", "parameters": {"type": "object", "properties": {}}}},
]  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (
            lambda tools: '"exclusiveMinimum"' in tools,
            "Invalid JSON payload received. Unknown name \"exclusiveMinimum\" at "
            "'tools[0].function_declarations[0].parameters.properties[0].value': Cannot find field.",
        ),
        (lambda tools: '"additionalProperties"' in tools, "tools.0.parameters: 'additionalProperties' is unsupported"),
        (lambda tools: '"a+"' in tools, "Invalid schema for function 'weigh': 'pattern' is not permitted."),
        (
            lambda tools: '"properties": {}' in tools,
            "* GenerateContentRequest.tools[0].function_declarations[1].parameters.properties: should be non-empty for "
            "OBJECT type",
        ),
        (
            lambda tools: "Weigh it. " * 50 in tools,
            "Invalid 'tools[0].function.description': string too long. Expected a string with maximum length 256.",
        ),
    ],
)  # fmt: skip
async def test_tools_are_put_as_the_server_takes_them(wrong: Callable[[str], bool], says: str) -> None:
    async with opened(refusing(lambda r: wrong(json.dumps(r["tools"])), says)) as (model, server, _):
        for _ in range(2):
            assert (await model.complete(ask(tools=ODD))).text == "Hi"
    assert [e.outcome for e in server.transcript] == ["fault:status", "answered", "answered"]
    parameters = server.transcript[-1].request["tools"][0]["function"]["parameters"]
    assert set(parameters["properties"]) == {"pattern", "things"}  # a name is no keyword


def wrong_turns(request: dict[str, Any]) -> bool:
    """As the templates of Mistral's models count them: calls and results apart."""
    messages = request["messages"][1:]
    turns = [m["role"] for m in messages if m["role"] != "tool" and not m.get("tool_calls")]
    return any(role != ("user", "assistant")[at % 2] for at, role in enumerate(turns))


@pytest.mark.parametrize(
    "says",
    [
        "After the optional system message, conversation roles must alternate user/assistant/user/assistant/...",
        "Conversation roles must alternate user and assistant roles except for tool calls and results.",
        "The model does not support successive user or assistant messages. You should interleave the user/assistant "
        "messages in the message sequence.",
    ],
)
async def test_who_wants_roles_to_alternate_and_knows_calls_keeps_them(says: str) -> None:
    async with opened(refusing(wrong_turns, says)) as (model, server, _):
        assert (await model.complete(ask(messages=HISTORY))).text == "Hi"
    assert [e.outcome for e in server.transcript] == ["fault:status", "answered"]
    assert "tool" in roles(server.transcript[-1].request)


@pytest.mark.parametrize(
    "says",
    [
        "Assistant message must have either content or tool_calls, but not both.",
        "Cannot pass both content and thinking in an assistant message with tool calls! Put the analysis message in "
        "one or the other, but not both.",
    ],
)
async def test_calls_and_text_are_parted_for_who_takes_one_of_them(says: str) -> None:
    message = called({"by": "another", "message": {}, "calls": [{}, {}]}, "I greet them.")
    script = refusing(lambda r: bool(r["messages"][2]["content"]), says)
    async with opened(script) as (model, server, _):
        assert (await model.complete(ask(messages=[*HISTORY[:2], message, *results(message)]))).text == "Hi"
    assert len(server.transcript) == 2


@pytest.mark.parametrize(
    "says",
    [
        "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
        "Developer instruction is not enabled for models/gemma-3-27b-it",
        "Unsupported role: system",
        "System prompt is not supported by this model",
    ],
)
async def test_a_system_message_is_refused_in_many_words(says: str) -> None:
    async with opened(refusing(lambda request: "system" in roles(request), says)) as (model, server, _):
        assert (await model.complete(ask(messages=HISTORY))).text == "Hi"
    assert server.transcript[-1].request["messages"][0]["content"].startswith("You are Ever.")


async def test_calls_are_put_one_by_one_for_a_template_that_takes_no_more() -> None:
    message = called(
        {"by": "another", "message": {}, "calls": [{}, {}]}, "I greet them.", "send_message", "look"
    )
    says = "This model only supports single tool-calls at once!"
    script = refusing(lambda r: any(len(m.get("tool_calls", ())) > 1 for m in r["messages"]), says)
    async with opened(script) as (model, server, _):
        assert (await model.complete(ask(messages=[*HISTORY[:2], message, *results(message)]))).text == "Hi"
    sent = server.transcript[-1].request["messages"]
    assert roles(server.transcript[-1].request)[2:] == ["assistant", "tool", "assistant", "tool"]
    assert [m["tool_calls"][0]["id"] for m in (sent[2], sent[4])] == [
        sent[3]["tool_call_id"],
        sent[5]["tool_call_id"],
    ]
    assert (sent[2]["content"], sent[4]["content"]) == ("I greet them.", None)


async def test_a_call_that_the_server_could_not_read_is_read_here() -> None:
    written = '<function=send_message>{"message": "Hi"}</function>'
    error = {"error": {
        "message": "Failed to call a function. Please adjust your prompt.", "type": "invalid_request_error",
        "code": "tool_use_failed", "failed_generation": written,
    }}  # fmt: skip
    async with opened(lines(Raw(chunks=[error]))) as (model, server, _):
        reply = await model.complete(ask())
    assert [(call.name, json.loads(call.arguments)) for call in reply.calls] == [
        ("send_message", {"message": "Hi"})
    ]
    assert len(server.transcript) == 1


@pytest.mark.parametrize(
    ("chunk", "expected"),
    [
        ({"base_resp": {"status_code": 1026, "status_msg": "input new_sensitive"}, "choices": None}, ModelRefused),
        ({"base_resp": {"status_code": 2013, "status_msg": "context window exceeds limit"}}, ModelOverflow),
        ({"base_resp": {"status_code": 1004, "status_msg": "login fail"}}, ModelDenied),
        ({"choices": [{"delta": {}, "error": {"code": 403, "message": "flagged"}}]}, ModelRefused),
        ({"choices": [{"delta": {}, "error": {"code": 502, "message": "down"}}]}, ModelUnavailable),
    ],
)  # fmt: skip
async def test_errors_within_an_answer(chunk: dict[str, Any], expected: type[Exception]) -> None:
    async with opened(lines(Raw(chunks=[chunk]))) as (model, _, _):
        with pytest.raises(expected) as raised:
            await model.complete(ask())
    assert type(raised.value) is expected


async def test_a_success_that_tells_its_number_is_no_error() -> None:
    raw = Raw(chunks=[
        {"choices": [{"index": 0, "delta": {"content": "Hi"}}]}, {"choices": [], "base_resp": {"status_code": 0}}
    ])  # fmt: skip
    async with opened(lines(raw)) as (model, _, _):
        assert (await model.complete(ask())).text == "Hi"


async def test_a_prompt_that_was_counted_and_answered_with_nothing_is_an_empty_reply() -> None:
    raw = Raw(chunks=[{"choices": [], "usage": {"prompt_tokens": 90, "completion_tokens": 0}}])
    async with opened(lines(raw)) as (model, _, _):
        reply = await model.complete(ask())
    assert (reply.text, reply.calls) == ("", ())


async def test_a_refusal_of_unknown_words_may_be_for_what_the_server_itself_added() -> None:
    script = refusing(lambda r: any("reasoning_content" in m for m in r["messages"]), "Bad request.")
    async with opened(script) as (model, server, _):
        by = (await model.complete(ask())).origin
        for _ in range(2):
            await conversation(
                model, rendered({"by": by, "message": {"reasoning_content": "x"}, "calls": [{}]})
            )
    assert [e.outcome for e in server.transcript] == ["answered", "fault:status", "answered", "answered"]


@pytest.mark.parametrize(
    "says", ["Bad Request", "Request contains an invalid argument.", "Unprocessable Entity", ""]
)
@pytest.mark.parametrize("name", ["stream_options", "top_k"])
async def test_a_parameter_that_is_refused_without_a_name_is_found_by_leaving_all_out(
    name: str, says: str
) -> None:
    async with opened(refusing(lambda request: name in request, says), extra={"top_k": 4}) as (
        model,
        server,
        _,
    ):
        for _ in range(2):
            assert (await model.complete(ask(max_tokens=9))).text == "Hi"
    assert [e.outcome for e in server.transcript] == ["fault:status", "answered", "answered"]
    assert set(server.transcript[-1].request) == {"model", "messages", "stream", "tools", "max_tokens"}


async def test_a_guess_that_did_not_help_is_taken_back() -> None:
    down = [True]
    async with opened(refusing(lambda r: len(r["messages"]) > 1 and down[0], "Pardon?")) as (
        model,
        server,
        _,
    ):
        by = (await model.complete(ask())).origin
        own = rendered({"by": by, "message": {"reasoning_content": "x"}, "calls": [{}]})
        with pytest.raises(ModelRefused):
            await conversation(model, own)
        down.clear()
        down.append(False)
        await conversation(model, own)
    assert server.transcript[-1].request["messages"][2]["reasoning_content"] == "x"


@pytest.mark.parametrize(
    ("settings", "name", "says"),
    [
        ({"top_p": 0.9}, "top_p", "`temperature` and `top_p` cannot both be specified for this model."),
        ({"thinking": {"type": "enabled"}}, "thinking", "cannot specify both 'thinking' and 'reasoning_effort'"),
        ({}, "max_tokens", "`max_tokens` must be less than or equal to `8192`, the maximum value for `max_tokens` is "
                           "less than the `context_window` for this model"),
        ({}, "max_tokens", "max_tokens: 64000 > 8192, which is the maximum allowed number of output tokens for m"),
        ({"seed": 3}, "seed", "The parameter `seed` should not be set for this model"),
        ({"presence_penalty": 0.1}, "presence_penalty", "Model m does not support parameter presencePenalty."),
    ],
)  # fmt: skip
async def test_parameters_are_refused_in_many_more_words(
    settings: dict[str, Any], name: str, says: str
) -> None:
    async with opened(refusing(lambda request: name in request, says), extra=settings) as (model, server, _):
        assert (await model.complete(ask(max_tokens=900))).text == "Hi"
    assert [e.outcome for e in server.transcript] == ["fault:status", "answered"]


async def test_a_reply_that_is_too_long_for_the_room_that_is_left_means_that_the_request_is() -> None:
    says = (
        "'max_tokens' or 'max_completion_tokens' is too large: 512. This model's maximum context length is 8192 tokens "
        "and your request has 7900 input tokens (512 > 8192 - 7900)."
    )
    async with opened(refusing(lambda request: True, says)) as (model, server, _):
        with pytest.raises(ModelOverflow):
            await model.complete(ask(max_tokens=512))
    assert len(server.transcript) == 1


async def test_a_crazy_server_is_not_asked_for_ever() -> None:
    said = ["reasoning_content is missing", "reasoning_content is not supported"] * 50
    script = lines(*(Fault(kind="status", status=400, message=text) for text in said))
    async with opened(script) as (model, server, _):
        origin = model._dialect.origin
        with pytest.raises(ModelRefused):
            await conversation(
                model, rendered({"by": origin, "message": {"reasoning_content": "x"}, "calls": [{}]})
            )
    assert len(server.transcript) < 20


async def test_a_reply_that_was_all_thought_is_asked_for_again_with_more_room() -> None:
    script = lines(
        Answer(text="<think>They greet, and", finish="length"), Answer(text="<think>They greet.</think>Hi")
    )
    async with opened(script) as (model, server, _):
        reply = await model.complete(ask(max_tokens=100))
    assert (reply.text, reply.truncated) == ("Hi", False)
    assert [exchange.request["max_tokens"] for exchange in server.transcript] == [100, 400]
    assert len(set(server.keys)) == 2  # a gateway that knows the key would give the same answer


async def test_a_stream_that_ended_as_it_should_needs_no_reason() -> None:
    raw = Raw(chunks=[{"choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": None}]}])
    async with opened(lines(raw)) as (model, _, _):
        assert (await model.complete(ask())).text == "Hi"


async def test_no_redirect_is_followed() -> None:
    away = Fault(kind="status", status=307, headers={"Location": "http://localhost:1/v1/chat/completions"})
    async with opened(lines(away)) as (model, server, _):
        with pytest.raises(ModelDenied, match="redirects"):
            await model.complete(ask("a secret"))
    assert len(server.transcript) == 1


async def test_a_slow_server_is_waited_for_and_not_asked_twice() -> None:
    async with opened(lines(Fault(kind="stall", after=1)), retries=3, first_s=5.0, stall_s=0.1) as (
        model,
        server,
        _,
    ):
        with pytest.raises(Exception, match="in time"):
            await model.complete(ModelRequest(key="k", messages=[{"role": "user", "content": "Hi"}]))
    assert len(server.transcript) == 1
