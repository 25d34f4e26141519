"""The gallery: who is enrolled, in SQLite, with crops as files and a disposable index."""
