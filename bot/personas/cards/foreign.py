"""Characters and lorebooks as other programs write them, told as V2 has them. Pure.

Read from the sources of the programs: Agnai's ``AppSchema.Character`` and memory books, Pygmalion's five fields,
SillyTavern's World Info (``newWorldInfoEntryDefinition``), RisuAI's lorebook export, NovelAI's lorebook.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bot.personas.cards.fields import Json

_PYGMALION = {
    "char_name": "name",
    "char_persona": "description",
    "char_greeting": "first_mes",
    "world_scenario": "scenario",
    "example_dialogue": "mes_example",
}
_AGNAI = {
    "name": "name",
    "greeting": "first_mes",
    "scenario": "scenario",
    "sampleChat": "mes_example",
    "alternateGreetings": "alternate_greetings",
    "systemPrompt": "system_prompt",
    "postHistoryInstructions": "post_history_instructions",
    "description": "creator_notes",  # of the character for people
    "tags": "tags",
    "creator": "creator",
    "characterVersion": "character_version",
}
_ENTRY = {  # fields of entries, by the first name that is there
    "keys": ("keys", "key", "keywords"),
    "secondary_keys": ("secondary_keys", "keysecondary", "secondkey"),
    "content": ("content", "entry", "text"),
    "name": ("name", "displayName"),
    "comment": ("comment",),
    "constant": ("constant", "alwaysActive", "forceActivation"),
    "selective": ("selective",),
    "insertion_order": ("insertion_order", "order", "insertorder", "weight"),
    "priority": ("priority",),
    "enabled": ("enabled",),
    "use_regex": ("use_regex", "useRegex"),
    "case_sensitive": ("case_sensitive", "caseSensitive"),
}
_EXTENSIONS = {  # SillyTavern's names in World Info, and in a card's book
    "scanDepth": "scan_depth",
    "matchWholeWords": "match_whole_words",
    "activationPercent": "probability",
}


def as_card(document: Json) -> dict[str, Any] | None:
    """A character of Agnai's or Pygmalion's as a card of V2; None for what is neither."""
    persona = document.get("persona")
    if "spec" not in document and isinstance(persona, Mapping) and "attributes" in persona:
        data = _renamed(document, _AGNAI)
        data["description"] = _attributes(persona)
        book = (
            lorebook(document["characterBook"])
            if isinstance(document.get("characterBook"), Mapping)
            else None
        )
        return _card(data | ({"character_book": book} if book else {}))
    if isinstance(document.get("char_name"), str) and "name" not in document:
        return _card(_renamed(document, _PYGMALION))
    return None


def _card(data: dict[str, Any]) -> dict[str, Any]:
    return {"spec": "chara_card_v2", "spec_version": "2.0", "data": data}


def _renamed(document: Json, names: Mapping[str, str]) -> dict[str, Any]:
    return {ours: document[theirs] for theirs, ours in names.items() if document.get(theirs) is not None}


def _attributes(persona: Json) -> str:
    """Agnai's attributes: each a name with a list of texts; a plain text is the only one, called ``text``."""
    attributes = persona["attributes"]
    if not isinstance(attributes, Mapping):
        return ""
    told = {
        name: ", ".join(map(str, values)) for name, values in attributes.items() if isinstance(values, list)
    }
    if persona.get("kind") == "text" or set(told) == {"text"}:
        return told.get("text", "")
    return "\n".join(f"{name}: {values}" for name, values in told.items() if values)


def lorebook(document: Json) -> dict[str, Any] | None:
    """A lorebook that is a file of its own, as a card's book; None for what is none.

    World Info of SillyTavern, the books of Agnai, RisuAI, NovelAI, and a bare ``character_book``.
    """
    held = document.get("data") if document.get("spec") == "lorebook_v3" else document
    if not isinstance(held, Mapping):
        return None
    entries: Any = document.get("data") if document.get("type") == "risu" else held.get("entries")
    members: Iterable[Any] = entries.values() if isinstance(entries, Mapping) else entries or ()
    if not isinstance(entries, Mapping | list) or ("name" in document and "first_mes" in document):
        return None
    found = [entry for entry in members if isinstance(entry, Mapping)]
    if not found or not any(any(name in entry for name in _ENTRY["keys"]) for entry in found):
        return None
    kept = {
        name: held[name]
        for name in ("name", "description", "scan_depth", "token_budget", "recursive_scanning", "extensions")
        if name in held
    }
    return kept | {"entries": [_entry(entry) for entry in found]}


def _entry(entry: Json) -> dict[str, Any]:
    told = {
        ours: entry[theirs]
        for ours, names in _ENTRY.items()
        if (theirs := next((name for name in names if entry.get(name) is not None), None)) is not None
    }
    if "disable" in entry:
        told["enabled"] = not entry["disable"]
    told.setdefault("use_regex", True)  # of these programs, a key /like this/ is a pattern wherever it stands
    known = {name for names in _ENTRY.values() for name in names} | {"disable", "extensions", "uid", "id"}
    others = {_EXTENSIONS.get(name, name): value for name, value in entry.items() if name not in known}
    own = entry.get("extensions")
    return told | {"extensions": others | (dict(own) if isinstance(own, Mapping) else {})}
