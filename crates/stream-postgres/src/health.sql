-- Whether the server takes no writes, which privileges the role lacks, and which tables keep rows from it.
WITH needed (home, privilege, command) AS (
    SELECT home::regclass, privilege, command
    FROM unnest(ARRAY['streams', 'publish_sessions', 'publish_attempts', 'media_server_boots',
        'stream_blocked_users']) home
    CROSS JOIN (VALUES ('SELECT', 'r'), ('INSERT', 'a'), ('UPDATE', 'w'), ('DELETE', 'd')) each (privilege, command)
    WHERE home <> 'streams' OR privilege <> 'DELETE'
),
lacking (what) AS (
    -- Some grant columns alone.
    SELECT privilege || ' on ' || home FROM needed WHERE NOT CASE privilege
        WHEN 'DELETE' THEN has_table_privilege(home, privilege) ELSE has_any_column_privilege(home, privilege) END
    UNION ALL
    -- An identity column needs no privilege on its sequence.
    SELECT 'USAGE on the sequence ' || sequence.oid::regclass
    FROM pg_attribute column_id
    JOIN pg_attrdef id_default ON adrelid = attrelid AND adnum = attnum
    JOIN pg_depend ON classid = 'pg_attrdef'::regclass AND objid = id_default.oid AND refclassid = 'pg_class'::regclass
    JOIN pg_class sequence ON sequence.oid = refobjid
    WHERE attrelid = 'streams'::regclass AND attname = 'id' AND CASE relkind
        WHEN 'S' THEN NOT (has_sequence_privilege(sequence.oid, 'USAGE') OR has_sequence_privilege(sequence.oid, 'UPDATE'))
        ELSE FALSE END
),
-- A policy with a condition is taken for one that keeps rows back: the service must see and write them all.
applicable (home, command, is_permissive, is_open) AS (
    SELECT home, command, polpermissive,
        (command = 'a' OR pg_get_expr(polqual, polrelid) = 'true')
        AND (command IN ('r', 'd') OR pg_get_expr(COALESCE(polwithcheck, polqual), polrelid) = 'true')
    FROM needed JOIN pg_policy ON polrelid = home AND polcmd::text IN (command, '*')
    WHERE EXISTS (SELECT FROM unnest(polroles) role
        WHERE CASE role WHEN 0 THEN TRUE ELSE pg_has_role(role, 'USAGE') END)
),
hidden (home) AS (
    SELECT DISTINCT home FROM needed WHERE row_security_active(home) AND NOT (
        EXISTS (SELECT FROM applicable p WHERE (p.home, p.command) = (needed.home, needed.command)
            AND is_permissive AND is_open)
        AND NOT EXISTS (SELECT FROM applicable p WHERE (p.home, p.command) = (needed.home, needed.command)
            AND NOT is_permissive AND NOT is_open)
    )
)
SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean,
    (SELECT string_agg(what, ', ') FROM lacking),
    (SELECT string_agg(home::text, ', ') FROM hidden)
