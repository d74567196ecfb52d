"""Nightly regression: a night's studies run one after another, judged against baselines that a person has accepted.

`night` runs a night; `gathering` reads runs and loss digests off recorded studies, `environment` what they ran with;
`accepting` turns nights or a study into baselines; `files` keeps both beside the reports, for a store made anew.
"""
