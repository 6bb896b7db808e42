# Workers come and go: who starts them, what ends them, and what must not wait for them.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils ();
use Test::More;
use Time::HiRes qw(time);

use Syncore::Test;

my $t = Syncore::Test->new('worker', listen => 0, products => [], conf => "syncore.max_workers = 2\nsyncore.poll_naptime = '1s'\nwal_level = replica\nmax_wal_senders = 4\n");
my $node = $t->node;
my $log = sub { PostgreSQL::Test::Utils::slurp_file($node->logfile) };

sub types
{
	my ($db) = @_;
	return $node->safe_psql('postgres', "SELECT coalesce(string_agg(replace(backend_type, 'syncore ', ''), ',' ORDER BY backend_type), '')
		FROM pg_stat_activity WHERE backend_type LIKE 'syncore %' AND (datname = '$db' OR datname IS NULL)");
}
my $full = 'dispatcher,dispatcher,janitor,launcher';

# Processes of the server whose title has these words, also those that are not in its own tables yet.
sub children
{
	my ($words) = @_;
	return grep {
		my ($title, $status) = map { eval { PostgreSQL::Test::Utils::slurp_file($_) } // '' } "/proc/$_/cmdline", "/proc/$_/status";
		$title =~ /\Q$words\E/ && $status =~ /^PPid:\s+$node->{_pid}$/m
	} map { m{(\d+)} } glob '/proc/[0-9]*';
}

# Before the extension is installed nothing works, and nothing complains every second.
$t->wait_until('the launcher runs', sub { types('ops') =~ /launcher/ });
unlike($log->(), qr/FATAL|ERROR/, 'a server without the extension is quiet');

# Start.
$t->sql('CREATE EXTENSION syncore CASCADE');
$t->wait_until('all workers run', sub { types('ops') eq $full });
$t->wait_until('all are serving', sub { $t->value(q{SELECT count(*) FROM syncore._workers() WHERE state = 'idle' AND shards = 32}) == 2 });
pass('the workers of a database start when the extension is there, and share its queue');
is($t->value(q{SELECT DISTINCT usename::text FROM pg_stat_activity WHERE backend_type IN ('syncore dispatcher', 'syncore janitor')}),
	'syncore_worker', 'they run as syncore_worker');
is($t->value(q{SELECT rolsuper OR rolbypassrls OR rolcreaterole FROM pg_roles WHERE rolname = 'syncore_worker'}), 0, 'which may little');
is(scalar(($node->psql('ops', 'SELECT 1', extra_params => [ '-U', 'syncore_worker' ]))[0]), 2, 'and nobody else can log in as it');

# L3: idle costs no WAL and at most one wake-up a second for each worker
$t->sql('CHECKPOINT');
$t->wait_until('WAL is at rest', sub {
	my $lsn = $t->value('SELECT pg_current_wal_insert_lsn()');
	my ($a, $ra) = ($t->value(q{SELECT min(turns) FROM syncore._workers() WHERE role = 'dispatcher'}), 0);
	$t->wait_until('two turns', sub { $t->value(q{SELECT min(turns) FROM syncore._workers() WHERE role = 'dispatcher'}) > $a + 2 });
	return $t->value('SELECT pg_current_wal_insert_lsn()') eq $lsn;
});
my ($at, $lsn) = (time, $t->value('SELECT pg_current_wal_insert_lsn()'));
my %turns = map { ("$_->{role} $_->{index}" => $_->{turns}) } $t->rows('SELECT role, index, turns FROM syncore._workers()');
$t->wait_until('each dispatcher turns', sub {
	return !grep { $_->{turns} < $turns{"$_->{role} $_->{index}"} + 4 } $t->rows(q{SELECT role, index, turns FROM syncore._workers() WHERE role = 'dispatcher'});
});
my $seconds = time - $at;
for my $w ($t->rows(q{SELECT role, index, turns FROM syncore._workers() WHERE role IN ('dispatcher', 'janitor', 'launcher')}))
{
	cmp_ok($w->{turns} - $turns{"$w->{role} $w->{index}"}, '<=', $seconds + 2, "L3: an idle $w->{role} wakes up once a second at most");
}
is($t->value('SELECT pg_current_wal_insert_lsn()'), $lsn, 'L3: an idle server writes no WAL');

# Each worker is terminated: it comes back, the shards change hands meanwhile.
for my $role ('dispatcher', 'janitor', 'launcher')
{
	my $pid = $t->value('SELECT min(pid) FROM pg_stat_activity WHERE backend_type = ?', "syncore $role");
	$t->value('SELECT pg_terminate_backend(?)', $pid);
	$t->wait_until("a new $role", sub {
		return types('ops') eq $full && !$t->value('SELECT count(*) FROM pg_stat_activity WHERE pid = ?', $pid);
	});
	pass("a terminated $role starts again");
}
$t->wait_until('the queue is shared again', sub { $t->value(q{SELECT string_agg(shards::text, ',') FROM syncore._workers() WHERE role = 'dispatcher'}) eq '32,32' });

# C7: a reload that comes while a worker starts is heard by it: the server has it ignore the signal until it has handlers of its own
my $old = $t->value(q{SELECT pid FROM syncore._workers() WHERE role = 'dispatcher' AND index = 0});
$node->append_conf('postgresql.conf', "post_auth_delay = 2\n");
$node->reload;
$t->wait_until('the server delays what it starts', sub { my $from = time; $node->safe_psql('ops', 'SELECT 1'); time - $from > 1.5 });
kill 'TERM', $old;
$t->wait_until('a worker is about to start', sub { grep { $_ != $old && !$t->value('SELECT count(*) FROM pg_stat_activity WHERE pid = ?', $_) } children('syncore dispatcher') });
$node->append_conf('postgresql.conf', "post_auth_delay = 0\nsyncore.enabled = off\n");
$node->reload;
$t->wait_until('C7: it knows', sub { $t->value(q{SELECT count(*) FROM syncore._workers() WHERE role = 'dispatcher' AND pid <> ? AND state ~ '^off'}, $old) == 2 });
$node->append_conf('postgresql.conf', "syncore.enabled = on\n");
$node->reload;
$t->wait_until('all serve', sub { types('ops') eq $full && $t->value(q{SELECT count(*) FROM syncore._workers() WHERE role = 'dispatcher' AND state = 'idle'}) == 2 });

# Two databases, one of them dropped while its workers run.
for my $how ('', ' WITH (FORCE)')
{
	$node->safe_psql('postgres', 'CREATE DATABASE second');
	$node->safe_psql('second', 'CREATE EXTENSION syncore CASCADE');
	$node->append_conf('postgresql.conf', "syncore.databases = 'ops, second'");
	$node->reload;
	$t->wait_until('workers in the second database', sub { types('second') eq $full });
	my $start = time;
	$node->safe_psql('postgres', "DROP DATABASE second$how");
	cmp_ok(time - $start, '<', 60, "C7: DROP DATABASE$how of a served database does not wait");
	is(types('second'), 'launcher', 'its workers are gone');
}
is(types('ops'), $full, 'those of the other database run');
# … renamed, and used as a template
$node->safe_psql('postgres', 'CREATE DATABASE second');
$node->safe_psql('second', 'CREATE EXTENSION syncore CASCADE');
$t->wait_until('workers in the second database', sub { types('second') eq $full });
$node->safe_psql('postgres', 'CREATE DATABASE third TEMPLATE second');
pass('a served database can be a template');
$t->wait_until('its workers are back', sub { types('second') eq $full });
# A copy of a database may not send: its oid is another than the one recorded.
$node->append_conf('postgresql.conf', "syncore.databases = 'ops, third'");
$node->reload;
$t->wait_until('the second database has no workers', sub { types('second') eq 'launcher' });
$t->wait_until('the copy knows that it is one', sub { $node->safe_psql('third', q{SELECT count(*) FROM syncore.alert WHERE cause = 'instance' AND closed_at IS NULL}) eq '1' });
like($node->safe_psql('third', q{SELECT state FROM syncore._workers() WHERE role = 'dispatcher' AND index = 0}), qr/^not sending: this is another database/,
	'a copied database does not send');
$node->safe_psql('third', q{SELECT syncore.adopt_instance('a test')});
$t->wait_until('adopted, it may', sub { $node->safe_psql('third', q{SELECT state FROM syncore._workers() WHERE role = 'dispatcher' AND index = 0}) eq 'idle' });
is($node->safe_psql('third', q{SELECT count(*) FROM syncore.alert WHERE cause = 'instance' AND closed_at IS NULL}), '0', 'and the alert is closed');
# without its token file it does not either
my $oid = $node->safe_psql('third', q{SELECT oid FROM pg_database WHERE datname = 'third'});
my $token = "$t->{secrets}/syncore_instance_$oid.token";
is((stat $token)[2] & 0777, 0600, 'the token is for the server only');
rename $token, "$token.away" or die "rename: $!";
$t->wait_until('a missing token is noticed', sub { $node->safe_psql('third', q{SELECT state FROM syncore._workers() WHERE role = 'dispatcher' AND index = 0}) =~ /^not sending: the instance token/ });
$t->secret("syncore_instance_$oid.token", 'f' x 64);
$t->wait_until('another token is no token', sub { $node->safe_psql('third', q{SELECT state FROM syncore._workers() WHERE role = 'dispatcher' AND index = 0}) =~ /^not sending: the instance token is not/ });
rename "$token.away", $token or die "rename: $!";
$t->wait_until('the right one is', sub { $node->safe_psql('third', q{SELECT state FROM syncore._workers() WHERE role = 'dispatcher' AND index = 0}) eq 'idle' });
$node->safe_psql('postgres', 'DROP DATABASE third');
$node->safe_psql('postgres', 'DROP DATABASE second');

# DROP EXTENSION goes through; the first dispatcher waits for it to come back, the others leave.
$node->append_conf('postgresql.conf', "syncore.databases = 'ops'");
$node->reload;
for my $round (1 .. 3)
{
	my $start = time;
	$t->sql('DROP EXTENSION syncore CASCADE');
	cmp_ok(time - $start, '<', 60, 'C8: DROP EXTENSION does not wait for the workers');
	$t->wait_until('one dispatcher waits', sub { types('ops') eq 'dispatcher,launcher' });
	$t->sql('CREATE EXTENSION syncore');
	$t->wait_until('all are back', sub { types('ops') eq $full });
	$t->wait_until('and serve', sub { $t->value(q{SELECT count(*) FROM syncore._workers() WHERE state = 'idle' AND shards = 32}) == 2 });
}
unlike($log->(), qr/PANIC|signal 11|TRAP/, 'nothing crashed');

# C10: too few slots: one warning, an alert where a worker runs, no crash loop
my $short = PostgreSQL::Test::Cluster->new('short');
$short->init;
$short->append_conf('postgresql.conf', "shared_preload_libraries = 'syncore'\nmax_worker_processes = 3\nmax_logical_replication_workers = 0\nsyncore.databases = 'postgres'\nsyncore.secret_directory = '$t->{secrets}'\n");
$short->start;
$short->safe_psql('postgres', 'CREATE EXTENSION syncore CASCADE');
$t->wait_until('what fits runs', sub { $short->safe_psql('postgres', q{SELECT count(*) FROM syncore._workers()}) >= 2 });
$t->wait_until('the log says so', sub { PostgreSQL::Test::Utils::slurp_file($short->logfile) =~ /could not start all its workers/ });
$t->wait_until('more turns of the launcher', sub { $short->safe_psql('postgres', q{SELECT turns FROM syncore._workers() WHERE role = 'launcher'}) > 8 });
my @lines = PostgreSQL::Test::Utils::slurp_file($short->logfile) =~ /could not start all its workers/g;
is(scalar(@lines), 1, 'C10: once a minute at most');

# A standby runs no worker; a promoted one does.
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
is($standby->safe_psql('ops', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'syncore%'}), '0', 'C11: a standby is quiet');
is($standby->safe_psql('ops', q{SELECT count(*) FROM syncore._workers()}), '0', 'and can be asked');
my $start = time;
$node->stop('fast');
cmp_ok(time - $start, '<', 20, 'C7: fast shutdown is fast');
$standby->promote;
$t->wait_until('a promoted standby starts its workers', sub {
	$standby->safe_psql('ops', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'syncore%'}) eq '4' });
pass('C11: workers start after promotion');
$standby->stop('fast');
$short->stop('fast');
done_testing();
