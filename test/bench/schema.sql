-- Floors: the same events without syncore.  Set-based SQL that does only the writes, and the trigger a user would write.
CREATE SCHEMA floor;
CREATE TABLE floor.bare (id bigint GENERATED ALWAYS AS IDENTITY, received_at timestamptz DEFAULT now(), system text, payload jsonb);
CREATE TABLE floor.event (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, received_at timestamptz DEFAULT now(), system text, payload jsonb, external_id text);
CREATE TABLE floor.entity (id bigint PRIMARY KEY, data jsonb, stamps bytea, revision bigint DEFAULT 0, updated_at timestamptz DEFAULT now(), updated_by integer) WITH (fillfactor = 80);
CREATE TABLE floor.link (id bigint PRIMARY KEY, entity bigint, system_id integer, external_id text, shadow bytea, in_step_at timestamptz DEFAULT now(), UNIQUE (system_id, external_id)) WITH (fillfactor = 80);
CREATE INDEX ON floor.link (entity);
CREATE TABLE floor.ledger (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz DEFAULT now(), entity bigint, kind text, field text, old jsonb, new jsonb, reason text, hash bytea);
CREATE INDEX ON floor.ledger (entity, id);
CREATE TABLE floor.delivery (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, link bigint UNIQUE, gen integer DEFAULT 1) WITH (fillfactor = 70);

-- floor_writes: 1 event, 1 entity update, 2 link updates, 3 ledger rows, 1 delivery; hand-written, set-based, no logic
CREATE FUNCTION floor.writes(batch jsonb[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO floor.event (system, payload, external_id) SELECT 'ann', p, p ->> 'id' FROM unnest(batch) p;
	UPDATE floor.entity e SET data = e.data || (p -> 'f'), stamps = decode(repeat('ab', 120), 'hex'), revision = revision + 1, updated_at = now()
		FROM unnest(batch) p WHERE e.id = substr(p ->> 'id', 2)::bigint;
	UPDATE floor.link l SET shadow = decode(repeat('cd', 150), 'hex')
		FROM unnest(batch) p, generate_series(0, 1) s WHERE l.id = substr(p ->> 'id', 2)::bigint * 3 + s;
	INSERT INTO floor.ledger (entity, kind, field, old, new, reason, hash)
		SELECT substr(p ->> 'id', 2)::bigint, 'change', 'severity', '"medium"', p -> 'f' -> 'severity', 'critical follows medium, which it had seen', sha256('x')
		FROM unnest(batch) p, generate_series(1, 3);
	INSERT INTO floor.delivery AS d (link) SELECT substr(p ->> 'id', 2)::bigint * 3 + 1 FROM unnest(batch) p ON CONFLICT (link) DO UPDATE SET gen = d.gen + 1;
END $$;

-- naive_trigger: what a user would write instead.  Look up, compare, write, row by row; it leaves what floor_writes leaves.
-- A conflict is a change by somebody else since this system was last in step.
CREATE TABLE floor.inbox (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, received_at timestamptz DEFAULT now(), system text, payload jsonb, external_id text);
CREATE FUNCTION floor.naive() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	l floor.link;
	e floor.entity;
	k text;
	v jsonb;
	conflict boolean;
BEGIN
	SELECT * INTO l FROM floor.link WHERE system_id = 0 AND external_id = NEW.external_id;
	SELECT * INTO e FROM floor.entity WHERE id = l.entity FOR UPDATE;
	INSERT INTO floor.ledger (entity, kind, reason, hash) VALUES (e.id, 'receive', 'event ' || NEW.id, sha256('x'));
	FOR k, v IN SELECT * FROM jsonb_each(NEW.payload -> 'f') LOOP
		CONTINUE WHEN e.data -> k = v;
		conflict := e.updated_at > l.in_step_at AND e.updated_by <> l.system_id;
		UPDATE floor.entity SET data = jsonb_set(data, ARRAY[k], v), revision = revision + 1, updated_at = now(), updated_by = l.system_id WHERE id = e.id;
		UPDATE floor.link SET in_step_at = now(), shadow = decode(repeat('cd', 150), 'hex') WHERE id IN (l.id, l.id + 1);
		INSERT INTO floor.ledger (entity, kind, field, old, new, reason, hash)
			VALUES (e.id, CASE WHEN conflict THEN 'conflict' ELSE 'change' END, k, e.data -> k, v, 'naive', sha256('x'));
		INSERT INTO floor.delivery AS d (link) VALUES (l.id + 1) ON CONFLICT (link) DO UPDATE SET gen = d.gen + 1;
		INSERT INTO floor.ledger (entity, kind, reason, hash) VALUES (e.id, 'queue', 'link ' || l.id + 1, sha256('x'));
	END LOOP;
	RETURN NULL;
END $$;
CREATE TRIGGER naive AFTER INSERT ON floor.inbox FOR EACH ROW EXECUTE FUNCTION floor.naive();

-- bare_trigger: the same with no more kept than the change itself: no row for what was received and what is owed, no hash, one link.
CREATE TABLE floor.bare_inbox (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, received_at timestamptz DEFAULT now(), system text, payload jsonb);
CREATE FUNCTION floor.bare() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	l floor.link;
	e floor.entity;
	k text;
	v jsonb;
	conflict boolean;
BEGIN
	SELECT * INTO l FROM floor.link WHERE system_id = 0 AND external_id = NEW.payload ->> 'id';
	SELECT * INTO e FROM floor.entity WHERE id = l.entity FOR UPDATE;
	FOR k, v IN SELECT * FROM jsonb_each(NEW.payload -> 'f') LOOP
		CONTINUE WHEN e.data -> k = v;
		conflict := e.updated_at > l.in_step_at AND e.updated_by <> l.system_id;
		UPDATE floor.entity SET data = jsonb_set(data, ARRAY[k], v), revision = revision + 1, updated_at = now(), updated_by = l.system_id WHERE id = e.id;
		UPDATE floor.link SET in_step_at = now() WHERE id = l.id;
		INSERT INTO floor.ledger (entity, kind, field, old, new, reason) VALUES (e.id, CASE WHEN conflict THEN 'conflict' ELSE 'change' END, k, e.data -> k, v, 'naive');
		INSERT INTO floor.delivery AS d (link) SELECT id FROM floor.link WHERE entity = e.id AND id <> l.id ON CONFLICT (link) DO UPDATE SET gen = d.gen + 1;
	END LOOP;
	RETURN NULL;
END $$;
CREATE TRIGGER bare AFTER INSERT ON floor.bare_inbox FOR EACH ROW EXECUTE FUNCTION floor.bare();

-- 1 kB of payload, one field that changes with every round
CREATE FUNCTION floor.payload(entity bigint, round integer) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
	SELECT jsonb_build_object('id', 'A' || entity, 'v', round * 1000 + 1, 'eid', entity || '-' || round, 'by', 'lee', 'noise', repeat('x', 800),
		'f', jsonb_build_object('title', 'record ' || entity, 'status', 'new', 'severity', (ARRAY['low', 'medium', 'high', 'critical'])[round % 4 + 1]))
$$;
-- records as they come in practice: scattered, not side by side on a page
CREATE FUNCTION floor.batch(round integer, first bigint, n integer, entities integer) RETURNS jsonb[] LANGUAGE sql AS $$
	SELECT array_agg(floor.payload(i * 7919 % entities + 1, round)) FROM generate_series(first, first + n - 1) i
$$;
