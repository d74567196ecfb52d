"""Nightly regression: a night's studies run one after another, judged against baselines that a person has accepted.

`night` runs a night; `gathering` makes nights and baselines of recorded studies, `environment` says what they ran with;
`accepting` turns nights or a study into baselines.
"""
