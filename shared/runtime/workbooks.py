"""What an XLSX file from outside must not do: grow without bound while it is read (工作簿检查).

A few kilobytes can unpack to gigabytes, and a cell in the last corner makes the reader lay out
every cell before it. So the file is unpacked here under a limit, its cells are counted, and only
a plain copy of what was counted goes on to the reader.
"""

from __future__ import annotations

import io
import re
import zlib
from typing import Final
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile

UNPACKED_BYTES_MAX: Final = 64 * 1024 * 1024
SHARED_TEXT_MAX: Final = 256 * 1024 * 1024

_PART = re.compile(r"(\[content_types\]|_rels/.*|xl/.*)\.(xml|rels)", re.IGNORECASE)
_CELL = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")


class UnreadableTable(Exception):
    """The file as a whole cannot be read; the sentences begin after the file's name."""

    def __init__(self, zh: str, en: str, *, too_large: bool = False) -> None:
        super().__init__(en)
        self.zh = zh
        self.en = en
        self.too_large = too_large


def checked_workbook(content: bytes, *, rows_max: int, columns_max: int) -> bytes:
    """The same workbook, its parts stored as they were counted; UnreadableTable when it is too much."""
    try:
        parts = _unpacked(content)
    # A broken archive shows in many ways, all of them the file's own fault.
    except (BadZipFile, zlib.error, RuntimeError, OSError, EOFError, ValueError, KeyError) as error:
        raise UnreadableTable(f"不是完整的 XLSX: {error}", f"is a broken XLSX: {error}") from None
    census = _Census(rows_max, columns_max)
    copy = io.BytesIO()
    with ZipFile(copy, "w") as archive:
        for name, part in parts.items():
            if name.lower().endswith(".xml"):
                census.count(part)
            archive.writestr(name, part)
    census.check_shared_text()
    return copy.getvalue()


def _unpacked(content: bytes) -> dict[str, bytes]:
    with ZipFile(io.BytesIO(content)) as archive:
        wanted = [member for member in archive.infolist() if _PART.fullmatch(member.filename)]
        if sum(member.file_size for member in wanted) > UNPACKED_BYTES_MAX:
            raise UnreadableTable(
                "解压后过大; 请拆分后上传", "is too large when unpacked; send it in parts",
                too_large=True,
            )  # fmt: skip
        # Reading stops at the size the directory declares, so a lie about it gains nothing.
        return {member.filename: archive.read(member) for member in wanted}


class _Census:
    """Counts the filled cells of all parts, and how long their shared texts can get."""

    def __init__(self, rows_max: int, columns_max: int) -> None:
        self._rows_max = rows_max
        self._columns_max = columns_max
        self._row = self._column = 0
        self._in_cell = self._refers = False
        self._references = 0
        self._text = self._longest = 0

    def count(self, part: bytes) -> None:
        """Go through one XML part."""
        self._row = self._column = 0
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._take
        try:
            parser.Parse(part, True)
        except (expat.ExpatError, ValueError) as error:
            raise UnreadableTable(
                f"内含损坏的 XML: {error}", f"holds broken XML: {error}"
            ) from None

    def check_shared_text(self) -> None:
        """One long text that every cell refers to is read once for each."""
        if self._references * self._longest > SHARED_TEXT_MAX:
            raise UnreadableTable(
                "文字过多; 请拆分后上传", "holds too much text; send it in parts", too_large=True
            )

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        match name.rpartition(" ")[2]:
            case "row":
                self._row = int(attributes.get("r", self._row + 1))
                self._column = 0
            case "c":
                self._in_cell, self._refers = True, attributes.get("t") == "s"
                self._place(attributes.get("r"))
            case "v" | "is" if self._in_cell:
                # Empty cells that only carry a format reach far down and are not laid out.
                self._check_place()
                self._references += self._refers
            case "si":
                self._text = 0

    def _end(self, name: str) -> None:
        match name.rpartition(" ")[2]:
            case "c":
                self._in_cell = False
            case "si":
                self._longest = max(self._longest, self._text)

    def _take(self, text: str) -> None:
        self._text += len(text)

    def _place(self, cell: str | None) -> None:
        if cell is None:
            self._column += 1
            return
        found = _CELL.fullmatch(cell)
        if found is None:
            raise UnreadableTable(f"单元格位置 {cell:.20} 无效", f"has a cell at {cell:.20}")
        self._row, self._column = int(found[2]), 0
        for letter in found[1]:
            self._column = self._column * 26 + ord(letter) - 64

    def _check_place(self) -> None:
        if self._row > self._rows_max or self._column > self._columns_max:
            raise UnreadableTable(
                f"超出 {self._rows_max} 行或 {self._columns_max} 列; 请拆分后上传",
                f"goes beyond {self._rows_max} rows or {self._columns_max} columns",
                too_large=True,
            )
