"""Reasoning that a server left in the text is not what the model says."""

from __future__ import annotations

import time

import pytest

from bot.models.thoughts import spoken

FENCED = "Write it so:\n```\n<think>plan</think>\n```\nThat is all."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("<think>\nA greeting.\n</think>\n\nGood morning!", "Good morning!", id="DeepSeek-R1, Qwen3"),
        pytest.param("They greet.\n</think>\n\nGood morning!", "Good morning!", id="opened by the template"),
        pytest.param("<think>They greet, and", "", id="never closed"),
        pytest.param("Good morning!\n<think>Was that right?", "Good morning!", id="never closed, behind"),
        pytest.param("<thinking>x</thinking> Yes <thinking>y</thinking>and no", "Yes and no", id="twice"),
        pytest.param("<THINK>x</THINK>Yes", "Yes", id="capitals"),
        pytest.param('<think type="slow">x</think>Yes', "Yes", id="an attribute"),
        pytest.param("<think>a<think>b</think>c</think>Yes", "Yes", id="one in another"),
        pytest.param("<seed:think>x</seed:think>Yes", "Yes", id="Seed-OSS"),
        pytest.param("<thought>x</thought>\nYes", "Yes", id="EXAONE"),
        pytest.param("[THINK]x[/THINK]Yes", "Yes", id="Magistral"),
        pytest.param("◁think▷x◁/think▷Yes", "Yes", id="Kimi-VL"),
        pytest.param("<|START_THINKING|>x<|END_THINKING|><|START_RESPONSE|>Yes<|END_RESPONSE|>", "Yes", id="Command A"),
        pytest.param("<|channel>thought\nx<channel|>Yes", "Yes", id="Gemma"),
        pytest.param("<|inner_prefix|>x<|inner_suffix|>Yes", "Yes", id="Apertus"),
        pytest.param("Here is my thought process: x Here is my response: Yes", "Yes", id="Granite"),
        pytest.param("<think>x</think><answer>Yes</answer>", "Yes", id="the answer in a tag, too"),
        pytest.param("<think>```py\nx = 1</think>Yes: ```y```", "Yes: ```y```", id="thoughts that leave a fence open"),
        pytest.param("```py\nx\n</think>\nYes ```y```", "Yes ```y```", id="the same, opened by the template"),
        pytest.param(
            "<|channel|>analysis<|message|>x<|end|><|start|>assistant<|channel|>final<|message|>Yes<|return|>",
            "Yes", id="harmony",
        ),
        pytest.param("<|channel|>analysis<|message|>only thoughts", "", id="harmony, thoughts alone"),
        pytest.param("analysisThey greet.assistantfinalYes", "Yes", id="harmony without its marks"),
        pytest.param("Yes<|im_end|>\n</s>", "Yes", id="tokens at the end"),
        pytest.param("analysis They greet. assistant final Yes", "Yes", id="harmony without its marks, spaced"),
        pytest.param("<mm:think>x</mm:think>Yes", "Yes", id="another namespace"),
        pytest.param("<longcat_think>x</longcat_think>Yes", "Yes", id="LongCat"),
        pytest.param("<inner_thoughts>x</inner_thoughts>Yes", "Yes", id="inner thoughts"),
        pytest.param("<analysis>x</analysis>Yes", "Yes", id="analysis"),
        pytest.param("<思考>x</思考>Yes", "Yes", id="in another language"),
        pytest.param("<|think_start|>x<|think_end|>Yes", "Yes", id="bars, start and end"),
        pytest.param("<|reasoning|>x<|/reasoning|>Yes", "Yes", id="bars and a slash"),
        pytest.param("<reasoning_start>x<reasoning_end>Yes", "Yes", id="start and end"),
        pytest.param("<|think|>x<|end|><|begin|>assistant<|content|>Yes", "Yes", id="Solar"),
        pytest.param("```thinking\nx\n```\nYes", "Yes", id="a fence"),
        pytest.param("```thinking\nx", "", id="a fence that was cut"),
        pytest.param(
            '<details type="reasoning" done="true">\n<summary>Thought for 3 seconds</summary>\n> x\n</details>\nYes',
            "Yes", id="Open WebUI",
        ),
        pytest.param("Thinking...\nx\n...done thinking.\n\nYes", "Yes", id="Ollama's terminal"),
        pytest.param("[Thought: x]\nYes", "Yes", id="brackets"),
        pytest.param("Thought: x\nFinal Answer: Yes", "Yes", id="ReAct"),
        pytest.param("**Thinking:** x\n\n**Answer:** Yes", "Yes", id="headings"),
        pytest.param("<role>ASSISTANT</role><think>x</think>Yes", "Yes", id="Ling"),
        pytest.param("[BOT]Yes", "Yes", id="whose turn it is"),
    ],
)  # fmt: skip
def test_thoughts_are_cut(text: str, said: str) -> None:
    assert spoken(text) == said


@pytest.mark.parametrize(
    "text",
    [
        "Good morning!",
        "With the tag `<think>` a model begins to think.",
        "The <think> tag opens it, the </think> tag closes it.",
        FENCED,
        "1 < 2, and [this] is no mark.",
        "An analysis of the assistant: final.",
        "I think <b>so</b>.",
        "Thinking... I do not know.",
        "Thinking: a hard thing.",
        "An analysis of it: the assistant final is in May.",
        "[Thoughts: none yet",
        "<details><summary>More</summary>x</details>",
    ],
)
def test_what_only_tells_of_them_stays(text: str) -> None:
    assert spoken(text) == text


@pytest.mark.parametrize(
    "piece",
    ["<think>", "a<think>", "</think>", "`", "```a", "<|channel|>", "<|channel|>a<|message|>", "<", "</s>", "<think ",
     "[THINK]`", "```\n</think>\n``` ", "assistantfina", "<answer>"],
)  # fmt: skip
def test_its_time_grows_with_the_length_only(piece: str) -> None:
    def took(size: int) -> float:
        text = piece * (size // len(piece))
        begun = time.thread_time()
        spoken(text)
        return time.thread_time() - begun

    took(1_000)
    assert took(200_000) < 10 * max(took(20_000), 0.01) + 0.5
