-- What transactional tools are while they run: nobody in jackline's own schema. Where this user
-- may not make roles, an administrator does, and until then such tools are refused.
DO $$
BEGIN
    CREATE ROLE jackline_tool NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation OR insufficient_privilege THEN
    RAISE NOTICE 'jackline_tool was not made: %', SQLERRM;
END $$;
DO $$
BEGIN
    EXECUTE format('GRANT jackline_tool TO %I', current_user);
EXCEPTION WHEN undefined_object OR unique_violation OR insufficient_privilege THEN
    RAISE NOTICE 'jackline_tool was not granted: %', SQLERRM;
END $$;
DO $$
BEGIN
    GRANT USAGE, CREATE ON SCHEMA public TO jackline_tool;
EXCEPTION WHEN undefined_object OR invalid_schema_name OR insufficient_privilege THEN
    RAISE NOTICE 'jackline_tool may not write to public: %', SQLERRM;
END $$;
