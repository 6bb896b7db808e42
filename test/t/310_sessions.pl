# The same events by one session and by four: the same decisions, to the letter, where each record is told of by one of them; and
# the same winners, where one system is heard after the other, or each has a session of its own and only chance says who comes first.
# The latter holds of edits whose order the rules keep (later, more severe). Where a person overrules a later automation, who came first
# decides what the person had seen: a system that shows what stands counts as having seen what that had beaten (R10).
# VC-14, VC-08, VC-12, R8
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('sessions');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\nmax_connections = 20\nlog_min_messages = error\n");
$node->start;
my $dir = PostgreSQL::Test::Utils::tempdir();
my ($records, $rounds) = (16, 3);
my @systems = qw(ann bob cyd);
my $scripts = 0;

# Three systems, whose records belong together by their titles; nothing is sent, so what each of them has seen is its own.
sub database
{
	my ($name) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $name");
	$node->safe_psql($name, q{
		SET client_min_messages = error;
		CREATE EXTENSION syncore CASCADE;
		INSERT INTO syncore.connector (name, title, version, position_grade) VALUES ('toy', 'Toy', '1', 'counter');
		INSERT INTO syncore.connector_event (connector, position, name, record_type, kind, paths)
		VALUES ('toy', 1, 'change', 'ticket', 'update', '{"record": "/f", "external_id": "/id", "event_id": "/eid", "version": "/v", "actor": "/by", "source_time": "/at"}');
		INSERT INTO syncore.system (name, connector, base_url, mode, rank, connection)
		SELECT n, 'toy', 'https://' || n || '.example', 'active', r, n FROM (VALUES ('ann', 10), ('bob', 20), ('cyd', 30)) AS t(n, r);
		INSERT INTO syncore.actor (system, pattern, kind) SELECT name, 'bot%', 'automation' FROM syncore.system;
		INSERT INTO syncore.record_map (system, record_type, entity_type) SELECT name, 'ticket', 'incident' FROM syncore.system;
		INSERT INTO syncore.field_map (system, record_type, field, path, contract) SELECT name, 'ticket', f, '/' || f, false FROM syncore.system, unnest(ARRAY['title', 'severity', 'status', 'description']) f;
		INSERT INTO syncore.match_rule (entity_type, kind, fields) VALUES ('incident', 'exact', ARRAY['title']);});
	return;
}

# A statement for each event; the same numbers, the same words, whoever sends them.
sub event
{
	my ($system, $record, $version, $fields, $who) = @_;
	my $at = sprintf '2026-03-02T%02d:%02d:%02dZ', 10 + $version, ($record * 7 + ord $system) % 60, ($record * 13 + $version * 5 + 3 * ord substr $system, 1) % 60;
	return qq(INSERT INTO syncore.event (system, payload) VALUES ('$system', '{"id": "$system$record", "v": $version, "by": "$who", "at": "$at", "eid": "$system$record.$version", "f": $fields}');\n);
}

# No system says what another says: who agrees has seen what stands, and that does depend on who comes first.
my @everyone = qw(lee kim bot-1);
my @people = qw(lee kim);
my %words = (ann => { severity => [qw(critical high)], status => [qw(in_progress pending)] }, bob => { severity => [qw(medium low)] }, cyd => { status => ['on_hold'] });

sub edit
{
	my ($system, $record, $round, @who) = @_;
	my $n = $record * 31 + $round * 17 + ord $system;
	my $fields = join '', map { my $list = $words{$system}{$_}; sprintf ', "%s": "%s"', $_, $list->[ $n % @$list ] } sort keys %{ $words{$system} };
	return event($system, $record, $round + 1, qq({"description": "$system in round $round"$fields}), $who[ ($n >> 2) % @who ]);
}

# Plays scripts at the same time, a session each.
sub play
{
	my ($database, @scripts) = @_;
	my @running;
	for my $n (0 .. $#scripts)
	{
		my $file = "$dir/$database." . ++$scripts . '.sql';
		PostgreSQL::Test::Utils::append_to_file($file, $scripts[$n]);
		my $out = '';
		push @running, [IPC::Run::start(['psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($database), '-f', $file], '>', \$out, '2>', \$out), \$out];
	}
	for my $one (@running)
	{
		ok($one->[0]->finish, 'a session ends well') or diag ${ $one->[1] };
	}
	return;
}

# All that was decided of each record, in its order; numbers of entities are those of the database.
sub decisions
{
	my ($database) = @_;
	return $node->safe_psql($database, q{
		SELECT e.data ->> 'title', string_agg(concat_ws(' ', l.kind, y.name, l.field, l.old, l.new, l.rule, l.actor, l.actor_kind, l.source_time, regexp_replace(l.reason, 'entity \d+', 'entity N', 'g')), E'\n' ORDER BY l.entity_seq)
		FROM syncore.ledger l JOIN syncore.entity e ON e.id = l.entity LEFT JOIN syncore.system y ON y.id = l.system_id GROUP BY 1 ORDER BY 1});
}

sub winners { return $node->safe_psql($_[0], q{SELECT data FROM syncore.entity ORDER BY data ->> 'title'}) }
sub count { return $node->safe_psql($_[0], "SELECT count(*) FROM $_[1]") }

sub first_told { my ($record) = @_; return map { event($_, $record, 1, qq({"title": "record $record", "severity": "info", "status": "new", "description": "x"}), 'lee') } @systems }
sub edits { my ($record, @who) = @_; return map { my $round = $_; map { edit($_, $record, $round, @who) } @systems } 1 .. $rounds }

database($_) for qw(one four people in_turn by_system);
my @all = (1 .. $records);
play('one', join '', map { (first_told($_), edits($_, @everyone)) } @all);
play('four', map { my $n = $_; join '', map { (first_told($_), edits($_, @everyone)) } grep { $_ % 4 == $n } @all } 0 .. 3);
is(count('one', 'syncore.entity'), $records, 'an entity for each record');
cmp_ok(count('one', 'syncore.conflict'), '>', $records * $rounds, 'there was something to decide');
is(decisions('four'), decisions('one'), 'VC-14: four sessions decide what one decides, to the letter');
is(winners('four'), winners('one'), 'and end in the same');

play('people', join '', map { (first_told($_), edits($_, @people)) } @all);
sub all_of { my ($system) = @_; return join '', map { my $round = $_; map { edit($system, $_, $round, @people) } @all } 1 .. $rounds }
play($_, join '', map { first_told($_) } @all) for qw(in_turn by_system);
play('in_turn', join '', map { all_of($_) } reverse @systems);
play('by_system', map { all_of($_) } @systems);
is(winners($_), winners('people'), "VC-14: whoever comes first, the same values stand ($_)") for qw(in_turn by_system);
isnt(decisions('in_turn'), decisions('people'), '(control) they did come in another order');
isnt(winners('people'), winners('one'), '(control) and it matters who edits');
is(count($_, 'syncore.event'), $records * @systems * ($rounds + 1), 'VC-12: no event is lost') for qw(four by_system);
is($node->safe_psql($_, 'SELECT ok FROM syncore.verify_ledger()'), 't', "the ledger of $_ is intact") for qw(one four by_system);

$node->stop;
done_testing();
