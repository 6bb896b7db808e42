-- SC-08: who sent a webhook. Vectors of the products' own documents, then what must be refused.
CREATE SCHEMA signature_test;
SET search_path = signature_test, pg_catalog;
SET timezone = 'UTC';
CREATE FUNCTION signed(scheme jsonb, secret text, headers jsonb, body bytea, at timestamptz DEFAULT '2026-01-01 00:00:00+00') RETURNS text
	AS '$libdir/syncore_core_test', 'core_test_signature' LANGUAGE C;
CREATE TABLE scheme (name text PRIMARY KEY, scheme jsonb);
INSERT INTO scheme VALUES
	('jira', '{"kind": "hmac_sha256", "header": "x-hub-signature", "prefix": "sha256=", "encoding": "hex", "signed": "{body}"}'),
	('pagerduty', '{"kind": "hmac_sha256", "header": "x-pagerduty-signature", "prefix": "v1=", "encoding": "hex", "signed": "{body}", "separator": ","}'),
	('servicenow', '{"kind": "hmac_sha256", "header": "x-syncore-signature", "prefix": "sha256=", "encoding": "hex",
		"timestamp_header": "x-syncore-timestamp", "signed": "{timestamp}.{body}", "tolerance_s": 300}'),
	('base64', '{"kind": "hmac_sha256", "header": "authorization", "prefix": "HMAC ", "encoding": "base64"}');

-- Jira (connectors/jira.md): secret "It's a Secret to Everybody", body "Hello World!"
SELECT header, signed(scheme, 'It''s a Secret to Everybody', jsonb_build_array(jsonb_build_array('x-hub-signature', header)), 'Hello World!') AS signed
FROM scheme, unnest(ARRAY[
	'sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9',
	'sha256=A4771C39FBE90F317C7824E83DDEF3CAAE9CB3D976C214ACE1F2937E133263C9',
	'a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9',
	'sha1=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9',
	'sha256=b4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9',
	'sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c8',
	'sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263',
	'sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9c9',
	'sha256=g4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9',
	'sha256=', '', ',,,,']) AS header WHERE name = 'jira';
SELECT signed(scheme, 'It''s a secret to everybody', '[["x-hub-signature", "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"]]', 'Hello World!') AS other_secret,
	signed(scheme, 'It''s a Secret to Everybody', '[["x-hub-signature", "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"]]', 'Hello World') AS other_body,
	signed(scheme, 'It''s a Secret to Everybody', '[["x-other", "1"]]', 'Hello World!') AS no_header,
	signed(scheme, 'It''s a Secret to Everybody', '[]', '') AS nothing,
	signed(scheme, 'It''s a Secret to Everybody', '[["x-hub-signature", "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"],
		["x-hub-signature", "sha256=00"]]', 'Hello World!') AS two_headers
FROM scheme WHERE name = 'jira';

-- PagerDuty (connectors/pagerduty.md): two signatures while a secret is rotated; either secret will do
SELECT secret, signed(scheme, secret, '[["X-PagerDuty-Signature",
		"v1=d5153cc31edbe22a097e34861582cd9a8bcb546c9942fe96e51531c6a0c83ca8,v1=f2757d325b09632f7251f1e56234c28c067a2e89016275c0c6b0e35f6cf3335e"]]',
	'{"event":{"id":"5ac64822-4adc-4fda-ade0-410becf0de4f","event_type":"incident.acknowledged"}}')
FROM scheme, unnest(ARRAY['s3cr3t-one', 's3cr3t-two', 's3cr3t-three', '']) AS secret WHERE name = 'pagerduty';

-- RFC 4231, test cases 1, 2 and 4, in base64
SELECT n, signed(scheme, key, jsonb_build_array(jsonb_build_array('authorization', 'HMAC ' || encode(mac, 'base64'))), data)
FROM scheme, (VALUES
	(1, repeat(E'\x0b', 20), 'Hi There'::bytea, '\xb0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'::bytea),
	(2, 'Jefe', 'what do ya want for nothing?', '\x5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'),
	(4, E'\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19',
		decode(repeat('cd', 50), 'hex'), '\x82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b')) AS v(n, key, data, mac)
