"""The mails of a demo, as a page: only where there is a mailbox, only on this machine."""

from email.message import EmailMessage
from html import escape

from fastapi import APIRouter, Request
from starlette.responses import Response

from hidamari.cloud.context import ServiceDep
from hidamari.core.words import text
from hidamari.http.depends import lang_of
from hidamari.http.errors import ApiError

router = APIRouter(tags=["mailbox"])
PATH = "/mailbox"
AGAIN_S = 5  # a mail that is on its way appears by itself


@router.get(PATH, include_in_schema=False)
async def mailbox(request: Request, service: ServiceDep) -> Response:
    """Every mail that was sent, the newest first."""
    if service.mailbox is None:
        raise ApiError(404, "there is no such page")
    articles = "\n".join(_article(mail) for mail in service.mailbox.mails())
    lang = lang_of(request)
    title = text(lang, "mail.box_title")
    head = (
        f'<!doctype html><html lang="{lang}"><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<link rel="stylesheet" href="/mailbox.css">'
        f'<meta http-equiv="refresh" content="{AGAIN_S}">'
    )
    page = f"{head}\n<h1>{title}</h1>\n{articles}\n"
    return Response(page, media_type="text/html; charset=utf-8")


def _article(mail: EmailMessage) -> str:
    body = "<br>".join(_line(line) for line in str(mail.get_content()).splitlines())
    to, subject = escape(str(mail["To"])), escape(str(mail["Subject"]))
    return f"<article><h2>{subject}</h2><p>{to}</p><p>{body}</p></article>"


def _line(line: str) -> str:
    """A line of a mail; one that is a link can be followed."""
    shown = escape(line)
    if line.startswith(("http://", "https://")):
        return f'<a href="{shown}">{shown}</a>'
    return shown
