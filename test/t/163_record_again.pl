# A transaction of the dispatcher that fails is made again: nothing of the failed attempt is left in memory, nothing is
# lost or done twice.
use strict;
use warnings;
use JSON::PP ();
use PostgreSQL::Test::Utils ();
use Test::More;

use Syncore::Test;

my $t = Syncore::Test->new('record_again', conf => "syncore.max_workers = 1\n");
$t->configure->activate;
my ($snow, $jira) = ($t->snow, $t->jira);

sub failures { return scalar(() = PostgreSQL::Test::Utils::slurp_file($t->node->logfile) =~ /WARNING:  syncore: a turn of the dispatcher failed/g) }
sub dispatcher { return ($t->workers('syncore dispatcher'))[0] }

# Lets the next writes of a table that fit the condition fail, so many times: what a sequence gives survives the rollback.
sub fail_next
{
	my ($table, $events, $condition, $times) = @_;
	$t->sql(qq{
		DROP SEQUENCE IF EXISTS public.attempts;
		CREATE SEQUENCE public.attempts;
		CREATE OR REPLACE FUNCTION public.fail() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS \$\$
		BEGIN
			IF nextval('public.attempts') <= $times THEN RAISE 'attempt refused' USING ERRCODE = '53100'; END IF;
			RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
		END \$\$;
		CREATE OR REPLACE TRIGGER fail BEFORE $events ON syncore.$table FOR EACH ROW WHEN ($condition) EXECUTE FUNCTION public.fail()});
	return;
}

sub attempts { return $t->value('SELECT last_value FROM public.attempts') }

# C1: the outcome of a create cannot be recorded three times
my $pid = dispatcher();
fail_next('delivery', 'DELETE', 'OLD.sent_at IS NOT NULL', 3);
my $row = $snow->create('a.lee', short_description => 'recorded at last', impact => '2', urgency => '2');
$t->wait_until('the outcome is recorded', sub { attempts() >= 4 && !$t->value('SELECT count(*) FROM syncore.delivery') }, 180);
my $issue = ($jira->records)[0];
is($t->value(q{SELECT external_key FROM syncore.link WHERE record_type = 'issue'}), $issue->{key}, 'the key of the record is what the answer said');
is($t->value(q{SELECT external_id FROM syncore.link WHERE record_type = 'issue'}), $issue->{id}, 'and so is its id');
is(scalar(grep { $_->{method} eq 'POST' && $_->{path} =~ m{/issue$} } $jira->requests), 1, 'one create was sent');
cmp_ok(failures(), '>=', 1, 'the control: a turn failed');
is(dispatcher(), $pid, 'and the process lives');
$t->sql('DROP TRIGGER fail ON syncore.delivery');
$t->quiesce(180);

# A job whose result cannot be stored says all that it found, once
fail_next('job', 'UPDATE', q{NEW.state IN ('done', 'failed')}, 2);
$t->sql(q{SELECT syncore.check_system('jira')});
$t->wait_until('the job ends', sub { $t->value(q{SELECT state = 'done' FROM syncore.job ORDER BY id DESC LIMIT 1}) }, 180);
is(attempts(), 3, 'the control: its result was refused twice');
my $result = JSON::PP->new->decode($t->value('SELECT result FROM syncore.job ORDER BY id DESC LIMIT 1'));
is(scalar(grep { $_->{item} eq 'clock' } @$result), 1, 'one line about the clock');
is(scalar(grep { !$_->{ok} || $_->{detail} !~ /^(?:HTTP 200 in \d+ ms.*|as ours|\d+ s (?:ahead of|behind) ours)$/ } @$result), 0, 'each line says what was found')
	or diag explain $result;
$t->sql('DROP TRIGGER fail ON syncore.job');

# What the dispatcher knows of a system is being read anew, and that is cancelled, while a call of two requests is under way.
my $title = 'in two steps';
$jira->fault(method => 'GET', path => '/transitions', hold => 'after');
$snow->update('a.lee', $row->{id}, state => '2');
$t->wait_until('the first request is held', sub { $jira->held });
my $locker = DBI->connect('dbi:Pg:dbname=ops;host=' . $t->node->host . ';port=' . $t->node->port, undef, undef, { RaiseError => 1, AutoCommit => 0 });
$locker->do('LOCK TABLE syncore.credential IN ACCESS EXCLUSIVE MODE');
my $seen = failures();
$snow->create('a.lee', short_description => 'work that makes it look', impact => '2', urgency => '2');
$t->wait_until('the dispatcher waits for the credentials', sub {
	$t->value(q{SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'syncore.credential'::regclass AND pid = ?}, $pid) });
$t->value('SELECT pg_cancel_backend(?)', $pid);
$jira->continue;
$t->wait_until('the second request arrives', sub { grep { $_->{method} eq 'POST' && $_->{path} =~ m{/transitions$} } $jira->requests }, 180);
cmp_ok(failures(), '>', $seen, 'the control: the look failed');
is(dispatcher(), $pid, 'it goes by what it knew, and lives');
$locker->rollback;
$locker->disconnect;
$t->quiesce(180);
is($jira->record($issue->{id})->{fields}{status}, 'In Progress', 'the change arrived');
is(scalar($jira->records), 2, 'and so did the other record, once');
unlike(PostgreSQL::Test::Utils::slurp_file($t->node->logfile), qr/signal 11|PANIC|TRAP/, 'nothing crashed');
$t->verify;
$t->finish;
done_testing();
