-- Which addresses are called: judged by the address, however it was spelt. H9, H10, S2
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS syncore CASCADE;
RESET client_min_messages;
SELECT a AS address, syncore._address_refusal(a::inet, false) AS refused, syncore._address_refusal(a::inet, true) AS refused_even_if_allowed FROM unnest('{
	8.8.8.8, 1.1.1.1, 100.63.255.255, 100.128.0.0, 172.15.255.255, 172.32.0.1, 192.167.255.255, 223.255.255.255,
	0.0.0.0, 0.1.2.3, 10.0.0.1, 10.255.255.255, 100.64.0.0, 100.127.255.255, 127.0.0.1, 127.255.255.255, 169.254.169.254, 172.16.0.1, 172.31.255.255,
	192.0.0.1, 192.0.2.1, 192.168.0.1, 198.18.0.1, 198.19.255.255, 198.51.100.7, 203.0.113.7, 224.0.0.1, 239.255.255.255, 240.0.0.1, 255.255.255.255,
	2606:4700::1111, 2a00:1450::8, ::, ::1, ::ffff:8.8.8.8, ::ffff:127.0.0.1, ::ffff:10.0.0.1, ::ffff:169.254.169.254, ::10.0.0.1, ::8.8.8.8,
	64:ff9b::8.8.8.8, 64:ff9b::10.0.0.1, 64:ff9b:1::1, 2002:7f00:1::, 2002:808:808::, 2001::1, 2001:db8::1, 100::1,
	fc00::1, fdff::1, fe80::1, febf::1, fec0::1, ff02::1}'::text[]) WITH ORDINALITY AS t(a, n) ORDER BY n;
-- S2: a call never leaves the origin of its system: scheme, host and port are compared as the one who connects reads them
CREATE FUNCTION pg_temp.same_origin(text, text) RETURNS bool AS '$libdir/syncore_core_test', 'core_same_origin' LANGUAGE C;
SELECT u AS url, pg_temp.same_origin(u, 'https://acme.example/base') AS same FROM unnest('{
	https://acme.example/, https://ACME.example:443/x?y=z, https://acme.example/../../etc, https://acme.example/@evil.example,
	http://acme.example/, https://acme.example:8443/, https://evil.example/, https://acme.example.evil.example/, https://sub.acme.example/,
	https://acme.example@evil.example/, https://user:word@acme.example/, //acme.example/, /x, acme.example, "https://acme.example\\@evil.example/", ftp://acme.example/, "", "https://"}'::text[]) WITH ORDINALITY AS t(u, n) ORDER BY n;
-- the list of hosts: names, and domains with a star; no list allows all
CREATE FUNCTION pg_temp.allowed(text, text) RETURNS bool AS '$libdir/syncore_core_test', 'core_host_allowed' LANGUAGE C;
SELECT h AS host, pg_temp.allowed(h, '') AS no_list, pg_temp.allowed(h, 'acme.example, *.atlassian.net') AS list
FROM unnest('{acme.example, sub.acme.example, x.atlassian.net, a.b.atlassian.net, atlassian.net, evilatlassian.net, x.atlassian.net.evil.example, evil.example}'::text[]) WITH ORDINALITY AS t(h, n) ORDER BY n;
SET client_min_messages = warning;
SET syncore.allow_drop = on;
DROP EXTENSION syncore CASCADE;
