"""A report as PDF (fpdf2), with text that can be searched and copied.

Names are drawn with fonts that have their characters, shaped by HarfBuzz; of words that no font has, the numbers of
their characters (U+674E) stand in their place.
"""

import io
import logging
from collections.abc import Sequence

from biometric.messages.translation import gettext as _
from biometric.messages.translation import language
from biometric.results.answer_report import AnswerReport, ReportAnswer, ReportPicture, ReportSection, report_texts
from biometric.results.label_fonts import base_fonts, drawable, fonts_of

_INK, _QUIET, _LINE = (30, 41, 59), (71, 85, 105), (203, 213, 225)
_MOODS = {"good": (15, 118, 110), "unsure": (146, 64, 14), "bad": (185, 28, 28)}
_MARGIN, _TERM_WIDTH = 15.0, 45.0
_PICTURE_WIDTH, _PICTURE_HEIGHT = 42.0, 70.0
"""Millimetres, as all lengths here."""
_PICTURE_PIXELS = (_PICTURE_WIDTH / 25.4 * 96, _PICTURE_HEIGHT / 25.4 * 96)
"""Pixels in that room at 96 an inch, the size of pictures on pages: smaller ones are enlarged to fill it."""
_MOST_NUMBERS = 12
"""Most characters of a word that no font has whose numbers are written."""


def report_pdf(report: AnswerReport) -> bytes:
    """Return the PDF of a report: A4, page numbers, pictures and text."""
    document = _Document(report)
    document.write()
    return document.data()


