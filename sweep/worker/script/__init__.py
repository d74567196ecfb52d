"""Runs a Paddle script that was not written for sweep, and observes its training.

runner    runs the script as `__main__`, with surgery and observation
observer  the losses, steps and metrics of the script's training, recorded as series of the run
steps     the program's position in optimizer steps, with one or several optimizers
losses    the losses of its backward passes, by call site
output    the metrics in what it prints, read back from the log
scalars   the metrics that it writes for VisualDL or tensorboard, and those of `paddle.Model`
models    which model each optimizer trains, for the monitor
loaders   passes over its training loader
ending    what is said of a program that ended without training
program   makes this process what `python SCRIPT ARGS` would be
own_modules  lets the script's modules named `sweep`, `tasks` or `conf` win over ours
devices   lets a program that asks for a GPU run where there is none
seeds     the trial's seeds for a program that sets its own, and a random stream for dropout
view      a private view of the program's folders: an overlay, or a copy
overlay   what is written in a folder lands elsewhere, by a mount
copied    a copy of a folder, with links to large files
writes    sees where the program writes
ahead     imports the installed packages that the script imports, once for all trials
"""
