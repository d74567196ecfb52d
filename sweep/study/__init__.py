"""The loop: the only place where driver, launcher, store and judge meet.

`session` opens what a study needs, runs it and leaves its files; `loop` asks, launches, ingests, judges and tells;
`live` follows one running trial; `provenance` says what the figures were made with.
"""
