# Plays seeds until ROUNDS are done; prints a line for each, all there is to
# know about those that fail, and a summary.  Exit code 0 only if all held.
#   SEED (first seed), ROUNDS, SHRINK (seconds spent on a smaller history of a failure; 0 = none), PROCESS (percent of
#   seeds with a killed process), KEEP (go on after a failure)
use strict;
use warnings;

my $out;
BEGIN { open $out, '>&', \*STDOUT or die "dup: $!" }
use IO::Handle;
use PostgreSQL::Test::Cluster;
use Syncore::Chaos;
use Test::More;
use Time::HiRes qw(time);

$out->autoflush(1);
binmode $out, ':encoding(UTF-8)';
Test::More->builder->output('/dev/null');
my $first = $ENV{SEED} // 1 + time % 1_000_000;
my $rounds = $ENV{ROUNDS} // 10;
my $chaos = Syncore::Chaos->new(say => sub { print $out "$_[0]\n" }, shrink => $ENV{SHRINK} // 120, process => $ENV{PROCESS});
my (@failed, $start);
$start = time;
for my $seed ($first .. $first + $rounds - 1)
{
	push @failed, $seed if !$chaos->seed($seed);
	last if @failed && !($ENV{KEEP} // 1);
}
$chaos->end;
printf $out "%d seeds from %d, %d failed%s (%.0f s)\n", $rounds, $first, scalar @failed, @failed ? ": @failed" : '', time - $start;
is("@failed", '', 'no seed failed');
done_testing();
