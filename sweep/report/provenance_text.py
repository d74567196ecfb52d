"""The provenance of a study's figures as a line of text."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sweep.domain.json_form import Json, from_json
from sweep.domain.plural import count_text
from sweep.report.phrases import seeds_text


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenanceDocument:
    """The part of a study's provenance that reports name; all of it is kept as it was recorded."""

    git_sha: str | None = None
    dirty: bool | None = None
    packages: Mapping[str, str] = field(default_factory=dict, hash=False)
    host: str | None = None
    gpus: tuple[Json, ...] = ()
    seeds: tuple[int, ...] = ()


def provenance_line(provenance: Mapping[str, Json]) -> str:
    """Return the provenance of the figures in one line: commit, paddle, host, devices, seeds."""
    made = from_json(ProvenanceDocument, provenance)
    parts = []
    if made.git_sha:
        parts.append(f"commit {made.git_sha[:10]}{' (with changes)' if made.dirty else ''}")
    names = ("paddlepaddle", "paddlepaddle-gpu", "paddle")
    parts += [f"{name} {made.packages[name]}" for name in names if name in made.packages]
    if made.host:
        parts.append(f"host {made.host}")
    parts.append(count_text(len(made.gpus), "GPU") if made.gpus else "CPU")
    parts.append(f"{'seed' if len(made.seeds) == 1 else 'seeds'} {seeds_text(made.seeds)}")
    return " · ".join(parts)
