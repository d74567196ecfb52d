"""What users see: terminal, summary.json, report.html, report.md, ranking.csv, VisualDL logs.

the documents
  data             everything a report is made of
  documents        summary.json of a ranking as typed values
  headings         the part of any summary.json that `status` reads
  symptom_document  a symptom in any of them
  summary          from a study's data to its document
  staged           summary.json and reports of a study made of stages
  stages           how each stage is shown, one module each
  regression       the files of a night

the files of a study
  files            writes all of them
  html             report.html
  markdown         report.md
  csvfile          ranking.csv
  sections         the tables of the page as rows
  charts           curves and intervals as SVG
  basecurves       the base's curves in a diagnosis
  ratechart        the curves of a learning-rate range test
  ratelabels       where the labels of its lines are placed
  thinning         fewer points for a drawn curve
  visualdl         the VisualDL log of a trial
  visualdl_study   VisualDL logs of a study, for the HPARAMS page
  optuna_mirror    a study as an Optuna study

the terminal
  terminal         the answer and ranking of a study
  progress         live progress
  plans            `plan`
  listing          `ls`
  study_status     `status`
  trial            `show`
  comparison       `compare`
  sparkline        a curve in one line of text
  tables           the style of all tables

wording
  phrases          figures and statuses as text
  symptom_text     symptoms as text
  provenance_text  the provenance of figures in a line
  commands         commands to paste
  copyable         overrides and commands, each in one line
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sweep.report.data import Report, ReportData
    from sweep.report.summary import build_document

__all__ = ["Report", "ReportData", "build_document", "write_reports"]


def __getattr__(name: str) -> object:
    # Imported on demand: verbs that only read use other modules of this package and need none of these.
    if name in ("Report", "ReportData"):
        from sweep.report import data

        return getattr(data, name)
    if name == "build_document":
        from sweep.report.summary import build_document

        return build_document
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def write_reports(report: "Report") -> None:
    """Write the files of a report (`sweep.report.files`), each whole or not at all. Raises OSError."""
    from sweep.report.files import write_all  # it imports jinja2, which no reading verb needs

    write_all(report)
