-- What the extension :name holds that a dump leaves out: tables, where it marks none as holding a user's data (where it marks some, it has
-- thought of the others), and sequences that feed a table which is marked, but are not marked themselves.
SET search_path = pg_catalog;
WITH extension AS (SELECT oid, coalesce(extconfig, '{}') AS config FROM pg_extension WHERE extname = :'name'),
member AS (
    SELECT objid AS oid, config FROM extension e JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
    WHERE d.deptype = 'e' AND d.classid = 'pg_class'::regclass
)
SELECT 'unmarked-table', i.identity, '' FROM member m JOIN pg_class c ON c.oid = m.oid, pg_identify_object('pg_class'::regclass, c.oid, 0) i
WHERE relkind = 'r' AND relpersistence = 'p' AND config = '{}'
UNION ALL
SELECT 'unmarked-sequence', t.identity, s.identity
FROM extension e, pg_depend d JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S',
    pg_identify_object('pg_class'::regclass, d.refobjid, 0) t, pg_identify_object('pg_class'::regclass, d.objid, 0) s
WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
    AND d.refobjid = ANY (config) AND d.objid <> ALL (config)
ORDER BY 1, 2, 3
LIMIT 200;
