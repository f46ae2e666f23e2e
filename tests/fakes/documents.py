"""Documents as people's programs write them."""

from __future__ import annotations

from pathlib import Path

from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas


def pdf(folder: Path, *pages: str, password: str | None = None) -> bytes:
    """A page for each text."""
    path = folder / "made.pdf"
    canvas = Canvas(str(path), encrypt=StandardEncryption(password, canPrint=0) if password else None)
    for page in pages:
        canvas.drawString(72, 720, page)
        canvas.showPage()
    canvas.save()
    return path.read_bytes()
