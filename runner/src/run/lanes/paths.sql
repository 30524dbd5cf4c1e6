-- The published updates of the extension :name that end at its default version, newest first, each as source, target, default version. Every published script on
-- a way to the default version is in one of them, if the version where it starts can be created: first the shortest way from each version that
-- has a script of its own, then, for scripts that none of these takes, the way through that script.
SET search_path = pg_catalog;
WITH wanted AS (SELECT default_version AS version FROM pg_available_extensions WHERE name = :'name'),
way AS (
    SELECT source, target, regexp_split_to_array(path, '--') AS steps FROM pg_extension_update_paths(:'name')
    WHERE path IS NOT NULL AND path !~ '[[:cntrl:]]'
), creatable AS (SELECT version FROM pg_available_extension_versions WHERE name = :'name'),
script AS (
    SELECT file FROM pg_ls_dir((SELECT setting FROM pg_config WHERE name = 'SHAREDIR') || '/extension') file WHERE starts_with(file, :'name')
), home AS (
    SELECT w.* FROM way w JOIN wanted ON target = version
), direct AS (
    SELECT h.* FROM home h JOIN creatable ON source = version
    WHERE format('%s--%s.sql', :'name', source) IN (SELECT file FROM script)
), taken AS (
    SELECT steps[at] AS source, steps[at + 1] AS target FROM direct, generate_series(1, cardinality(steps) - 1) at
), round AS (
    SELECT w.source, w.target FROM way w JOIN creatable ON w.source = version
    WHERE cardinality(steps) = 2 AND (w.source, w.target) NOT IN (SELECT source, target FROM taken)
        AND w.target IN (SELECT source FROM home UNION SELECT version FROM wanted)
)
SELECT source, target, version FROM wanted, (SELECT source, target FROM direct UNION SELECT source, target FROM round) it
ORDER BY ARRAY(SELECT number[1]::numeric FROM regexp_matches(source, '\d+', 'g') number) DESC, source DESC,
    ARRAY(SELECT number[1]::numeric FROM regexp_matches(target, '\d+', 'g') number) DESC, target DESC
LIMIT 1000;
