"""The loop: the only place where driver, launcher, store and judge meet.

running one study
  session            opens a study, runs it and writes its files
  opening            what a session needs first: packages, the folder's lock, its record
  places             where the study's folder is, and whether its store may change it
  naming             the name that a config takes in the store, held while it runs
  planning           what will be run, before anything is
  loop               asks, launches and tells, until nothing is left
  runs               trials that wait for a run, and live runs: recorded, started, judged at their end
  interrupts         signals and stop requests
  live               one running trial: what it has logged so far
  paused             trials whose run is paused at a step, and those whose process ended meanwhile
  ingest             a run's process, output and end, put on record
  rejudging          verdicts by earlier rules are made again; runs that such a rule ended are left out
  recovery           runs that an orchestrator which died has left: adopted, or ended on record
  breaker            stops a study whose first trials all fail in the same way
  crash_points       named points between outside effects, at which a test kills the orchestrator
  progress           what a study reports while it runs
  decisions          why the orchestrator did what it did
  decision_log       the file that decisions are written to
  code_guard         no trial runs other code than it was planned with
  missing_metric     warns early if no trial logs the target's metric
  resilient_progress  keeps a study running when its terminal is gone

studies of several
  run_by_kind        runs a study as it is, or through the studies that it is made of
  diagnosis          runs the stages of a study in order and combines what they found
  stages             the config of each stage, and the command that runs it alone
  stages_plan        what stages will run, as far as that is known before
  lr_range           a learning-rate range test and the trials that confirm it
  checking           from the trials of a check to what they showed
  regression         nights, their baselines and alarms

records and reports
  config_record      the config that the store keeps of a study
  results            from the store to what a study found, and to its reports
  curves             the VisualDL logs of trials
  provenance         what the figures were made with
  walltime           how long a study has taken, over all sessions
  garbage            deletes what has expired
  rebuild            a store recreated from the run folders
  restoring          one study brought into a store from its folder
  record_file        what only the store knows of a study, kept in its folder too
  assigning          folders given to the store that now holds their studies
"""
