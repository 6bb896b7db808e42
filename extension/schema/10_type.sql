-- Base types: version vectors, stamps of an entity, shadow of a link. C does the work; hostile input is an error.

CREATE TYPE syncore.vclock;
CREATE FUNCTION syncore._vclock_in(cstring) RETURNS syncore.vclock
	AS 'MODULE_PATHNAME', 'syncore_vclock_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION syncore._vclock_out(syncore.vclock) RETURNS cstring
	AS 'MODULE_PATHNAME', 'syncore_vclock_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION syncore._vclock_recv(internal) RETURNS syncore.vclock
	AS 'MODULE_PATHNAME', 'syncore_vclock_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION syncore._vclock_send(syncore.vclock) RETURNS bytea
	AS 'MODULE_PATHNAME', 'syncore_vclock_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE TYPE syncore.vclock (
	INPUT = syncore._vclock_in,
	OUTPUT = syncore._vclock_out,
	RECEIVE = syncore._vclock_recv,
	SEND = syncore._vclock_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = int4,
	STORAGE = extended
);
COMMENT ON TYPE syncore.vclock IS 'version vector: per link the highest counter merged, as {1:3,42:7}; link 0 is the hub';
COMMENT ON FUNCTION syncore._vclock_in(cstring) IS 'type: input of vclock';
COMMENT ON FUNCTION syncore._vclock_out(syncore.vclock) IS 'type: output of vclock';
COMMENT ON FUNCTION syncore._vclock_recv(internal) IS 'type: binary input of vclock';
COMMENT ON FUNCTION syncore._vclock_send(syncore.vclock) IS 'type: binary output of vclock';

CREATE FUNCTION syncore.vclock_equal(a syncore.vclock, b syncore.vclock) RETURNS boolean
	AS 'MODULE_PATHNAME', 'syncore_vclock_eq' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION syncore.vclock_equal(syncore.vclock, syncore.vclock) IS 'type: the same entries; operator =';
CREATE FUNCTION syncore.vclock_differs(a syncore.vclock, b syncore.vclock) RETURNS boolean
	AS 'MODULE_PATHNAME', 'syncore_vclock_ne' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION syncore.vclock_differs(syncore.vclock, syncore.vclock) IS 'type: not the same entries; operator <>';
CREATE FUNCTION syncore.vclock_covers(a syncore.vclock, b syncore.vclock) RETURNS boolean
	AS 'MODULE_PATHNAME', 'syncore_vclock_covers' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION syncore.vclock_covers(syncore.vclock, syncore.vclock) IS 'type: has a seen all that b has seen? operator @>';
CREATE FUNCTION syncore.vclock_covered(a syncore.vclock, b syncore.vclock) RETURNS boolean
	AS 'MODULE_PATHNAME', 'syncore_vclock_covered' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION syncore.vclock_covered(syncore.vclock, syncore.vclock) IS 'type: has b seen all that a has seen? operator <@';
CREATE FUNCTION syncore.vclock_concurrent(a syncore.vclock, b syncore.vclock) RETURNS boolean
	AS 'MODULE_PATHNAME', 'syncore_vclock_concurrent' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION syncore.vclock_concurrent(syncore.vclock, syncore.vclock) IS 'type: does neither cover the other?';
CREATE FUNCTION syncore.vclock_merge(a syncore.vclock, b syncore.vclock) RETURNS syncore.vclock
	AS 'MODULE_PATHNAME', 'syncore_vclock_merge' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION syncore.vclock_merge(syncore.vclock, syncore.vclock) IS 'type: the least clock that covers both';
CREATE FUNCTION syncore.vclock_increment(clock syncore.vclock, link bigint) RETURNS syncore.vclock
	AS 'MODULE_PATHNAME', 'syncore_vclock_increment' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION syncore.vclock_increment(syncore.vclock, bigint) IS 'type: the clock after one more write by the link';
CREATE FUNCTION syncore.vclock_get(clock syncore.vclock, link bigint) RETURNS bigint
	AS 'MODULE_PATHNAME', 'syncore_vclock_get' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION syncore.vclock_get(syncore.vclock, bigint) IS 'type: the counter of a link, 0 when it has none';
CREATE FUNCTION syncore._vclock_to_jsonb(clock syncore.vclock) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'syncore_vclock_to_jsonb' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION syncore._vclock_to_jsonb(syncore.vclock) IS 'type: cast of vclock to jsonb, {"1": 3, "42": 7}';

CREATE OPERATOR syncore.= (
	LEFTARG = syncore.vclock, RIGHTARG = syncore.vclock, FUNCTION = syncore.vclock_equal,
	COMMUTATOR = OPERATOR(syncore.=), NEGATOR = OPERATOR(syncore.<>), RESTRICT = eqsel, JOIN = eqjoinsel
);
CREATE OPERATOR syncore.<> (
	LEFTARG = syncore.vclock, RIGHTARG = syncore.vclock, FUNCTION = syncore.vclock_differs,
	COMMUTATOR = OPERATOR(syncore.<>), NEGATOR = OPERATOR(syncore.=), RESTRICT = neqsel, JOIN = neqjoinsel
);
CREATE OPERATOR syncore.@> (
	LEFTARG = syncore.vclock, RIGHTARG = syncore.vclock, FUNCTION = syncore.vclock_covers,
	COMMUTATOR = OPERATOR(syncore.<@), RESTRICT = contsel, JOIN = contjoinsel
);
CREATE OPERATOR syncore.<@ (
	LEFTARG = syncore.vclock, RIGHTARG = syncore.vclock, FUNCTION = syncore.vclock_covered,
	COMMUTATOR = OPERATOR(syncore.@>), RESTRICT = contsel, JOIN = contjoinsel
);
COMMENT ON OPERATOR syncore.= (syncore.vclock, syncore.vclock) IS 'the same entries';
COMMENT ON OPERATOR syncore.<> (syncore.vclock, syncore.vclock) IS 'not the same entries';
COMMENT ON OPERATOR syncore.@> (syncore.vclock, syncore.vclock) IS 'has the left seen all that the right has seen?';
COMMENT ON OPERATOR syncore.<@ (syncore.vclock, syncore.vclock) IS 'has the right seen all that the left has seen?';

