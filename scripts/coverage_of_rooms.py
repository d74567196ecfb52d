"""Prints the line coverage of each package of sweep, from the report of `coverage json`.

python scripts/coverage_of_rooms.py coverage.json
"""

import json
import sys
from collections import defaultdict
from pathlib import Path, PurePath


def main() -> None:
    report = json.loads(Path(sys.argv[1]).read_text())
    rooms: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for name, file in report["files"].items():
        parts = PurePath(name).parts
        lines = file["summary"]
        for room in (parts[1] if len(parts) > 2 else "sweep/*.py", "all"):
            rooms[room][0] += lines["covered_lines"]
            rooms[room][1] += lines["num_statements"]
    for room, (covered, lines) in sorted(rooms.items(), key=lambda each: (each[0] == "all", each[0])):
        print(f"{room:<12} {100 * covered / max(1, lines):5.1f} %  {covered:>6,} of {lines:>6,} lines")


if __name__ == "__main__":
    main()
