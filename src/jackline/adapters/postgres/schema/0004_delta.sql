-- Text on its way from the process that drives to those that listen: kept for half a minute, and
-- not at all where the server crashes. `line` tells sessions apart for who looks for some of them.
CREATE SEQUENCE jackline.delta_batch;
CREATE UNLOGGED TABLE jackline.delta (
    batch bigint NOT NULL,
    place bigint NOT NULL,
    line bigint NOT NULL,
    tenant text COLLATE "C" NOT NULL,
    session text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    epoch bigint NOT NULL,
    start bigint NOT NULL,
    text bytea NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (batch, place)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
