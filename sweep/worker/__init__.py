"""What runs inside a trial's process: reads spec.json, runs the task, leaves events.jsonl and result.json.

a run
  entry    from spec.json to result.json
  loading  the task: imported, checked and prepared
  run      the run as the task sees it
  seeding  global random generators, each from a stream of its own
  sigterm  a run that is told to end
  edited   no run of other code than was planned
  failure  an exception, as result.json tells it
  output   what `train` returned, in a few words
  leaving  the end of the process
  hooks    the one room that patches Paddle
  monitor  what `run.watch` records
  checks   what a trial may do instead of training

a process that waits for runs
  ahead    what it does before it has one, and its line to the driver
  standby  it becomes the one run that it is told
  warm     it forks a child for each
  nursery  the children of a warm one: forked ahead, seen to end, reaped
  pages    makes its forks cheap
"""