class _Document:
    def __init__(self, report: AnswerReport) -> None:
        # fpdf2 tells of each table of a font that it leaves out.
        logging.getLogger("fontTools").setLevel(logging.ERROR)
        from fpdf import FPDF

        class Pages(FPDF):
            def footer(self) -> None:
                self.set_y(-12)
                self.set_font("body", size=8)
                self.set_text_color(*_QUIET)
                page = _("page {page} of {pages}").format(page=self.page_no(), pages="{nb}")
                self.cell(0, 5, f"{report.title} · {report.created} · {page}", align="C")

        self._report = report
        self._pdf = Pages(format="A4")
        self._pdf.set_margin(_MARGIN)
        self._pdf.set_auto_page_break(True, 18)
        self._pdf.set_title(f"{report.title}: {report.summary}")
        self._pdf.set_creator("Sightline")
        self._pdf.set_lang(language())
        self._add_fonts()
        self._pdf.add_page()

    def _add_fonts(self) -> None:
        regular, bold = base_fonts()
        self._pdf.add_font("body", "", regular)
        self._pdf.add_font("body", "B", bold)
        needed = sorted({path for text in report_texts(self._report) for path in fonts_of(_shown(text))} - {regular})
        for number, path in enumerate(needed):
            self._pdf.add_font(f"more{number}", "", path)
        self._pdf.set_fallback_fonts([f"more{number}" for number in range(len(needed))], exact_match=False)
        self._pdf.set_text_shaping(True)

    def data(self) -> bytes:
        return bytes(self._pdf.output())

    def write(self) -> None:
        report = self._report
        self._text(report.title, 20, bold=True)
        mood = report.answers[0].mood if len(report.answers) == 1 else ""
        self._text(report.summary, 13, bold=True, colour=_MOODS.get(mood, _INK))
        self._text(_("Made on {time}").format(time=report.created), 9, colour=_QUIET)
        self._warnings(report.warnings)
        self._sections(report.overview)
        for answer in report.answers:
            self._answer(answer)
        self._heading(_("What was compared"))
        self._facts(report.source)
        self._sections(report.sections)
        self._heading(_("Limits"))
        for text in report.limits:
            self._text(f"• {text}", 10)

    def _sections(self, sections: Sequence[ReportSection]) -> None:
        for section in sections:
            self._heading(section.heading)
            for text in section.texts:
                self._text(text, 10)
            self._facts(section.rows)

    def _answer(self, answer: ReportAnswer) -> None:
        self._heading(answer.heading, room=_PICTURE_HEIGHT + 50)
        self._text(answer.outcome, 12, bold=True, colour=_MOODS[answer.mood])
        self._text(answer.reason, 10)
        self._warnings(answer.warnings)
        self._pictures([answer.probe] if answer.reference is None else [answer.probe, answer.reference])
        self._facts(answer.facts)
        if answer.candidates:
            self._text(_("Closest in the gallery"), 10, bold=True)
            self._facts([(f"{row.rank}. {row.score}", f"{row.band}: {row.name}") for row in answer.candidates])
        self._text(
            _("What the threshold rests on: {sentences}").format(sentences=" ".join(answer.evidence)), 9, colour=_QUIET
        )

    def _heading(self, text: str, room: float = 30.0) -> None:
        pdf = self._pdf
        if pdf.will_page_break(room):
            pdf.add_page()
        pdf.ln(4)
        pdf.set_draw_color(*_LINE)
        pdf.line(_MARGIN, pdf.get_y(), pdf.w - _MARGIN, pdf.get_y())
        pdf.ln(2)
        self._text(text, 14, bold=True)

    def _text(
        self, text: str, size: int, *, bold: bool = False, colour: tuple[int, int, int] = _INK, width: float = 0
    ) -> None:
        self._pdf.set_font("body", "B" if bold else "", size)
        self._pdf.set_text_color(*colour)
        left = self._pdf.get_x()
        self._pdf.multi_cell(width, size * 0.5, _shown(text), align="L", new_x="LEFT", new_y="NEXT")
        self._pdf.set_x(left)

    def _warnings(self, texts: Sequence[str]) -> None:
        for text in texts:
            self._text(_("Note: {text}").format(text=text), 10, colour=_MOODS["unsure"])

    def _facts(self, rows: Sequence[tuple[str, str]]) -> None:
        pdf = self._pdf
        for term, value in rows:
            if pdf.will_page_break(8):
                pdf.add_page()
            top, page = pdf.get_y(), pdf.page_no()
            self._text(term, 10, bold=True, width=_TERM_WIDTH)
            below = pdf.get_y() if pdf.page_no() == page else top
            pdf.set_xy(_MARGIN + _TERM_WIDTH, top)
            self._text(value, 10)
            pdf.set_xy(_MARGIN, max(pdf.get_y(), below) if pdf.page_no() == page else pdf.get_y())
        pdf.ln(1)

    def _pictures(self, pictures: Sequence[ReportPicture]) -> None:
        pdf = self._pdf
        if pdf.will_page_break(_PICTURE_HEIGHT + 20):
            pdf.add_page()
        pdf.ln(2)
        top, lowest = pdf.get_y(), pdf.get_y()
        for number, picture in enumerate(pictures):
            left = _MARGIN + number * 2 * _PICTURE_WIDTH
            if picture.jpeg is None:
                pdf.set_draw_color(*_LINE)
                pdf.rect(left, top, _PICTURE_WIDTH, _PICTURE_HEIGHT)
                pdf.set_xy(left + 2, top + 2)
                self._text(_("The picture is no longer stored."), 9, colour=_QUIET, width=_PICTURE_WIDTH - 4)
            else:
                pdf.image(
                    io.BytesIO(picture.jpeg),
                    left,
                    top,
                    _PICTURE_WIDTH,
                    _PICTURE_HEIGHT,
                    alt_text=_shown(picture.caption),
                    keep_aspect_ratio=True,
                )
            pdf.set_xy(left, top + _PICTURE_HEIGHT + 1)
            self._text(picture.caption, 10, bold=True, width=2 * _PICTURE_WIDTH - 6)
            self._text(picture.words(*_PICTURE_PIXELS), 8, colour=_QUIET, width=2 * _PICTURE_WIDTH - 6)
            lowest = max(lowest, pdf.get_y())
        pdf.set_xy(_MARGIN, lowest + 2)


def _shown(text: str) -> str:
    """Return what can be drawn of a text; a word that no font has is written as the numbers of its characters."""
    if drawable(text, "") == text:
        return text
    return " ".join(drawable(word, _numbers(word)) for word in text.split(" "))


def _numbers(word: str) -> str:
    more = "…" if len(word) > _MOST_NUMBERS else ""
    return f"[{' '.join(f'U+{ord(character):04X}' for character in word[:_MOST_NUMBERS])}{more}]"
