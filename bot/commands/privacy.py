"""`/privacy`: what is kept, where, for how long, and who reads it; a paragraph is one message of the catalogues."""

from __future__ import annotations

from bot.language import gettext, marked

_TEXT = (
    marked("I am software, not a person: a bot that remembers what you tell it."),
    marked(
        "- **What is kept:** every message you send to me or that I send to you, notes that I make about you "
        "(`/memory` shows them), your reminders, and the documents you give me. Lines that other people wrote"
        " around a message to me are shown to the model with it, and never become memory; they go when their "
        "author deletes them or is forgotten."
    ),
    marked(
        "- **What others share:** in a community's public channels I may keep what is said for everybody "
        "there (its lore). `/memory lore` shows what you told, and takes it back; what others told, too, "
        "stays as theirs."
    ),
    marked(
        "- **What rooms keep:** where a community's admins switch it on (`/room`), what is said in its public places"
        " is kept as that community's memory. Everybody is told once, before anything of theirs is kept. "
        "`/privacy off` keeps yours out for good, `/memory rooms` shows and deletes it."
    ),
    marked(
        "- **Where:** in a database on the machine of whoever runs this bot. To answer, parts of it are sent "
        "to the language model that they configured. Nothing goes anywhere else."
    ),
    marked(
        "- **Who can read it:** you, and whoever runs this bot. What you tell me in a direct message is never"
        " used where others can read, unless you open a single note to a community (`/memory open`); what you"
        " say in a community stays in that community; what you say in a closed channel stays there. Nobody "
        "else's agent can see any of it."
    ),
    marked(
        "- **How long:** until you delete it, or for as many days as whoever runs this bot keeps messages. "
        "`/memory` edits or deletes single notes, and you may simply tell me to forget something: it is out "
        "of every view and search at once, and for ten minutes `/memory undo` brings it back; then it is "
        "gone. `/why` tells where I know something from. `/forget here` deletes what was said in one place, "
        "`/forget` deletes everything, `/export` gives you a copy. Deleting a message deletes it from my "
        "memory too. What is deleted is overwritten, in copies too; shared archives of a community are made "
        "anew within a day. Backups that whoever runs this bot made before are theirs to delete."
    ),
    marked(
        "- **What is not yours to delete:** what another person told me about you is theirs. Ask them, or "
        "whoever runs this bot."
    ),
)

_MASKS = marked(
    "- **Secrets:** API keys, card numbers, private keys, and what you call a password are not kept where I know them "
    "as such: a mark stands in their place before anything is written. `/privacy secrets keep` changes that."
)
_KEEPS = marked(
    "- **Secrets:** you want keys, passwords and card numbers to be kept as you write them. `/privacy secrets mask` "
    "changes that."
)


_SEALED = marked(
    "- **Sealed:** what is said lies in the database only sealed, yours with a key of your own that is kept apart from "
    "it. `/forget` throws that key away: from then on nobody can read what you said in backups made before, either. "
    "Your name, your accounts and the times stay readable in them."
)


def privacy(*, keeps_secrets: bool, sealed: bool) -> str:
    """In Markdown, in the language that is spoken; ``sealed``: see `memory.ports.Store.sealed`."""
    first, kept, *points = map(gettext, _TEXT)
    points = [kept, gettext(_KEEPS if keeps_secrets else _MASKS), *points]
    if sealed:
        points.insert(-1, gettext(_SEALED))
    return "\n".join([first, "", *points])
