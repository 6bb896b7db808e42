# A system that fails: its circuit opens, and whatever waits for it is worked on when it closes, without a new event.
# RL-08, R3, R11, R13, R15, R21, RL-04
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use Syncore::Test;
use Test::More;
use Time::HiRes qw(time);

my $t = Syncore::Test->new('circuit', conf => "syncore.max_workers = 2\n")->configure->activate;
my ($snow, $jira) = ($t->snow, $t->jira);
my $bo = 'b.kim@acme.example';
# Patience with a create that cannot be found = time limit (30 s) + late landing + index lag: the last two are the product's, here a short one's.
$t->sql(q{BEGIN; ALTER TABLE syncore.connector DISABLE TRIGGER b_shipped;
	UPDATE syncore.connector SET abilities = abilities || '{"index_lag_ms": 0, "late_landing_ms": 0}' WHERE name = 'jira';
	ALTER TABLE syncore.connector ENABLE TRIGGER b_shipped; COMMIT});
my @pairs = map { [$t->pair(short_description => "pair $_")] } 1 .. 4;

sub breaker { return $t->value(q{SELECT breaker FROM syncore.stat_system WHERE system = 'jira'}) }
sub summary { my ($pair) = @_; return $jira->record($pair->[1]{id})->{fields}{summary} }
sub waiting
{
	return $t->row(q{SELECT count(*) FILTER (WHERE state = 'candidate') AS candidates, count(*) FILTER (WHERE waiting IS NOT NULL AND entity IS NOT NULL) AS waiting,
		count(*) FILTER (WHERE (call ->> 'unknown')::boolean) AS unknown, count(*) FILTER (WHERE state = 'creating') AS creating FROM syncore.link});
}

# What is lost: the answer of a write, and that of a create. From then on nothing at all is answered.
$jira->fault(method => 'PUT', path => $pairs[0][1]{id}, drop => 'after', times => 1);
$jira->fault(method => 'POST', path => '/issue$', drop => 'before', times => 1);
$jira->fault(path => '.', status => 503, times => -1);
$jira->webhook(lose => 1);    # it would prove that the write has landed
$snow->update('a.lee', $pairs[0][0]{id}, short_description => 'landed, its answer lost');
$t->wait_until('the write was made', sub { summary($pairs[0]) =~ /^landed/ });
my $inc = $snow->create('a.lee', short_description => 'created, or not');
$t->wait_until('both answers are lost', sub { waiting()->{unknown} == 2 });
# What is heard meanwhile: a person's word about the record that was written, and a record that nobody knows.
$jira->update($bo, $pairs[0][1]{id}, summary => 'by hand, after it');
my $other = $jira->create($bo, summary => 'somebody else\'s');
$t->wait_until('both wait', sub { my $w = waiting(); $w->{waiting} && $w->{candidates} });
# And what is to be sent.
$snow->update('a.lee', $pairs[1][0]{id}, short_description => 'written when it is back');
$t->wait_until('the circuit is open', sub { breaker() eq 'open' });
is_deeply(waiting(), { candidates => 1, waiting => 1, unknown => 2, creating => 1 }, 'control: all of it waits');
is($t->value(q{SELECT count(*) FROM syncore.link l WHERE (l.read_owed OR l.waiting IS NOT NULL OR l.call IS NOT NULL OR l.state IN ('candidate', 'creating'))
	AND NOT EXISTS (SELECT FROM syncore.delivery d WHERE d.link = l.id AND d.state = 'due')}), 0, 'nothing waits without a delivery that is due');
is($t->value(q{SELECT count(*) FROM syncore.alert WHERE kind = 'breaker' AND closed_at IS NULL}), 1, 'one alert tells of it');
# LG-04: and who asks why a record has an old value there is told so
like($t->value(q{SELECT because FROM syncore.why_not(?, 'jira') WHERE step = 'breaker' AND NOT passed}, $pairs[1][0]{key}), qr/^The circuit of jira is (open|half open) since .*: calls failed one after another\.$/, 'why_not() names the circuit');

# R3: the time limit passes, and it stays open: the person's word is decided as overwritten by that write, and heard of elsewhere.
isnt(breaker(), 'closed', 'control: nothing of it can be read');
$t->sql(q{UPDATE syncore.link SET call = jsonb_set(call, '{at}', to_jsonb((call ->> 'at')::bigint - 3600000000)) WHERE waiting IS NOT NULL AND entity IS NOT NULL});
$t->wait_until('it is decided', sub { !waiting()->{waiting} });
isnt(breaker(), 'closed', 'while the circuit is open');
$t->wait_until('ServiceNow has it', sub { $snow->record($pairs[0][0]{id})->{short_description} eq 'by hand, after it' });
is(waiting()->{unknown}, 2, 'the write is still unknown, and so is the create');
is(summary($pairs[0]), 'by hand, after it', 'nothing was written to Jira meanwhile');

# It is back: one probe closes the circuit, the rest follows by itself.
$_->webhook(hold => 1) for $snow, $jira;
my $events = $t->value('SELECT count(*) FROM syncore.event');
$jira->clear_faults;
$t->wait_until('everything that waited is settled', sub { my $w = waiting(); !$w->{candidates} && !$w->{waiting} && !$w->{unknown} && !$w->{creating} });
is($t->value('SELECT count(*) FROM syncore.event'), $events, 'without an event that would have woken it');
$_->webhook(hold => 0) for $snow, $jira;
$_->release for $snow, $jira;
$t->quiesce(180);
is(breaker(), 'closed', 'the circuit is closed');
is(summary($pairs[1]), 'written when it is back', 'what was to be sent is there');
is(summary($pairs[0]), 'by hand, after it', 'the person\'s word, made after our write, stands');
is($snow->record($pairs[0][0]{id})->{short_description}, 'by hand, after it', 'on both sides');
is(scalar(grep { $_->{fields}{summary} eq 'created, or not' } $jira->records), 1, 'the create was made once');
is(scalar(grep { $_->{short_description} eq 'somebody else\'s' } $snow->records), 1, 'the unknown record became one of its own');
is($t->value(q{SELECT count(*) FROM syncore.alert WHERE kind = 'breaker' AND closed_at IS NULL}), 0, 'the alert is closed');

# RL-08: who closes the circuit otherwise, by asking for a check that succeeds, ends the rest of all dispatchers at once.
$jira->clear_log;
$jira->fault(path => '.', status => 503, times => -1);
$snow->update('a.lee', $_->[0]{id}, short_description => "again $_->[0]{key}") for @pairs;
$t->wait_until('the circuit is open', sub { breaker() eq 'open' });
my $opened = $jira->requests;
$t->wait_until('three probes have failed: the next is sixteen seconds away', sub { $jira->requests >= $opened + 3 });
$jira->clear_faults;
$snow->create('a.lee', short_description => 'while it is open');
$t->wait_until('it is due', sub { waiting()->{creating} });
isnt(breaker(), 'closed', 'control: nothing but time, or a check, closes it');
$t->sql("CALL syncore.wait(syncore.check_system('jira'))");
my $from = time;
$t->wait_until('the issue is made', sub { grep { $_->{fields}{summary} eq 'while it is open' } $jira->records });
cmp_ok(time - $from, '<', 10, 'without waiting for the next probe');
is(breaker(), 'closed', 'the circuit is closed');
$t->quiesce(180);
is_deeply([grep { summary($_) !~ /^again/ } @pairs], [], 'nothing is lost');
$t->verify;
$t->finish;
done_testing();
