# The end of a record and what comes after, over real HTTP: closed and reopened, deleted here and there.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use Syncore::Test;
use Test::More;

my $t = Syncore::Test->new('lifecycle')->configure->activate;
my ($snow, $jira) = ($t->snow, $t->jira);
my $bo = 'b.kim@acme.example';

sub clean_logs { $_->clear_log for $snow, $jira; return }
sub incidents { my ($title) = @_; return grep { $_->{short_description} eq $title } $snow->records }
sub issues { my ($title) = @_; return grep { $_->{fields}{summary} eq $title } $jira->records }
sub states { my ($key) = @_; return $t->value(q{SELECT string_agg(y.name || '=' || k.state, ' ' ORDER BY y.name) FROM syncore.link k JOIN syncore.system y ON y.id = k.system_id WHERE k.entity = ?}, $key) }

# RO-01, RO-02: the developer reopens what the desk has closed: a new incident goes on from it, the old one stays closed.
subtest 'reopened' => sub {
	my ($inc, $issue) = $t->pair(short_description => 'closed, then reopened');
	my $entity = $t->entity_of($inc->{key});
	$snow->update('a.lee', $inc->{id}, state => '7');
	$t->quiesce;
	is($jira->record($issue->{id})->{fields}{status}, 'Done', 'the issue is done');
	my $closed_at = $t->value('SELECT closed_at FROM syncore.entity WHERE id = ?', $entity);
	clean_logs();
	$jira->update($bo, $issue->{id}, status => 'In Progress');
	$t->wait_until('another incident', sub { incidents('closed, then reopened') == 2 });
	$t->quiesce;
	my ($old, $new) = sort { $a->{number} cmp $b->{number} } incidents('closed, then reopened');
	is_deeply([$old->{state}, $new->{state}], ['7', '2'], 'the old one is closed, the new one in progress');
	is($t->value('SELECT predecessor FROM syncore.entity WHERE id = ?', $t->entity_of($issue->{key})), $entity, 'which goes on from it');
	is($t->value('SELECT closed_at FROM syncore.entity WHERE id = ?', $entity), $closed_at, 'it was closed when it was closed');
	is(scalar(grep { $_->{method} eq 'POST' } $snow->writes), 1, 'one create');
	is(scalar($jira->writes), 0, 'and nothing to Jira');
	$snow->update('a.lee', $new->{sys_id}, short_description => 'the new one');
	$t->quiesce;
	is($jira->record($issue->{id})->{fields}{summary}, 'the new one', 'the new incident and the issue are one');
	is($snow->record($inc->{id})->{short_description}, 'closed, then reopened', 'the old one is not');
};

# DL-02: deleted in one, deleted in the other, by one call; DL-03: nothing comes after.
subtest 'deleted' => sub {
	my ($inc, $issue) = $t->pair(short_description => 'to be deleted');
	my $entity = $t->entity_of($inc->{key});
	$t->sql(q{UPDATE syncore.entity_type SET on_delete = 'delete' WHERE name = 'incident'});
	clean_logs();
	# DL-04: a failure is no deletion
	$jira->fault(method => 'DELETE', status => 500, times => 1);
	$snow->remove('a.lee', $inc->{id});
	$t->wait_until('the issue is deleted', sub { !issues('to be deleted') });
	$t->quiesce;
	is(states($entity), 'jira=tombstone snow=tombstone', 'both are gone');
	is(scalar(incidents('to be deleted')), 0, 'and stay so');
	is(scalar(grep { $_->{method} eq 'DELETE' && $_->{effect} ne 'none' } $jira->requests), 1, 'one deletion');
	is(scalar($t->ledger($entity, 'delete')), 2, 'two rows tell of it');
	is(scalar($snow->writes), 0, 'ServiceNow is not written to');
	$t->sql(q{UPDATE syncore.entity_type SET on_delete = 'review' WHERE name = 'incident'});
};

# DL-03, DL-04: the record is gone and nobody told: a write finds it missing, twice, and that is all.
subtest 'found missing' => sub {
	my ($inc, $issue) = $t->pair(short_description => 'missing');
	my $entity = $t->entity_of($inc->{key});
	clean_logs();
	$jira->fault(method => 'PUT', status => 404, times => 1);
	$snow->update('a.lee', $inc->{id}, short_description => 'missing once');
	$t->wait_until('a dead letter', sub { $t->value(q{SELECT count(*) FROM syncore.dead_letter WHERE code = '404'}) == 1 });
	is(states($entity), 'jira=active snow=active', 'one 404 is no deletion');
	$t->sql(q{SELECT syncore.retry('jira')});
	$t->wait_until('the write is made', sub { $jira->record($issue->{id})->{fields}{summary} eq 'missing once' });
	$t->quiesce;
	$jira->hold_webhooks;
	$jira->remove($bo, $issue->{id});
	clean_logs();
	$snow->update('a.lee', $inc->{id}, short_description => 'missing twice');
	$t->wait_until('it is known to be gone', sub { states($entity) eq 'jira=tombstone snow=active' });
	$snow->update('a.lee', $inc->{id}, short_description => 'and again');
	$t->quiesce;
	is(scalar($t->ledger($entity, 'delete')), 1, 'one row tells of it');
	is(scalar(grep { $_->{method} eq 'POST' && $_->{effect} ne 'none' } $jira->requests), 0, 'no new issue');
	is($t->value(q{SELECT count(*) FROM syncore.alert WHERE kind = 'delete' AND closed_at IS NULL}), 1, 'one alert');
	cmp_ok(scalar($jira->requests), '<=', 3, 'no storm');
	$jira->webhook(hold => 0);
};

# SA-04, CS-01: Jira's workflow knows no way from To Do to Done but through In Progress: it is walked, where the type says so.
subtest 'walked' => sub {
	$jira->set(workflow => { 11 => ['To Do', 'To Do', 'In Progress'], 21 => ['In Progress', 'In Progress', 'To Do', 'Done'], 41 => ['Done', 'Done', 'In Progress'] });
	$t->sql(q{DELETE FROM syncore.state_transition WHERE entity_type = 'incident' AND from_state = 'new' AND to_state <> 'in_progress'});
	my ($inc, $issue) = $t->pair(short_description => 'a leap');
	clean_logs();
	# control: what is taken as it comes cannot be told to Jira
	$snow->update('a.lee', $inc->{id}, state => '6');
	$t->wait_until('a dead letter', sub { $t->value('SELECT count(*) FROM syncore.dead_letter') == 1 });
	is($jira->record($issue->{id})->{fields}{status}, 'To Do', 'the issue has not moved');
	$t->sql(q{UPDATE syncore.entity_type SET on_illegal = 'walk' WHERE name = 'incident'});
	$t->sql(q{SELECT syncore.retry('jira')});
	$t->wait_until('the issue is done', sub { $jira->record($issue->{id})->{fields}{status} eq 'Done' });
	$t->quiesce;
	is(scalar(grep { $_->{method} eq 'POST' && $_->{path} =~ /transitions/ && $_->{effect} ne 'none' } $jira->requests), 2, 'by two steps');
	is($snow->record($inc->{id})->{state}, '6', 'ServiceNow keeps what its people have set');
	is(scalar($snow->writes), 0, 'and is not written to');
	is($t->canonical($inc->{key}, 'status'), 'resolved', 'it is resolved');
};

$t->verify;
$t->finish;
done_testing();
