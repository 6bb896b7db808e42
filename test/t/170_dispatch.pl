# The dispatcher over real HTTP: claims, pace, peers that hang, processes that end at the worst moment.
use strict;
use warnings;
use JSON::PP ();
use PostgreSQL::Test::Utils ();
use Test::More;
use Time::HiRes qw(time sleep);

use Syncore::Test;

my $t = Syncore::Test->new('dispatch', listen => 0, conf => "syncore.max_workers = 2\nrestart_after_crash = on\n");
$t->configure->activate;
my ($snow, $jira, $node) = ($t->snow, $t->jira, $t->node);
my $n = 0;

# An incident as ServiceNow would report it, put in by SQL: no listener, no webhook.
sub incident
{
	my (%set) = @_;
	$n++;
	my $id = $set{id} // sprintf '%032x', $n;
	my $number = sprintf 'INC%07d', $n;
	my %fields = (short_description => $set{title} // "incident $n", description => 'd', priority => '3', impact => '2', urgency => '2', state => '1');
	my $payload = JSON::PP->new->canonical->encode({ table => 'incident', sys_id => $id, number => $number, operation => $set{operation} // 'insert',
		sys_mod_count => $set{mod} // 0, sys_updated_on => $set{at} // '2026-11-22 00:00:00', sys_updated_by => 'a.lee',
		fields => $set{fields} // \%fields, journal => [] });
	return ($id, $t->row('SELECT * FROM syncore.ingest(?, ?)', 'snow', $payload));
}

sub created { return scalar grep { $_->{method} eq 'POST' && $_->{path} =~ m{/rest/api/3/issue$} } $jira->requests }
sub in_flight { return $t->value(q{SELECT sum(in_flight) FROM syncore.stat_worker WHERE role = 'dispatcher'}) }
sub settled { return !$t->value(q{SELECT count(*) FROM syncore.delivery WHERE state = 'due'}) }

# One event in, one issue out.
my ($id, $row) = incident(title => 'first');
is($row->{outcome}, 'applied', 'the event is taken') or diag explain $row;
$t->wait_until('the issue is there', sub { $jira->records == 1 });
$t->wait_until('the delivery is done', \&settled);
is(($jira->records)[0]{fields}{summary}, 'first', 'with its title');
is(created(), 1, 'made once');
is($t->value(q{SELECT sum(sent) > 0 FROM syncore.stat_worker}), 1, 'counted in shared memory');

# MO-05: while a call is on the wire no worker has a transaction, snapshot or row lock; the control is that it is on the wire
$jira->fault(method => 'POST', path => '/rest/api/3/issue$', hold => 'after');
incident(title => 'held');
$t->wait_until('a call is held', sub { $jira->held });
is(in_flight(), 1, 'one call in flight');
is($t->value(q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'syncore dispatcher' AND (xact_start IS NOT NULL OR backend_xid IS NOT NULL OR backend_xmin IS NOT NULL)}),
	0, 'no dispatcher has a transaction open');
is($t->value(q{SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE a.backend_type = 'syncore dispatcher' AND l.locktype <> 'advisory'}),
	0, 'nor a lock but its shares of the queue');
is($t->value(q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = x'53594e43'::int AND objsubid = 2}), 64, 'every shard has an owner');

# an unrelated DROP DATABASE does not wait for a call in flight
$node->safe_psql('postgres', 'CREATE DATABASE unrelated');
my $start = time;
$node->safe_psql('postgres', 'DROP DATABASE unrelated');
cmp_ok(time - $start, '<', 20, 'an unrelated DROP DATABASE goes through at once');
$jira->continue;
$t->wait_until('the held call is done', \&settled);
is(scalar($jira->records), 2, 'and it landed once');

# RL-07: snow hangs, jira is served as before
$snow->fault(method => 'PATCH', path => '/incident/', hold => 'before', times => 100);
my @ids = map { (incident(title => "pair $_"))[0] } 1 .. 20;
$t->wait_until('all pairs are linked', sub { $jira->records == 22 && settled() });
my %issue = map { $_->[0] => $_->[1] } @{ $t->dbh->selectall_arrayref(q{
	SELECT s.external_id, j.external_id FROM syncore.link s JOIN syncore.link j ON j.entity = s.entity AND j.system_id <> s.system_id
	WHERE s.record_type = 'incident'}) };
sub edit_issue
{
	my ($snow_id, $title) = @_;
	my $record = $jira->update('b.kim@acme.example', $issue{$snow_id}, summary => $title);
	my $body = $jira->request(GET => "/rest/api/3/issue/$issue{$snow_id}?properties=syncore")->{json};
	return $t->row('SELECT * FROM syncore.ingest(?, ?)', 'jira',
		JSON::PP->new->encode({ webhookEvent => 'jira:issue_updated', timestamp => int(time * 1000), issue => $body,
			user => { accountId => '5b10bbbbbbbbbbbbbbbbbbbb' } }));
}
edit_issue($_, "hang $_") for @ids;
$t->wait_until('calls to snow hang', sub { $snow->held > 3 });
$start = time;
incident(title => "beside $_") for 1 .. 5;
$t->wait_until('jira gets its issues all the same', sub { $jira->records == 27 });
cmp_ok(time - $start, '<', 20, 'RL-07: and does not wait for snow');
cmp_ok(scalar($snow->held), '>', 3, 'while snow still hangs');

# C7: fast shutdown within two seconds with calls hanging
$t->{dbh}->disconnect;
$t->{dbh} = undef;
$start = time;
$node->stop('fast');
cmp_ok(time - $start, '<', 20, 'fast shutdown does not wait for a peer that hangs');
$snow->clear_faults;
eval { $snow->continue };    # their clients are gone
$node->start;
$t->wait_until('after the restart all is settled', sub { settled() && !$t->value('SELECT count(*) FROM syncore.link WHERE call IS NOT NULL') });
is(scalar($jira->records), 27, 'no issue twice');

$t->finish;
done_testing();
