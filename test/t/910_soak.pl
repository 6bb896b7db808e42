# A short slice of make soak: the same workers over a thousand calls do not grow, and nothing is left over.
# L1, RL-02, ID-04, LG-05
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use Syncore::Soak;
use Test::More;

my $seed = $ENV{SEED} // 1;
my @said;
my $soak = Syncore::Soak->new(calls => 1_000, warm => 500, pairs => 20, seed => $seed, say => sub { push @said, @_; note $_[0] });
my @wrong = $soak->run->judge;
is_deeply(\@wrong, [], "seed $seed: memory and descriptors are flat, no row is left, both sides agree") or diag join "\n", @said;
cmp_ok($soak->calls_made, '>=', 1_000, 'the control: so many calls were made');
{
	local ($Syncore::Soak::MEMORY_KB, $Syncore::Soak::JANITOR_KB, $Syncore::Soak::DESCRIPTORS) = (-1_000_000, -1_000_000, -1_000);
	my @found = $soak->judge;
	is(scalar(grep { /grew from/ } @found), 4, 'the control: the judge sees memory of each worker');
	is(scalar(grep { /descriptors/ } @found), 4, 'and descriptors');
	$soak->{t}->sql("UPDATE syncore.system SET mode = 'paused' WHERE name = 'snow'");
	$soak->{t}->jira->update('b.kim@acme.example', $soak->{pairs_of}[0][1], summary => 'nobody has synced this yet');
	ok(scalar(grep { /^a pair says/ } $soak->judge), 'and a record that differs');
}
$soak->end;
done_testing();
