# Pausing, coalescing, what a write says, and what is not written at all.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use Syncore::Test;
use Test::More;

my $t = Syncore::Test->new('running')->configure->activate;
my ($snow, $jira) = ($t->snow, $t->jira);
my $bo = 'b.kim@acme.example';
my ($inc, $issue) = $t->pair(short_description => 'running');
sub clean_logs { $_->clear_log for $snow, $jira; return }

# FM-15, FM-16, ID-01: only what is due is sent, as values.
clean_logs();
$snow->update('a.lee', $inc->{id}, short_description => 'only this', category => 'network');
$t->quiesce;
my ($put) = $jira->writes;
is_deeply($put->{json}{fields}, { summary => 'only this' }, 'the body has the changed field and no other');
is(scalar $jira->writes, 1, 'one write');

# CC-08, CC-09, ID-02: an unmapped field wakes nothing.
clean_logs();
$snow->update('a.lee', $inc->{id}, category => 'hardware', subcategory => 'disk');
$t->quiesce;
is_deeply([$snow->lines, $jira->lines], [], 'a change of unmapped fields is not sent');

# MO-06: pause and resume; MO-04: the source does not wait for it.
clean_logs();
$t->sql("SELECT syncore.pause('jira', 'maintenance')");
$snow->update('a.lee', $inc->{id}, short_description => "while paused $_") for 1 .. 10;
$snow->update('a.lee', $inc->{id}, state => '2');
$t->wait_until('the events were decided', sub { ($t->canonical($inc->{key}, 'title') // '') eq 'while paused 10' && $t->canonical($inc->{key}, 'status') eq 'in_progress' });
$jira->update($bo, $issue->{id}, priority => 'Highest');
$t->wait_until('what the paused system says is heard', sub { $snow->record($inc->{id})->{priority} eq '1' });
is_deeply([$jira->lines], [], 'nothing leaves to a paused system');
$t->sql("SELECT syncore.resume('jira')");
$t->quiesce;
$t->check_equal($inc->{id}, $issue->{id}, 'after resume both sides are equal');
cmp_ok(scalar(grep { $_->{method} eq 'PUT' } $jira->writes), '<=', 1, 'ten edits are one call');
ok((grep { $_->{path} =~ /transitions$/ && $_->{method} eq 'POST' } $jira->writes), 'and the status moved by its transition');

# RL-02: 429 with Retry-After: no request before the time it names.
clean_logs();
$snow->fault(method => 'PATCH', status => 429, retry_after => 2);
$jira->update($bo, $issue->{id}, summary => 'after the pause');
$t->wait_until('the write arrives', sub { $snow->record($inc->{id})->{short_description} eq 'after the pause' });
my ($refused, @later) = grep { $_->{at} } $snow->requests;
is($refused->{status}, 429, 'refused once');
ok(@later && $later[0]{at} - $refused->{answered_at} >= 1.95, 'and nothing was asked before the time was over')
	or diag explain [map { [@$_{qw(method path at status)}] } $snow->requests];

# RL-05: 400 is not tried again blindly; RL-04: it is a dead letter with a way back.
$t->quiesce;
clean_logs();
$snow->fault(method => 'PATCH', status => 400, times => -1, message => 'no');
$jira->update($bo, $issue->{id}, summary => 'refused');
$t->wait_until('the dead letter', sub { $t->value('SELECT count(*) FROM syncore.dead_letter') });
is(scalar(grep { $_->{method} eq 'PATCH' } $snow->requests), 1, 'one try');
$snow->clear_faults;
cmp_ok($t->value("SELECT syncore.retry('snow')"), '>=', 1, 'retry() takes it up again');
$t->quiesce;
is($snow->record($inc->{id})->{short_description}, 'refused', 'control: and then it arrives');

# A server error is tried again, with one key for all tries (ID-08, RL-03).
clean_logs();
$snow->fault(method => 'PATCH', status => 503, times => 2);
$jira->update($bo, $issue->{id}, summary => 'third time');
$t->wait_until('the third try', sub { $snow->record($inc->{id})->{short_description} eq 'third time' });
$t->quiesce;
my %keys = map { $_->{headers}{'idempotency-key'} => 1 } grep { $_->{method} eq 'PATCH' } $snow->requests;
is(scalar(grep { $_->{method} eq 'PATCH' } $snow->requests), 3, 'three tries');
is(scalar keys %keys, 1, 'one idempotency key');

# ID-02, VC-04: what the target holds already is not written; the same value from both sides is agreement.
clean_logs();
$t->sql("SELECT syncore.pause('snow'), syncore.pause('jira')");
$snow->update('a.lee', $inc->{id}, short_description => 'same on both');
$jira->update($bo, $issue->{id}, summary => 'same on both');
$t->wait_until('both were decided', sub { !grep { $_->state->{webhooks_pending} } $snow, $jira });
$t->sql("SELECT syncore.resume('snow'), syncore.resume('jira')");
$t->quiesce;
is_deeply([$snow->lines, $jira->lines], [], 'the same value on both sides is written nowhere');
is($t->value(q{SELECT count(*) FROM syncore.conflict WHERE field = 'title'}), 0, 'and is no conflict');

# CC-01, SC-08: a wrong signature is refused, and the right one is not.
my $count = $t->value('SELECT count(*) FROM syncore.event');
$snow->webhook(secret => 'wrong');
$snow->update('a.lee', $inc->{id}, short_description => 'forged');
$t->wait_until('it was refused', sub { ($snow->webhooks)[-1]{state} eq 'refused' });
is(($snow->webhooks)[-1]{answers}[0], 401, 'with 401');
is($t->value('SELECT count(*) FROM syncore.event'), $count, 'nothing was stored');
$snow->webhook(secret => 'hook-snow');
$snow->update('a.lee', $inc->{id}, short_description => 'genuine');
$t->quiesce;
is($jira->record($issue->{id})->{fields}{summary}, 'genuine', 'control: the right signature is taken');

$t->verify;
$t->finish;
done_testing();
