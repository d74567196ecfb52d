"""The native tasks: each file is an example to copy for an own task (docs/tasks.md)."""
