-- Rates, circuits and paces that all workers share. The first form of this table was never used.
-- `body` is what one rate, or one model or tool, is remembered by; from `forget_at` on it says
-- nothing any more. Names sort by their characters: rows are locked in that order.
DROP TABLE jackline.bucket;
CREATE TABLE jackline.bucket (
    tenant text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    body bytea NOT NULL DEFAULT '',
    forget_at double precision NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, name)
) WITH (fillfactor = 50);

-- The bodies of these rows, made where they are lacking and locked until the transaction ends, one
-- after another as they are named, and the time since then. A crash of the server may forget what
-- was taken within its last second: nobody waits for its disk.
CREATE FUNCTION jackline.buckets_1(
    tenants text[],
    names text[],
    given double precision,
    OUT bodies bytea[],
    OUT at double precision
)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    found_body bytea;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    FOR place IN 1 .. cardinality(names) LOOP
        LOOP
            SELECT b.body INTO found_body FROM jackline.bucket AS b
            WHERE b.tenant = tenants[place] AND b.name = names[place] FOR UPDATE;
            EXIT WHEN FOUND;
            INSERT INTO jackline.bucket (tenant, name) VALUES (tenants[place], names[place])
            ON CONFLICT (tenant, name) DO NOTHING;
        END LOOP;
        bodies := array_append(bodies, found_body);
    END LOOP;
    at := jackline.time_1(given);
END $$;

-- Puts each of these bodies in the place of the one that was `seen`, where no other has come there
-- and it is the time that is `expected`, but for less than `within` seconds; else nothing. Where a
-- body is null the one that was seen has to be there, and stays.
CREATE FUNCTION jackline.buckets_swap_1(
    tenants text[],
    names text[],
    seen bytea[],
    kept bytea[],
    forget_at double precision[],
    given double precision,
    expected double precision,
    within double precision,
    OUT at double precision,
    OUT swapped boolean
)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    bodies bytea[];
    found_body bytea;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    FOR place IN 1 .. cardinality(names) LOOP
        SELECT b.body INTO found_body FROM jackline.bucket AS b
        WHERE b.tenant = tenants[place] AND b.name = names[place] FOR UPDATE;
        bodies := array_append(bodies, found_body);
    END LOOP;
    at := jackline.time_1(given);
    swapped := bodies = seen AND abs(at - expected) < within;
    IF swapped THEN
        UPDATE jackline.bucket AS b SET body = new.body, forget_at = new.forget_at
        FROM unnest(tenants, names, kept, buckets_swap_1.forget_at)
            AS new (tenant, name, body, forget_at)
        WHERE b.tenant = new.tenant AND b.name = new.name AND new.body IS NOT NULL;
    END IF;
END $$;
