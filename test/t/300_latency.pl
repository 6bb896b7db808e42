# How soon, and who waits for whom: changes arrive within seconds, webhooks are
# answered at commit, and a peer that does not answer costs the source nothing.
# MO-01, MO-04, CC-01, RL-02, EV-10
use strict;
use warnings;
use JSON::PP ();
use PostgreSQL::Test::Cluster;
use Syncore::Test;
use Test::More;
use Time::HiRes qw(time);

my $t = Syncore::Test->new('latency')->configure->activate;
my ($snow, $jira) = ($t->snow, $t->jira);
my $bo = 'b.kim@acme.example';
my @pairs = map { [$t->pair(short_description => "latency $_")] } 1 .. 5;

# CC-01: a hundred signed webhooks, in and answered while nothing can leave: a hundred rows, each stored once.
$t->sql("SELECT syncore.pause('jira'), syncore.pause('snow')");
my $before = $t->value('SELECT count(*) FROM syncore.event');
my $from = time;
for my $n (1 .. 20)
{
	$snow->update('a.lee', $_->[0]{id}, short_description => "burst $n of $_->[0]{key}") for @pairs;
}
$t->wait_until('a hundred webhooks are answered', sub { !$snow->state->{webhooks_pending} });
is($t->value('SELECT count(*) FROM syncore.event') - $before, 100, 'a hundred webhooks are a hundred events');
is($t->value(q{SELECT count(*) FROM syncore.ledger WHERE kind = 'send' AND at > to_timestamp(?)}, $from), 0, 'none of them waited for a call');
$_->clear_log for $snow, $jira;
$t->sql("SELECT syncore.resume('jira'), syncore.resume('snow')");
$t->quiesce;
is(scalar(grep { $_->{method} eq 'PUT' } $jira->writes), 5, 'twenty edits of a record are one write');    # coalesced
is_deeply([sort map { $jira->record($_->[1]{id})->{fields}{summary} } @pairs], [sort map { "burst 20 of $_->[0]{key}" } @pairs], 'with the last value');

# MO-01: from the edit to the write at the other end, one after the other, by nothing but the wake at commit.
$_->clear_log for $snow, $jira;
my @took;
for my $n (1 .. 30)
{
	my ($inc) = @{ $pairs[$n % 5] };
	my $at = time;
	$snow->update('a.lee', $inc->{id}, short_description => "soon $n");
	$t->wait_until("write $n", sub { $jira->record($pairs[$n % 5][1]{id})->{fields}{summary} eq "soon $n" });
	push @took, time - $at;
}
@took = sort { $a <=> $b } @took;
cmp_ok($took[28], '<', 2, sprintf 'p95 of 30 edits is %.0f ms: within two seconds', 1000 * $took[28]);
$t->quiesce;

# EV-10: and each of these writes says whose it is.
is(scalar(grep { !$_->{headers}{'x-syncore-marker'} } $jira->writes), 0, 'every write is marked');
is(scalar(grep { $_->{method} eq 'PUT' } $jira->writes), 30, 'control: there were thirty');

# MO-04: a commit takes as long with a peer that never answers as with one that does.
sub commit_time
{
	my ($word) = @_;
	my @times;
	for my $n (1 .. 15)
	{
		my ($inc) = @{ $pairs[$n % 5] };
		my $payload = JSON::PP->new->encode({ table => 'incident', sys_id => $inc->{id}, number => $inc->{key}, operation => 'update',
			sys_mod_count => 1000 + ($word eq 'up' ? 0 : 100) + $n, sys_updated_on => '2026-11-22 00:00:00', sys_updated_by => 'a.lee',
			fields => { description => "$word $n" }, journal => [] });
		my $at = time;
		$t->value('SELECT outcome FROM syncore.ingest(?, ?)', 'snow', $payload);
		push @times, time - $at;
	}
	return (sort { $a <=> $b } @times)[7];
}
my $up = commit_time('up');
$t->wait_until('all of it was written', sub { !$t->value(q{SELECT count(*) FROM syncore.delivery WHERE state = 'due'}) });
$jira->fault(method => 'PUT', hold => 'before', times => -1);
my $down = commit_time('down');
$t->wait_until('calls hang', sub { $jira->held });
cmp_ok($down, '<', 3 * $up + 0.05, sprintf 'a commit takes %.1f ms with a peer that hangs, %.1f ms with one that answers', 1000 * $down, 1000 * $up);
$jira->clear_faults;
$jira->continue;
$t->wait_until('and nothing is lost', sub { $jira->record($pairs[0][1]{id}) && !$t->value(q{SELECT count(*) FROM syncore.delivery WHERE state = 'due'}) });

