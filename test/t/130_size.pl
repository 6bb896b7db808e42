# Many at once, many to one, and long: eight sessions that ingest, ten thousand events of one record, values over a kilobyte.
# EV-09, EL-03, FM-16, LG-01, CR-05
use strict;
use warnings;
use JSON::PP ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils ();
use Syncore::Test;
use Test::More;
use Time::HiRes qw(time);

my $t = Syncore::Test->new('size')->configure->activate;
my ($snow, $jira, $node) = ($t->snow, $t->jira, $t->node);
my $bo = 'b.kim@acme.example';
$t->sql(q{CREATE FUNCTION said(id text, key text, version bigint, fields jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('table', 'incident', 'sys_id', id, 'number', key, 'operation', 'update', 'sys_mod_count', version::text,
		'sys_updated_on', '2026-03-01 10:00:00', 'sys_updated_by', 'a.lee', 'fields', fields, 'journal', '[]'::jsonb) $$});

# EV-09: eight sessions at once, two systems. Before each event its session notes the highest number that is there: committed, so its own is higher.
subtest 'eight ingesting sessions' => sub {
	my ($clients, $each) = (8, 150);
	$t->sql("SELECT syncore.pause('jira')");
	$t->sql("SELECT * FROM syncore.add_system('desk', 'servicenow', 'https://desk.example'); UPDATE syncore.system SET mode = 'shadow' WHERE name = 'desk'");
	$t->sql('CREATE TABLE drawn (client int, n bigint, system text, highest bigint, event bigint); CREATE SEQUENCE nth');
	my $script = $node->basedir . '/ingest.pgbench';
	PostgreSQL::Test::Utils::append_to_file($script, <<'EOS');
\set desk random(0, 1)
\set record random(1, 30)
SELECT nextval('nth') AS n \gset
SELECT coalesce(max(e.id), 0) AS highest FROM syncore.event e WHERE e.system = (ARRAY['snow', 'desk'])[:desk + 1] \gset
SELECT event_id FROM syncore.ingest((ARRAY['snow', 'desk'])[:desk + 1], said(lpad((9000 + :record)::text, 32, '0'), 'INC' || (9000000 + :record), :n, jsonb_build_object('short_description', 'event ' || :n, 'impact', '2', 'urgency', '2', 'state', '1'))::text) \gset
INSERT INTO drawn VALUES (:client_id, :n, (ARRAY['snow', 'desk'])[:desk + 1], :highest, :event_id);
EOS
	PostgreSQL::Test::Utils::system_or_bail('pgbench', '-n', '-c', $clients, '-j', 2, '-t', $each, '-f', $script, '-h', $node->host, '-p', $node->port, '-U', 'postgres', 'ops');
	my $row = $t->row(q{SELECT count(*) AS n, count(DISTINCT event) AS distinct_numbers, count(DISTINCT client) AS clients, bool_and(event > highest) AS above FROM drawn});
	is_deeply($row, { n => $clients * $each, distinct_numbers => $clients * $each, clients => $clients, above => 1 }, 'every event has a number of its own, above all that were there before it began');
	is($t->value(q{SELECT count(*) FROM drawn d JOIN syncore.event e ON e.id = d.event AND e.system = d.system AND e.received_at IS NOT NULL AND e.source_time IS NOT NULL}),
		$clients * $each, 'and stands under it in its system, with receive time beside source time');
	is($t->value(q{SELECT count(*) FROM (SELECT event > lag(event) OVER (PARTITION BY client ORDER BY n) AS rises FROM drawn) x WHERE NOT rises}), 0, 'numbers rise in each session');
	cmp_ok($t->value(q{SELECT count(*) FROM (SELECT client <> lag(client) OVER (ORDER BY event) AS other FROM drawn) x WHERE other}), '>', $clients * $each / 4,
		'control: the sessions took turns');
	is($t->value(q{SELECT count(*) FROM (SELECT entity_seq - lag(entity_seq) OVER (PARTITION BY entity ORDER BY entity_seq) AS step FROM syncore.ledger WHERE entity IS NOT NULL) x WHERE step <> 1}),
		0, 'and no chain of the ledger has a gap');
	$t->sql("DELETE FROM syncore.delivery; UPDATE syncore.system SET mode = 'draft' WHERE name = 'desk'");
	$t->sql("UPDATE syncore.link SET state = 'tombstone', external_id = 'none' || id WHERE state = 'creating'");    # these were not meant for Jira
	$t->sql("SELECT syncore.resume('jira')");
};

# W9: ten thousand edits of one record: a cost that does not grow with how many there were, and one write at the end.
subtest 'ten thousand events of one record' => sub {
	my ($inc, $issue) = $t->pair(short_description => 'busy');
	$t->sql("SELECT syncore.pause('jira')");
	$_->clear_log for $snow, $jira;
	my $insert = q{INSERT INTO syncore.event (system, payload) SELECT 'snow', said(?, ?, 1000 + i, jsonb_build_object('short_description', 'edit ' || i)) FROM generate_series(?::int, ?::int) i};
	my @took;
	for my $n (0 .. 9)
	{
		my $from = time;
		$t->dbh->do($insert, undef, @$inc{qw(id key)}, 1000 * $n + 1, 1000 * ($n + 1));
		push @took, time - $from;
	}
	my @early = sort { $a <=> $b } @took[0 .. 3];
	my @late = sort { $a <=> $b } @took[6 .. 9];
	note 'seconds for each thousand: ' . join ' ', map { sprintf '%.2f', $_ } @took;
	cmp_ok($late[1], '<', 3 * $early[1] + 0.2, sprintf 'the last thousands take %.2f s each, the first took %.2f s', $late[1], $early[1]);
	my $entity = $t->entity_of($inc->{key});
	is($t->value(q{SELECT count(*) FROM syncore.ledger WHERE entity = ? AND field = 'title' AND kind = 'change'}, $entity), 10001, 'each of them is in the ledger');
	my $size = $t->row('SELECT length(e.stamps::text) AS stamps, (SELECT max(length(l.shadow::text)) FROM syncore.link l WHERE l.entity = e.id) AS shadow FROM syncore.entity e WHERE id = ?', $entity);
	cmp_ok($size->{$_}, '<', 8000, "what is kept of the record did not grow: $_") for qw(stamps shadow);
	is($t->value('SELECT count(*) FROM syncore.delivery d JOIN syncore.link l ON l.id = d.link WHERE l.entity = ?', $entity), 1, 'one delivery');
	# the same in one statement
	my $from = time;
	$t->dbh->do($insert, undef, @$inc{qw(id key)}, 10001, 20000);
	my $took = time - $from;
	my $all = 0;
	$all += $_ for @took;
	cmp_ok($took, '<', 3 * $all + 1, sprintf 'ten thousand in one statement take %.1f s, in ten %.1f s', $took, $all);
	$t->sql("SELECT syncore.resume('jira')");
	$t->quiesce;
	is($jira->record($issue->{id})->{fields}{summary}, 'edit 20000', 'the last one is at Jira');
	is_deeply([$snow->lines, $jira->lines], ["PUT /rest/api/3/issue/$issue->{key} {summary} 204"], 'by one write');
};

# The text of a document of Jira's.
sub text_of
{
	my ($node) = @_;
	return join '', ref $node ne 'HASH' ? () : ($node->{text} // (), map { text_of($_) } @{ $node->{content} // [] });
}

# Values over a kilobyte: through map, ledger, call and back, whole, and no further than they must.
subtest 'long values' => sub {
	my $long = join ' ', map { "word$_" } 1 .. 480;    # ServiceNow keeps 4,000 characters
	cmp_ok(length $long, '>', 3_000, 'control: it is long');
	my ($inc, $issue) = $t->pair(short_description => 'long', description => $long);
	is(text_of($jira->record($issue->{id})->{fields}{description}), $long, 'it came to Jira whole');
	my $entity = $t->entity_of($inc->{key});
	is($t->value(q{SELECT long ->> 'description' FROM syncore.entity WHERE id = ?}, $entity), $long, 'it is kept beside the short values');
	is($t->value(q{SELECT jsonb_exists(data, 'description') FROM syncore.entity WHERE id = ?}, $entity), 0, 'and not among them');
	is($t->value(q{SELECT count(*) FROM syncore.link WHERE entity = ? AND long IS NOT NULL AND length(shadow::text) < 8000}, $entity), 2, 'the links keep it aside, too');
	is($t->value(q{SELECT new #>> '{}' FROM syncore.ledger WHERE entity = ? AND field = 'description' AND kind = 'change' ORDER BY id LIMIT 1}, $entity), $long, 'the ledger has it');
	# A short change does not carry it.
	$_->clear_log for $snow, $jira;
	$snow->update('a.lee', $inc->{id}, short_description => 'long, renamed');
	$t->quiesce;
	is_deeply([$snow->lines, $jira->lines], ["PUT /rest/api/3/issue/$issue->{key} {summary} 204"], 'a short change is sent alone');
	# Changed at its far end there, it comes back; its echo is one.
	my $other = "$long and a last word";
	$_->clear_log for $snow, $jira;
	$jira->update($bo, $issue->{id}, description => { type => 'doc', version => 1, content => [{ type => 'paragraph', content => [{ type => 'text', text => $other }] }] });
	$t->quiesce;
	is($snow->record($inc->{id})->{description}, $other, 'it came to ServiceNow whole');
	is_deeply([$snow->lines, $jira->lines], ["PATCH /api/now/table/incident/$inc->{key} {description} 200"], 'by one write, and none back');
	is($t->value(q{SELECT long ->> 'description' FROM syncore.entity WHERE id = ?}, $entity), $other, 'and stands here');
	# Short again, it is among the short ones.
	$snow->update('a.lee', $inc->{id}, description => 'short now');
	$t->quiesce;
	is(text_of($jira->record($issue->{id})->{fields}{description}), 'short now', 'a short value takes its place');
	my $row = $t->row(q{SELECT data ->> 'description' AS short, coalesce(jsonb_exists(long, 'description'), false) AS long FROM syncore.entity WHERE id = ?}, $entity);
	is_deeply([@$row{qw(short long)}], ['short now', 0], 'and is kept as one');
};

$t->verify;
$t->finish;
done_testing();