CREATE AGGREGATE syncore.vclock_merge(syncore.vclock) (
	SFUNC = syncore.vclock_merge,
	STYPE = syncore.vclock,
	COMBINEFUNC = syncore.vclock_merge,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE syncore.vclock_merge(syncore.vclock) IS 'type: the least clock that covers all';
CREATE CAST (syncore.vclock AS jsonb) WITH FUNCTION syncore._vclock_to_jsonb(syncore.vclock);
COMMENT ON CAST (syncore.vclock AS jsonb) IS 'link numbers to counters';

CREATE TYPE syncore.stamps;
CREATE FUNCTION syncore._stamps_in(cstring) RETURNS syncore.stamps
	AS 'MODULE_PATHNAME', 'syncore_stamps_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION syncore._stamps_out(syncore.stamps) RETURNS cstring
	AS 'MODULE_PATHNAME', 'syncore_stamps_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION syncore._stamps_recv(internal) RETURNS syncore.stamps
	AS 'MODULE_PATHNAME', 'syncore_stamps_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION syncore._stamps_send(syncore.stamps) RETURNS bytea
	AS 'MODULE_PATHNAME', 'syncore_stamps_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE TYPE syncore.stamps (
	INPUT = syncore._stamps_in,
	OUTPUT = syncore._stamps_out,
	RECEIVE = syncore._stamps_recv,
	SEND = syncore._stamps_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = int4,
	STORAGE = extended
);
CREATE FUNCTION syncore._stamps_to_jsonb(stamps syncore.stamps) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'syncore_stamps_to_jsonb' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE CAST (syncore.stamps AS jsonb) WITH FUNCTION syncore._stamps_to_jsonb(syncore.stamps);
COMMENT ON TYPE syncore.stamps IS 'per field of an entity: its clock, the version that stands, and siblings that lost but were not seen yet';
COMMENT ON FUNCTION syncore._stamps_in(cstring) IS 'type: input of stamps';
COMMENT ON FUNCTION syncore._stamps_out(syncore.stamps) IS 'type: output of stamps';
COMMENT ON FUNCTION syncore._stamps_recv(internal) IS 'type: binary input of stamps';
COMMENT ON FUNCTION syncore._stamps_send(syncore.stamps) IS 'type: binary output of stamps';
COMMENT ON FUNCTION syncore._stamps_to_jsonb(syncore.stamps) IS 'type: cast of stamps to jsonb';
COMMENT ON CAST (syncore.stamps AS jsonb) IS 'clock, versions and hold of each field';

CREATE TYPE syncore.shadow;
CREATE FUNCTION syncore._shadow_in(cstring) RETURNS syncore.shadow
	AS 'MODULE_PATHNAME', 'syncore_shadow_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION syncore._shadow_out(syncore.shadow) RETURNS cstring
	AS 'MODULE_PATHNAME', 'syncore_shadow_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION syncore._shadow_recv(internal) RETURNS syncore.shadow
	AS 'MODULE_PATHNAME', 'syncore_shadow_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION syncore._shadow_send(syncore.shadow) RETURNS bytea
	AS 'MODULE_PATHNAME', 'syncore_shadow_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE TYPE syncore.shadow (
	INPUT = syncore._shadow_in,
	OUTPUT = syncore._shadow_out,
	RECEIVE = syncore._shadow_recv,
	SEND = syncore._shadow_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = int4,
	STORAGE = extended
);
CREATE FUNCTION syncore._shadow_to_jsonb(shadow syncore.shadow) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'syncore_shadow_to_jsonb' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE CAST (syncore.shadow AS jsonb) WITH FUNCTION syncore._shadow_to_jsonb(syncore.shadow);
COMMENT ON TYPE syncore.shadow IS 'per field of a link: what that system last held as far as we know, and our last writes to it';
COMMENT ON FUNCTION syncore._shadow_in(cstring) IS 'type: input of shadow';
COMMENT ON FUNCTION syncore._shadow_out(syncore.shadow) IS 'type: output of shadow';
COMMENT ON FUNCTION syncore._shadow_recv(internal) IS 'type: binary input of shadow';
COMMENT ON FUNCTION syncore._shadow_send(syncore.shadow) IS 'type: binary output of shadow';
COMMENT ON FUNCTION syncore._shadow_to_jsonb(syncore.shadow) IS 'type: cast of shadow to jsonb';
COMMENT ON CAST (syncore.shadow AS jsonb) IS 'what is held of each field, since when, and what we wrote';
