"""Which fields of summary.json are texts for people, as docs/summary.md lists them, and documents without them."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
RANKING = "ranking"
OF_RANKING = {"section base", "section ablation", "section verify"}


def listed_texts() -> dict[str, set[str]]:
    """Return the paths of the texts of each part of a document."""
    text = (ROOT / "docs" / "summary.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.+?) \| (.+) \|$", text.partition("## Texts and facts")[2], flags=re.MULTILINE)
    found = {
        re.sub(r" \(.*\)|kind |`", "", part): set(re.findall(r"`([^`]+)`", paths))
        for part, paths in rows
        if part not in ("part", "---")
    }
    return {part: paths | (found[RANKING] if part in OF_RANKING else set()) for part, paths in found.items()}


TEXTS = listed_texts()


def parts_of(document):
    """Yield each part of a document that is listed by itself, with its name."""
    if document.get("kind") == "stages":
        yield "stages", {**document, "stages": [{**stage, "section": None} for stage in document["stages"]]}
        for stage in document["stages"]:
            yield f"section {stage['stage']}", stage["section"]
    else:
        yield document.get("kind", RANKING), document


def facts_of(text):
    """Return the text of a summary with "-" in place of each text for people that is not empty."""
    document = json.loads(text)
    for stage in document.get("stages", ()):
        blank(stage["section"], TEXTS.get(f"section {stage['stage']}", set()))
    blank(document, TEXTS[document.get("kind", RANKING)])
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def blank(value, texts, at=""):
    """Replace the strings at these paths of a value, in place."""
    keys = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in list(keys):
        path = f"{at}[]" if isinstance(value, list) else f"{at}.{key}" if at else key
        if path in texts and isinstance(item, str):
            value[key] = item and "-"
        else:
            blank(item, texts, path)
