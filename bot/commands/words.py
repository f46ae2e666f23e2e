"""How each command is used, word by word: for platforms that show every way by itself."""

from __future__ import annotations

from bot.events import Blank, Word
from bot.language import marked


def _id(summary: str) -> Blank:
    return Blank(name="id", summary=summary, suggests=True)


_SURE = Blank(name="sure", summary=marked("without being asked again"), required=False, choices=("yes",))
_PAGE = Blank(name="page", summary=marked("which page"), required=False)
_TEXT = Blank(name="text", summary=marked("what it shall read"))
_NAME = Blank(name="name", summary=marked("of a persona"), suggests=True)
_WHERE = Blank(name="where", summary=marked("in this channel alone"), required=False, choices=("here",))
_PROPOSAL = Blank(name="id", summary=marked("of the proposal, or: all"))

MEMORY = (
    Word(name="overview", summary=marked("what I hold in mind of you here"), typed=""),
    Word(name="notes", summary=marked("what I noted of you"), blanks=(_PAGE,)),
    Word(
        name="find",
        summary=marked("notes about something"),
        blanks=(Blank(name="words", summary=marked("what to look for")),),
    ),
    Word(
        name="edit",
        summary=marked("correct a note, or what I hold in mind"),
        blanks=(Blank(name="what", summary=marked("a note's id, or a block's name"), suggests=True),),
    ),
    Word(
        name="set",
        summary=marked("replace a note, or what I hold in mind, by a text"),
        blanks=(Blank(name="what", summary=marked("a note's id, or a block's name"), suggests=True), _TEXT),
    ),
    Word(
        name="add",
        summary=marked("let me note something"),
        blanks=(Blank(name="text", summary=marked("what I shall note")),),
    ),
    Word(name="documents", summary=marked("the documents that you sent me"), blanks=(_PAGE,)),
    Word(
        name="pictures",
        summary=marked("the pictures that you sent me"),
        blanks=(Blank(name="id", summary=marked("of the one to begin with"), required=False),),
    ),
    Word(
        name="drop",
        summary=marked("delete a note, a document, or a picture"),
        blanks=(_id(marked("of the note, the document, or the picture")), _SURE),
    ),
    Word(
        name="open",
        summary=marked("let a private note be used in a community"),
        blanks=(
            _id(marked("of the note")),
            Blank(name="community", summary=marked("where it may be used"), required=False, suggests=True),
        ),
    ),
    Word(name="close", summary=marked("use a note here only"), blanks=(_id(marked("of the note")),)),
    Word(
        name="lore",
        summary=marked("what you told for everybody in a community"),
        blanks=(Blank(name="more", summary=marked("a page, or: drop ID"), required=False),),
    ),
    Word(
        name="rooms",
        summary=marked("what you said in public, and is kept there"),
        blanks=(Blank(name="more", summary=marked("a page, or: drop ID"), required=False),),
    ),
    Word(name="proposals", summary=marked("what I would keep of what you brought along"), blanks=(_PAGE,)),
    Word(name="accept", summary=marked("keep what I propose"), blanks=(_PROPOSAL,)),
    Word(name="refuse", summary=marked("let go of what I propose"), blanks=(_PROPOSAL,)),
    Word(name="mind", summary=marked("what your last message brought to mind, and why")),
    Word(name="history", summary=marked("what was changed, turn by turn")),
    Word(
        name="undo",
        summary=marked("bring back what was forgotten in the last ten minutes, or undo a reflection"),
        blanks=(
            Blank(name="id", summary=marked("of the reflection, as the history shows it"), required=False),
        ),
    ),
    Word(
        name="web",
        summary=marked("your memory as a page, in a browser"),
        blanks=(Blank(name="more", summary=marked("to sign out: end ID, or end all"), required=False),),
    ),
)
PERSONA = (
    Word(name="here", summary=marked("who I am here"), typed=""),
    Word(name="pick", summary=marked("whom you talk with in direct messages"), blanks=(_NAME,), typed=""),
    Word(name="list", summary=marked("who there is")),
    Word(
        name="show",
        summary=marked("what a persona is"),
        blanks=(Blank(name="name", summary=marked("of a persona"), required=False, suggests=True),),
    ),
    Word(
        name="bind",
        summary=marked("admins: who I am in this community, or this channel"),
        blanks=(_NAME, _WHERE),
    ),
    Word(name="unbind", summary=marked("admins: take that back"), blanks=(_WHERE,)),
    Word(
        name="edit",
        summary=marked("admins: change a block of the persona"),
        blanks=(Blank(name="label", summary=marked("of the block"), required=False),),
    ),
    Word(
        name="set",
        summary=marked("admins: replace a block of the persona by a text"),
        blanks=(Blank(name="label", summary=marked("of the block")), _TEXT),
    ),
    Word(name="history", summary=marked("admins: its versions")),
    Word(
        name="restore",
        summary=marked("admins: make it what it was"),
        blanks=(Blank(name="version", summary=marked("its number")),),
    ),
    Word(name="proposals", summary=marked("admins: what reflections propose")),
    Word(
        name="accept",
        summary=marked("admins: take a proposal"),
        blanks=(Blank(name="id", summary=marked("of the proposal")),),
    ),
    Word(
        name="reject",
        summary=marked("admins: refuse a proposal"),
        blanks=(Blank(name="id", summary=marked("of the proposal")),),
    ),
    Word(
        name="lore",
        summary=marked("admins: what it knows of this community"),
        blanks=(
            Blank(name="more", summary=marked("a page, or: edit ID TEXT, or: delete ID"), required=False),
        ),
    ),
)
HEARTBEAT = (
    Word(name="now", summary=marked("wake me as if time had passed")),
    Word(name="on", summary=marked("I may speak first")),
    Word(name="off", summary=marked("I speak only when spoken to")),
    Word(
        name="hours",
        summary=marked("when I may speak first"),
        blanks=(
            Blank(name="span", summary=marked("such as 9-21")),
            Blank(
                name="zone",
                summary=marked("your time zone, such as Europe/Berlin"),
                required=False,
                suggests=True,
            ),
        ),
    ),
    Word(
        name="every",
        summary=marked("how long after your last message I wake"),
        blanks=(Blank(name="span", summary=marked("such as 6h"), suggests=True),),
    ),
    Word(name="status", summary=marked("what is set")),
)
SCHEDULED = (
    Word(name="list", summary=marked("what I was asked to remind you of"), typed=""),
    Word(
        name="edit",
        summary=marked("change when one comes, and what it says"),
        blanks=(_id(marked("of the reminder")),),
    ),
    Word(
        name="when",
        summary=marked("let one come at another time"),
        blanks=(
            _id(marked("of the reminder")),
            Blank(name="time", summary=marked("such as 2026-11-27T09:00, every 2h or 0 8 * * 1-5")),
        ),
    ),
    Word(
        name="text",
        summary=marked("let one say something else"),
        blanks=(
            _id(marked("of the reminder")),
            Blank(name="text", summary=marked("what I shall remind you of")),
        ),
    ),
    Word(name="cancel", summary=marked("call one off"), blanks=(_id(marked("of the reminder")),)),
)
LINK = (
    Word(name="code", summary=marked("show a code, to be entered on the other platform"), typed=""),
    Word(
        name="enter",
        summary=marked("a code that was shown there"),
        blanks=(Blank(name="code", summary=marked("such as K7QF-2MXA")),),
        typed="",
    ),
    Word(
        name="yes",
        summary=marked("that the code's account is yours"),
        blanks=(Blank(name="code", summary=marked("such as K7QF-2MXA")),),
    ),
    Word(name="confirm", summary=marked("where the code was shown: that the other account is yours")),
    Word(name="cancel", summary=marked("link nothing")),
)
FORGET = (
    Word(
        name="everything",
        summary=marked("delete all that I hold of you, everywhere"),
        blanks=(_SURE,),
        typed="",
    ),
    Word(name="here", summary=marked("delete what was said between us in this place"), blanks=(_SURE,)),
)
ROOM = (
    Word(
        name="memory",
        summary=marked("keep what is said in public here, or not"),
        blanks=(
            Blank(name="choice", summary=marked("on or off"), required=False, choices=("on", "off")),
            _SURE,
        ),
    ),
)
REPORT = (
    Word(
        name="reason",
        summary=marked("send a reason to whoever runs me, and nothing else"),
        blanks=(Blank(name="why", summary=marked("what was wrong with it")),),
    ),
    Word(
        name="answer",
        summary=marked("send my last answer here with the reason"),
        blanks=(Blank(name="why", summary=marked("what was wrong with it")),),
    ),
)
PRIVACY = (
    Word(name="show", summary=marked("what is kept, and who reads it"), typed=""),
    Word(name="off", summary=marked("keep what I say out of rooms' memory and lore, for good")),
    Word(name="on", summary=marked("let what I say in public be kept where it is")),
    Word(
        name="secrets",
        summary=marked("whether I keep keys, passwords and card numbers"),
        blanks=(
            Blank(
                name="choice",
                summary=marked("keep them, or put a mark in their place"),
                choices=("keep", "mask"),
            ),
        ),
    ),
)
LANGUAGE = (
    Word(name="show", summary=marked("which one I speak with you"), typed=""),
    Word(
        name="pick",
        summary=marked("the one that you read"),
        blanks=(Blank(name="language", summary=marked("such as de, fr or ja"), suggests=True),),
        typed="",
    ),
    Word(name="auto", summary=marked("the one that you use here")),
)
HELP = (
    Word(name="commands", summary=marked("what I can be told to do"), typed=""),
    Word(name="all", summary=marked("also what looks into my mind, and changes it")),
)
