"""Runs studies: the only place where driver, launcher, store and judge meet.

running one study
  session             opens a study, runs it and writes its files
  opening             what a session needs first: packages, the folder's lock, the study's record
  places              where the study's folder is, and whether its store may change it
  naming              the name that a config gets in the store; no other process can take it meanwhile
  inventory           the inventory of a script, made by a first run; the study is settled by it
  planning            what will run, before anything starts
  loop                asks, launches and tells until nothing is left
  runs                trials that wait for a run, and live runs: recorded, started, judged at their end
  interrupts          signals and stop requests
  live                one running trial: what it has logged so far
  paused              trials whose run is paused at a step, and those whose process has ended since
  ingest              records a run's process, output and end
  rejudging           judges trials again whose verdicts come from earlier rules
  recovery            runs left by an orchestrator that died: adopted, or recorded as ended
  breaker             stops a study whose first trials all fail in the same way
  crash_points        named points between side effects, at which a test kills the orchestrator
  progress            what a study reports while it runs
  decisions           logging of why the orchestrator did what it did
  decision_log        the file that decisions are written to
  code_guard          keeps trials from running other code than was planned
  missing_metric      warns early if no trial logs the target's metric
  resilient_progress  keeps a study running when its terminal is gone

studies made of other studies
  run_by_kind        runs a study itself, or the studies that it consists of
  diagnosis          runs the stages of a study in order and combines what they found
  stages             the config of each stage, and the command that runs it alone
  stages_plan        what the stages will run, as far as that is known in advance
  lr_range           a learning-rate range test and the trials that confirm it
  checking           what the trials of a check have shown
  regression         nights, their baselines and alarms

records and reports
  config_record      the config of a study as the store keeps it
  program            what the record and the run folders of a study on a script show
  results            what a study found, and its reports, from the store
  curves             the VisualDL logs of trials
  provenance         code version, packages, host and devices behind the results
  walltime           how long a study has taken, over all sessions
  garbage            deletes what has expired
  rebuild            recreates a store from the run folders
  restoring          restores one study from its folder into a store
  folder_files       plan.json and spec.json, as they are read for that
  record_file        record.json: a copy of what only the store knows of a study
  assigning          assigns folders to the store that now holds their studies
"""
