"""What a task wrote never acts on the terminal, or breaks a file, that shows it."""

import io

import pytest
from rich.table import Table
from rich.text import Text

from sweep.cli.printing import Printer
from sweep.domain.printable import LONGEST_NAME, printable, printable_data, short_name

EVIL = "bad \x1b[2J\x1b]0;title\x07 \x00 \x9b31m \u202e end\r\ud800"


def console(width=80, **options):
    return Printer(file=io.StringIO(), width=width, **options)


@pytest.mark.parametrize("character", [chr(code) for code in (*range(9), *range(11, 32), *range(127, 160))])
def test_control_characters_are_spelled_out(character):
    assert printable(f"a{character}b") == f"a\\x{ord(character):02x}b"


def test_line_feeds_tabs_and_all_other_text_are_kept():
    text = "Zeile 1\n\tα ≥ 0.5 – 雪 é"
    assert printable(text) is text


def test_data_is_made_printable_all_through():
    assert printable_data({"a\x1b": ["\x00", 1, None, ("\x07",)]}) == {"a\\x1b": ["\\x00", 1, None, ("\\x07",)]}


def test_a_long_name_keeps_its_beginning_and_its_end():
    name = short_name("begin" + "x" * 3000 + "end")
    assert len(name) == LONGEST_NAME
    assert (name[:5], name[-3:]) == ("begin", "end")
    assert short_name("val/acc") == "val/acc"


@pytest.mark.parametrize("options", [{}, {"force_terminal": True, "color_system": None}])
def test_nothing_raw_reaches_a_terminal_or_a_pipe(options):
    shown = console(**options)
    table = Table()
    table.add_column(Text(EVIL))
    table.add_row(Text(EVIL))
    shown.print(table)
    shown.print(EVIL, markup=False, highlight=False, soft_wrap=True)
    text = shown.file.getvalue()
    assert not set(text) & set("\x1b\x00\x07\x9b\u202e\ud800")
    assert "\\x1b" in text
    text.encode()


def test_lines_through_a_pipe_end_without_blanks():
    shown = console(width=60)
    table = Table(box=None)
    table.add_column("a", min_width=40)
    table.add_row("b")
    shown.print(table)
    shown.print("no line feed  ", end="")
    assert all(line == line.rstrip() for line in shown.file.getvalue().split("\n")[:-1])
    assert shown.file.getvalue().endswith("no line feed  ")


def test_colours_are_still_colours():
    shown = console(force_terminal=True, color_system="standard")
    shown.print(Text("red", style="red"))
    assert "\x1b[31mred" in shown.file.getvalue()