WHERE name = 'base64' ORDER BY n;
-- a body is bytes: nul, invalid UTF-8
SELECT signed(scheme, 'k', jsonb_build_array(jsonb_build_array('authorization', 'HMAC ' || encode('\xdb719bb8380ec9f8f7cc41f4a3370a3b99b5a274bf5de3036c4bb553f0507a44', 'base64'))),
	'\x00ff00'::bytea) FROM scheme WHERE name = 'base64';

-- ServiceNow, as our setup text signs: "<seconds>.<body>", five minutes either way
SELECT sent, signed(scheme, 'hook', headers, '{"a":1}', at::timestamptz)
FROM scheme, (VALUES
	('now', '2026-01-01 00:00:00+00', 'T0'), ('4:59 ago', '2026-01-01 00:04:59+00', 'T0'), ('5:01 ago', '2026-01-01 00:05:01+00', 'T0'),
	('5:01 ahead', '2025-12-31 23:54:59+00', 'T0')) AS v(sent, at, which),
	LATERAL (SELECT '[["x-syncore-timestamp", "1767225600"], ["x-syncore-signature", "sha256=820b6ca2d3023f2b1a997253f63b37fd92ebc53a4e43bf88bd05b5a1734e5099"]]'::jsonb) AS h(headers)
WHERE name = 'servicenow';
SELECT what, signed(scheme, 'hook', headers::jsonb, '{"a":1}')
FROM scheme, (VALUES
	('another timestamp than was signed', '[["x-syncore-timestamp", "1767225601"], ["x-syncore-signature", "sha256=820b6ca2d3023f2b1a997253f63b37fd92ebc53a4e43bf88bd05b5a1734e5099"]]'),
	('no timestamp', '[["x-syncore-signature", "sha256=820b6ca2d3023f2b1a997253f63b37fd92ebc53a4e43bf88bd05b5a1734e5099"]]'),
	('a word for a timestamp, rightly signed', '[["x-syncore-timestamp", "now"], ["x-syncore-signature", "sha256=06605d7050b8c170f0ba5c8d71c8a0ab87858742393d8b21a9d31ef9656f3096"]]')) AS v(what, headers)
WHERE name = 'servicenow' ORDER BY what;

-- Shared secrets in headers
SELECT kind, what, signed(jsonb_build_object('kind', kind, 'header', 'x-token'), secret, headers::jsonb, '{}')
FROM (VALUES
	('basic', 'right', 'user:pa:ss', '[["authorization", "Basic dXNlcjpwYTpzcw=="]]'),
	('basic', 'wrong', 'user:pass', '[["authorization", "Basic dXNlcjpwYTpzcw=="]]'),
	('basic', 'no base64', 'user:pass', '[["authorization", "Basic ***"]]'),
	('basic', 'another scheme', 'user:pass', '[["authorization", "Bearer x"]]'),
	('basic', 'none', 'user:pass', '[]'),
	('bearer', 'right', 't0ken', '[["authorization", "bearer t0ken"]]'),
	('bearer', 'longer', 't0ken', '[["authorization", "Bearer t0ken "]]'),
	('bearer', 'shorter', 't0ken', '[["authorization", "Bearer t0ke"]]'),
	('bearer', 'empty', 't0ken', '[["authorization", "Bearer "]]'),
	('header', 'right', 't0ken', '[["X-Token", "t0ken"]]'),
	('header', 'wrong', 't0ken', '[["x-token", "token"]]'),
	('header', 'none', 't0ken', '[["x-tokens", "t0ken"]]'),
	('md5', 'a kind we do not know', 't0ken', '[["x-token", "t0ken"]]')) AS v(kind, what, secret, headers)
ORDER BY kind, what;
SET client_min_messages = warning;
DROP SCHEMA signature_test CASCADE;
