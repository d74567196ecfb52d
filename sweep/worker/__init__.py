"""What runs inside a trial's process: reads spec.json, runs the task, leaves events.jsonl and result.json.

one run
  entry         from spec.json to result.json
  loading       imports the task, checks its code, and prepares it
  run           the `run` that the task is given
  seeding       seeds the global random generators, each from its own stream
  sigterm       SIGTERM ends a run at its next `log`
  code_guard    no run with other code than was planned
  failure       an exception, as result.json records it
  process_exit  ends the process
  restart       a program that dies at once in a forked process is started cold
  os_exit       a result also if the program ends the process by `os._exit`
  on_import     does something right after a library is imported
  hooks         the only code that patches Paddle
  script        runs and observes a script that was not written for sweep
  surgery       turns the standard knobs of such a script
  command       runs a program given by its command, and reads what it prints
  callsite      the program's line behind a call
  monitor       what `run.watch` records
  checks        what a trial may do instead of training

processes that wait for runs
  preforked     imports the task before a run is known; the channel to the orchestrator
  standby       an idle interpreter that becomes one run
  warm          the warm parent: imports the task and checks that it is safe to fork
  held          threads and open files of this process
  proven        tries out in a forked child what may be done once for all forks
  first_step    Paddle's first training step, taken once for all forks
  fork_server   the warm parent's children: forks them, watches them, reaps them
  huge_pages    makes forks cheap
"""
