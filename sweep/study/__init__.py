"""The loop: the only place where driver, launcher, store and judge meet.

running one study
  session     opens a study, runs it and leaves its files
  opening     what it needs before: packages, the folder's lock, its record
  places      where its folder is, and whether its store may change it
  naming      the name that its config takes in the store, held while it runs
  planning    what will be run, before anything is
  loop        asks, launches and tells, until nothing is left
  runs        the trials that wait for a run, and the runs under way: begun on record, started, judged as they end
  interrupts  what a person may ask of it meanwhile, and the signals that ask it
  live        one running trial: what it has logged so far, as the monitor's rules and the driver see it
  paused      trials whose run waits at a step, and those whose process is gone meanwhile
  recording   a run's process, what it wrote and how it ended, put on record
  rejudging   verdicts by earlier rules made again, and runs that such a rule had ended left out
  recovery    what a driver that died has left: which of its runs still go on, and how the others ended
  breaker     when a study is given up early: its first trials all fail in the same way
  steps       named points between outside effects, at which a test kills the driver
  progress    what a study tells of itself while it runs
  decisions   why the orchestrator did what it did, in the study's folder
  decision_log  the file that they are written to
  edits       no trial runs other code than it was planned with
  silence     says early that no trial logs what the target is judged by
  audience    goes on when nobody reads that any more

studies of several
  jobs        which way a command's study is run: as it is, or through others
  diagnosis   runs the stages of a study, one after the other, and puts together what they found
  stages      the config of each stage, and the command that runs it alone
  stageplan   what stages will run, as far as that is known before
  lr_range    a learning-rate range search and the trials that confirm it
  checking    from the trials of a check, or of a range search, to what they showed
  regression  nights, their baselines and alarms

what is left
  recorded    the config that the store keeps of a study, and what that says
  results     from the store to what a study found, and to its reports
  curves      the VisualDL logs of trials
  provenance  what the figures were made with
  walltime    how long a study has taken, killed sittings included
  garbage     what is past its time, and goes
  rebuild     a store made again from the run folders
  restoring   one study brought into a store from its folder
  recordfile  what only the store knows of a study, kept in its folder for that
  assigning   folders given to the store that now holds their studies
"""
