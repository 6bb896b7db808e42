# A dispatcher takes its places in a system's shared limits before it claims. One that is ended in the midst of a claim gives
# them back: else the system would seem to be busy for ever. Each case would end in "waited in vain" with a place left taken.
# RL-07, C3
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use Syncore::Test;
use Test::More;

my $t = Syncore::Test->new('reserved', conf => "syncore.max_workers = 1\n")->configure->activate;
my ($snow, $jira) = ($t->snow, $t->jira);
my ($inc, $issue) = $t->pair(short_description => 'reserved');
$t->sql("UPDATE syncore.system SET max_in_flight = 1 WHERE name = 'jira'");

sub taken { return $t->value(q{SELECT l.in_flight FROM syncore._limits() l JOIN syncore.system s ON s.id = l.system_id WHERE s.name = 'jira'}) }

# The dispatcher with its one place taken, waiting for the row of the entity, which a session of ours has locked. Returns its process and that session.
sub in_the_midst_of_a_claim
{
	my ($title) = @_;
	$t->sql("SELECT syncore.pause('jira')");
	$snow->update('a.lee', $inc->{id}, short_description => $title);
	$t->wait_until('the delivery is due', sub { $t->value(q{SELECT count(*) FROM syncore.delivery d JOIN syncore.system s ON s.id = d.system_id WHERE s.name = 'jira'}) });
	my $other = $t->dbh->clone;
	$other->begin_work;
	$other->do('SELECT FROM syncore.entity WHERE id = ? FOR UPDATE', undef, $t->entity_of($inc->{key}));
	$t->sql("SELECT syncore.resume('jira')");
	my $row = $t->wait_until('the dispatcher waits for the row', sub {
		$t->row(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'syncore dispatcher' AND wait_event_type = 'Lock'}) });
	is(taken(), 1, 'control: its place is taken');
	return ($row->{pid}, $other);
}

sub goes_on
{
	my ($title) = @_;
	$t->wait_until('the write is made', sub { $jira->record($issue->{id})->{fields}{summary} eq $title });
	$t->quiesce;
	is(taken(), 0, 'no place is left taken');
	is(scalar(grep { ($_->{json}{fields}{summary} // '') eq $title } $jira->writes), 1, 'and it was made once');
	return;
}

subtest 'terminated' => sub {
	my ($pid, $other) = in_the_midst_of_a_claim('terminated');
	$t->value('SELECT pg_terminate_backend(?)', $pid);
	$t->wait_until('it has ended', sub { !kill 0, $pid });
	$other->rollback;
	goes_on('terminated');
	isnt($t->value(q{SELECT pid FROM syncore._workers() WHERE role = 'dispatcher'}), $pid, 'control: by another process');
};

subtest 'an error in the claim' => sub {
	my ($pid, $other) = in_the_midst_of_a_claim('cancelled');
	$t->value('SELECT pg_cancel_backend(?)', $pid);
	$t->wait_until('the claim has failed', sub { !$t->value('SELECT count(*) FROM pg_locks WHERE pid = ? AND NOT granted', $pid) || taken() == 0 });
	$other->rollback;
	goes_on('cancelled');
};

$t->verify;
$t->finish;
done_testing();
