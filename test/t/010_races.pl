# The races between our own writes and what we hear of them, over real HTTP.
# Each one holds an answer or a webhook at the moment that matters, and each
# has a control: a person's edit on the same path is heard.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use Syncore::Test;
use Test::More;

my $t = Syncore::Test->new('races')->configure->activate;
my ($snow, $jira) = ($t->snow, $t->jira);
my $bo = 'b.kim@acme.example';

sub clean_logs { $_->clear_log for $snow, $jira; return }
sub title { my ($inc, $issue) = @_; return ($snow->record($inc->{id})->{short_description}, $jira->record($issue->{id})->{fields}{summary}) }
sub heard { my ($system, $n) = @_; return (grep { $_->{n} == $n } $t->sim($system)->webhooks)[0]{state} eq 'delivered' }
sub last_hook { return ($_[0]->webhooks)[-1]{n} }

# EL-01, R3: the echo is there before the answer to the write is.
subtest 'echo_before_response' => sub {
	my ($inc, $issue) = $t->pair(short_description => 'echo before response');
	clean_logs();
	$snow->fault(method => 'PATCH', hold => 'after');
	$jira->update($bo, $issue->{id}, summary => 'echo first');
	$t->wait_until('the write is done and its answer held', sub { $snow->held });
	my $echo = last_hook($snow);
	$t->wait_until('its echo was taken in', sub { heard(snow => $echo) });
	is($snow->continue, 1, 'now the answer');
	$t->quiesce;
	is_deeply([title($inc, $issue)], ['echo first', 'echo first'], 'both hold the value');
	is_deeply([$snow->lines], ["PATCH /api/now/table/incident/$inc->{key} {short_description} 200"], 'one write to ServiceNow');
	is_deeply([$jira->lines], [], 'none to Jira');
	cmp_ok($t->ledger($t->entity_of($inc->{key}), 'echo'), '>', 0, 'the ledger says echo');

	clean_logs();
	$snow->fault(method => 'PATCH', hold => 'after');
	$jira->update($bo, $issue->{id}, summary => 'control');
	$t->wait_until('the write is done and its answer held', sub { $snow->held });
	$snow->update('a.lee', $inc->{id}, short_description => 'Ann, after it');
	my $hers = last_hook($snow);
	$t->wait_until('her edit was taken in', sub { heard(snow => $hers) });
	$snow->continue;
	$t->quiesce;
	is_deeply([title($inc, $issue)], ['Ann, after it', 'Ann, after it'], 'control: an edit at the same moment is heard');    # edit_after_write
};

# R4d: the echo of write 1 comes after write 2 was sent.
subtest 'echo_after_later_write' => sub {
	my ($inc, $issue) = $t->pair(short_description => 'echo after later write');
	clean_logs();
	$snow->hold_webhooks;
	$jira->update($bo, $issue->{id}, summary => 'one');
	$t->wait_until('write 1', sub { $snow->effects == 1 });
	my $first = last_hook($snow);
	$t->wait_until('write 1 is recorded', sub { !$t->value(q{SELECT count(*) FROM syncore.link WHERE call IS NOT NULL}) });
	$snow->fault(method => 'PATCH', hold => 'after');
	$jira->update($bo, $issue->{id}, summary => 'two');
	$t->wait_until('write 2 is done and its answer held', sub { $snow->held });
	$snow->release(order => [$first]);
	$t->wait_until('echo 1 was taken in', sub { heard(snow => $first) });
	$snow->continue;
	$snow->release;
	$t->quiesce;
	is_deeply([title($inc, $issue)], ['two', 'two'], 'the later value stands on both sides');
	is(scalar $snow->writes, 2, 'two writes to ServiceNow');
	is(scalar $jira->writes, 0, 'none to Jira');
	clean_logs();
	$snow->update('a.lee', $inc->{id}, short_description => 'one');
	$t->quiesce;
	is_deeply([title($inc, $issue)], ['one', 'one'], 'control: the value of write 1, set by a person, is heard');
};

# EL-04, R4h: after the echo was consumed, a person sets the value that we once wrote.
subtest 'same_value_by_hand' => sub {
	my ($inc, $issue) = $t->pair(short_description => 'same value by hand');
	$jira->update($bo, $issue->{id}, summary => 'written by us');
	$t->quiesce;
	is($snow->record($inc->{id})->{short_description}, 'written by us', 'our write landed and its echo was consumed');
	$snow->update('a.lee', $inc->{id}, short_description => 'by hand');
	$t->quiesce;
	is($jira->record($issue->{id})->{fields}{summary}, 'by hand', 'a person changed it');
	clean_logs();
	$snow->update('a.lee', $inc->{id}, short_description => 'written by us');
	$t->quiesce;
	is_deeply([title($inc, $issue)], ['written by us', 'written by us'], 'and set our old value again: heard');
	is_deeply([$jira->lines], ["PUT /rest/api/3/issue/$issue->{key} {summary} 204"], 'by one write to Jira');
	is_deeply([$snow->lines], [], 'and none to ServiceNow');
};

