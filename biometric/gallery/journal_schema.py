"""The tables of the trash and of the journal of changes."""

from sqlite_utils import Database


def create_tables(db: Database) -> None:
    """Make the tables: a migration, which is never edited.

    What is removed moves into tables of its own, so that no other statement has to leave it out.

    `journal` has a row for each change; `steps` is what undoing needs (see `change_recorder`) and becomes NULL when
    the change expires. `journal_people` says whom a change concerns; an expired change keeps no names.
    """
    for statement in _TABLES.split(";;"):
        db.execute(statement)


_TABLES = """
ALTER TABLE gallery ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;;
ALTER TABLE identities ADD COLUMN cover TEXT;;
CREATE TABLE journal (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    changed_at TEXT NOT NULL,
    expires_at TEXT,
    reference_count INTEGER NOT NULL,
    sample_count INTEGER NOT NULL,
    undoes INTEGER REFERENCES journal (id),
    undone_by INTEGER REFERENCES journal (id),
    steps TEXT
);;
CREATE INDEX expiring_changes ON journal (expires_at) WHERE steps IS NOT NULL;;
CREATE TABLE journal_people (
    change INTEGER NOT NULL REFERENCES journal (id),
    position INTEGER NOT NULL,
    identity_number INTEGER NOT NULL,
    name TEXT,
    PRIMARY KEY (change, position)
) WITHOUT ROWID;;
CREATE INDEX changes_of_identity ON journal_people (identity_number, change);;
CREATE TABLE trashed_identities (
    number INTEGER PRIMARY KEY,
    change INTEGER NOT NULL REFERENCES journal (id),
    merged_into INTEGER,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    cover TEXT
);;
CREATE INDEX trashed_identities_of_change ON trashed_identities (change);;
CREATE TABLE trashed_references (
    number INTEGER PRIMARY KEY,
    change INTEGER NOT NULL REFERENCES journal (id),
    id TEXT NOT NULL UNIQUE,
    identity_number INTEGER NOT NULL,
    clip_number INTEGER NOT NULL REFERENCES clips (number),
    folder TEXT NOT NULL,
    first_frame INTEGER NOT NULL,
    last_frame INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    sample_count INTEGER NOT NULL,
    model_id TEXT NOT NULL,
    vector BLOB NOT NULL CHECK (typeof(vector) = 'blob')
);;
CREATE INDEX trashed_references_of_change ON trashed_references (change);;
CREATE INDEX trashed_references_of_identity ON trashed_references (identity_number);;
CREATE INDEX trashed_references_of_clip ON trashed_references (clip_number);;
CREATE TABLE trashed_samples (
    number INTEGER PRIMARY KEY,
    change INTEGER NOT NULL REFERENCES journal (id),
    with_reference INTEGER NOT NULL,
    reference_number INTEGER NOT NULL,
    name TEXT NOT NULL,
    quality REAL NOT NULL,
    frame_index INTEGER NOT NULL,
    embedding BLOB NOT NULL CHECK (typeof(embedding) = 'blob')
);;
CREATE INDEX trashed_samples_of_change ON trashed_samples (change);;
CREATE INDEX trashed_samples_of_reference ON trashed_samples (reference_number);;
DROP TRIGGER reference_added;;
CREATE TRIGGER reference_added AFTER INSERT ON biometric_references BEGIN
    DELETE FROM changes WHERE reference_number = NEW.number;
    INSERT INTO changes (reference_number) VALUES (NEW.number);
END
"""
