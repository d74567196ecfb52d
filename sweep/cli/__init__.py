"""The commands (docs/studies.md). A bare word in front is a verb; everything else is Hydra overrides of a study.

`main` picks the command and has the table of verbs; `run` composes and runs studies, `act` resumes, reruns and stops,
every other verb has its own file. What reads the store answers fast: no Hydra, no SciPy.
"""
