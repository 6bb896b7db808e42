# The model of test/check against the real code of deciding: every structure of causes up to five events in every order,
# histories drawn by chance, and known-bad variants of the engine, which must be flagged; systems that are cut off and come back.  `make model` and
# `make mutants` go further.  R3, R4, R5, R7 to R11, R14, R15, R18, R19, R20, R21, R22, R23, VC-01, VC-08, VC-13, EL-12, ring, RS-01, RS-08, RS-11, TC-01
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $check = "$ENV{SYNCORE_TOP}/test/check";
my $node = PostgreSQL::Test::Cluster->new('check');
$node->init;
$node->append_conf('postgresql.conf', 'fsync = off');
$node->start;
@ENV{qw(PGHOST PGPORT PGDATABASE)} = ($node->host, $node->port, 'postgres');

# What a run of the checker says last, and whether all was kept.
sub checker
{
	my ($out, $err) = ('', '');
	my $kept = IPC::Run::run(['node', "$check/check.js", @_], '>', \$out, '2>', \$err);
	note $out, $err;
	return ($kept, $out . $err);
}

my $module = 'module=$libdir/syncore_check';
my ($kept, $said) = checker('orders', 'events=5', $module);
ok($kept, 'I5, I8: every structure up to five events, in every order') or diag $said;
like($said, qr/^0 of 9\d\d histories \((\d{4,}) plays\)/m, 'and it looked at them');

my $seed = $ENV{SEED} // 20261122;
($kept, $said) = checker('merge', "from=$seed", 'count=1500', $module);
ok($kept, "I5, I7, I8: histories from seed $seed") or diag $said;

($kept, $said) = checker('decide', "from=$seed", 'count=2500', $module);
ok($kept, "I1, I7: what the engine sends, takes for news and ends in is what the model says, from seed $seed") or diag $said;

($kept, $said) = checker('partition', "from=$seed", 'count=1000', $module);
ok($kept, "VC-13, EL-12, I1, I6: a thousand histories of up to five systems that are cut off and come back, from seed $seed") or diag $said;
like($said, qr/ [1-9]\d{3} partings\)/, 'and they were cut off');

($kept, $said) = checker('trouble', "from=$seed", 'count=600', $module);
ok($kept, "R3, R20, I6: machines that fight us are stopped, what waits for a record that cannot be read is decided, from seed $seed") or diag $said;

($kept, $said) = checker('create', "from=$seed", 'count=500', $module);
ok($kept, "R21, R22, R23, I1 to I3: one entity has one record in each system, and none is nobody's, from seed $seed") or diag $said;

# The control: a register that forgets its losers breaks promises, is told of with its seed, and shrinks to three events.
my $variants = PostgreSQL::Test::Utils::tempdir();
my ($out, $err) = ('', '');
ok(IPC::Run::run(['node', "$check/mutate.js", $variants, 'winner_only', 'echo_by_value', 'no_retirement'], '>', \$out, '2>', \$err), 'known-bad variants are flagged') or diag $out, $err;
note $out;
($kept, $said) = checker('merge', 'from=1', 'count=1000', 'first=1', 'tell=1', "module=$variants/winner_only");
ok(!$kept, 'a register of winners breaks a promise');
like($said, qr/^seed (\d+): I5, I8.*?\n    again: node test\/check\/check\.js replay merge \1$/ms, 'its seed is told');
my $versions = () = $said =~ /having seen/g;
cmp_ok($versions, '<=', 3, 'and it shrinks to three events');

$node->stop;
done_testing();
