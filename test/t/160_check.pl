# Jobs: check_system and wait(); secrets that may not be used; addresses that are not called.
use strict;
use warnings;
use IO::Socket::INET;
use Test::More;

use Syncore::Test;

my $t = Syncore::Test->new('check', conf => "syncore.max_workers = 2\n");
$t->configure;
my $node = $t->node;
my $run = 0;

# Runs a check to its end: (SQLSTATE or 00000, stderr).
sub check
{
	my ($system) = @_;
	my ($out, $err);
	my $code = $node->psql('ops', "\\set VERBOSITY verbose\nCALL syncore.wait(syncore.check_system('$system'), '150 s');",
		stdout => \$out, stderr => \$err, timeout => 180);
	return ($err =~ /ERROR:\s+([0-9A-Z]{5}):/ ? $1 : '00000', $err);
}

# OP-04: does it answer, as whom, how wrong is its clock
my ($state, $err) = check('snow');
is($state, '00000', 'a product that answers passes its check') or diag $err;
is($t->value("SELECT string_agg(item, ',' ORDER BY item) FROM syncore.system_check WHERE system = 'snow' AND ok"),
	'clock,credential,read incidents', 'each check has its line');
is($t->value("SELECT integration_actor FROM syncore.system WHERE name = 'snow'"), 'syncore.bot', 'we know as whom we are known');
is($t->value("SELECT extract(epoch FROM clock_offset)::int FROM syncore.system WHERE name = 'snow'"), 0, 'and its clock');
is((check('jira'))[0], '00000', 'the other one, too');

# wait() inside a transaction block: 25001, with the call to make after commit
my ($out, $text);
$node->psql('ops', "\\set VERBOSITY verbose\nBEGIN; CALL syncore.wait(12); ROLLBACK;", stderr => \$text);
like($text, qr/25001: wait\(\) cannot run inside a transaction block/, 'wait() in a transaction block is refused');
like($text, qr/CALL syncore\.wait\(12\)/, 'and says what to do');
$node->psql('ops', "\\set VERBOSITY verbose\nCALL syncore.wait(999999);", stderr => \$text);
like($text, qr/42704: job 999999 does not exist/, 'wait() for no job at all');

# RL-05, SC: a wrong secret is told, and it is nowhere in the log
$t->secret('snow', "canary-4711-wrong\n");
($state, $err) = check('snow');
is($state, 'SY005', 'a refused credential is SY005');
like($err, qr/refused the credential: HTTP 401/, 'with what the product said');

# secrets that may not be used: readable by others, a link, a directory outside, missing, empty
my $path = $t->secret('snow', "snow-secret\n", 0644);
($state, $err) = check('snow');
like($err, qr/is readable by others/, 'a secret that others may read is not used');
unlink $path;
$t->secret('elsewhere', "snow-secret\n");
symlink "$t->{secrets}/elsewhere", $path or die "symlink: $!";
like((check('snow'))[1], qr/is a symbolic link/, 'a link is not followed');
unlink $path;
like((check('snow'))[1], qr/could not be opened: No such file/, 'a missing file is named');
mkdir $path, 0700;
like((check('snow'))[1], qr/is no regular file/, 'a directory is no secret');
rmdir $path;
$t->secret('snow', "\n");
like((check('snow'))[1], qr/is empty/, 'an empty file is no secret');
$t->secret('snow', "snow\nsecret\n");
like((check('snow'))[1], qr/holds a character that no header may hold/, 'a secret with a line end inside makes no header');
$t->secret('snow', "snow-secret\n");
is((check('snow'))[0], '00000', 'the right file works again');

# a changed base URL voids the credential: nothing is sent to the other host
my $url = $t->sim('snow')->url;
$t->sql("UPDATE syncore.system SET base_url = replace(base_url, '127.0.0.1', 'localhost') WHERE name = 'snow'");
$t->snow->clear_log;
like((check('snow'))[1], qr/It was set for host|no credential/, 'a credential set for another host is not used');
is(scalar($t->snow->requests), 0, 'and nothing was sent there');
$t->sql("UPDATE syncore.system SET base_url = '$url' WHERE name = 'snow'");
$t->set_credentials('snow', 'servicenow');
is((check('snow'))[0], '00000', 'set anew it works');

# H9, H10: addresses inside are refused at connect, however they are spelt; the same call with allow_private gets through
my $port = (split /:/, $t->snow->host_port)[1];
my @inside = ('127.0.0.1', '127.1', '0x7f.1', '017700000001', '2130706433', 'localhost', '[::1]', '[::ffff:127.0.0.1]',
	'[::ffff:10.0.0.1]', '[::ffff:a9fe:a9fe]', '[64:ff9b::7f00:1]', '[2002:7f00:1::]', '169.254.169.254', '10.0.0.1',
	'192.168.1.1', '100.64.0.1', '[fe80::1]', '[fd00::1]', '0.0.0.0', '224.0.0.1');
