"""The words in which servers say what they do not take in how a request is put: see `bot.models.dialect`."""

from __future__ import annotations

import re

UNFIT = re.compile(
    r"unsupported|not support|unknown|unrecogni[sz]ed|unexpected|not permitted|not allowed|invalid|extra|additional"
    r"|cannot|incompatible|not (be |both )?(available|enabled|valid|accept|specified|set|used)|no longer|deprecated"
    r"|不支持|无效|未知|非法|不允许"
    r"|illegal|must (not )?be|only|does not|too (large|high)|exceed|maximum|should|conflict|reject|forbidden|disallow",
    re.IGNORECASE,
)
MISSING = re.compile(
    r"missing|must be (passed|provided|included|present|set|sent)|required|passed back|lacks|expected",
    re.IGNORECASE,
)
LONG_REPLY = re.compile(
    r"max_(completion_|output_|new_)?tokens.{0,60}(must be|too (large|high)|maximum allowed|at most|between|range)",
    re.IGNORECASE | re.DOTALL,
)
OF_INPUT = re.compile(r"input tokens|prompt|messages|context length", re.IGNORECASE)
NO_TOOLS = re.compile(
    r"(not|n't) (currently )?support.{0,30}(tools?\b|tool[ _-]?(use|call)|function)|support tool use"
    r"|enable-auto-tool-choice"
    r"|tool-call-parser|tools? .{0,20}requires? .{0,4}--jinja|unsupported param: tools|(tool"
    r"|function)[ _-]?call(ing|s)? (is|are) "
    r"(not|disabled|unsupported)|tools (is|are) not",
    re.IGNORECASE,
)
NO_THOUGHT = re.compile(
    r"\btools? (with|and|when) reasoning_effort|reasoning_effort.{0,40}\btools?\b", re.IGNORECASE
)
NO_SYSTEM = re.compile(
    r"system role|role[s]? .{0,20}system.{0,40}not|only user and assistant"
    r"|not support.{0,8}['\"`]?(system|developer)|unsupported role\W{1,4}system"
    r"|(developer|system) (instruction|message|prompt)s? .{0,24}(not|n't) (enabled|supported|allowed)",
    re.IGNORECASE,
)
ONE_CALL = re.compile(
    r"single tool.?calls?|one tool.?call"
    r"|(multiple|parallel|several) (tool|function).?calls? .{0,24}(not|n't|unsupported)",
    re.IGNORECASE,
)
ALTERNATE = re.compile(
    r"(roles?|turns?|messages?) (must|should) alternate|alternat\w+ .{0,40}(user|role)|interleave"
    r"|(consecutive|successive|same role).{0,60}(role|message|row)",
    re.IGNORECASE,
)
CALLS_APART = re.compile(r"optional system message|tool|function|successive|interleave", re.IGNORECASE)
"""Said of the order of roles by what does know calls."""
AFTER_TOOL = re.compile(
    r"user.{0,24}after.{0,12}tool|assistant.{0,24}(expected|must).{0,24}after.{0,12}tool", re.IGNORECASE
)
NOT_BOTH = re.compile(
    r"(content|text).{0,24}(and|or).{0,24}(tool|thinking|reasoning|function).{0,80}not both"
    r"|both.{0,24}content.{0,24}(and|or).{0,24}(tool|thinking|reasoning|function)",
    re.IGNORECASE | re.DOTALL,
)
EMPTY = re.compile(
    r"non-?empty|(not|n't) be empty|is empty|empty content|at least (1|one)|min(imum)?_?length", re.IGNORECASE
)
CONTENT_KIND = re.compile(r"content", re.IGNORECASE)
NULL = re.compile(r"null|none\b|str(ing)?\b|required|missing|nil", re.IGNORECASE)
BAD_SIGNATURE = re.compile(
    r"(corrupt|invalid|not valid|expired|malformed).{0,40}thought.?signature", re.IGNORECASE
)
SAYS_NOTHING = re.compile(
    r"\s*(bad request|unprocessable( entity| content)?|(invalid|malformed)[ _]?(request|argument|parameter|input)s?"
    r"|validation error|(the )?request contains an invalid argument|invalid_request_error|\W|\d)*",
    re.IGNORECASE,
)
"""A refusal that does not say what it is for."""
