# Plays the ten-minute session and prints it.  Exit code 0 only if every step held.
use strict;
use warnings;

# PostgreSQL::Test sends standard output to its log: keep the real one.
my $out;
BEGIN { open $out, '>&', \*STDOUT or die "dup: $!"; $out->autoflush(1) if $out->can('autoflush') }
use IO::Handle;
use PostgreSQL::Test::Cluster;
use Syncore::Test;
use Syncore::Demo;
use Test::More;
use Time::HiRes qw(time);

$out->autoflush(1);
my $start = time;
my $failed = 0;
Test::More->builder->output('/dev/null');
$Syncore::Test::GIVE_UP = sub { print $out "   FAILED: waited in vain: $_[0]\n"; die "waited in vain: $_[0]\n" };
print $out "syncore: the ten-minute session against two simulated products, over HTTP with signed webhooks\n";
my $t;
my $ok = eval {
	$t = Syncore::Test->new('demo');
	Syncore::Demo::play($t,
		say => sub { print $out "$_[0]\n" },
		check => sub { my ($held, $what) = @_; print $out '   ', $held ? 'ok      ' : 'FAILED  ', "$what\n"; $failed++ if !$held });
	1;
};
print $out "FAILED: $@" if !$ok;
$t->finish if $t;
$failed++ if !$ok;
printf $out "\n%s (%.0f s)\n", $failed ? "$failed steps did not hold" : 'Every step held.', time - $start;
# Test::More calls a script without a test a failure.
ok(!$failed, 'every step held');
done_testing();
exit($failed ? 1 : 0);
