-- Names sort by their characters, in every database alike: accounts are locked in that order.

-- One row a session: fence, head, lease, wake-up and money change in one UPDATE, and in place:
-- no index has a column that a plain append changes.
CREATE TABLE jackline.session (
    no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    "user" text COLLATE "C" NOT NULL,
    agent text COLLATE "C" NOT NULL,
    parent text COLLATE "C" NOT NULL DEFAULT '',
    source bigint,
    epoch bigint NOT NULL DEFAULT 0,
    head bigint NOT NULL,
    turn bigint,
    due_at double precision,
    lease_until double precision NOT NULL DEFAULT 0,
    worker text NOT NULL DEFAULT '',
    spent bigint NOT NULL DEFAULT 0,
    held bigint NOT NULL DEFAULT 0,
    questions bigint[] NOT NULL DEFAULT '{}',
    updated_at double precision NOT NULL,
    erased_at double precision,
    UNIQUE (tenant, name)
) WITH (fillfactor = 50);
CREATE INDEX session_due ON jackline.session (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX session_tenant ON jackline.session (tenant, no);
CREATE INDEX session_opener ON jackline.session (tenant, "user", no);
CREATE INDEX session_waiting ON jackline.session (tenant) WHERE questions <> '{}';
CREATE INDEX session_source ON jackline.session (source) WHERE source IS NOT NULL;
CREATE INDEX session_parent ON jackline.session (tenant, parent) WHERE parent <> '';

-- `session` is a session's number, so it says the tenant, too. A told event carries hashes of its
-- request's name and content, and its turn.
CREATE TABLE jackline.event (
    session bigint NOT NULL,
    seq bigint NOT NULL,
    at double precision NOT NULL,
    body bytea NOT NULL,
    request bytea,
    content bytea,
    turn bigint,
    PRIMARY KEY (session, seq)
);
CREATE UNIQUE INDEX event_request ON jackline.event (session, request) WHERE request IS NOT NULL;

CREATE TABLE jackline.snapshot (
    session bigint PRIMARY KEY,
    head bigint NOT NULL,
    body bytea NOT NULL
);

-- What several sessions of a tenant pay from. `allowed` NULL: it only counts.
CREATE TABLE jackline.account (
    tenant text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    allowed bigint,
    spent bigint NOT NULL DEFAULT 0,
    held bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, name)
) WITH (fillfactor = 50);

-- What turns used that have ended, by the day on which they did: summed as they end.
CREATE TABLE jackline.usage (
    tenant text COLLATE "C" NOT NULL,
    "user" text COLLATE "C" NOT NULL,
    agent text COLLATE "C" NOT NULL,
    day bigint NOT NULL,
    turns bigint NOT NULL,
    cost bigint NOT NULL,
    input bigint NOT NULL,
    output bigint NOT NULL,
    PRIMARY KEY (tenant, day, "user", agent)
) WITH (fillfactor = 50);

-- How much of a rate is left, and since when.
CREATE TABLE jackline.bucket (
    tenant text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    level double precision NOT NULL,
    at double precision NOT NULL,
    PRIMARY KEY (tenant, name)
) WITH (fillfactor = 50);

CREATE TABLE jackline.artifact (
    session bigint NOT NULL,
    handle text COLLATE "C" NOT NULL,
    media_type text NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (session, handle)
);

-- What handles of secrets are made with: without it nobody can try whether a guess is right.
CREATE TABLE jackline.store_key (
    key bytea NOT NULL
);
INSERT INTO jackline.store_key
SELECT uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());

-- Who shows which key: `prefix` is the part of it that everybody may see, `hash` the SHA-256 of all of
-- it, which has 256 random bits: there is nothing to salt. `scopes` NULL: all that its roles may.
CREATE TABLE jackline.api_key (
    prefix text COLLATE "C" PRIMARY KEY,
    hash bytea NOT NULL,
    name text NOT NULL,
    tenant text COLLATE "C" NOT NULL,
    "user" text COLLATE "C" NOT NULL,
    roles text NOT NULL,
    scopes text,
    made_at double precision NOT NULL,
    expires_at double precision,
    revoked_at double precision
);
CREATE INDEX api_key_tenant ON jackline.api_key (tenant);

-- By how much jackline's time is ahead of the machine's, whose clock somebody has set back, or
-- which is another one since a fail-over; and the time by which something was refused as expired.
-- One row, that is written only when that happens.
CREATE TABLE jackline.clock (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    ahead double precision NOT NULL,
    latest double precision NOT NULL
);
INSERT INTO jackline.clock (ahead, latest) VALUES (0, 0);

-- The database's time. `given` stands for the machine's clock, where a test brings its own.
CREATE FUNCTION jackline.time_1(given double precision) RETURNS double precision
LANGUAGE sql VOLATILE AS $$
    SELECT greatest(
        coalesce(given, extract(epoch FROM clock_timestamp())::double precision) + ahead, latest)
    FROM jackline.clock
$$;

-- The same, for who holds the lock of a row that was written `last`: it never goes back, and it
-- goes on from there.
CREATE FUNCTION jackline.time_after_1(last double precision, given double precision)
RETURNS double precision
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    machine double precision :=
        coalesce(given, extract(epoch FROM clock_timestamp())::double precision);
    mine record;
BEGIN
    SELECT ahead, greatest(last, latest) AS latest INTO mine FROM jackline.clock;
    IF machine + mine.ahead >= mine.latest THEN
        RETURN machine + mine.ahead;
    END IF;
    UPDATE jackline.clock SET ahead = greatest(ahead, mine.latest - machine);
    RETURN mine.latest;
END $$;

-- The session's row, locked until the transaction ends, and the time since then.
CREATE FUNCTION jackline.locked_1(
    of_tenant text,
    of_name text,
    given double precision,
    OUT no bigint,
    OUT head bigint,
    OUT epoch bigint,
    OUT turn bigint,
    OUT due_at double precision,
    OUT lease_until double precision,
    OUT questions bigint[],
    OUT "user" text,
    OUT agent text,
    OUT at double precision
)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    updated_at double precision;
BEGIN
    SELECT s.no, s.head, s.epoch, s.turn, s.due_at, s.lease_until, s.questions, s."user", s.agent,
        s.updated_at
    INTO no, head, epoch, turn, due_at, lease_until, questions, "user", agent, updated_at
    FROM jackline.session AS s WHERE s.tenant = of_tenant AND s.name = of_name FOR UPDATE;
    at := jackline.time_after_1(coalesce(updated_at, 0), given);
END $$;
