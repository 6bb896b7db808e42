# The janitor: partitions ahead, retention, alerts about workers, quiet when idle.
use strict;
use warnings;
use PostgreSQL::Test::Utils ();
use Test::More;
use Syncore::Test;

my $t = Syncore::Test->new('janitor', products => [{ name => 'snow', product => 'servicenow' }], listen => 0);
$t->configure;
$t->wait_until('the janitor is at work', sub { $t->value("SELECT count(*) FROM syncore._workers() WHERE role = 'janitor' AND turns > 0") == 1 });

# Asks it to look at everything now.
sub look_now { $t->node->reload; return }

# It comes back by itself.
sub restart_janitor
{
	my ($old) = $t->workers('syncore janitor');
	$t->sql("SELECT pg_terminate_backend($old)") if $old;
	$t->wait_until('another janitor', sub {
		my ($new) = $t->workers('syncore janitor');
		return $new && $new != ($old // 0);
	});
	return;
}

sub partitions { return $t->value("SELECT count(*) FROM pg_inherits WHERE inhparent = 'syncore.$_[0]'::regclass") }

# LG-04: partitions are made ahead; one that is missing comes back
my ($events, $ledgers) = (partitions('event'), partitions('ledger'));
cmp_ok($events, '>=', 4, 'partitions of event are made ahead');
cmp_ok($ledgers, '>=', 3, 'partitions of ledger are made ahead');
my $last = $t->value(q{SELECT max(c.relname) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
	WHERE i.inhparent = 'syncore.event'::regclass AND c.relname <> 'event_default'});
$t->sql("DROP TABLE syncore.$last");
is(partitions('event'), $events - 1, 'one is dropped');
restart_janitor();
$t->wait_until('the partition is there again', sub { partitions('event') == $events });
pass("$last is there again");
is($t->fails('TRUNCATE syncore.' . $t->value(q{SELECT max(c.relname) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
	WHERE i.inhparent = 'syncore.ledger'::regclass AND c.relname <> 'ledger_default'})), 'SY006', 'a partition of the ledger refuses TRUNCATE');
is($t->value("SELECT tableowner FROM pg_tables WHERE schemaname = 'syncore' AND tablename = '$last'"), 'syncore_owner', 'the owner owns what was made');

# Retention: old partitions go whole, unless something in them is still needed
my $snow = $t->value("SELECT id FROM syncore.system WHERE name = 'snow'");
for my $months (4, 5)
{
	$t->sql(qq{SET ROLE syncore_owner; SELECT syncore._make_partition('event', date_trunc('week', now() - interval '$months months', 'UTC'),
		date_trunc('week', now() - interval '$months months', 'UTC') + interval '1 week')});
	# loaded as a restore loads: such rows are passed over by the engine
	$t->sql(qq{INSERT INTO syncore.event (received_at, txid, system, system_id, payload, event_id)
		SELECT date_trunc('week', now() - interval '$months months', 'UTC') + i * interval '1 second', '3', 'snow', $snow, '{}', 'old-$months-' || i
		FROM generate_series(1, 20) AS i});
}
my ($kept) = map { $_->{id} } $t->rows("SELECT id FROM syncore.event WHERE event_id = 'old-5-7'");
$t->sql(qq{INSERT INTO syncore.quarantine_entry (space_id, system, system_id, event, code, message, hint) VALUES (1, 'snow', $snow, $kept, '22P02', 'x', 'y')});
$t->sql(qq{INSERT INTO syncore.event_key (system_id, event_id, event, seen_at) VALUES ($snow, 'old', 1, now() - interval '91 days'), ($snow, 'young', 2, now() - interval '89 days')});
$t->sql(q{INSERT INTO syncore.job (kind, target, state, ended) VALUES ('check_system', 'snow', 'done', now() - interval '91 days'),
	('check_system', 'snow', 'failed', now() - interval '1 day')});
$t->sql(q{INSERT INTO syncore.alert (level, kind, cause, detail, closed_at) VALUES ('info', 'test', 'old', 'x', now() - interval '91 days'),
	('info', 'test', 'young', 'x', now() - interval '1 day')});
$t->sql(q{INSERT INTO syncore.alert (level, kind, cause, detail, last_at) VALUES
	('warning', 'webhook_refused', 'webhook_refused:quiet', 'x', now() - interval '61 min'),
	('warning', 'webhook_refused', 'webhook_refused:busy', 'x', now() - interval '50 min')});
is($t->value('SELECT count(*) FROM syncore.event WHERE event_id LIKE ?', 'old-%'), 40, 'old events are there');
look_now();
$t->wait_until('old events are gone', sub { $t->value('SELECT count(*) FROM syncore.event WHERE event_id LIKE ?', 'old-%') == 1 });
is($t->value("SELECT event_id FROM syncore.event WHERE event_id LIKE 'old-%'"), 'old-5-7', 'one that waits in quarantine is kept');
$t->wait_until('old records are gone', sub { $t->value("SELECT count(*) FROM syncore.event_key WHERE event_id = 'old'") == 0 });
is($t->value('SELECT string_agg(event_id, \',\') FROM syncore.event_key WHERE event_id IN (\'old\', \'young\')'), 'young', 'event ids are remembered for their time');
is($t->value("SELECT string_agg(state, ',') FROM syncore.job"), 'failed', 'a job that ended lately is kept');
is($t->value("SELECT string_agg(cause, ',') FROM syncore.alert WHERE kind = 'test'"), 'young', 'an alert that was closed lately is kept');
is($t->value("SELECT string_agg(cause, ',') FROM syncore.alert WHERE kind = 'webhook_refused' AND closed_at IS NULL"), 'webhook_refused:busy',
	'an alert about refused webhooks is closed when they have stopped');
is(partitions('event'), $events + 1, 'its partition is the only one left over');
$t->sql("UPDATE syncore.quarantine_entry SET state = 'discarded', decided_at = now()");
look_now();
$t->wait_until('its partition goes when nothing in it is needed', sub { partitions('event') == $events });
pass('and then its partition goes, too');

# A system with a shorter retention loses its rows, others of the same week keep theirs
$t->sql(q{SELECT FROM syncore.add_system('other', 'servicenow', 'https://other.example');
	UPDATE syncore.system SET event_retention = '5 days' WHERE name = 'other'});
my $other = $t->value("SELECT id FROM syncore.system WHERE name = 'other'");
$t->sql(qq{INSERT INTO syncore.event (received_at, txid, system, system_id, payload, event_id)
	SELECT now() - interval '6 days', '3', s.name, s.id, '{}', 'week-' || s.name FROM syncore.system s});
look_now();
$t->wait_until('the shorter retention is kept', sub { $t->value("SELECT count(*) FROM syncore.event WHERE event_id = 'week-other'") == 0 });
is($t->value("SELECT count(*) FROM syncore.event WHERE event_id = 'week-snow'"), 1, 'a longer one, too');

# It never waits long for a lock, and then tries again
my $locker = DBI->connect('dbi:Pg:dbname=ops;host=' . $t->node->host . ';port=' . $t->node->port, undef, undef, { RaiseError => 1, AutoCommit => 0 });
$t->sql("DROP TABLE syncore.$last");
$locker->do('LOCK TABLE syncore.event IN ACCESS EXCLUSIVE MODE');
my $log = $t->node->logfile;
my $before = -s $log;
look_now();
$t->wait_until('it gives up waiting', sub { PostgreSQL::Test::Utils::slurp_file($log, $before) =~ /could not make partition|syncore: the janitor failed/ });
is(scalar(grep { $_->{wait} > 2 } $t->rows(q{SELECT extract(epoch FROM now() - query_start) AS wait FROM pg_stat_activity
	WHERE backend_type = 'syncore janitor' AND wait_event_type = 'Lock'})), 0, 'it does not sit in a lock queue');
$locker->rollback;
$locker->disconnect;
look_now();
$t->wait_until('and succeeds when the lock is gone', sub { partitions('event') == $events });
pass('a lock delays it, no more');

# MO-04: an alert tells of workers that are missing, and is closed when they are back
$t->wait_until('no alert about workers is open', sub { $t->value("SELECT count(*) FROM syncore.alert WHERE kind = 'worker' AND closed_at IS NULL") == 0 });
is($t->value("SELECT count(*) FROM syncore.alert WHERE cause = 'workers:listener'"), 0, 'no alert about the listener so far');
$t->node->append_conf('postgresql.conf', "syncore.listen_addresses = '192.0.2.1'\nsyncore.listen_port = 65000");
$t->node->reload;
$t->wait_until('nobody listens', sub { $t->value("SELECT count(*) FROM syncore._workers() WHERE role = 'listener' AND state LIKE 'not listening%'") == 1 });
look_now();
$t->wait_until('an alert says that nobody listens', sub { $t->value("SELECT count(*) FROM syncore.alert WHERE cause = 'workers:listener' AND closed_at IS NULL") == 1 });
like($t->value("SELECT detail FROM syncore.alert WHERE cause = 'workers:listener'"), qr/192\.0\.2\.1/, 'and on which address');
$t->node->append_conf('postgresql.conf', 'syncore.listen_port = 0');
look_now();
$t->wait_until('it is closed', sub { $t->value("SELECT count(*) FROM syncore.alert WHERE cause = 'workers:listener' AND closed_at IS NOT NULL") == 1 });
pass('the alert is closed by itself');

# OW-12, DR-04: an error that comes into a configuration in use is told of without being asked for, is seen in health, and is closed when it is cured
$t->sql(q{SELECT syncore.activate('snow', 'shadow')});
is($t->value("SELECT level FROM syncore.health WHERE check_name = 'lint'"), 'ok', 'the configuration is sound');
$t->sql(q{UPDATE syncore.route SET condition = '$.sevrity == "high"' WHERE system = 'snow'});
$t->sql('SELECT syncore._wake()');
$t->wait_until('an alert', sub { $t->value("SELECT count(*) FROM syncore.alert WHERE cause = 'lint:snow' AND closed_at IS NULL") == 1 });
is_deeply([$t->rows("SELECT level, object, detail, hint FROM syncore.health WHERE check_name = 'lint'")],
	[{ level => 'warning', object => 'snow', detail => 'Its configuration has condition_field_unknown.', hint => q{SELECT * FROM syncore.lint('snow');} }], 'health says so');
$t->sql(q{UPDATE syncore.route SET condition = '$.severity == "high"' WHERE system = 'snow'});
$t->sql('SELECT syncore._wake()');
$t->wait_until('it is closed', sub { $t->value("SELECT count(*) FROM syncore.alert WHERE cause = 'lint:snow' AND closed_at IS NULL") == 0 });
is($t->value("SELECT level FROM syncore.health WHERE check_name = 'lint'"), 'ok', 'and sound again');

# SA-03: a record whose state changes all the time is an alarm, without being asked for
$t->sql(q{UPDATE syncore.system SET mode = 'shadow' WHERE name = 'snow'; UPDATE syncore.entity_type SET transition_limit = 10 WHERE name = 'incident'});
$t->sql(q{INSERT INTO syncore.event (system, payload) SELECT 'snow', jsonb_build_object('table', 'incident', 'sys_id', 'restless', 'number', 'INC7', 'operation', 'update',
	'sys_mod_count', i::text, 'sys_updated_on', '2026-02-28 14:32:01', 'sys_updated_by', 'jdoe', 'fields', jsonb_build_object('short_description', 'r', 'state', (1 + i % 2)::text)) FROM generate_series(1, 14) i});
# DD-08: of the records made today, too many may be there twice.
$t->sql(q{WITH made AS (INSERT INTO syncore.entity (space_id, entity_type_id) SELECT s.id, y.id FROM syncore.space s, syncore.entity_type y, generate_series(1, 40) WHERE s.name = 'default' AND y.name = 'incident' RETURNING id, space_id)
	INSERT INTO syncore.match_candidate (space_id, entity, other, score, reason) SELECT m.space_id, m.id, (SELECT min(id) FROM syncore.entity), 1, 'as it is told' FROM made m});
look_now();
$t->wait_until('an alert says that many records are there twice', sub { $t->value("SELECT count(*) FROM syncore.alert WHERE kind = 'duplicates' AND closed_at IS NULL") == 1 });
$t->sql('DELETE FROM syncore.match_candidate');
$t->wait_until('an alert says so', sub { $t->value("SELECT count(*) FROM syncore.alert WHERE kind = 'transitions' AND closed_at IS NULL") == 1 });
is($t->value("SELECT object FROM syncore.alert WHERE kind = 'transitions'"), 'INC7', 'and of which record');

# RS-07: who listens is told of each new alert once, of its kind and where to look, and of nothing that is in it.
my $ear = DBI->connect('dbi:Pg:dbname=ops;host=' . $t->node->host . ';port=' . $t->node->port, undef, undef, { RaiseError => 1, AutoCommit => 1 });
sub told_so_far
{
	my @told;
	while (my $one = $ear->pg_notifies) { push @told, [@$one[0, 2]] }
	return @told;
}
$t->sql('SELECT syncore._wake()');
$t->wait_until('what was before is told', sub { !$t->value('SELECT count(*) FROM syncore.alert WHERE told_at IS NULL') });
$ear->do('LISTEN syncore_alert');
my $raise = q{INSERT INTO syncore.alert (level, kind, cause, detail) VALUES ('warning', 'review', ?, 'a secret of a record')
	ON CONFLICT (cause) WHERE closed_at IS NULL DO UPDATE SET times = alert.times + 1, last_at = now()};
$t->sql($raise, 'review:1:severity') for 1 .. 2;
$t->dbh->begin_work;
$t->sql($raise, 'review:2:severity');
$t->dbh->rollback;
$t->sql($raise, 'review:3:severity');
$t->sql('SELECT syncore._wake()');
my @told;
$t->wait_until('both are told', sub { push @told, told_so_far(); @told >= 2 });
my @new = map { $_->{id} } $t->rows(q{SELECT id FROM syncore.alert WHERE kind = 'review' ORDER BY id});
is_deeply(\@told, [map { ['syncore_alert', qq({"kind": "review", "alert": $_, "level": "warning"})] } @new], 'each once, and not what is in it');
$t->sql("UPDATE syncore.alert SET closed_at = now() WHERE id = $new[0]");
$t->sql($raise, $_) for 'review:3:severity', 'review:1:severity';
$t->sql('SELECT syncore._wake()');
@told = ();
$t->wait_until('it is back', sub { push @told, told_so_far(); @told });
is_deeply([map { $_->[1] =~ /"alert": (\d+)/ } @told], [$t->value(q{SELECT max(id) FROM syncore.alert WHERE kind = 'review'})], 'what comes back after its end is new; what stands is not told again');
$ear->disconnect;

# RL-05: idle means idle: no WAL, and no more than one wake-up a second.  The server itself may write after what went
# before (pruning, vacuum, a checkpoint), so turns are watched until one adds nothing; one that always writes never ends this.
sub look
{
	return $t->row(q{SELECT pg_current_wal_insert_lsn() AS lsn, extract(epoch FROM clock_timestamp()) AS at,
		(SELECT turns FROM syncore._workers() WHERE role = 'janitor') AS turns});
}
my ($from, $to);
$t->wait_until('a turn that writes no WAL', sub {
	$from = look();
	$t->wait_until('it turns', sub { ($to = look())->{turns} > $from->{turns} });
	# when it turns again that turn is over
	$t->sql('SELECT syncore._wake()');
	$t->wait_until('it turns again', sub { ($to = look())->{turns} > $from->{turns} + 1 });
	return $to->{lsn} eq $from->{lsn};
});
is($to->{lsn}, $from->{lsn}, 'an idle turn writes no WAL');
$from = look();
$t->wait_until('three seconds are over', sub { ($to = look())->{at} > $from->{at} + 3 });
cmp_ok($to->{turns} - $from->{turns}, '<=', 1 + $to->{at} - $from->{at}, 'at most one turn a second');
$t->finish;
done_testing();
