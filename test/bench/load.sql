-- :entities records with three links each, in both worlds.
INSERT INTO floor.entity (id, data, stamps) SELECT i, jsonb_build_object('title', 'record ' || i, 'status', 'new', 'severity', 'low'), decode(repeat('ab', 120), 'hex') FROM generate_series(1, :entities) i;
INSERT INTO floor.link (id, entity, system_id, external_id, shadow) SELECT i * 3 + s, i, s, 'A' || i, decode(repeat('cd', 150), 'hex') FROM generate_series(1, :entities) i, generate_series(0, 2) s;
INSERT INTO syncore.event (system, payload) SELECT 'ann', floor.payload(i, 0) FROM generate_series(1, :entities) i;
-- the other two records are told of by their systems; they agree
INSERT INTO syncore.event (system, payload) SELECT 'bob', floor.payload(i, 0) || jsonb_build_object('id', 'B' || i) FROM generate_series(1, :entities) i;
INSERT INTO syncore.event (system, payload) SELECT 'cyd', floor.payload(i, 0) || jsonb_build_object('id', 'C' || i) FROM generate_series(1, :entities) i;
DELETE FROM syncore.delivery;
VACUUM ANALYZE;
CHECKPOINT;
