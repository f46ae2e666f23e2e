"""What can go wrong in the bot.

EverbotError
├── SettingsError        the configuration is wrong: one sentence naming the setting
├── ModelError           the language model did not answer usefully
│   ├── ModelUnavailable     down, overloaded, cut short, timed out: the same request may work later
│   ├── ModelDenied          key, model name or account is wrong: the operator must mend it
│   └── ModelRefused         this request is refused, and always will be: others may be answered
│       └── ModelOverflow        it does not fit the model's window: send less
├── AllowanceUsed        no more tokens may be used today; the text says so to the person
├── Interrupted          the turn's question to the model was called off
├── DeliveryError        an adapter could not post a reply now; it will be tried again
│   ├── DeliveryWaits        nobody is there to take it; it is kept until somebody is
│   ├── DeliveryDoubtful     it may have been posted: look before trying again
│   └── DeliveryRefused      the platform will never take it: the place is gone, or closed to us
├── AdapterError         a platform refused us: token, intent or scope; the operator must mend it
├── ToolError            the model called a tool wrongly; the text says how to mend it
├── CommandError         a person used a command wrongly; the text says how
│   ├── NotThere             what they name is not there
│   ├── TooLong              a text is longer than its place holds
│   ├── Changed              it is not any more what they saw
│   └── Refused              what they write may not be kept here
│       └── Unjudged             nobody can say just now whether it may be
├── PersonaError         there is no such persona, or it can't be that; the text says why
├── BundleError          a file that was given to be imported is not what it should be
├── CardError            a character card is refused; the text says what is wrong with it
├── AgentExists          an agent of that name is there already
└── AgentNotFound        there is no agent of that name or id
"""

from __future__ import annotations

import errno

_IN_THE_WAY = "a file is where a folder must be"
_REFUSED = {
    errno.EEXIST: _IN_THE_WAY,
    errno.ENOTDIR: _IN_THE_WAY,
    errno.EISDIR: "it is a folder, not a file",
}


def refused(error: OSError) -> str:
    """Why a file or a folder cannot be used, in words for whoever named it."""
    return _REFUSED.get(error.errno or 0) or error.strerror or "it cannot be used"


class EverbotError(Exception):
    """Base of every error of this package. Its text is a sentence for its reader."""


class SettingsError(EverbotError):
    pass


class ModelError(EverbotError):
    pass


class ModelUnavailable(ModelError):
    """``retry_after`` is in seconds, when the server said so; ``timed_out`` when it said nothing at all."""

    def __init__(self, message: str, retry_after: float | None = None, *, timed_out: bool = False) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.timed_out = timed_out


class ModelDenied(ModelError):
    pass


class ModelRefused(ModelError):
    """``content``: the server says that it is for what is in it, not for its form."""

    def __init__(self, message: str, *, content: bool = False) -> None:
        super().__init__(message)
        self.content = content


class ModelOverflow(ModelRefused):
    pass


class AllowanceUsed(EverbotError):
    pass


class Interrupted(EverbotError):
    """``reason`` says by what: a constant of `bot.agent.interrupt`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class DeliveryError(EverbotError):
    """``retry_after`` is in seconds, when the platform said so."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class DeliveryWaits(DeliveryError):
    pass


class DeliveryDoubtful(DeliveryError):
    pass


class DeliveryRefused(DeliveryError):
    pass


class AdapterError(EverbotError):
    pass


class ToolError(EverbotError):
    pass


class CommandError(EverbotError):
    pass


class NotThere(CommandError):
    pass


class TooLong(CommandError):
    pass


class Changed(CommandError):
    pass


class Refused(CommandError):
    pass


class Unjudged(Refused):
    pass


class PersonaError(EverbotError):
    pass


class CardError(EverbotError):
    pass


class BundleError(EverbotError):
    pass


class AgentExists(EverbotError):
    pass


class AgentNotFound(EverbotError):
    pass
