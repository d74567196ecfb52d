"""Nightly regression: the studies of a night run one after another and are judged against accepted baselines.

`night` runs a night; `gathering` reads runs and loss digests from recorded studies, `environment` what they ran with;
`accepting` turns nights or a study into baselines; `files` keeps both beside the reports, for a recreated store.
"""