# CR-02: the webhook of our own create comes before its answer.
subtest 'create_webhook_first' => sub {
	my $entities = $t->value('SELECT count(*) FROM syncore.entity');
	clean_logs();
	my $before = $jira->records;
	$jira->fault(method => 'POST', path => '/issue$', hold => 'after');
	my $inc = $snow->create('a.lee', short_description => 'webhook first');
	$t->wait_until('the create is done and its answer held', sub { $jira->held });
	my $hook = last_hook($jira);
	$t->wait_until('its webhook was taken in', sub { heard(jira => $hook) });
	my $other = $jira->create($bo, summary => 'made by hand meanwhile');
	$jira->continue;
	$t->quiesce;
	is(scalar(grep { $_->{fields}{summary} eq 'webhook first' } $jira->records), 1, 'one issue');
	is(scalar(grep { $_->{short_description} eq 'webhook first' } $snow->records), 1, 'one incident');
	is($t->value(q{SELECT count(*) FROM syncore.link l JOIN syncore.link o USING (entity) WHERE o.external_key = ?}, $inc->{key}), 2, 'two links, one entity');
	is(scalar(grep { $_->{short_description} eq 'made by hand meanwhile' } $snow->records), 1, 'control: an issue made by hand is taken for new');
	is($t->value('SELECT count(*) FROM syncore.entity'), $entities + 2, 'two new entities in all');
	is($jira->records, $before + 2, 'two new issues in all');

	# the other way round: ServiceNow's webhook shows the marker
	$snow->fault(method => 'POST', hold => 'after');
	my $issue = $jira->create($bo, summary => 'webhook first, from Jira');
	$t->wait_until('the create is done and its answer held', sub { $snow->held });
	$hook = last_hook($snow);
	$t->wait_until('its webhook was taken in', sub { heard(snow => $hook) });
	$snow->continue;
	$t->quiesce;
	is(scalar(grep { $_->{short_description} eq 'webhook first, from Jira' } $snow->records), 1, 'one incident');
	is($t->value(q{SELECT count(*) FROM syncore.link l JOIN syncore.link o USING (entity) WHERE o.external_key = ?}, $issue->{key}), 2, 'two links, one entity');
};

# CR-03, R21: the answer to a create is lost and the server is killed.
subtest 'create_lost_response' => sub {
	clean_logs();
	$jira->fault(method => 'POST', path => '/issue$', hold => 'after');
	my $inc = $snow->create('a.lee', short_description => 'lost answer');
	$t->wait_until('the create is done and its answer held', sub { $jira->held });
	$t->kill_server;
	$jira->continue;
	$t->start_again;
	$t->quiesce;
	is(scalar(grep { $_->{fields}{summary} eq 'lost answer' } $jira->records), 1, 'one issue');
	is(scalar(grep { $_->{method} eq 'POST' && $_->{path} =~ m{/issue$} } $jira->requests), 1, 'it was never created again');
	is($t->value(q{SELECT l.state FROM syncore.link l JOIN syncore.link o USING (entity) JOIN syncore.system s ON s.id = l.system_id
		WHERE o.external_key = ? AND s.name = 'jira'}, $inc->{key}), 'active', 'the link found its record');
	$snow->update('a.lee', $inc->{id}, short_description => 'found again');
	$t->quiesce;
	is(scalar(grep { $_->{fields}{summary} eq 'found again' } $jira->records), 1, 'control: and updates reach it');

	# without a crash: the connection breaks after the work
	$snow->fault(method => 'POST', drop => 'after');
	my $issue = $jira->create($bo, summary => 'cut answer');
	$t->quiesce;
	is(scalar(grep { $_->{short_description} eq 'cut answer' } $snow->records), 1, 'one incident after a cut connection');
	is($t->value(q{SELECT count(*) FROM syncore.link l JOIN syncore.link o USING (entity) WHERE o.external_key = ? AND l.state = 'active'}, $issue->{key}), 2,
		'two links');
};

$t->verify;
$t->finish;
done_testing();
