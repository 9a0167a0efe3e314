-- One row a session: fence, head, lease, wake-up and money change in one UPDATE.
CREATE TABLE session (
    no INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    user TEXT NOT NULL,
    agent TEXT NOT NULL,
    parent TEXT NOT NULL DEFAULT '',
    source INTEGER,
    epoch INTEGER NOT NULL DEFAULT 0,
    head INTEGER NOT NULL,
    turn INTEGER,
    due_at REAL,
    lease_until REAL NOT NULL DEFAULT 0,
    worker TEXT NOT NULL DEFAULT '',
    spent INTEGER NOT NULL DEFAULT 0,
    held INTEGER NOT NULL DEFAULT 0,
    questions TEXT NOT NULL DEFAULT '',
    updated_at REAL NOT NULL,
    erased_at REAL
) STRICT;
CREATE UNIQUE INDEX session_name ON session (tenant, name);
CREATE INDEX session_due ON session (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX session_tenant ON session (tenant, no);
CREATE INDEX session_opener ON session (tenant, user, no);
CREATE INDEX session_waiting ON session (tenant) WHERE questions <> '';
CREATE INDEX session_source ON session (source) WHERE source IS NOT NULL;
CREATE INDEX session_parent ON session (tenant, parent) WHERE parent <> '';

-- Events of all sessions go to the table's tail; `session` is a session's number, so it says the
-- tenant, too. A told event carries hashes of its request's name and content, and its turn.
CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    session INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    at REAL NOT NULL,
    body BLOB NOT NULL,
    request BLOB,
    content BLOB,
    turn INTEGER
) STRICT;
CREATE UNIQUE INDEX event_position ON event (session, seq);
CREATE UNIQUE INDEX event_request ON event (session, request) WHERE request IS NOT NULL;

CREATE TABLE snapshot (
    session INTEGER PRIMARY KEY,
    head INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;

-- What several sessions of a tenant pay from. `allowed` NULL: it only counts.
CREATE TABLE account (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    allowed INTEGER,
    spent INTEGER NOT NULL DEFAULT 0,
    held INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

-- What turns used that have ended, by the day on which they did: summed as they end.
CREATE TABLE usage (
    tenant TEXT NOT NULL,
    user TEXT NOT NULL,
    agent TEXT NOT NULL,
    day INTEGER NOT NULL,
    turns INTEGER NOT NULL,
    cost INTEGER NOT NULL,
    input INTEGER NOT NULL,
    output INTEGER NOT NULL,
    PRIMARY KEY (tenant, day, user, agent)
) STRICT, WITHOUT ROWID;

-- How much of a rate is left, and since when.
CREATE TABLE bucket (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    level REAL NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE artifact (
    session INTEGER NOT NULL,
    handle TEXT NOT NULL,
    media_type TEXT NOT NULL,
    body BLOB NOT NULL,
    UNIQUE (session, handle)
) STRICT;

-- What handles of secrets are made with: without it nobody can try whether a guess is right.
CREATE TABLE store_key (
    key BLOB NOT NULL
) STRICT;
INSERT INTO store_key VALUES (randomblob(32));

-- Who shows which key: `prefix` is the part of it that everybody may see, `hash` the SHA-256 of all of
-- it, which has 256 random bits: there is nothing to salt. `scopes` NULL: all that its roles may.
CREATE TABLE api_key (
    prefix TEXT PRIMARY KEY,
    hash BLOB NOT NULL,
    name TEXT NOT NULL,
    tenant TEXT NOT NULL,
    user TEXT NOT NULL,
    roles TEXT NOT NULL,
    scopes TEXT,
    made_at REAL NOT NULL,
    expires_at REAL,
    revoked_at REAL
) STRICT, WITHOUT ROWID;
CREATE INDEX api_key_tenant ON api_key (tenant);