$t->snow->clear_log;
for my $host (@inside)
{
	$t->sql("UPDATE syncore.system SET allow_private = false, base_url = 'http://$host:$port' WHERE name = 'snow'");
	$t->set_credentials('snow', 'servicenow');
	($state, $err) = check('snow');
	like($err, qr/08006.*address not allowed/s, "$host is refused");
}
is(scalar($t->snow->requests), 0, 'not a byte arrived');
$t->sql("UPDATE syncore.system SET allow_private = true, base_url = '$url' WHERE name = 'snow'");
$t->set_credentials('snow', 'servicenow');
is((check('snow'))[0], '00000', 'the control: where it is allowed, the call arrives');
# a connection opened while it was allowed is not used once it is not
$t->sql("UPDATE syncore.system SET allow_private = false WHERE name = 'snow'");
like((check('snow'))[1], qr/address not allowed/, 'an open connection does not get around it');
$t->sql("UPDATE syncore.system SET allow_private = true WHERE name = 'snow'");

# the list of hosts
$node->append_conf('postgresql.conf', "syncore.allowed_hosts = 'acme.example, *.atlassian.net'");
$node->reload;
$t->wait_until('the list is in force', sub { (check('snow'))[1] =~ /is not in syncore\.allowed_hosts/ });
$node->append_conf('postgresql.conf', "syncore.allowed_hosts = '127.0.0.1'");
$node->reload;
$t->wait_until('a host on the list is called', sub { (check('snow'))[0] eq '00000' });

# S2: a row of a connector whose URL would lead to another host takes the credential nowhere else
$_->clear_log for $t->snow, $t->jira;
my $urls = q{BEGIN; ALTER TABLE syncore.connector_operation DISABLE TRIGGER b_shipped;
	UPDATE syncore.connector_operation SET url = %s WHERE connector = 'servicenow' AND operation = 'check';
	ALTER TABLE syncore.connector_operation ENABLE TRIGGER b_shipped; COMMIT};
my $elsewhere = '@' . $t->jira->host_port;
$t->sql(sprintf $urls, "'$elsewhere' || url");
isnt((check('snow'))[0], '00000', 'such a URL leads nowhere');
is(scalar($t->jira->requests), 0, 'and nobody else is called');
$t->sql(sprintf $urls, "replace(url, '$elsewhere', '')");
is((check('snow'))[0], '00000', 'control: below it, it is called');

# H9: a redirect is not followed; H6: nor is more read than the limit; H7: HTML is no answer
my %bad = (
	redirect => "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:$port/_sim/state\r\nContent-Length: 0\r\n\r\n",
	html => "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 17\r\n\r\n<html>hi</html>\r\n",
	'null' => "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull",
	cut => "HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n{\"result\":",
	headers => "HTTP/1.1 200 OK\r\n" . join('', map { "X-H$_: " . ('y' x 100) . "\r\n" } 1 .. 1000) . "Content-Length: 2\r\n\r\n{}",
	body => "HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n{",
	old => "hello\r\n",
);
my %said = (redirect => qr/HTTP 302/, html => qr/did not answer as/, 'null' => qr/did not answer as/, cut => qr/could not be reached/,
	headers => qr/answer's headers is larger|answer's headers/, body => qr/answer's body is larger/, old => qr/could not be reached/);
for my $kind (sort keys %bad)
{
	my $server = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') or die "listen: $!";
	my $pid = fork // die "fork: $!";
	if (!$pid)
	{
		while (my $client = $server->accept)
		{
			local $SIG{PIPE} = 'IGNORE';
			my $line;
			while (defined($line = <$client>)) { last if $line =~ /^\r?\n/ }
			print $client $bad{$kind};
			close $client;
		}
		exit 0;
	}
	$t->sql("UPDATE syncore.system SET base_url = 'http://127.0.0.1:" . $server->sockport . "' WHERE name = 'snow'");
	$t->set_credentials('snow', 'servicenow');
	$t->snow->clear_log;
	($state, $err) = check('snow');
	like($err, $said{$kind}, "$kind: told for what it is");
	is(scalar($t->snow->requests), 0, 'nobody followed') if $kind eq 'redirect';
	kill 'TERM', $pid;
	waitpid $pid, 0;
}

# nothing of the secret in the log
my $log = PostgreSQL::Test::Utils::slurp_file($node->logfile);
unlike($log, qr/canary-4711|snow-secret|jira-secret/, 'no secret in the log');

$t->stop if $t->can('stop');
done_testing();
