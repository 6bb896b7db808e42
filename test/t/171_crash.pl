# Processes that end between claim and record, over real HTTP: a record is never made twice and never lost.
# C2, C3, CR-03, H13, R13, R21
use strict;
use warnings;
use JSON::PP ();
use PostgreSQL::Test::Cluster;
use Syncore::Test;
use Test::More;
use Time::HiRes qw(time sleep);

my $seed = $ENV{SEED} // time ^ $$;
srand $seed;
note "SEED=$seed";
my $t = Syncore::Test->new('crash', conf => "syncore.max_workers = 2\n")->configure->activate;
my ($snow, $jira) = ($t->snow, $t->jira);
my $bo = 'b.kim@acme.example';

# Patience = time limit (30 s) + late landing + index lag: the last two are the product's, here a short one's.
$t->sql(q{BEGIN; ALTER TABLE syncore.connector DISABLE TRIGGER b_shipped;
	UPDATE syncore.connector SET abilities = abilities || '{"index_lag_ms": 1500, "late_landing_ms": 500}' WHERE name IN ('jira', 'servicenow');
	ALTER TABLE syncore.connector ENABLE TRIGGER b_shipped; COMMIT});

sub title_of { my ($sim, $record) = @_; return $sim->product eq 'jira' ? $record->{fields}{summary} : $record->{short_description} }
sub called { my ($sim, $title) = @_; return scalar grep { title_of($sim, $_) eq $title } $sim->records }
sub creates { my ($sim) = @_; return scalar grep { $_->{method} eq 'POST' && $_->{path} =~ m{/issue$|/table/incident$} } $sim->requests }
sub looks { my ($sim) = @_; return scalar grep { $_->{path} =~ m{/search/jql} || ($_->{method} eq 'GET' && $_->{path} =~ m{/table/incident(?:\?|$)}) } $sim->requests }

# SIGKILL to the dispatcher that has a call on the wire: the postmaster restarts everything.
sub kill_dispatcher
{
	my $row = $t->wait_until('a dispatcher is calling', sub { $t->row(q{SELECT pid FROM syncore._workers() WHERE role = 'dispatcher' AND in_flight > 0}) });
	my $started = $t->value('SELECT pg_postmaster_start_time()');
	kill 'KILL', $row->{pid};
	$t->wait_until('its process is gone and the server back', sub { !kill(0, $row->{pid}) && $t->value('SELECT 1') });
	$t->wait_until('the listener answers', sub { $t->listener_answers });
	return;
}

sub linked
{
	my ($sim, $title) = @_;
	my ($record) = grep { title_of($sim, $_) eq $title } $sim->records or return 0;
	return $t->value(q{SELECT count(*) FROM syncore.link l JOIN syncore.link o ON o.entity = l.entity
		WHERE l.external_id = ? AND l.state = 'active' AND o.state = 'active'}, $record->{id});
}

# Makes a record on one side whose create on the other side is held there, kills, then does what the case says.
sub crash
{
	my ($target, $title, $hold, $then, $limit) = @_;
	$_->clear_log for $snow, $jira;
	$target->fault(method => 'POST', path => $target == $jira ? '/issue$' : '/table/incident', hold => $hold);
	$target->webhook(lose => 1);    # its webhook would tell us the record: here only the look-up can
	$target == $jira ? $snow->create('a.lee', short_description => $title) : $jira->create($bo, summary => $title);
	$t->wait_until('the create is held', sub { $target->held });
	is(called($target, $title), $hold eq 'after' ? 1 : 0, "$title: the record " . ($hold eq 'after' ? 'exists' : 'does not exist yet'));
	kill_dispatcher();
	$target->clear_faults;
	$then->();
	$t->quiesce($limit // 180);
	is(called($target, $title), 1, "$title: one record at the peer");
	is(linked($target, $title), 2, 'and it is linked');
	return;
}

# crash_after_claim, create_lost_response: the peer stored the record, its answer reached nobody.
for my $target ($jira, $snow)
{
	my $name = $target->product;
	crash($target, "crash_after_claim, stored at $name", 'after', sub { eval { $target->continue } });
	is(creates($target), 1, 'created by one request');
	cmp_ok(looks($target), '>=', 1, 'found by its marker');
}

# The same with an index that lags behind: not found is no proof, a look-up later finds it.
$jira->set(search_lag_ms => 1500);
crash($jira, 'stored, not yet indexed', 'after', sub { eval { $jira->continue } });
is(creates($jira), 1, 'created by one request');
cmp_ok(looks($jira), '>=', 2, 'looked for more than once');
$jira->set(search_lag_ms => 0);

# The request lands only after the crash and after the first look-up.
crash($jira, 'late landing', 'before', sub {
	$t->wait_until('it was looked for in vain', sub { looks($jira) >= 1 });
	eval { $jira->continue };
});
is(creates($jira), 1, 'H13: patience: created by one request');

# It never landed: made again, once patience has passed, and not before.
my $began = time;
crash($jira, 'never landed', 'before', sub { $jira->control(POST => 'forget', {}) }, 240);
cmp_ok(time - $began, '>', 30, 'R21: not before time limit, late landing and index lag have passed');
is(creates($jira), 2, 'created by the second request');
is($t->value(q{SELECT count(*) FROM syncore.ledger WHERE kind = 'repeated'}), 1, 'the ledger says so');

# C3: dispatchers are terminated at random while a burst flows; shards change hands, nothing is lost or doubled.
my $before = $jira->records;
my $burst = $ENV{SYNCORE_BURST} // 60;
for my $n (1 .. $burst)
{
	$snow->create('a.lee', short_description => "burst $n");
	next if rand > 0.2;
	$t->value(q{SELECT pg_terminate_backend(pid) FROM syncore._workers() WHERE role = 'dispatcher' ORDER BY random() LIMIT 1});
}
$t->quiesce(180);
is($jira->records - $before, $burst, 'C3: every incident has its issue');
my %seen;
$seen{ title_of($jira, $_) }++ for $jira->records;
is_deeply([grep { $seen{$_} > 1 } sort keys %seen], [], 'and only one');
is($t->value(q{SELECT count(*) FROM syncore.link WHERE state <> 'active' OR call IS NOT NULL}), 0, 'no link is left half made');
is($t->value(q{SELECT count(*) FROM syncore.delivery}), 0, 'no delivery is left');
$t->verify;
$t->finish;
done_testing();
