# role_squatting: roles of our names that somebody made before us, with rights that ours must not have, are refused by name.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('squatting');
$node->init;
$node->start;
$node->safe_psql('postgres', 'SET client_min_messages = error; CREATE EXTENSION pg_trgm');

# Each: what was made before, what the refusal says, what cures it.
my @squatters = (
	['CREATE ROLE syncore_owner SUPERUSER', qr/role "syncore_owner" exists and has rights that it must not have/],
	['CREATE ROLE syncore_admin BYPASSRLS', qr/role "syncore_admin" exists and has rights/],
	['CREATE ROLE syncore_ingest CREATEROLE', qr/role "syncore_ingest" exists and has rights/],
	['CREATE ROLE syncore_auditor REPLICATION', qr/role "syncore_auditor" exists and has rights/],
	['CREATE ROLE syncore_operator LOGIN', qr/role "syncore_operator" exists and may log in/],
	['CREATE ROLE syncore_worker LOGIN', qr/role "syncore_worker" exists and is not one that workers alone may use/],
	['CREATE ROLE squatter LOGIN; CREATE ROLE syncore_owner; GRANT syncore_owner TO squatter', qr/role "syncore_owner" exists and has members/],
	['CREATE ROLE squatter LOGIN; CREATE ROLE syncore_worker LOGIN CONNECTION LIMIT 0; GRANT syncore_worker TO squatter', qr/role "syncore_worker" exists and has members/],
);
for my $case (@squatters)
{
	my ($before, $says) = @$case;
	$node->safe_psql('postgres', $before);
	my ($out, $err) = ('', '');
	my $status = $node->psql('postgres', 'CREATE EXTENSION syncore', stdout => \$out, stderr => \$err, on_error_stop => 1);
	isnt($status, 0, "$before: refused");
	like($err, $says, 'by name');
	like($err, qr/HINT:/, 'with what to do');
	is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_namespace WHERE nspname = 'syncore'}), '0', 'and nothing is left of it');
	$node->safe_psql('postgres', 'DROP ROLE IF EXISTS ' . join ', ', ($before =~ /CREATE ROLE (\w+)/g));
}

# A schema of our name is refused too: what lies in it would be taken for ours.
$node->safe_psql('postgres', 'CREATE SCHEMA syncore; CREATE TABLE syncore.ledger (x int)');
my ($out, $err) = ('', '');
isnt($node->psql('postgres', 'CREATE EXTENSION syncore', stderr => \$err, on_error_stop => 1), 0, 'a schema of our name: refused');
like($err, qr/schema "syncore" already exists/, 'by name');
$node->safe_psql('postgres', 'DROP SCHEMA syncore CASCADE');

# The control: harmless roles of these names are taken as they are, with their members.
$node->safe_psql('postgres', 'CREATE ROLE syncore_admin; CREATE ROLE ada LOGIN IN ROLE syncore_admin; CREATE ROLE syncore_worker LOGIN CONNECTION LIMIT 0');
$node->safe_psql('postgres', 'SET client_min_messages = error; CREATE EXTENSION syncore');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_roles WHERE rolname LIKE 'syncore\_%' AND NOT rolsuper AND NOT rolbypassrls AND NOT rolcreaterole}),
	'6', 'six roles, none with rights beyond its own');
is($node->safe_psql('postgres', q{SELECT string_agg(rolname, ' ') FROM pg_roles WHERE rolname LIKE 'syncore\_%' AND rolcanlogin AND rolconnlimit <> 0}), '', 'nobody can log in as one');

# A second database of the cluster uses the same roles.
$node->safe_psql('postgres', 'CREATE DATABASE second');
$node->safe_psql('second', 'SET client_min_messages = error; CREATE EXTENSION syncore CASCADE');
is($node->safe_psql('second', 'SELECT count(*) FROM syncore.space'), '1', 'a second database of the cluster installs beside it');

# Planted objects of the caller's path are never run: S3.
$node->safe_psql('postgres', 'CREATE DATABASE planted');
$node->safe_psql('planted', q{SET client_min_messages = error;
	CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''planted''; END';
	CREATE FUNCTION public.format(text, VARIADIC anyarray) RETURNS text LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''planted''; END';
	CREATE FUNCTION public.bad(integer, integer) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''planted''; END';
	CREATE OPERATOR public.= (LEFTARG = integer, RIGHTARG = integer, FUNCTION = public.bad);
	CREATE FUNCTION public.bad(text, text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''planted''; END';
	CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = public.bad);
	SET search_path = public, pg_catalog;
	CREATE EXTENSION syncore CASCADE;
	SELECT count(*) FROM syncore.add_system('snow', 'servicenow', 'https://acme.service-now.com');
	SELECT count(*) FROM syncore.lint();
	SELECT syncore.set_policy('incident', 'severity', '{human_wins}')});
is($node->safe_psql('planted', q{SELECT count(*) FROM syncore.health WHERE check_name = 'tables' AND level = 'ok'}), '1', 'what was planted in the path never ran');
$node->stop;
done_testing();
