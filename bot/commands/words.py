"""How each command is used, word by word: for platforms that show every way by itself."""

from __future__ import annotations

from bot.events import Blank, Word


def _id(summary: str) -> Blank:
    return Blank(name="id", summary=summary, suggests=True)


_SURE = Blank(name="sure", summary="without being asked again", required=False, choices=("yes",))
_PAGE = Blank(name="page", summary="which page", required=False)
_TEXT = Blank(name="text", summary="what it shall read")
_NAME = Blank(name="name", summary="of a persona", suggests=True)
_WHERE = Blank(name="where", summary="in this channel alone", required=False, choices=("here",))

MEMORY = (
    Word(name="overview", summary="what I hold in mind of you here", typed=""),
    Word(name="notes", summary="what I noted of you", blanks=(_PAGE,)),
    Word(
        name="find",
        summary="notes about something",
        blanks=(Blank(name="words", summary="what to look for"),),
    ),
    Word(
        name="edit",
        summary="correct a note, or what I hold in mind",
        blanks=(Blank(name="what", summary="a note's id, or a block's name", suggests=True),),
    ),
    Word(
        name="set",
        summary="replace a note, or what I hold in mind, by a text",
        blanks=(Blank(name="what", summary="a note's id, or a block's name", suggests=True), _TEXT),
    ),
    Word(
        name="add", summary="let me note something", blanks=(Blank(name="text", summary="what I shall note"),)
    ),
    Word(name="drop", summary="delete a note", blanks=(_id("of the note"), _SURE)),
    Word(
        name="open",
        summary="let a private note be used in a community",
        blanks=(
            _id("of the note"),
            Blank(name="community", summary="where it may be used", required=False, suggests=True),
        ),
    ),
    Word(name="close", summary="use a note here only", blanks=(_id("of the note"),)),
    Word(
        name="lore",
        summary="what you told for everybody in a community",
        blanks=(Blank(name="more", summary="a page, or: drop ID", required=False),),
    ),
    Word(name="history", summary="what was changed, turn by turn"),
    Word(
        name="undo",
        summary="bring back what was forgotten in the last ten minutes, or undo a reflection",
        blanks=(Blank(name="id", summary="of the reflection, as the history shows it", required=False),),
    ),
)
PERSONA = (
    Word(name="here", summary="who I am here", typed=""),
    Word(name="pick", summary="whom you talk with in direct messages", blanks=(_NAME,), typed=""),
    Word(name="list", summary="who there is"),
    Word(
        name="show",
        summary="what a persona is",
        blanks=(Blank(name="name", summary="of a persona", required=False, suggests=True),),
    ),
    Word(name="bind", summary="admins: who I am in this community, or this channel", blanks=(_NAME, _WHERE)),
    Word(name="unbind", summary="admins: take that back", blanks=(_WHERE,)),
    Word(
        name="edit",
        summary="admins: change a block of the persona",
        blanks=(Blank(name="label", summary="of the block", required=False),),
    ),
    Word(
        name="set",
        summary="admins: replace a block of the persona by a text",
        blanks=(Blank(name="label", summary="of the block"), _TEXT),
    ),
    Word(name="history", summary="admins: its versions"),
    Word(
        name="restore",
        summary="admins: make it what it was",
        blanks=(Blank(name="version", summary="its number"),),
    ),
    Word(name="proposals", summary="admins: what reflections propose"),
    Word(
        name="accept",
        summary="admins: take a proposal",
        blanks=(Blank(name="id", summary="of the proposal"),),
    ),
    Word(
        name="reject",
        summary="admins: refuse a proposal",
        blanks=(Blank(name="id", summary="of the proposal"),),
    ),
    Word(
        name="lore",
        summary="admins: what it knows of this community",
        blanks=(Blank(name="more", summary="a page, or: edit ID TEXT, or: delete ID", required=False),),
    ),
)
HEARTBEAT = (
    Word(name="now", summary="wake me as if time had passed"),
    Word(name="on", summary="I may speak first"),
    Word(name="off", summary="I speak only when spoken to"),
    Word(
        name="hours",
        summary="when I may speak first",
        blanks=(
            Blank(name="span", summary="such as 9-21"),
            Blank(
                name="zone", summary="your time zone, such as Europe/Berlin", required=False, suggests=True
            ),
        ),
    ),
    Word(
        name="every",
        summary="how long after your last message I wake",
        blanks=(Blank(name="span", summary="such as 6h", suggests=True),),
    ),
    Word(name="status", summary="what is set"),
)
SCHEDULED = (
    Word(name="list", summary="what I was asked to remind you of", typed=""),
    Word(name="cancel", summary="call one off", blanks=(_id("of the reminder"),)),
)
LINK = (
    Word(name="code", summary="show a code, to be entered on the other platform", typed=""),
    Word(
        name="enter",
        summary="a code that was shown there",
        blanks=(Blank(name="code", summary="such as K7QF-2MXA"),),
        typed="",
    ),
    Word(
        name="yes",
        summary="that the code's account is yours",
        blanks=(Blank(name="code", summary="such as K7QF-2MXA"),),
    ),
    Word(name="confirm", summary="where the code was shown: that the other account is yours"),
    Word(name="cancel", summary="link nothing"),
)
FORGET = (
    Word(name="everything", summary="delete all that I hold of you, everywhere", blanks=(_SURE,), typed=""),
    Word(name="here", summary="delete what was said between us in this place", blanks=(_SURE,)),
)
HELP = (
    Word(name="commands", summary="what I can be told to do", typed=""),
    Word(name="all", summary="also what looks into my mind, and changes it"),
)