# RL-02: 429 with Retry-After, for all records of the system: nothing at all is asked before the time it names.
$jira->clear_log;
$jira->fault(method => 'PUT', status => 429, retry_after => 2, times => 1);
$snow->update('a.lee', $pairs[0][0]{id}, short_description => 'first to be told');
$t->wait_until('one is refused', sub { grep { ($_->{status} // 0) == 429 } $jira->requests });
$snow->update('a.lee', $_->[0]{id}, short_description => "after it $_->[0]{key}") for @pairs[1 .. 4];
$t->wait_until('all arrive', sub { 4 == grep { $jira->record($_->[1]{id})->{fields}{summary} =~ /^after it/ } @pairs[1 .. 4] });
my ($told) = grep { $_->{status} == 429 } $jira->requests;
my @early = grep { $_->{at} > $told->{answered_at} && $_->{at} < $told->{answered_at} + 1.9 } $jira->requests;
is(scalar @early, 0, 'no request to that system before its Retry-After is over') or diag explain [map { [@$_{qw(method path at status)}] } $jira->requests];
$t->quiesce;
is($jira->record($pairs[0][1]{id})->{fields}{summary}, 'first to be told', 'and the refused one arrives');

# MO-01: fifty events a second, each in a transaction of its own, over five records. What the views say of it agrees with what was sent and with
# what arrived; how long it took is told, and decides nothing.
{
	my ($seconds, $rate) = (6, 50);
	my %count = map { $_ => scalar $t->value($_) } my ($calls, $errors, $sent, $events) = (q{SELECT calls FROM syncore.stat_system WHERE system = 'jira'}, q{SELECT errors FROM syncore.stat_system WHERE system = 'jira'},
		q{SELECT sum(sent) FROM syncore.stat_worker}, q{SELECT count(*) FROM syncore.event WHERE system = 'snow'});
	my $mark = $t->value('SELECT max(id) FROM syncore.ledger');
	my $version = 5000;
	$_->clear_log for $snow, $jira;
	my $start = time;
	my %last;
	for my $n (0 .. $seconds * $rate - 1)
	{
		my $early = $start + $n / $rate - time;
		Time::HiRes::sleep($early) if $early > 0;
		my ($inc, $issue) = @{ $pairs[$n % @pairs] };
		$last{ $issue->{id} } = "paced $n";
		$t->value('SELECT outcome FROM syncore.ingest(?, ?)', 'snow', JSON::PP->new->encode({ table => 'incident', sys_id => $inc->{id}, number => $inc->{key},
			operation => 'update', sys_mod_count => ++$version, sys_updated_on => '2026-11-22 00:00:00', sys_updated_by => 'a.lee',
			fields => { short_description => "paced $n" }, journal => [] }));
	}
	my $took = time - $start;
	$t->quiesce;
	my $puts = grep { $_->{method} eq 'PUT' } $jira->writes;
	is($t->value($events) - $count{$events}, $seconds * $rate, 'every event sent is an event stored');
	is($t->value(q{SELECT count(*) FROM syncore.ledger WHERE id > ? AND kind = 'change' AND new #>> '{}' LIKE 'paced %'}, $mark), $seconds * $rate, 'and a change decided');
	is_deeply({ map { ($_->[1]{id} => $jira->record($_->[1]{id})->{fields}{summary}) } @pairs }, \%last, 'each record holds the last word of it');
	is($t->value(q{SELECT count(*) FROM syncore.ledger WHERE id > ? AND kind = 'confirm'}, $mark), $puts, "the ledger has the $puts writes that arrived");
	is($t->value($calls) - $count{$calls}, $puts, 'as has the view of systems');
	is($t->value($sent) - $count{$sent}, scalar($jira->requests), 'and the view of workers every request, what was read back included');
	is($t->value($errors), $count{$errors}, 'none of them failed');
	is_deeply($t->row(q{SELECT queued, dead, oldest FROM syncore.stat_system WHERE system = 'jira'}), { queued => 0, dead => 0, oldest => undef }, 'nothing is left over');
	note sprintf '%d events in %.1f s; from the commit of an event to the confirmed write of its word, or a later one: p95 %.0f ms', $seconds * $rate, $took,
		1000 * $t->value(q{SELECT percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM (SELECT min(c.at) FROM syncore.ledger c
			WHERE c.entity = l.entity AND c.id > l.id AND c.kind = 'confirm') - l.at)) FROM syncore.ledger l WHERE l.id > ? AND l.kind = 'change' AND l.new #>> '{}' LIKE 'paced %'}, $mark);
}

$t->verify;
$t->finish;
done_testing();
