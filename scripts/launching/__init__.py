"""The pieces of scripts/bench_launch.py: one training, the programs that run it many times, and what is measured."""
