# Drives one dispatcher and one listener over CALLS calls to simulated products and judges what is left.
#   CALLS (20,000), WARM (5,000: what the workers hold then is what they may hold at the end), SEED
use strict;
use warnings;

my $out;
BEGIN { open $out, '>&', \*STDOUT or die "dup: $!" }
use IO::Handle;
use PostgreSQL::Test::Cluster;
use Syncore::Soak;
use Test::More;
use Time::HiRes qw(time);

$out->autoflush(1);
binmode $out, ':encoding(UTF-8)';
Test::More->builder->output('/dev/null');
my $start = time;
my $seed = $ENV{SEED} // 1 + time % 1_000_000;
print $out "SEED=$seed\n";
my $soak = Syncore::Soak->new(calls => $ENV{CALLS} // 20_000, warm => $ENV{WARM} // 5_000, seed => $seed, say => sub { print $out "$_[0]\n" });
my @wrong = $soak->run->judge;
print $out "WRONG: $_\n" for @wrong;
$soak->end;
printf $out "%s (%.0f s)\n", @wrong ? scalar(@wrong) . ' findings' : 'nothing grew, nothing is left over', time - $start;
ok(!@wrong);
done_testing();
exit(@wrong ? 1 : 0);
