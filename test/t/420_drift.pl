# What an administrator of the other product changes without asking: fields that come, go, or become required, words that nobody
# mapped. Over real HTTP: the rest goes on, and somebody is told.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use Syncore::Test;
use Test::More;

my $t = Syncore::Test->new('drift')->configure->activate;
my ($snow, $jira) = ($t->snow, $t->jira);
my $bo = 'b.kim@acme.example';
my ($inc, $issue) = $t->pair(short_description => 'drifting');

sub alerts { my ($kind) = @_; return map { $_->{detail} } $t->rows('SELECT detail FROM syncore.alert WHERE kind = ? AND closed_at IS NULL ORDER BY cause', $kind) }
sub drift { return join ' ', map { "$_->{path} $_->{change}" } $t->rows(q{SELECT path, change FROM syncore.schema_drift WHERE system = 'jira' ORDER BY path}) }
sub waits { return $t->value('SELECT count(*) FROM syncore.quarantine') }
sub edits { my (%fields) = @_; $jira->update($bo, $issue->{id}, %fields); $t->quiesce; return $snow->record($inc->{id}) }

# SE-01, SE-02: a field that is added there is no error, is ignored, and is listed.
subtest 'a field comes' => sub {
	edits(summary => 'as it was');
	$t->sql(q{SELECT syncore.accept_schema('jira')});
	is(drift(), '', 'what is known is no news');
	$jira->set(schema => { customfield_10999 => { id => '7', value => 'Sprint 7' } });
	is(edits(summary => 'with a sprint')->{short_description}, 'with a sprint', 'the record is taken');
	like(drift(), qr{/fields/customfield_10999 new}, 'the field is listed');
	is(waits() + alerts('schema'), 0, 'and no error');
};

# SE-03, SE-04: a mapped field that is gone raises an alert within one event; it empties nothing, and the other fields flow.
subtest 'a field goes' => sub {
	$jira->set(schema => { priority => undef });
	my $row = edits(summary => 'without a priority', status => 'In Progress');
	is_deeply([@$row{qw(short_description state)}], ['without a priority', '2'], 'the other fields flow');
	is($row->{priority}, $inc->{priority}, 'the severity stays');
	is(scalar(grep { m{no longer has /fields/priority/name, from which severity is read} } alerts('schema')), 1, 'one alert says so');
	like(drift(), qr{/fields/priority/name vanished}, 'and the list');
	edits(summary => 'still without');
	is(scalar(alerts('schema')), 1, 'not one for each event');
	is(scalar(grep { $_->{code} eq 'field_vanished' } $t->rows(q{SELECT code FROM syncore.lint('jira')})), 1, 'FM-17: lint finds the map that reads it');
	$jira->set(schema => {});
	$row = edits(summary => 'with it again', priority => 'Highest');
	is($row->{priority}, '1', 'it is read again');
	is(scalar(alerts('schema')), 0, 'the alert is over');
};

# SE-03: a field that has become required refuses what lacks it: told, with its name; what exists is kept in step; a row of the map cures it.
subtest 'a field becomes required' => sub {
	$jira->set(required => ['customfield_10051']);
	my $new = $snow->create('a.lee', short_description => 'refused there', impact => '2', urgency => '2');
	$t->wait_until('a dead letter', sub { $t->value(q{SELECT count(*) FROM syncore.dead_letter WHERE system = 'jira'}) == 1 });
	like($t->value(q{SELECT message FROM syncore.dead_letter}), qr{customfield_10051 is required}, 'which names the field');
	ok(scalar($t->rows(q{SELECT 1 FROM syncore.alert WHERE closed_at IS NULL AND object = 'jira' AND level <> 'info'})), 'an alert');
	is(edits(summary => 'others flow')->{short_description}, 'others flow', 'what exists is kept in step');
	$t->sql(q{UPDATE syncore.record_map SET create_with = '{"fields": {"customfield_10051": "desk"}}' WHERE system = 'jira'});
	$t->sql(q{SELECT syncore.retry('jira')});
	$t->wait_until('the issue', sub { grep { $_->{fields}{summary} eq 'refused there' } $jira->records });
	$jira->set(required => []);
	$t->sql(q{UPDATE syncore.record_map SET create_with = '{}' WHERE system = 'jira'});
	$t->quiesce;
};

# CS-08: an admin there adds a priority of his own.
subtest 'a word comes' => sub {
	my ($other_inc, $other) = $t->pair(short_description => 'a neighbour');
	$jira->update($bo, $issue->{id}, priority => 'P0', summary => 'with P0');
	$jira->update($bo, $other->{id}, summary => 'a neighbour flows');
	$t->wait_until('it is held', sub { waits() == 1 });
	$t->quiesce;
	is($snow->record($other_inc->{id})->{short_description}, 'a neighbour flows', 'its neighbour flows');
	is_deeply([map { s/;.*//r } alerts('unmapped')], ['/fields/priority/name of system "jira": value "P0" of field "severity" has no row in value map "jira.severity"'], 'an alert names the word');
	is($snow->record($inc->{id})->{priority}, '1', 'nothing is corrupted');
	# the map takes a default instead: the record flows, and says so
	$t->sql(q{UPDATE syncore.field_map SET on_unmapped = 'fallback', fallback = 'high' WHERE system = 'jira' AND field = 'severity'});
	is($t->value(q{SELECT syncore.release(id, 'a default') ~ 'applied' FROM syncore.quarantine}), 1, 'what waited is taken');
	$t->quiesce;
	my $row = $snow->record($inc->{id});
	is_deeply([@$row{qw(short_description priority)}], ['with P0', '2'], 'with the default, and the other fields');
	is($jira->record($issue->{id})->{fields}{priority}, 'P0', 'what stands there stays');
	ok(scalar($t->ledger($t->entity_of($inc->{key}), 'nearest')), 'the ledger tells what became of it');
};

# FM-14: a field that names another record, by the keys that people read: a parent that is not there yet waits, then fills by itself.
subtest 'a parent comes late' => sub {
	$t->sql(q{INSERT INTO syncore.field (entity_type, name, kind) VALUES ('incident', 'parent', 'reference'); SELECT syncore.set_owner('incident', 'parent', NULL);
		INSERT INTO syncore.field_map (system, record_type, field, path, format, contract) VALUES
			('snow', 'incident', 'parent', '/u_business_service', '{"reference": "key", "null": ""}', false), ('jira', 'issue', 'parent', '/fields/customfield_10051', '{"reference": "key"}', false)});
	my ($parent, $parent_issue) = $t->pair(short_description => 'the parent', u_business_service => '');
	my ($child, $child_issue) = $t->pair(short_description => 'a child', u_business_service => $parent->{key});
	is($child_issue->{fields}{customfield_10051}, $parent_issue->{key}, 'the key there is the key here');
	my $next = 'INC' . sprintf('%07d', 2 + substr $child->{key}, 3);
	my ($orphan, $orphan_issue) = $t->pair(short_description => 'an orphan', u_business_service => $next);
	is($orphan_issue->{fields}{customfield_10051}, undef, 'made without');
	my ($late, $late_issue) = $t->pair(short_description => 'the late parent', u_business_service => '');
	is($late->{key}, $next, 'control: the one that was named');
	$t->wait_until('it is filled', sub { ($jira->record($orphan_issue->{id})->{fields}{customfield_10051} // '') eq $late_issue->{key} });
	$t->quiesce;
	is(scalar(grep { /customfield_10051|cannot be told/ } alerts('unmapped')), 0, 'nobody is told any more');
};

$t->verify;
$t->finish;
done_testing;
