"""The tables, twice.

experiments  one row each: state, limits, watch, and the last entry of its log
log          the truth; nobody can change or delete a row of it
counters     sums by replica, units what each conversation was counted for: what the log adds up to, kept at hand
batches      the last batch of each replica
pins, kept   arms of conversations and pairs to look at: no evidence, deleted when they are old
"""

SQLITE = """
CREATE TABLE IF NOT EXISTS experiments (
  name TEXT PRIMARY KEY, begun REAL, state BLOB, limits BLOB, watch BLOB, number INTEGER, hash TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS log (
  experiment TEXT, number INTEGER, at REAL, body BLOB, previous TEXT, hash TEXT, UNIQUE (experiment, number));
CREATE TABLE IF NOT EXISTS counters (
  experiment TEXT, replica TEXT, name TEXT, value INTEGER, PRIMARY KEY (experiment, replica, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS batches (
  experiment TEXT, replica TEXT, last INTEGER, PRIMARY KEY (experiment, replica)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS units (
  experiment TEXT, unit TEXT, seen BLOB, PRIMARY KEY (experiment, unit)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pins (
  experiment TEXT, name TEXT, arm TEXT, unit TEXT, at REAL, PRIMARY KEY (experiment, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS kept (
  number INTEGER PRIMARY KEY, experiment TEXT, unit TEXT, at REAL, flagged INTEGER, body BLOB);
CREATE INDEX IF NOT EXISTS kept_by_flag ON kept (experiment, flagged, number);
CREATE INDEX IF NOT EXISTS kept_by_age ON kept (experiment, at);
CREATE INDEX IF NOT EXISTS pins_by_age ON pins (experiment, at);
CREATE TRIGGER IF NOT EXISTS log_is_not_changed BEFORE UPDATE ON log BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER IF NOT EXISTS log_is_not_cut BEFORE DELETE ON log BEGIN SELECT RAISE(ABORT, 'append-only'); END;
"""
POSTGRES = """
CREATE SCHEMA IF NOT EXISTS wolfnote;
CREATE TABLE IF NOT EXISTS wolfnote.experiments (
  name TEXT PRIMARY KEY, begun FLOAT8, state BYTEA, limits BYTEA, watch BYTEA, number BIGINT, hash TEXT);
CREATE TABLE IF NOT EXISTS wolfnote.log (
  experiment TEXT, number BIGINT, at FLOAT8, body BYTEA, previous TEXT, hash TEXT, PRIMARY KEY (experiment, number));
CREATE TABLE IF NOT EXISTS wolfnote.counters (
  experiment TEXT, replica TEXT, name TEXT, value BIGINT, PRIMARY KEY (experiment, replica, name));
CREATE TABLE IF NOT EXISTS wolfnote.batches (
  experiment TEXT, replica TEXT, last BIGINT, PRIMARY KEY (experiment, replica));
CREATE TABLE IF NOT EXISTS wolfnote.units (
  experiment TEXT, unit TEXT, seen BYTEA, PRIMARY KEY (experiment, unit));
CREATE TABLE IF NOT EXISTS wolfnote.pins (
  experiment TEXT, name TEXT, arm TEXT, unit TEXT, at FLOAT8, PRIMARY KEY (experiment, name));
CREATE TABLE IF NOT EXISTS wolfnote.kept (
  number BIGSERIAL PRIMARY KEY, experiment TEXT, unit TEXT, at FLOAT8, flagged BOOL, body BYTEA);
CREATE INDEX IF NOT EXISTS kept_by_flag ON wolfnote.kept (experiment, flagged, number);
CREATE INDEX IF NOT EXISTS kept_by_age ON wolfnote.kept (experiment, at);
CREATE INDEX IF NOT EXISTS pins_by_age ON wolfnote.pins (experiment, at);
CREATE OR REPLACE FUNCTION wolfnote.refuse() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN RAISE EXCEPTION 'append-only'; END $$;
CREATE OR REPLACE TRIGGER log_is_not_changed BEFORE UPDATE OR DELETE ON wolfnote.log
  FOR EACH ROW EXECUTE FUNCTION wolfnote.refuse();
"""

FORGET = {
    "kept": "DELETE FROM {0}kept WHERE number IN (SELECT number FROM {0}kept WHERE experiment = {1}1 AND at < {1}2 LIMIT {1}3)",
    "pins": "DELETE FROM {0}pins WHERE experiment = {1}1 AND name IN "
    "(SELECT name FROM {0}pins WHERE experiment = {1}1 AND at < {1}2 LIMIT {1}3)",
}
"""Both kinds read these: what is old, so many rows at a time, so that nobody waits for it."""
