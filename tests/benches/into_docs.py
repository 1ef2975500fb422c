#!/usr/bin/env python3
"""Puts a bench's table into docs/benchmarks.md, in the place of the one before:
COMMAND | tests/benches/into_docs.py SECTION "COMMAND"

The page marks where each section's table begins and ends.
"""

import re
import sys
from datetime import date
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs/benchmarks.md"
section, command = sys.argv[1:3]
table = sys.stdin.read().strip()
if not table:
    sys.exit(f"{command} printed nothing")
begin, end = f"<!-- {section}: begin -->", f"<!-- {section}: end -->"
page = PAGE.read_text()
pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
if not pattern.search(page):
    sys.exit(f"{PAGE} has no place for {section}")
text = f"{begin}\n`{command}`, {date.today():%Y-%m-%d}:\n\n{table}\n{end}"
PAGE.write_text(pattern.sub(lambda _: text, page))
print(table)
