"""What a trial may do with its task instead of plain training: one module per probe (sweep.domain.check.CheckName).

Each has `run_probe(task, cfg, run, settings)`: it logs series through `run.log`, writes what else it found as
`run.artifact(...)`, and returns, or lets StopTrial through.
"""
