# Kinds of credentials and where their secrets lie: basic authentication of webhooks, secrets in the server's environment; and how
# wait() ends when a job takes longer than its caller wants to wait. SC-08, OP-04
use strict;
use warnings;
use HTTP::Tiny;
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use Test::More;

use Syncore::Test;

BEGIN
{
	$ENV{SYNCORE_SNOW_API} = 'snow-secret';
	$ENV{SYNCORE_SNOW_HOOK} = "key of the hook\n";
	$ENV{SYNCORE_EMPTY} = '';
	$ENV{ELSEWHERE} = 'not for us';
}
my $t = Syncore::Test->new('credential')->configure;
my ($node, $snow) = ($t->node, $t->snow);
$t->sql("SELECT syncore.activate('snow', 'shadow')");
$t->wait_until('the listener answers', sub { $t->listener_answers });
my $n = 0;

# A webhook with these headers: its status.
sub post
{
	my ($system, %header) = @_;
	my $body = JSON::PP->new->encode({ table => 'incident', operation => 'update', sys_id => sprintf('%032x', ++$n), number => "INC$n", sys_mod_count => 1,
		sys_updated_on => '2026-11-22 00:00:00', sys_updated_by => 'a.lee', fields => { short_description => "ticket $n" } });
	return HTTP::Tiny->new(timeout => 60)->request('POST', $t->hook_url($system), { content => $body, headers => { 'Content-Type' => 'application/json', %header } })->{status};
}
sub basic { my ($text) = @_; return (Authorization => 'Basic ' . encode_base64($text, '')) }
sub stored { return $t->value('SELECT count(*) FROM syncore.event') }
sub check
{
	my ($limit) = @_;
	$node->psql('ops', "\\set VERBOSITY verbose\nCALL syncore.wait(syncore.check_system('snow'), '" . ($limit // '150 s') . "');", stderr => \my $err, timeout => 180);
	return ($err =~ /ERROR:\s+([0-9A-Z]{5}):/ ? $1 : '00000', $err);
}

# SC-08: user name and password, both right and nothing else; the product's own scheme counts no more
is($t->value("SELECT syncore.set_credential('snow', 'basic', 'file:snow_hook', username => 'hook', used_for => 'webhook')") =~ /webhook credential of snow is basic/, 1, 'basic for webhooks');
is(post(snow => basic('hook:hook-snow')), 200, 'the right user and password are taken');
is(stored(), 1, 'and the event is stored');
my %wrong = ('another password' => [basic('hook:hook-jira')], 'another user' => [basic('kooh:hook-snow')], 'no colon' => [basic('hookhook-snow')], 'more' => [basic('hook:hook-snow ')],
	'nothing' => [], 'no base64' => [Authorization => 'Basic hook:hook-snow'], 'the password alone' => [Authorization => 'Bearer hook-snow'],
	'a signature' => ['X-Syncore-Timestamp' => time, 'X-Syncore-Signature' => 'sha256=00']);
is(post(snow => @{ $wrong{$_} }), 401, "401: $_") for sort keys %wrong;
is(stored(), 1, 'nothing of these is stored');
# rotation: the next one is taken beside it
$t->secret('snow_next', 'next-hook');
$t->sql(q{INSERT INTO syncore.credential (system, used_for, kind, reference, username, host, state)
	SELECT system, used_for, kind, 'file:snow_next', username, host, 'next' FROM syncore.credential WHERE system = 'snow' AND used_for = 'webhook' AND state = 'current'});
is(post(snow => basic('hook:next-hook')), 200, 'the next password is taken, too');
is(post(snow => basic('hook:hook-snow')), 200, 'beside the current one');
is(stored(), 3, 'both are stored');
$t->sql(q{DELETE FROM syncore.credential WHERE state = 'next'});

# a secret of the server's environment, for webhooks: with its line end cut off
$t->sql("SELECT syncore.set_credential('snow', 'basic', 'env:SYNCORE_SNOW_HOOK', username => 'hook', used_for => 'webhook')");
is(post(snow => basic('hook:key of the hook')), 200, 'the environment holds the password of webhooks');
is(post(snow => basic('hook:hook-snow')), 401, 'the file holds it no more');
# one that is not there: nobody can say who is right, so the sender is to try again
$t->sql("SELECT syncore.set_credential('snow', 'basic', 'env:SYNCORE_GONE', username => 'hook', used_for => 'webhook')");
is(post(snow => basic('hook:key of the hook')), 503, 'a secret that is not there: 503');
$t->wait_until('an alert', sub { $t->value(q{SELECT count(*) FROM syncore.alert WHERE cause = 'webhook_secret:snow' AND closed_at IS NULL}) });
is(stored(), 4, 'and nothing is stored');

# and for calls
$snow->clear_log;
$t->sql("SELECT syncore.set_credential('snow', 'basic', 'env:SYNCORE_SNOW_API', username => 'syncore.bot')");
is((check())[0], '00000', 'a secret of the environment opens the API');
ok(scalar($snow->requests), 'control: it was asked');
for my $bad (['env:SYNCORE_GONE', qr/environment has no "SYNCORE_GONE"/], ['env:SYNCORE_EMPTY', qr/is empty/])
{
	$t->sql("SELECT syncore.set_credential('snow', 'basic', '$bad->[0]', username => 'syncore.bot')");
	my ($state, $err) = check();
	is($state, 'SY005', "$bad->[0] cannot be used");
	like($err, $bad->[1], 'and why');
}
is($t->fails("SELECT syncore.set_credential('snow', 'basic', 'env:ELSEWHERE', username => 'syncore.bot')"), '22023', 'other variables of the server are none of ours');
is($t->fails("INSERT INTO syncore.credential (system, used_for, kind, reference, host) VALUES ('jira', 'signing', 'basic', 'env:PATH', 'x')"), '23514', 'not even written by hand');
$t->sql("SELECT syncore.set_credential('snow', 'basic', 'file:snow', username => 'syncore.bot')");

# wait(): who will not wait longer is told so, and the job goes on
$snow->fault(method => 'GET', hold => 'before', times => 1);
my ($state, $err) = check('1 s');
is($state, '57014', 'wait() ends at its timeout');
like($err, qr/job \d+ is not done within the timeout/, 'and says what is not done');
like($err, qr/DETAIL:\s+It is running\./, 'how far it is');
like($err, qr/HINT:\s+It goes on without you: TABLE syncore\.job/, 'and where to look');
my $job = $t->value("SELECT max(id) FROM syncore.job");
is($t->value('SELECT state FROM syncore.job WHERE id = ?', $job), 'running', 'the job goes on');
$snow->continue;
is($node->psql('ops', "CALL syncore.wait($job)"), 0, 'who waits again sees its end');
is($t->value('SELECT state FROM syncore.job WHERE id = ?', $job), 'done', 'which it has');
is($node->psql('ops', "CALL syncore.wait($job, '0 s')"), 0, 'of a job that is done there is nothing to wait for');
# a cancel ends the wait at once, not the job
$snow->fault(method => 'GET', hold => 'before', times => 1);
$node->psql('ops', "SET statement_timeout = '1 s'; CALL syncore.wait(syncore.check_system('snow'), '150 s')", stderr => \$err);
like($err, qr/canceling statement due to statement timeout/, 'a statement timeout ends the wait');
$snow->continue;
$t->wait_until('the job ends by itself', sub { $t->value('SELECT state FROM syncore.job ORDER BY id DESC LIMIT 1') eq 'done' });
pass('and not the job');
is($t->fails('CALL syncore.wait(NULL)'), '22004', 'no job is no number');
$t->finish;
done_testing();
