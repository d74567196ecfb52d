"""What a store guarantees, in SQLite and in PostgreSQL; the test of each guarantee is in brackets.

Writers and readers
  One process writes a study, and any number may write other studies at the same time
  [test_two_studies_are_written_by_two_processes_at_once]. A second orchestrator of a study is refused: for a SQLite
  file by the lock in the study's folder [test_the_second_driver_of_a_study_is_refused_with_pid_and_host_of_the_first],
  in PostgreSQL by the database, from any host [test_a_study_is_driven_by_one_process_at_a_time].
  Anyone may read at any time: a reader sees the last commit, never part of one
  [test_another_process_reads_the_last_commit_during_a_long_write], and never delays a writer
  [test_a_reader_in_the_middle_of_its_transaction_does_not_hold_up_the_writer]. Queries of one `reading()` block see one
  state. A reader changes and creates nothing [test_reading_leaves_no_file_behind_and_changes_no_byte].
  Threads of one process may share a store; they take turns.

What is atomic
  Each method is one transaction, or part of the `transaction()` it is called in: all of it is kept, or nothing
  [test_a_transaction_that_raises_keeps_nothing]. After a database failure inside it none of it is kept, even if
  the block continues [test_a_full_disk_loses_the_whole_transaction_and_nothing_before_it]. A change that the store
  refuses (TransitionError) does not affect the rest of the transaction
  [test_a_refused_change_leaves_the_rest_of_the_transaction]. Each change of state is a compare-and-swap with an event:
  of two writers one is refused [test_any_interleaving_leaves_consistent_histories]. The end of a run, its judgement and
  the new state of its trial are written together [test_ending_a_run_writes_everything_at_once].

What a killed writer leaves
  The last commit; no lock, and nothing to repair [test_a_writer_killed_within_a_transaction_leaves_the_last_commit].
  The orchestrator records each intent before it acts and the result afterwards, so that a study killed at any point
  and resumed gets the same plan, verdicts and ranking
  [test_a_driver_killed_at_any_step_and_started_again_comes_to_the_same_plan_verdicts_and_ranking].
  A power failure may lose the last commits of a SQLite file, never the file (`synchronous=NORMAL`). They are
  ingested again from the run folders, and bytes that are delivered twice count once
  [test_bytes_delivered_again_and_in_any_order_are_ingested_once]. A damaged or lost database is rebuilt from the run
  folders [test_a_ruined_database_is_named_and_rebuilt_to_the_same_table].

Order
  Trials are numbered from 0 in each study in the order they were added, and keep their numbers
  [test_trials_are_numbered_on_and_read_back_equal]. Events of a trial are in the order of its changes. Points of a
  series are in the order of their bytes in the run's file [test_points_are_appended_in_the_order_of_their_bytes]. The
  ends of slices and of trials are returned in recorded order
  [test_ends_of_slices_and_of_trials_are_told_in_the_order_on_record].

Values
  Values are read back exactly: every float bit by bit, including NaN and infinities
  [test_any_series_survives_in_any_number_of_chunks_bit_by_bit, test_a_judgement_reads_back_with_nan_and_infinities],
  plain data as strict JSON [test_any_plain_data_survives_as_strict_json], any text a task prints
  [test_a_trial_may_print_any_sign].

Versions
  A writer upgrades an earlier schema in one transaction [test_a_migrated_database_keeps_everything,
  test_a_migration_that_fails_leaves_the_old_database]; a reader refuses it and names the command. A later schema is
  refused by both [test_a_database_of_a_newer_sweep_is_refused].

SQLite and PostgreSQL
  SQLite is a file in WAL mode on a local disk: its writers wait for each other up to 60 s
  [test_a_database_locked_for_30_s_by_another_process_is_waited_for]. WAL needs shared memory: processes on another host
  must not open the file over a network file system while a study writes it. PostgreSQL is read from any host; each sees
  the last commit. A server that restarts between two transactions is waited for
  [test_a_server_started_again_between_two_transactions_is_waited_for]; one that is killed within a transaction keeps
  nothing of it [test_a_server_killed_in_the_middle_of_a_transaction_keeps_nothing_of_it].

`Store.open("sqlite://")` is the fake of the tests: the same code on a database in memory. It passes the same contract
suite as a file and as PostgreSQL (tests/contract/test_store_contract.py).
"""
