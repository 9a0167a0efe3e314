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

-- A job is gone with its drive: nobody reads its history, none is periodic, and `wake_1` says itself
-- that there is one.
DROP TRIGGER procrastinate_jobs_notify_queue_job_inserted_v1 ON jackline.procrastinate_jobs;
DROP TRIGGER procrastinate_trigger_status_events_insert_v1 ON jackline.procrastinate_jobs;
DROP TRIGGER procrastinate_trigger_status_events_update_v1 ON jackline.procrastinate_jobs;
DROP TRIGGER procrastinate_trigger_scheduled_events_v1 ON jackline.procrastinate_jobs;
DROP TRIGGER procrastinate_trigger_delete_jobs_v1 ON jackline.procrastinate_jobs;

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

-- When somebody is to look next whether a wake-up was lost. One looks for all workers.
CREATE UNLOGGED TABLE jackline.audit (
    one boolean PRIMARY KEY CHECK (one),
    next_at timestamptz NOT NULL
);

-- The queue of an agent's version. It names a channel, too, and of those a name has 63 bytes.
CREATE FUNCTION jackline.queue_1(of_agent text, of_version text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT left(encode(sha256(convert_to(of_agent || ' ' || of_version, 'UTF8')), 'hex'), 32)
$$;

-- Have a worker woken at a time, in this transaction, and return the job's number. NULL: nobody
-- has to be. The priority says how long a job has waited, among those of its tenant. A job comes
-- within ten years, as a priority has 32 bits; who comes too early is queued again.
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
    comes_at double precision := least(greatest(wake_at, at), at + 315360000);
    queue text := jackline.queue_1(of_agent, of_version);
    job bigint;
BEGIN
    IF wake_at IS NULL OR wake_at = 'infinity' THEN
        RETURN NULL;
    END IF;
    INSERT INTO jackline.procrastinate_jobs AS j
        (queue_name, task_name, priority, args, scheduled_at)
    VALUES (
        queue,
        'jackline.drive',
        -(comes_at - 1767225600)::integer,
        jsonb_build_object('tenant', of_tenant, 'name', of_name),
        -- The queue goes by the machine's clock, which may be behind our time.
        CASE WHEN comes_at > at THEN clock_timestamp() + make_interval(secs => comes_at - at) END
    ) RETURNING j.id INTO job;
    PERFORM pg_notify('procrastinate_queue_v1#' || queue,
        json_build_object('type', 'job_inserted', 'job_id', job)::text);
    RETURN job;
END $$;

-- What is to be fetched is found by tenant, and what comes later by its time. Nobody looks for
-- anything as procrastinate's own indexes have it.
CREATE INDEX queue_ready ON jackline.procrastinate_jobs
    (queue_name, ((args ->> 'tenant') COLLATE "C"), priority DESC, id)
    WHERE status = 'todo' AND scheduled_at IS NULL;
CREATE INDEX queue_later ON jackline.procrastinate_jobs (queue_name, scheduled_at)
    WHERE status = 'todo' AND scheduled_at IS NOT NULL;
DROP INDEX jackline.procrastinate_jobs_priority_idx_v1;
DROP INDEX jackline.procrastinate_jobs_queue_name_idx_v1;
DROP INDEX jackline.procrastinate_jobs_id_lock_idx_v1;

-- Let come whose time has come, and return how many that were: `at_most` of each queue.
CREATE FUNCTION jackline.ripen_1(of_queues text[], at_most integer) RETURNS bigint
LANGUAGE sql VOLATILE AS $$
    WITH ripened AS (
        UPDATE jackline.procrastinate_jobs AS job SET scheduled_at = NULL
        WHERE job.id = ANY (ARRAY(
            SELECT ripe.id FROM unnest(of_queues) AS q (name), LATERAL (
                SELECT j.id FROM jackline.procrastinate_jobs AS j
                WHERE j.status = 'todo' AND j.queue_name = q.name AND j.scheduled_at <= now()
                ORDER BY j.scheduled_at LIMIT at_most FOR UPDATE SKIP LOCKED
            ) AS ripe
        )) RETURNING job.id
    )
    SELECT count(*) FROM ripened
$$;

-- The tenants who wait, in the order of their names from the one behind `after`, and around.
CREATE FUNCTION jackline.next_tenants_1(
    of_queues text[], after text, without text[], at_most integer
) RETURNS text[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    tenants text[] := '{}';
    behind text COLLATE "C" := after;
    found text COLLATE "C";
    around boolean := false;
BEGIN
    WHILE cardinality(tenants) < at_most LOOP
        SELECT min(next.tenant) INTO found FROM unnest(of_queues) AS q (name), LATERAL (
            SELECT (job.args ->> 'tenant') COLLATE "C" AS tenant
            FROM jackline.procrastinate_jobs AS job
            WHERE job.status = 'todo' AND job.scheduled_at IS NULL AND job.queue_name = q.name
                AND (job.args ->> 'tenant') COLLATE "C" > behind
            ORDER BY (job.args ->> 'tenant') COLLATE "C" LIMIT 1
        ) AS next;
        IF around AND (found IS NULL OR found > after) THEN
            EXIT;
        ELSIF found IS NULL THEN
            around := true;
            behind := '';
        ELSE
            behind := found;
            IF found <> ALL (without) THEN
                tenants := tenants || found;
            END IF;
        END IF;
    END LOOP;
    RETURN tenants;
END $$;

-- Those of these tenants who wait, in their order.
CREATE FUNCTION jackline.waiting_1(of_queues text[], of_tenants text[]) RETURNS text[]
LANGUAGE sql VOLATILE AS $$
    SELECT COALESCE(array_agg(t.tenant ORDER BY t.place), '{}')
    FROM unnest(of_tenants) WITH ORDINALITY AS t (tenant, place)
    WHERE EXISTS (
        SELECT FROM unnest(of_queues) AS q (name), LATERAL (
            SELECT FROM jackline.procrastinate_jobs AS job
            WHERE job.status = 'todo' AND job.scheduled_at IS NULL AND job.queue_name = q.name
                AND (job.args ->> 'tenant') COLLATE "C" = t.tenant
            LIMIT 1
        ) AS one
    )
$$;

-- Give jobs of these queues to a worker, in the order in which they are to be driven. Each comes of
-- the tenant of whom least runs there, and among equals tenants take turns; within a tenant the one
-- that has waited longest comes first. So a flood delays another's turn by one turn, however many
-- wait, and long turns of one leave places to the others.
--
-- `after` is the tenant whose job the worker got last; `here` counts the jobs that it has, by
-- tenant, who have no more of them than `each_at_most`. Where others have locked all that was
-- looked at, it looks at the next: a worker does not sleep beside jobs that wait.
CREATE FUNCTION jackline.fetch_1(
    of_queues text[],
    of_worker bigint,
    at_most integer,
    after text,
    here jsonb,
    each_at_most integer
) RETURNS SETOF jackline.procrastinate_jobs
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    busy text[] := ARRAY(SELECT jsonb_object_keys(here));
    with_room text[] := ARRAY(
        SELECT had.tenant FROM jsonb_each_text(here) AS had (tenant, count)
        WHERE had.count::integer < each_at_most ORDER BY had.count::integer, had.tenant
    );
    tried text[] := '{}';
    tenants text[];
BEGIN
    FOR look IN 1..16 LOOP
        tenants := jackline.next_tenants_1(of_queues, after, busy || tried, at_most);
        IF cardinality(tenants) < at_most THEN
            tenants := tenants || jackline.waiting_1(
                of_queues, ARRAY(SELECT t FROM unnest(with_room) AS t WHERE t <> ALL (tried)));
        END IF;
        IF cardinality(tenants) = 0 THEN
            EXIT WHEN cardinality(tried) = 0;
            tried := '{}';
            CONTINUE;
        END IF;
        RETURN QUERY
        WITH places AS (
            SELECT t.tenant, t.place, round + COALESCE((here ->> t.tenant)::integer, 0) AS running
            FROM unnest(tenants) WITH ORDINALITY AS t (tenant, place),
                generate_series(1, at_most) AS round
        ),
        due AS (
            SELECT taken.tenant, taken.place, count(*) AS jobs FROM (
                SELECT p.tenant, p.place FROM places AS p WHERE p.running <= each_at_most
                ORDER BY p.running, p.place LIMIT at_most
            ) AS taken GROUP BY taken.tenant, taken.place
        ),
        next AS (
            SELECT due.tenant, due.place, job.id,
                row_number() OVER (PARTITION BY due.place ORDER BY job.priority DESC, job.id)
                    + COALESCE((here ->> due.tenant)::integer, 0) AS running
            FROM due, unnest(of_queues) AS q (name), LATERAL (
                SELECT j.id, j.priority FROM jackline.procrastinate_jobs AS j
                WHERE j.status = 'todo' AND j.scheduled_at IS NULL AND j.queue_name = q.name
                    AND (j.args ->> 'tenant') COLLATE "C" = due.tenant
                ORDER BY j.priority DESC, j.id LIMIT due.jobs FOR UPDATE SKIP LOCKED
            ) AS job
        ),
        chosen AS (
            SELECT next.id, next.running, next.place FROM next WHERE next.running <= each_at_most
            ORDER BY next.running, next.place LIMIT at_most
        ),
        given AS (
            UPDATE jackline.procrastinate_jobs AS job SET status = 'doing', worker_id = of_worker
            FROM chosen WHERE job.id = chosen.id RETURNING job, chosen.running, chosen.place
        )
        SELECT (given.job).* FROM given ORDER BY given.running, given.place;
        EXIT WHEN FOUND;
        tried := tried || tenants;
    END LOOP;
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
-- without a time there is no such session. What its driver starts from comes with it: the snapshot
-- if there is one, how many events it holds, and those since.
CREATE FUNCTION jackline.claim_1(
    of_tenant text,
    of_name text,
    by_worker text,
    lease_s double precision,
    opening bytea,
    closing bytea,
    given double precision,
    OUT taken bigint,
    OUT at double precision,
    OUT kept bytea,
    OUT kept_head bigint,
    OUT times double precision[],
    OUT bodies bytea[]
)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    mine record;
    body bytea;
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
    body := opening || convert_to(taken::text, 'UTF8') || closing;
    UPDATE jackline.session AS s SET
        epoch = taken,
        head = mine.head + 1,
        worker = by_worker,
        lease_until = at + lease_s,
        updated_at = at
    WHERE s.no = mine.no;
    INSERT INTO jackline.event (session, seq, at, body)
    VALUES (mine.no, mine.head + 1, claim_1.at, body);
    SELECT k.body, k.head INTO kept, kept_head FROM jackline.snapshot AS k WHERE k.session = mine.no;
    kept_head := coalesce(kept_head, 0);
    SELECT array_agg(e.at ORDER BY e.seq), array_agg(e.body ORDER BY e.seq) INTO times, bodies
    FROM jackline.event AS e WHERE e.session = mine.no AND e.seq > kept_head;
END $$;

-- Submit to a session that does not exist, which is made, or that has no open turn: which is
-- nearly always so, and one statement. Without a position nothing was written: another turn is
-- open, or the request was told before, or the session is not the one that is wanted.
-- `opened` NULL: it has to exist, and anybody's will do.
CREATE FUNCTION jackline.submit_1(
    of_tenant text,
    of_name text,
    opened bytea,
    of_user text,
    of_agent text,
    of_parent text,
    after bigint,
    bodies bytea[],
    of_request bytea,
    of_content bytea,
    in_version text,
    wakes boolean,
    given double precision,
    OUT seq bigint,
    OUT at double precision
)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    mine record;
    first bigint;
    count bigint := cardinality(bodies);
BEGIN
    SELECT s.no, s.head, s.turn, s.due_at, s.lease_until, s."user", s.agent, s.updated_at INTO mine
    FROM jackline.session AS s WHERE s.tenant = of_tenant AND s.name = of_name FOR UPDATE;
    IF mine.no IS NULL THEN
        IF opened IS NULL OR after IS NOT NULL THEN
            RETURN;
        END IF;
        at := jackline.time_after_1(0, given);
        INSERT INTO jackline.session AS s (
            tenant, name, "user", agent, parent, head, turn, due_at, updated_at, version, job
        ) VALUES (
            of_tenant, of_name, of_user, of_agent, of_parent, count + 1, 2, submit_1.at,
            submit_1.at, in_version,
            CASE WHEN wakes THEN jackline.wake_1(of_tenant, of_name, of_agent, in_version, at, at) END
        ) ON CONFLICT (tenant, name) DO NOTHING RETURNING s.no INTO mine;
        IF mine.no IS NULL THEN  -- Somebody was faster: it is made now, and woken for once more.
            RETURN;
        END IF;
        first := 2;
        INSERT INTO jackline.event (session, seq, at, body)
        VALUES (mine.no, 1, submit_1.at, opened);
    ELSE
        first := mine.head + 1;
        IF mine.turn IS NOT NULL OR after <> mine.head
            OR opened IS NOT NULL AND (mine."user" <> of_user OR mine.agent <> of_agent)
            OR EXISTS (
                SELECT FROM jackline.event AS e
                WHERE e.session = mine.no AND e.request = of_request
            )
        THEN
            RETURN;
        END IF;
        at := jackline.time_after_1(mine.updated_at, given);
        UPDATE jackline.session AS s SET
            head = mine.head + count,
            turn = first,
            due_at = least(s.due_at, submit_1.at),
            updated_at = submit_1.at,
            version = in_version,
            job = CASE WHEN wakes AND s.lease_until <= submit_1.at
                THEN jackline.wake_1(of_tenant, of_name, s.agent, in_version, at, at)
                ELSE s.job END
        WHERE s.no = mine.no;
    END IF;
    INSERT INTO jackline.event (session, seq, at, body, request, content, turn)
    SELECT mine.no, first + e.n - 1, submit_1.at, e.body,
        CASE WHEN e.n = 1 THEN of_request END,
        CASE WHEN e.n = 1 THEN of_content END,
        CASE WHEN e.n = 1 THEN first END
    FROM unnest(bodies) WITH ORDINALITY AS e (body, n);
    seq := first;
END $$;

-- A driver's append, with the open turn's version, and a job for whoever is to go on
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
    used bigint[],
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
    IF used IS NOT NULL THEN
        INSERT INTO jackline.usage AS u
            (tenant, "user", agent, day, turns, cost, input, output)
        SELECT of_tenant, s."user", s.agent, floor(drive_2.at / 86400)::bigint,
            used[1], used[2], used[3], used[4]
        FROM jackline.session AS s WHERE s.no = mine.no
        ON CONFLICT (tenant, day, "user", agent) DO UPDATE SET
            turns = u.turns + excluded.turns,
            cost = u.cost + excluded.cost,
            input = u.input + excluded.input,
            output = u.output + excluded.output;
    END IF;
    outcome := 'committed';
END $$;
