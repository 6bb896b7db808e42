# What cleans up after the tests ends the servers below its own directory and nobody else's: a server that was killed
# leaves its file behind, and the number in it may be any process by now, the server of another run, say.
use strict;
use warnings;
use File::Temp qw(tempdir);
use FindBin;
use PostgreSQL::Test::Cluster;
use Test::More;
use Time::HiRes qw(sleep time);

my $top = $ENV{SYNCORE_TOP} // "$FindBin::RealBin/../..";

sub clean_up
{
	my ($dir) = @_;
	return system 'bash', '-c', '. "$1/test/lib/setup"; work=$2 keep=1; stop_all', 'bash', $top, $dir;
}

my $mine = PostgreSQL::Test::Cluster->new('mine');
$mine->init;
$mine->start;
my $other = PostgreSQL::Test::Cluster->new('other');
$other->init;
$other->start;
my $pid_of_other = PostgreSQL::Test::Utils::slurp_file($other->data_dir . '/postmaster.pid');

# A directory of a server that is gone, whose process number another server has got since.
my $left = tempdir(CLEANUP => 1);
mkdir "$left/pgdata" or die "mkdir: $!";
open my $out, '>', "$left/pgdata/postmaster.pid" or die "could not write: $!";
print $out $pid_of_other;
close $out or die "could not write: $!";

is(clean_up($left), 0, 'the file of a server that is gone is looked at');
is(clean_up($mine->basedir), 0, 'and that of one that runs');

# The control comes last, so that a signal to the other server has had its time, too.
my $end = time + 60;
sleep 0.05 while -e $mine->data_dir . '/postmaster.pid' && time < $end;
ok(!-e $mine->data_dir . '/postmaster.pid', 'control: a server below the directory is ended');
$mine->_update_pid(0);
my ($number) = $pid_of_other =~ /^(\d+)/;
is((split /\n/, -e $other->data_dir . '/postmaster.pid' ? PostgreSQL::Test::Utils::slurp_file($other->data_dir . '/postmaster.pid') : '')[0],
	$number, 'another process of that number is not');
is(($other->psql('postgres', 'SELECT 1'))[0], 0, 'it answers as before');
$other->stop('fast');
done_testing();
