"""`open_store()`: opens a store for reading."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType

from sweep.config.secrets import without_password
from sweep.config.stores import verbs_store
from sweep.domain.plural import count_text
from sweep.domain.trial import StudyRecord
from sweep.reading import display
from sweep.reading.source import Source
from sweep.reading.studies import Study
from sweep.report.listing import answer_in
from sweep.store import Store


def open_store(url: str | Path | None = None) -> "StudyStore":
    """Open a store for reading: a URL (`sqlite:///results/sweep.db`, `postgresql+psycopg://user@host/db`) or a file.

    The default is `$SWEEP_STORE`, else `results/sweep.db` in the working directory. Nothing is written or locked, so a
    running study is not disturbed. Close the store with `close()` or use `with`. Raises NotFoundError if there is no
    store, StoreError if it cannot be read as one.
    """
    given = str(url if url is not None else verbs_store())
    full = given if "://" in given else f"sqlite:///{given}"
    return StudyStore(Source(Store.open(full, read_only=True), without_password(full)))


class StudyStore(Mapping[str, Study]):
    """The studies of a store by name, the last active first: `store["my-study"]`, `store.latest()`."""

    def __init__(self, source: Source) -> None:
        self._source = source

    @property
    def url(self) -> str:
        """The URL of the store, without a password."""
        return self._source.url

    def study(self, name: str) -> Study:
        """Return the study of this name. Raises NotFoundError, with the known names and the nearest."""
        return Study.of(self._source.store.study(name), self._source)

    def studies(self) -> list[Study]:
        """Return all studies, the last active first."""
        return [Study.of(record, self._source) for record in self._source.store.studies()]

    def latest(self) -> Study:
        """Return the last active study. Raises NotFoundError if there is none."""
        return Study.of(self._source.store.latest_study(), self._source)

    def __getitem__(self, name: str) -> Study:
        return self.study(name)

    def __iter__(self) -> Iterator[str]:
        return iter([record.name for record in self._source.store.studies()])

    def __len__(self) -> int:
        return len(self._source.store.studies())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._source.store.find_study(name) is not None

    def close(self) -> None:
        """Close the store. Objects keep what they have read; reading more raises StoreError."""
        self._source.close()

    def __enter__(self) -> "StudyStore":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        if not self._source.is_open:
            return f"<StudyStore {self.url}: closed>"
        return f"<StudyStore {self.url}: {count_text(len(self), 'study', 'studies')}>"

    def _repr_html_(self) -> str:
        if not self._source.is_open:
            return display.paragraph(repr(self))
        studies = self._source.store.studies()
        heads = ("study", "task", "status", "trials", "created (UTC)", "answer")
        rows = [self._row(study) for study in studies[: display.SHOWN_ROWS]]
        return display.paragraph(self.url) + display.table(heads, rows, total=len(studies))

    def _row(self, study: StudyRecord) -> tuple[object, ...]:
        store = self._source.store
        answer = answer_in(store.summary(study.id))
        trials = sum(store.counts(study.id).values())
        when = f"{study.created_at:%Y-%m-%d %H:%M}"
        return study.name, study.task, study.status, trials, when, answer
