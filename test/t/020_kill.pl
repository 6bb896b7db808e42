# Killing workers, backends and the whole server while records are created,
# edited and commented loses nothing and makes nothing twice.
# ID-05, CR-03, ID-08
use strict;
use warnings;
use JSON::PP ();
use List::Util ();
use PostgreSQL::Test::Cluster;
use Syncore::Test;
use Test::More;
use Time::HiRes qw(sleep time);

my $rounds = $ENV{SYNCORE_KILLS} // 4;
my $seed = $ENV{SEED} // time ^ $$;
srand $seed;
note "SEED=$seed";

my $t = Syncore::Test->new('kill')->configure->activate;
my ($snow, $jira) = ($t->snow, $t->jira);
my $bo = 'b.kim@acme.example';
my (@inc, @issue, @notes);

# The work of a write is done at once, its answer takes its time: a crash meanwhile leaves a call whose outcome nobody
# heard.  The first such answer is held until the first crash.
$jira->fault(method => 'POST', hold => 'after');
$_->fault(method => 'POST|PUT|PATCH', delay_ms => 100, times => 1_000_000) for $snow, $jira;

# What people do in one round, whatever happens to the server.
sub people
{
	my ($round) = @_;
	my $inc = $snow->create('a.lee', short_description => "born at ServiceNow, $round");
	my $issue = $jira->create($bo, summary => "born in Jira, $round");
	push @inc, $inc->{id};
	push @issue, $issue->{id};
	$snow->update('a.lee', $inc->{id}, impact => 1 + int rand 3, urgency => 1 + int rand 3) for 1 .. 2;
	$jira->update($bo, $issue->{id}, status => 'In Progress');
	$snow->comment('a.lee', $inc->{id}, "note $round");
	push @notes, "note $round";
	return;
}

# Ends some process of the server with a signal, or the server itself; comes back when it runs again.
my %kill = (
	worker_term => sub { kill 'TERM', $_ for $t->workers('syncore%') },
	worker_kill => sub { my @pids = $t->workers('syncore%'); kill 'KILL', $pids[rand @pids] if @pids },
	postmaster => sub { $t->kill_server; $t->start_again },
	immediate => sub { $t->node->stop('immediate'); $t->start_again },
);

for my $round (1 .. $rounds)
{
	my @how = sort keys %kill;
	my $how = $how[($round - 1) % @how];
	people($round);
	my $pause = rand 0.3;
	sleep $pause;    # where in the work the kill falls is the point of it
	$t->wait_until('a write whose answer is on its way', sub { $jira->held }) if $round == 1;
	note sprintf 'round %d: %s after %.0f ms', $round, $how, 1000 * $pause;
	$kill{$how}->();
	$t->wait_until('the server takes connections', sub { $t->value('SELECT 1') });
	$jira->continue if $round == 1;    # to nobody
}
$t->wait_until('the listener answers', sub { $t->listener_answers });
$t->quiesce(180);

my %lines = map { $_->{kind} => $_->{n} } $t->rows(q{SELECT kind::text, count(*) AS n FROM syncore.ledger GROUP BY 1});
note join ', ', map { "$_ $lines{$_}" } sort keys %lines;
cmp_ok($lines{unknown} // 0, '>=', $rounds < 20 ? 1 : $rounds / 4, 'control: crashes fell into the midst of calls, whose outcome had to be found out');

my @snow = $snow->records;
my @jira = $jira->records;
is(scalar @snow, 2 * $rounds, 'one incident for each record, none twice, none lost');
is(scalar @jira, 2 * $rounds, 'one issue for each record, none twice, none lost');
my %issue_of = map { $_->{fields}{summary} => $_ } @jira;
my %state = (1 => 'To Do', 2 => 'In Progress');
my %rank = (1 => 'Highest', 2 => 'High', 3 => 'Medium', 4 => 'Low', 5 => 'Lowest');
my @differ = grep { my $o = $issue_of{ $_->{short_description} }; !$o || $o->{fields}{status} ne $state{ $_->{state} } || $o->{fields}{priority} ne $rank{ $_->{priority} } } @snow;
is(scalar @differ, 0, 'all fields are equal at rest') or diag explain [map { [@$_{qw(number short_description state priority)}] } @differ];
for my $note (@notes)
{
	is(scalar(grep { $_->{text} =~ /\b$note$/m } map { @{ $_->{comments} } } @jira), 1, "$note was copied once");
}
is($t->value(q{SELECT count(*) FROM (SELECT entity, system_id FROM syncore.link WHERE state = 'active' GROUP BY 1, 2 HAVING count(*) > 1) x}), 0,
	'no entity has two records in one system');
is($t->value(q{SELECT count(*) FROM syncore.link WHERE state <> 'active'}), 0, 'no link was left half made');

# ID-08: all tries of one call carry one key; and one key never did its work twice.
my %effects;
$effects{ $_->{headers}{'idempotency-key'} }++ for grep { $_->{effect} eq 'create' && $_->{headers}{'idempotency-key'} } $snow->requests, $jira->requests;
is_deeply([grep { $effects{$_} > 1 } keys %effects], [], 'no create took effect twice');

# ID-05: what was heard last is heard again, a hundred of it, in an order of chance: nothing is changed by it, nothing is sent.
sub state_of_all
{
	my $here = $t->value(q{SELECT md5(string_agg(e.id || e.data::text || coalesce(e.long::text, '') || e.revision, ';' ORDER BY e.id)) FROM syncore.entity e});
	return $here . JSON::PP->new->canonical->encode([map { [$_->records] } $snow, $jira]);
}
my $state = state_of_all();
$_->clear_log for $snow, $jira;
my @again;
for my $sim ($snow, $jira)
{
	push @again, [$sim, $_->{n}] for grep { $_->{state} eq 'delivered' } $sim->webhooks;
}
@again = List::Util::shuffle(@again);    # by srand, as all else here
splice @again, 100 if @again > 100;
$_->[0]->redeliver($_->[1]) for @again;
$t->quiesce(120);
is(state_of_all(), $state, scalar(@again) . ' webhooks that are heard again change nothing, here and there');
is_deeply([$snow->lines, $jira->lines], [], 'and nothing is sent');
cmp_ok($t->value('SELECT coalesce(sum(repeated), 0) FROM syncore.event_key') + $t->value(q{SELECT count(*) FROM syncore.ledger WHERE kind IN ('duplicate', 'stale', 'echo')}), '>', 0, 'control: they were heard');

$t->verify;
$t->finish;
done_testing();
