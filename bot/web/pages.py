"""How a page is made of its template: every value is escaped, and every text is in the visitor's language."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.language import gettext, language, ngettext
from bot.language.dates import day, moment
from bot.web.visitors import is_owner, visitor_of
from bot.web.website import website

_HERE = Path(__file__).parent
FILES = _HERE / "static"
"""What browsers keep: styles, the script, the icon."""


@cache
def _templates() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(gettext=gettext, ngettext=ngettext, day=day, moment=moment, version=_version)
    return made


@cache
def _version(name: str) -> str:
    """Of a file that browsers keep: another one, when it is another."""
    return hashlib.sha256((FILES / name).read_bytes()).hexdigest()[:8]


def _without_notice(request: web.Request) -> str:
    """The address of the page, as a browser is sent back to it."""
    rest = {name: value for name, value in request.query.items() if name != "notice"}
    return website(request).root + str(request.rel_url.with_query(rest))


def piece(template: str, **values: Any) -> str:
    """A part of a page."""
    return _templates().get_template(template).render(**values, language=language())


def page(
    request: web.Request, template: str, *, title: str, status: int = 200, **values: Any
) -> web.Response:
    """The template with ``values``, and what every page shows."""
    site, visitor = website(request), visitor_of(request)
    left = request.query.get("notice", "")
    notice = site.notices.take(visitor.key.id, left) if visitor and left else None
    text = (
        _templates()
        .get_template(template)
        .render(
            **values,
            title=title,
            root=site.root,
            visitor=visitor,
            form_key=visitor.form_key if visitor else "",
            owner=is_owner(request),
            talks=site.open_pages is not None,
            request_path=request.path,
            notice=notice,
            notice_name=left,
            here=_without_notice(request),
            language=language(),
        )
    )
    return web.Response(text=text, content_type="text/html", status=status)
