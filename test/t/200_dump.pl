# pg_dump and restore with data, triggers in force: nothing is decided, versioned or sent again, sequences go on, the ledger
# verifies, and the copy sends nothing until it is adopted. C14 of the reliability list.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('dump');
$node->init(extra => ['--locale=C', '--encoding=UTF8']);
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'syncore'\ntimezone = 'UTC'\nmax_worker_processes = 24\n");
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE ops');
$node->safe_psql('ops', <<'SQL');
SET client_min_messages = warning;
SET syncore.change_reason = 'set up';
CREATE EXTENSION syncore CASCADE;
SELECT syncore.add_system('snow', 'servicenow', 'https://acme.service-now.com');
SELECT syncore.add_system('jira', 'jira', 'https://acme.atlassian.net', settings => '{"project": "OPS"}');
SELECT syncore.set_credential(name, 'none', 'none:') FROM syncore.system;
SELECT syncore.activate('snow'), syncore.activate('jira');
-- shipped rows changed, removed, replaced, added to
UPDATE syncore.entity_type SET on_delete = 'unlink' WHERE name = 'task';
DELETE FROM syncore.state_transition WHERE entity_type = 'task' AND from_state = 'done';
UPDATE syncore.state SET name = 'halted' WHERE entity_type = 'incident' AND name = 'on_hold';
SELECT syncore.set_policy('incident', 'severity', '{manual,last_update_wins}');
INSERT INTO syncore.policy (entity_type, position, rule) VALUES ('task', 3, 'version_wins');
SELECT syncore.set_owner('incident', 'title', 'snow', 'revert');
DELETE FROM syncore.space_role WHERE role = 'syncore_auditor';
INSERT INTO syncore.space (name, reason_required) VALUES ('acme', true);
UPDATE syncore.space SET title = 'ours' WHERE name = 'default';
INSERT INTO syncore.connector (name, title, version, position_grade) VALUES ('own', 'our own', '1', 'none');
INSERT INTO syncore.event (system, payload) SELECT 'snow', jsonb_build_object('table', 'incident', 'sys_id', 'a' || g, 'number', 'INC' || g,
	'operation', 'insert', 'sys_mod_count', '0', 'sys_updated_on', '2026-01-05 14:03:00', 'sys_updated_by', 'a.lee',
	'fields', jsonb_build_object('short_description', 'number ' || g, 'state', CASE g WHEN 7 THEN '99' ELSE '1' END, 'priority', '3'))
	FROM generate_series(1, 20) g;
SQL
cmp_ok($node->safe_psql('ops', 'SELECT count(*) FROM syncore.delivery'), '>', 0, 'something waits to be sent');

# What must be the same afterwards: every row of every table.
my @tables = split /\n/, $node->safe_psql('ops', q{SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'syncore'::regnamespace
	AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1});
cmp_ok(scalar @tables, '>', 40, 'there are tables to compare');

sub content
{
	my ($database, $table) = @_;
	return $node->safe_psql($database, "SELECT t::text FROM syncore.$table t ORDER BY 1");
}

sub compare
{
	my ($database, $how) = @_;
	for my $table (@tables)
	{
		is(content($database, $table), content('ops', $table), "$how: $table is the same");
	}
	is($node->safe_psql($database, 'SELECT bool_and(ok) FROM syncore.verify_ledger()'), 't', "$how: the ledger verifies");
	return;
}

my $dir = $node->basedir;
$node->command_ok(['pg_dump', '-f', "$dir/plain.sql", 'ops'], 'dump as text');
$node->command_ok(['pg_dump', '-Fc', '-f', "$dir/custom.dump", 'ops'], 'dump in custom format');
unlike(slurp_file("$dir/plain.sql"), qr/COPY syncore\.event_default .*\n\d/, 'no event has missed its partition');

