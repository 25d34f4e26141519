"""The tables of sightings.

`analyses` has a row for each analysed range of a clip, `sightings` one for each person in it. A name is in neither:
`sighting_references` says which references were enrolled from a sighting, `sighting_verdicts` which verdicts are about
it, so that a reference or a verdict in the trash counts no more. Triggers keep `sighting_changes` for indices outside
the database, as `changes` is for references: `revision` only ever rises.
"""

from sqlite_utils import Database


def create_tables(db: Database) -> None:
    """Make the tables: a migration, which is never edited."""
    for statement in _TABLES.split(";;"):
        db.execute(statement)


_TABLES = """
CREATE TABLE analyses (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    clip_digest TEXT NOT NULL,
    clip_name TEXT NOT NULL,
    clip_id TEXT NOT NULL,
    camera TEXT NOT NULL,
    begins_at TEXT NOT NULL,
    time_source TEXT NOT NULL,
    zone_assumed INTEGER NOT NULL,
    first_frame INTEGER NOT NULL,
    last_frame INTEGER NOT NULL,
    model_id TEXT NOT NULL,
    made_with TEXT NOT NULL,
    analysed_at TEXT NOT NULL,
    legal_basis TEXT NOT NULL,
    purpose TEXT NOT NULL,
    responsible TEXT NOT NULL,
    note TEXT NOT NULL,
    entry_point TEXT NOT NULL,
    UNIQUE (clip_digest, first_frame, last_frame, model_id, made_with)
);;
CREATE TABLE sightings (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    analysis_number INTEGER NOT NULL REFERENCES analyses (number) ON DELETE CASCADE,
    person INTEGER NOT NULL,
    camera TEXT NOT NULL,
    clip_digest TEXT NOT NULL,
    begins_at TEXT NOT NULL,
    ends_at TEXT NOT NULL,
    stretches TEXT NOT NULL,
    track BLOB NOT NULL,
    model_id TEXT NOT NULL,
    sample_count INTEGER NOT NULL,
    vector BLOB NOT NULL,
    folder TEXT NOT NULL,
    crop TEXT NOT NULL,
    height INTEGER,
    sharpness REAL,
    detail_samples INTEGER,
    decision TEXT NOT NULL,
    identity_number INTEGER,
    candidate_number INTEGER,
    score REAL,
    margin REAL,
    threshold REAL,
    threshold_source TEXT NOT NULL,
    rate REAL,
    rate_kind TEXT NOT NULL,
    calibrated_on TEXT NOT NULL,
    adaptation TEXT NOT NULL,
    kept_at TEXT NOT NULL,
    unknown_until TEXT NOT NULL,
    keep_until TEXT NOT NULL
);;
CREATE INDEX sightings_of_analysis ON sightings (analysis_number);;
CREATE INDEX sightings_of_clip ON sightings (clip_digest);;
CREATE INDEX sightings_by_time ON sightings (begins_at);;
CREATE INDEX sightings_by_camera ON sightings (camera, begins_at);;
CREATE INDEX sightings_of_identity ON sightings (identity_number);;
CREATE INDEX sightings_by_end ON sightings (keep_until);;
CREATE INDEX sightings_of_model ON sightings (model_id, number);;
CREATE TABLE sighting_pairs (
    first_number INTEGER NOT NULL REFERENCES sightings (number) ON DELETE CASCADE,
    second_number INTEGER NOT NULL REFERENCES sightings (number) ON DELETE CASCADE,
    PRIMARY KEY (first_number, second_number)
);;
CREATE INDEX sighting_pairs_of_second ON sighting_pairs (second_number);;
CREATE TABLE sighting_references (
    sighting_number INTEGER NOT NULL REFERENCES sightings (number) ON DELETE CASCADE,
    reference_number INTEGER NOT NULL,
    PRIMARY KEY (sighting_number, reference_number)
);;
CREATE INDEX sightings_of_reference ON sighting_references (reference_number);;
CREATE TABLE sighting_verdicts (
    sighting_number INTEGER NOT NULL REFERENCES sightings (number) ON DELETE CASCADE,
    verdict_number INTEGER NOT NULL,
    PRIMARY KEY (sighting_number, verdict_number)
);;
CREATE INDEX sightings_of_verdict ON sighting_verdicts (verdict_number);;
CREATE TABLE sighting_changes (
    revision INTEGER PRIMARY KEY AUTOINCREMENT,
    sighting_number INTEGER NOT NULL UNIQUE
);;
CREATE TRIGGER sighting_added AFTER INSERT ON sightings BEGIN
    INSERT INTO sighting_changes (sighting_number) VALUES (NEW.number);
END;;
CREATE TRIGGER sighting_changed AFTER UPDATE OF vector, model_id ON sightings BEGIN
    DELETE FROM sighting_changes WHERE sighting_number = NEW.number;
    INSERT INTO sighting_changes (sighting_number) VALUES (NEW.number);
END;;
CREATE TRIGGER sighting_removed AFTER DELETE ON sightings BEGIN
    DELETE FROM sighting_changes WHERE sighting_number = OLD.number;
    INSERT INTO sighting_changes (sighting_number) VALUES (OLD.number);
END
"""
