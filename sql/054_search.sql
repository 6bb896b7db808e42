-- Histories drawn by chance against products that only the test knows (test/core/search_test.c).  I1: all links agree with
-- the canonical value at rest; I6: bounded writes; I8: the order in which edits are heard makes no difference.
-- A broken one is printed with its seed: core_search(that seed, 1) plays it alone and tells all of it.
SET client_min_messages = warning;
CREATE SCHEMA t054;
SET search_path = t054;
CREATE FUNCTION core_search(seed bigint, histories integer) RETURNS text
	AS '$libdir/syncore_core_test', 'core_search' LANGUAGE C STRICT;
\pset tuples_only on
\pset format unaligned
SELECT core_search(20261122, 1500);
DROP SCHEMA t054 CASCADE;