$node->safe_psql('postgres', 'CREATE DATABASE plain');
my ($out, $err) = ('', '');
my $status = $node->psql('plain', slurp_file("$dir/plain.sql"), stdout => \$out, stderr => \$err, on_error_stop => 1);
is($status, 0, 'the text is loaded without an error') or diag $err;
compare('plain', 'text');

$node->safe_psql('postgres', 'CREATE DATABASE custom');
$node->command_ok(['pg_restore', '--exit-on-error', '--single-transaction', '-d', 'custom', "$dir/custom.dump"], 'pg_restore in one transaction');
compare('custom', 'custom format');

# Loaded in another month: the script makes partitions of its own only where no restore runs.
is($node->safe_psql('custom', q{SELECT count(*) FROM pg_depend d JOIN pg_class c ON c.oid = d.objid WHERE d.deptype = 'e' AND c.relname ~ '^(event|ledger)_2'}),
	'0', 'partitions are no members of the extension');

# The copy knows that it is one.
is($node->safe_psql('plain', q{SELECT level FROM syncore.health WHERE check_name = 'instance'}), 'critical', 'the copy may not send');
is($node->safe_psql('ops', q{SELECT level FROM syncore.health WHERE check_name = 'instance'}), 'ok', 'the original may');
$node->safe_psql('plain', q{SELECT syncore.adopt_instance('the original is gone')});
is($node->safe_psql('plain', q{SELECT level FROM syncore.health WHERE check_name = 'instance'}), 'ok', 'once adopted, the copy may');
is($node->safe_psql('plain', q{SELECT count(*) FROM syncore.ledger WHERE rule = 'adopt_instance'}), '1', 'which is in the ledger');

# Life goes on: sequences have not started anew, changes are versioned, events decided.
for my $database (qw(plain custom))
{
	$node->safe_psql($database, q{INSERT INTO syncore.event (system, payload) VALUES ('snow', '{"table": "incident", "sys_id": "b1", "number": "INC99",
		"operation": "insert", "sys_mod_count": "0", "sys_updated_on": "2026-01-05 15:00:00", "sys_updated_by": "a.lee",
		"fields": {"short_description": "after", "state": "1", "priority": "3"}}')});
	is($node->safe_psql($database, q{SELECT count(*) FROM syncore.link WHERE external_key = 'INC99' AND entity > 19}), '1', "$database: a new event is decided");
	my $before = $node->safe_psql($database, 'SELECT max(version) FROM syncore.config_version');
	$node->safe_psql($database, q{SET syncore.change_reason = 'after the restore';
		UPDATE syncore.system SET title = 'restored' WHERE name = 'snow';
		INSERT INTO syncore.field (entity_type, name) VALUES ('incident', 'x')});
	cmp_ok($node->safe_psql($database, 'SELECT max(version) FROM syncore.config_version'), '>', $before, "$database: a change is versioned");
	is($node->safe_psql($database, 'SELECT bool_and(ok) FROM syncore.verify_ledger()'), 't', "$database: and the ledger still verifies");
}

# The settings of a restore alone do not let an administrator change things unseen.
$node->safe_psql('ops', 'CREATE ROLE sly LOGIN IN ROLE syncore_admin');
$node->safe_psql('ops', q{SET row_security = off; SET check_function_bodies = off; SET SESSION AUTHORIZATION sly; SET row_security = on;
	SET syncore.change_reason = 'sly'; UPDATE syncore.system SET title = 'unseen' WHERE name = 'snow'});
is($node->safe_psql('ops', q{SELECT count(*) FROM syncore.config_history WHERE role = 'sly'}), '1', 'what an administrator changes is always seen');
($out, $err) = ('', '');
$node->psql('ops', q{SET SESSION AUTHORIZATION sly; SET row_security = off; SET check_function_bodies = off;
	UPDATE syncore.system SET title = 'unseen' WHERE name = 'snow'}, stderr => \$err);
like($err, qr/query would be affected by row-level security/, 'and with row security off nothing');

$node->stop;
done_testing();
