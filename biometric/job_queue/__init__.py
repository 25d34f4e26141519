"""The queue of clips to analyse, in SQLite: one machine, any number of processes."""
