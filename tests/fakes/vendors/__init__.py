"""Servers that stand in for those of vendors, each with what its documentation, its source or public reports say that
it takes, refuses and adds. No real server was asked.

`VENDORS` has them all. Behind each plays the same script (`player`); `server` judges the whole history of every
request by its `vendor`, which is a module for each. A rule's source stands where the rule is.
"""

from __future__ import annotations

from tests.fakes.vendors.anthropic import Anthropic
from tests.fakes.vendors.azure import Azure
from tests.fakes.vendors.deepseek import DeepSeek, DeepSeekR1
from tests.fakes.vendors.gemini import Gemini
from tests.fakes.vendors.llamacpp import LlamaCpp, LlamaCppPlain
from tests.fakes.vendors.lmstudio import LMStudio
from tests.fakes.vendors.mistral import Mistral, MistralV3
from tests.fakes.vendors.moonshot import Moonshot
from tests.fakes.vendors.ollama import Ollama, OllamaWithoutTools
from tests.fakes.vendors.openai import OpenAI, OpenAIReasoning
from tests.fakes.vendors.openrouter import OpenRouter, OpenRouterLate
from tests.fakes.vendors.player import Player
from tests.fakes.vendors.server import VendorServer
from tests.fakes.vendors.vendor import FORBIDDEN, Vendor
from tests.fakes.vendors.vllm import VLLM, VLLMPlain
from tests.fakes.vendors.xai import XAI

__all__ = ["FORBIDDEN", "VENDORS", "Player", "Vendor", "VendorServer"]

VENDORS: dict[str, type[Vendor]] = {
    kind.name: kind
    for kind in (
        OpenAI, OpenAIReasoning, Azure, Anthropic, Gemini, Mistral, MistralV3, DeepSeek, DeepSeekR1, Moonshot, XAI,
        OpenRouter, OpenRouterLate, Ollama, OllamaWithoutTools, VLLM, VLLMPlain, LlamaCpp, LlamaCppPlain, LMStudio,
    )
}  # fmt: skip
