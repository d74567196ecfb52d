"""What runs inside a trial's process: reads spec.json, runs the task, leaves events.jsonl and result.json."""
