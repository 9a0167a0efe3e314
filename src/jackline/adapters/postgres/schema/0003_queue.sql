-- Who wakes whom. Right before this script the queue's own is run (it is procrastinate's), in this
-- schema. Its functions find their tables here, whatever the path of whoever calls them.
DO $$
DECLARE
    of_queue regprocedure;
BEGIN
    FOR of_queue IN
        SELECT oid::regprocedure FROM pg_proc
        WHERE pronamespace = 'jackline'::regnamespace AND proname LIKE 'procrastinate%'
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = jackline, pg_temp', of_queue);
    END LOOP;
END $$;

-- `version` is the open turn's version of the agent, and `job` the last one that was to wake it.
ALTER TABLE jackline.session
    ADD COLUMN version text COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN job bigint;
CREATE INDEX session_backlog ON jackline.session (tenant, due_at) WHERE due_at IS NOT NULL;

-- Workers, and what they say of themselves: which version of which agent they serve.
CREATE TABLE jackline.worker (
    name text COLLATE "C" PRIMARY KEY,
    serves jsonb NOT NULL,
    slots bigint NOT NULL,
    lease_s double precision NOT NULL,
    draining boolean NOT NULL,
    seen_at double precision NOT NULL
);

-- The queue of an agent's version. It names a channel, too, and of those a name has 63 bytes.
CREATE FUNCTION jackline.queue_1(of_agent text, of_version text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT left(encode(sha256(convert_to(of_agent || ' ' || of_version, 'UTF8')), 'hex'), 32)
$$;

-- Have a worker woken at a time, in this transaction, and return the job's number. NULL: nobody
-- has to be.
--
-- Tenants take turns: each job has a second of its tenant's own, one after the other, and the
-- earliest second comes first. So who comes with one job is before the second of a flood, and
-- after what has waited for longer. Behind a thousand nobody counts: they are a day late.
CREATE FUNCTION jackline.wake_1(
    of_tenant text,
    of_name text,
    of_agent text,
    of_version text,
    wake_at double precision,
    at double precision
) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    waiting bigint;
    later boolean := wake_at > at;
BEGIN
    IF wake_at IS NULL OR wake_at = 'infinity' THEN
        RETURN NULL;
    END IF;
    SELECT count(*) INTO waiting FROM (
        SELECT FROM jackline.session AS s
        WHERE s.tenant = of_tenant AND s.due_at <= wake_1.at LIMIT 1000
    ) AS others;
    RETURN (jackline.procrastinate_defer_jobs_v1(ARRAY[ROW(
        jackline.queue_1(of_agent, of_version),
        'jackline.drive',
        -(greatest(wake_at, at) - 1767225600
            + CASE WHEN waiting < 1000 THEN waiting ELSE 86400 END)::integer,
        NULL,
        NULL,
        jsonb_build_object('tenant', of_tenant, 'name', of_name),
        -- The queue goes by the machine's clock, which may be behind our time.
        CASE WHEN later THEN clock_timestamp() + make_interval(secs => wake_at - wake_1.at) END
    )::jackline.procrastinate_job_to_defer_v1]))[1];
END $$;

-- The session's row, locked, and the time since then; where there was none it is made with its first
-- event, and `made`.
CREATE FUNCTION jackline.opened_1(
    of_tenant text,
    of_name text,
    of_user text,
    of_agent text,
    of_parent text,
    body bytea,
    given double precision,
    OUT made boolean,
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
BEGIN
    made := false;
    SELECT l.no, l.head, l.epoch, l.turn, l.due_at, l.lease_until, l.questions, l."user", l.agent,
        l.at
    INTO no, head, epoch, turn, due_at, lease_until, questions, "user", agent, at
    FROM jackline.locked_1(of_tenant, of_name, given) AS l;
    IF no IS NOT NULL THEN
        RETURN;
    END IF;
    INSERT INTO jackline.session AS s
        (tenant, name, "user", agent, parent, head, updated_at)
    VALUES (of_tenant, of_name, of_user, of_agent, of_parent, 1, opened_1.at)
    ON CONFLICT (tenant, name) DO NOTHING RETURNING s.no INTO no;
    made := no IS NOT NULL;
    IF made THEN
        INSERT INTO jackline.event (session, seq, at, body) VALUES (opened_1.no, 1, opened_1.at, body);
    END IF;
    SELECT l.no, l.head, l.epoch, l.turn, l.due_at, l.lease_until, l.questions, l."user", l.agent,
        l.at
    INTO no, head, epoch, turn, due_at, lease_until, questions, "user", agent, at
    FROM jackline.locked_1(of_tenant, of_name, given) AS l;
END $$;

-- Take the session where something is due and nobody drives it: the event that says so begins with
-- `opening`, goes on with the epoch and ends with `closing`. Without an epoch it was not taken, and
-- without a time there is no such session.
CREATE FUNCTION jackline.claim_1(
    of_tenant text,
    of_name text,
    by_worker text,
    lease_s double precision,
    opening bytea,
    closing bytea,
    given double precision,
    OUT taken bigint,
    OUT at double precision
)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    mine record;
BEGIN
    SELECT s.no, s.epoch, s.head, s.due_at, s.lease_until, s.updated_at INTO mine
    FROM jackline.session AS s WHERE s.tenant = of_tenant AND s.name = of_name FOR UPDATE;
    IF mine.no IS NULL THEN
        RETURN;
    END IF;
    at := jackline.time_after_1(mine.updated_at, given);
    IF mine.due_at IS NULL OR mine.due_at > at OR mine.lease_until > at THEN
        RETURN;
    END IF;
    taken := mine.epoch + 1;
    UPDATE jackline.session AS s SET
        epoch = taken,
        head = mine.head + 1,
        worker = by_worker,
        lease_until = at + lease_s,
        updated_at = at
    WHERE s.no = mine.no;
    INSERT INTO jackline.event (session, seq, at, body) VALUES
        (mine.no, mine.head + 1, claim_1.at, opening || convert_to(taken::text, 'UTF8') || closing);
END $$;

-- A driver's append, as before, with the open turn's version, and a job for whoever is to go on
-- where `wakes`: all of it, or nothing. `outcome` is its name, and `seen` the epoch or the
-- head that is there. An account that refuses is an error, so that nothing of it is kept.
CREATE FUNCTION jackline.drive_2(
    of_tenant text,
    of_name text,
    by_epoch bigint,
    after bigint,
    bodies bytea[],
    in_turn bigint,
    lease_s double precision,
    release boolean,
    wake_at double precision,
    hold bigint,
    cost bigint,
    open_questions bigint[],
    reserves boolean,
    before double precision,
    accounts text[],
    limits bigint[],
    holds bigint[],
    costs bigint[],
    in_version text,
    wakes boolean,
    given double precision,
    OUT outcome text,
    OUT seen bigint,
    OUT at double precision
)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    mine record;
    paid record;
BEGIN
    SELECT s.no, s.epoch, s.head, s.updated_at INTO mine FROM jackline.session AS s
    WHERE s.tenant = of_tenant AND s.name = of_name FOR UPDATE;
    IF mine.no IS NULL THEN
        outcome := 'unknown';
        RETURN;
    ELSIF mine.epoch <> by_epoch THEN
        outcome := 'fenced';
        seen := mine.epoch;
        RETURN;
    ELSIF mine.head <> after THEN
        outcome := CASE WHEN mine.head > after THEN 'behind' ELSE 'short' END;
        seen := mine.head;
        RETURN;
    END IF;
    at := jackline.time_after_1(mine.updated_at, given);
    IF at >= before THEN
        UPDATE jackline.clock SET latest = greatest(latest, drive_2.at);
        outcome := 'late';
        RETURN;
    END IF;
    UPDATE jackline.session AS s SET
        head = after + coalesce(cardinality(bodies), 0),
        turn = in_turn,
        due_at = CASE WHEN release THEN wake_at ELSE s.due_at END,
        lease_until = CASE WHEN release THEN 0 ELSE at + lease_s END,
        held = s.held + hold,
        spent = s.spent + cost,
        questions = open_questions,
        updated_at = at,
        version = in_version,
        job = CASE WHEN wakes AND release
            THEN jackline.wake_1(of_tenant, of_name, s.agent, in_version, wake_at, at)
            ELSE s.job END
    WHERE s.no = mine.no;
    INSERT INTO jackline.event (session, seq, at, body)
    SELECT mine.no, after + e.n, drive_2.at, e.body
    FROM unnest(bodies) WITH ORDINALITY AS e (body, n);
    IF accounts IS NOT NULL THEN
        FOR paid IN
            INSERT INTO jackline.account AS a (tenant, name, allowed, held, spent)
            SELECT of_tenant, m.name, m.allowed, m.held, m.spent
            FROM unnest(accounts, limits, holds, costs) AS m (name, allowed, held, spent)
            ORDER BY m.name COLLATE "C"
            ON CONFLICT (tenant, name) DO UPDATE
            SET held = a.held + excluded.held, spent = a.spent + excluded.spent
            RETURNING a.name, a.allowed, a.held, a.spent,
                array_position(accounts, a.name::text) AS place
        LOOP
            -- The lower of two limits holds; an account without one only counts.
            IF reserves AND paid.held + paid.spent > least(paid.allowed,
                CASE WHEN paid.allowed IS NOT NULL THEN limits[paid.place] END)
            THEN
                RAISE EXCEPTION USING ERRCODE = 'JL001', MESSAGE = paid.name, DETAIL =
                    json_build_array(
                        least(paid.allowed, limits[paid.place]),
                        paid.spent - costs[paid.place],
                        paid.held - holds[paid.place]
                    )::text;
            END IF;
        END LOOP;
    END IF;
    outcome := 'committed';
END $$;
