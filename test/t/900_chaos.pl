# Three fixed seeds of test/chaos: edits and comments on both sides, faults of
# peers, webhooks and processes; then agreement, one record each, accounted
# loss, bounded writes, idempotence and a clean ledger.
# EL-01, EL-08, EL-13, ID-05, CM-01, RL-02
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use Syncore::Chaos;
use Test::More;

my $chaos = Syncore::Chaos->new(say => sub { note $_[0] }, shrink => 0);
for my $seed ($ENV{SEED} // (1, 2, 3))
{
	my @said;
	$chaos->{say} = sub { push @said, @_; note $_[0] };
	ok($chaos->seed($seed), "seed $seed: all invariants hold") or diag join "\n", @said;
}
$chaos->end;
done_testing();
