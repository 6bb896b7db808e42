# Records that are there already, and records that two people make at once: each thing has one record in each system, whichever
# way it is told of.  What was made there is counted in the logs of the simulated products.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use Syncore::Test;
use Test::More;

my $bo = 'b.kim@acme.example';
my $t = Syncore::Test->new('match', products => [{ name => 'snow', product => 'servicenow' }, { name => 'jira', product => 'jira' }, { name => 'desk', product => 'servicenow' }]);
my ($snow, $jira, $desk) = ($t->snow, $t->jira, $t->sim('desk'));
$t->configure;
$t->sql(q{INSERT INTO syncore.match_rule (entity_type, kind, fields, normalise) VALUES ('incident', 'exact', '{title}', '{lower,spaces}');
	DELETE FROM syncore.route WHERE system = 'desk'});

sub posts { my ($sim) = @_; return scalar grep { $_->{method} eq 'POST' && $_->{path} =~ m{/(?:issue|incident)$} } $sim->requests }
sub clean_logs { $_->clear_log for $snow, $jira, $desk; return }
sub titled { my ($sim, $title) = @_; my @found = grep { lc($_->{short_description} // $_->{fields}{summary}) eq lc $title } $sim->records; return @found }
sub links { my ($title) = @_; return $t->row(q{SELECT count(DISTINCT l.entity) AS entities, count(*) AS links FROM syncore.link l JOIN syncore.entity e ON e.id = l.entity
	WHERE lower(e.data ->> 'title') LIKE lower(?) AND l.state = 'active'}, $title) }

# DD-01: what is on both sides before the first day is tied together, and nothing is made.
subtest 'first load' => sub {
	my $pairs = 500;
	$_->hold_webhooks for $snow, $jira;
	is($snow->create_many('a.lee', map { { short_description => "Ticket $_ of old", impact => '2', urgency => '2' } } 1 .. $pairs), $pairs, 'records in one');
	is($jira->create_many($bo, map { { summary => "Ticket $_ of old" } } 1 .. $pairs), $pairs, 'and in the other');
	my $alone = $snow->create('a.lee', short_description => 'Has no counterpart');
	$t->sql(q{BEGIN; SELECT syncore.activate('snow', 'shadow'), syncore.activate('jira', 'shadow'); COMMIT});
	$t->wait_until('the listener answers', sub { $t->listener_answers });
	$_->release for $snow, $jira;
	$_->webhook(hold => 0) for $snow, $jira;
	$t->wait_until('all are told of', sub { !grep { $_->state->{webhooks_pending} } $snow, $jira });
	$t->wait_until('and decided', sub { $t->value('SELECT count(*) FROM syncore.link WHERE external_id IS NOT NULL') == 2 * $pairs + 1 });
	is_deeply(links('ticket%of old'), { entities => $pairs, links => 2 * $pairs }, "$pairs pairs are $pairs entities with two records each");
	is($t->value('SELECT count(*) FROM syncore.match_candidate'), 0, 'nobody is asked');
	$t->activate('snow', 'jira');
	$t->quiesce;
	is_deeply([posts($snow), posts($jira)], [0, 0], 'nothing was made');
	is(scalar(grep { $_->{json}{fields}{summary} || $_->{json}{short_description} } $snow->writes, $jira->writes), 0, 'nor any title written');
	is(scalar(titled($jira, 'Has no counterpart')), 0, 'nor for what has no counterpart: it is older than the first day');

	my $new = $snow->create('a.lee', short_description => 'Made on the first day');
	$t->quiesce;
	is_deeply([posts($snow), posts($jira)], [0, 1], 'control: what is made afterwards is made there, too, once');
	$snow->update('a.lee', (titled($snow, 'Ticket 7 of old'))[0]{id}, short_description => 'Ticket 7 of yore');
	$t->quiesce;
	is(scalar(titled($jira, 'Ticket 7 of yore')), 1, 'control: what was tied together is kept in step');
};

# CR-01, DD-05: both make the same at once.  The route leaves a moment for that (settle, R22).
subtest 'create_create' => sub {
	$t->sql(q{UPDATE syncore.route SET settle = '6 s' WHERE system IN ('snow', 'jira')});
	clean_logs();
	$_->hold_webhooks for $snow, $jira;
	for my $n (1 .. 3)
	{
		$snow->create('a.lee', short_description => "At once $n");
		$jira->create($bo, summary => "at once $n");
	}
	$_->webhook(hold => 0) for $snow, $jira;
	$_->release for $snow, $jira;
	$t->wait_until('all are heard', sub { links('at once%')->{links} == 6 });
	$t->quiesce;
	is_deeply(links('at once%'), { entities => 3, links => 6 }, 'one entity, two records each');
	is_deeply([posts($snow), posts($jira)], [0, 0], 'none was made');
	$snow->create('a.lee', short_description => 'Only here');
	$t->wait_until('what is made on one side only', sub { titled($jira, 'Only here') });
	$t->quiesce;
	is_deeply([posts($snow), posts($jira)], [0, 1], 'control: is made on the other, after that moment');
	$t->sql(q{UPDATE syncore.route SET settle = '0'});

	# R22: without it, the other is made while ours is on its way: there are two, and a person is told, not tied blindly.
	$jira->fault(method => 'POST', path => '/issue$', hold => 'after');
	$snow->create('a.lee', short_description => 'Crossing');
	$t->wait_until('ours is made, and its answer held', sub { $jira->held });
	my $theirs = $jira->create($bo, summary => 'crossing');
	$jira->continue;
	$t->quiesce;
	is(links('crossing')->{links}, 4, 'two in each system')
		or diag explain [$t->rows('SELECT * FROM syncore.review')];
	is($t->value(q{SELECT count(*) FROM syncore.review WHERE kind = 'match'}), 1, 'and a person is asked');
};

# RT-10: A to B, B to C and A to C: whichever way it comes, each system has one record, and each edit is one write.
subtest 'several paths' => sub {
	$t->sql(q{DELETE FROM syncore.route;
		INSERT INTO syncore.route (system, entity_type, position, record_type, from_systems) VALUES
		('jira', 'incident', 1, 'issue', '{snow}'), ('desk', 'incident', 1, 'incident', '{jira}'), ('desk', 'incident', 2, 'incident', '{snow}'),
		('snow', 'incident', 1, 'incident', '{desk}'), ('snow', 'incident', 2, 'incident', '{jira}'), ('jira', 'incident', 2, 'issue', '{desk}')});
	$t->activate('desk');
	clean_logs();
	my %make = (snow => sub { $snow->create('a.lee', short_description => $_[0]) }, jira => sub { $jira->create($bo, summary => $_[0]) }, desk => sub { $desk->create('a.lee', short_description => $_[0]) });
	for my $from (sort keys %make)
	{
		my $title = "Paths from $from";
		$make{$from}->($title);
		$t->quiesce;
		is_deeply([map { scalar titled($_, $title) } $snow, $jira, $desk], [1, 1, 1], "made in $from: one record in each system");
	}
	is_deeply([map { posts($_) } $snow, $jira, $desk], [2, 2, 2], 'each was made once where it was not');
	clean_logs();
	$desk->update('a.lee', (titled($desk, 'Paths from snow'))[0]{id}, short_description => 'Paths, renamed');
	$t->quiesce;
	is_deeply([map { scalar titled($_, 'Paths, renamed') } $snow, $jira, $desk], [1, 1, 1], 'an edit reaches them all');
	is_deeply([map { scalar $_->writes } $snow, $jira, $desk], [1, 1, 0], 'by one write each');
};

$t->verify;
$t->finish;
done_testing();
