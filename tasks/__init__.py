"""The native tasks: copy a file to start a task of your own (docs/tasks.md)."""
