"""The commands (docs/studies.md). A bare word in front is a verb; everything else is Hydra overrides of a study.

`main` picks the command, `run` composes and runs studies, `read` answers from the store (fast: no Hydra, no SciPy),
`act` resumes, reruns and stops.
"""
