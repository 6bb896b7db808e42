-- LG-02, LG-03: the byte string behind a ledger row's hash, so that anybody can recompute it outside.
CREATE SCHEMA ledger_hash_test;
SET search_path = ledger_hash_test, pg_catalog;
SET timezone = 'UTC';
CREATE FUNCTION ledger_hash(row_ jsonb, at timestamptz, source_time timestamptz, prev bytea) RETURNS bytea
	AS '$libdir/syncore_core_test', 'core_test_ledger_hash' LANGUAGE C;

-- Made with Perl's Digest::SHA from core/ledger.h alone:
--   sub t { my $s = shift; defined $s ? pack("N", length $s) . $s : pack("N", 0xffffffff) }
--   sub n { my $v = shift; defined $v ? t(pack("q>", $v)) : t(undef) }
--   sha256("\0" x 32 . "syncore1" . n(0) . n(1) . t("receive") . n(undef) x 2 . n(undef) . n(7) . n(undef) x 3 . t(undef) x 10)
SELECT ledger_hash('{"space_id": 1, "kind": "receive", "system_id": 7}', '2000-01-01 00:00:00+00', NULL, NULL)
	= '\xa5a6a8d10ad1d08cb7037190c542f0d0198af773a134dd867ee117085d5c67aa' AS first_of_a_chain;
--   every column set: … n(817689600123456) n(2) t("change") n(42) n(3) n(9) n(7) n(1001) n(5) n(6) t("severity") t('"P3"')
--   t('{"a": [1, 2.50, null], "bb": "x"}') t("a.lee") t("human") n(-1) t("escalation_wins") t("") t("{}") t("c-1")
SELECT ledger_hash('{"space_id": 2, "kind": "change", "entity": 42, "entity_seq": 3, "link": 9, "system_id": 7, "event": 1001, "delivery": 5,
		"conflict": 6, "field": "severity", "old": "P3", "new": {"bb": "x", "a": [1, 2.50, null]}, "actor": "a.lee", "actor_kind": "human",
		"rule": "escalation_wins", "reason": "", "detail": {}, "correlation_id": "c-1"}',
	'2025-11-29 00:00:00.123456+00', '1999-12-31 23:59:59.999999+00', '\xa5a6a8d10ad1d08cb7037190c542f0d0198af773a134dd867ee117085d5c67aa')
	= '\xf571f37bf2c027390d18f9cca322038b5a8068fd40c1831c58722307fa2f0be7' AS every_column;

-- Each column counts: leave one out, or change it, and the hash is another one
CREATE TABLE sample AS SELECT '{"space_id": 2, "kind": "change", "entity": 42, "entity_seq": 3, "link": 9, "system_id": 7, "event": 1001,
	"delivery": 5, "conflict": 6, "field": "severity", "old": "P3", "new": "P1", "actor": "a.lee", "actor_kind": "human",
	"rule": "escalation_wins", "reason": "why", "detail": {"x": 1}, "correlation_id": "c-1"}'::jsonb AS row_;
SELECT count(*) AS columns, count(DISTINCT h) AS hashes, bool_or(h = ledger_hash(row_, 'epoch', 'epoch', NULL)) AS any_the_same
FROM sample, jsonb_object_keys(row_) AS k,
	ledger_hash(CASE WHEN jsonb_typeof(row_ -> k) = 'number' THEN jsonb_set(row_, ARRAY[k], '77') ELSE jsonb_set(row_, ARRAY[k], '"other"') END,
		'epoch', 'epoch', NULL) AS h;
SELECT count(DISTINCT h) AS different FROM sample, LATERAL (VALUES
	(ledger_hash(row_, 'epoch', 'epoch', NULL)), (ledger_hash(row_, '1970-01-01 00:00:00.000001+00', 'epoch', NULL)),
	(ledger_hash(row_, 'epoch', NULL, NULL)), (ledger_hash(row_, 'epoch', 'epoch', decode(repeat('01', 32), 'hex'))),
	(ledger_hash(row_ - 'reason', 'epoch', 'epoch', NULL)), (ledger_hash(jsonb_set(row_, '{reason}', '""'), 'epoch', 'epoch', NULL)),
	(ledger_hash(row_ - 'old', 'epoch', 'epoch', NULL)), (ledger_hash(jsonb_set(row_, '{old}', 'null'), 'epoch', 'epoch', NULL))) AS v(h);
-- text moved over the border of two columns does not collide
SELECT ledger_hash('{"space_id": 1, "kind": "x", "rule": "ab", "reason": "c"}', 'epoch', NULL, NULL)
	<> ledger_hash('{"space_id": 1, "kind": "x", "rule": "a", "reason": "bc"}', 'epoch', NULL, NULL) AS borders_count;
-- the order of keys in a value is not a difference; its digits are
SELECT ledger_hash('{"space_id": 1, "kind": "x", "new": {"a": 1, "b": 2}}', 'epoch', NULL, NULL)
	= ledger_hash('{"space_id": 1, "kind": "x", "new": {"b": 2, "a": 1}}', 'epoch', NULL, NULL) AS same_value,
	ledger_hash('{"space_id": 1, "kind": "x", "new": 1.0}', 'epoch', NULL, NULL)
	<> ledger_hash('{"space_id": 1, "kind": "x", "new": 1}', 'epoch', NULL, NULL) AS other_spelling;
SET client_min_messages = warning;
DROP SCHEMA ledger_hash_test CASCADE;
