# The listener: who may speak, what is stored, what is answered, and what a hostile client gets.
use strict;
use warnings;
use Digest::SHA qw(hmac_sha256_hex);
use HTTP::Tiny;
use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use Test::More;
use Time::HiRes qw(time sleep);
use Syncore::Test;

my $t = Syncore::Test->new('listener');
$t->configure;
$t->sql("SELECT syncore.activate('snow', 'shadow')");
$t->wait_until('the listener answers', sub { $t->listener_answers });
my $port = $t->{hook_port};
my $json = JSON::PP->new->utf8->canonical;

# A ServiceNow payload and its signature headers.
sub payload
{
	my ($n, %more) = @_;
	return $json->encode({ table => 'incident', operation => 'update', sys_id => sprintf('%032x', $n), number => "INC$n", sys_mod_count => 1,
		sys_updated_on => '2026-11-22 00:00:00', sys_updated_by => 'a.lee', fields => { short_description => "ticket $n" }, %more });
}

sub signed
{
	my ($body, $secret, $stamp) = @_;
	$stamp //= time;
	$stamp = int $stamp;
	return ('X-Syncore-Timestamp' => $stamp, 'X-Syncore-Signature' => 'sha256=' . hmac_sha256_hex("$stamp.$body", $secret // 'hook-snow'));
}

sub post
{
	my ($body, %header) = @_;
	my $url = delete $header{url} // $t->hook_url('snow');
	return HTTP::Tiny->new(timeout => 120)->request('POST', $url, { content => $body, headers => { 'Content-Type' => 'application/json', %header } });
}

# Sends a signed webhook off; its answer can be read from the socket.
sub send_off
{
	my ($body) = @_;
	my %header = ('Content-Type' => 'application/json', 'Content-Length' => length $body, signed($body));
	my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Timeout => 60) or die "connect: $!";
	$socket->syswrite("POST /hooks/default/snow HTTP/1.1\r\nHost: x\r\n" . join('', map { "$_: $header{$_}\r\n" } sort keys %header) . "\r\n$body");
	return $socket;
}

# Sends bytes as they are; returns what comes back until the other side closes or is silent.
sub raw
{
	my ($bytes) = @_;
	my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Timeout => 60) or return 'no connection';
	local $SIG{PIPE} = 'IGNORE';
	$socket->syswrite($bytes);
	my $answer = '';
	my $end = time + 120;
	while (time < $end && IO::Select->new($socket)->can_read($end - time))
	{
		my $n = $socket->sysread(my $piece, 65536);
		last if !$n;
		$answer .= $piece;
		last if $answer =~ /\r\n\r\n\{.*\}\n/s;
	}
	return $answer;
}

sub status { return $_[0] =~ m{^HTTP/1\.[01] (\d+)} ? $1 : $_[0] eq '' ? 'closed' : $_[0] }
sub stored { return $t->value('SELECT count(*) FROM syncore.event') }
sub refused { return $t->value("SELECT failed FROM syncore._workers() WHERE role = 'listener'") }

# SC-08, W5: only what is signed is taken; everything else is 401 and leaves no event
my $body = payload(1);
my %good = signed($body);
my $before = refused();
my %bad = (
	'no signature at all' => {},
	'a wrong secret' => { signed($body, 'other') },
	'the signature of another body' => { signed(payload(2)) },
	'a signature cut short' => { %good, 'X-Syncore-Signature' => substr($good{'X-Syncore-Signature'}, 0, -1) },
	'no timestamp' => { 'X-Syncore-Signature' => $good{'X-Syncore-Signature'} },
	'another timestamp' => { %good, 'X-Syncore-Timestamp' => $good{'X-Syncore-Timestamp'} + 1 },
	'a timestamp of an hour ago' => { signed($body, 'hook-snow', time - 3600) },
	'a timestamp of tomorrow' => { signed($body, 'hook-snow', time + 86400) },
	'the secret of another system' => { signed($body, 'hook-jira') },
);
is(post($body, %{ $bad{$_} })->{status}, 401, "401 for $_") for sort keys %bad;
is(post('{', signed('{}'))->{status}, 401, '401 for a body that is no JSON either: nobody has read it');
is(stored(), 0, 'nothing was stored');
is($t->value('SELECT count(*) FROM syncore.quarantine_entry'), 0, 'nor put into quarantine');
is(refused() - $before, scalar(keys %bad) + 1, 'each was counted');
is($t->value("SELECT count(*) FROM syncore.alert WHERE cause = 'webhook_refused:snow' AND closed_at IS NULL"), 1, 'one alert for all of them');
my $r = post($body, %good);
is($r->{status}, 200, 'positive control: the signed one is taken') or diag explain $r;
is(stored(), 1, 'and stored when it is answered');
is($t->value('SELECT via FROM syncore.event'), 'webhook', 'as a webhook');
is($json->decode($r->{content})->{event}, $t->value('SELECT id FROM syncore.event'), 'the answer says which event it became');
is($t->value("SELECT count(*) FROM syncore.event WHERE headers::text ~ 'sha256='"), 0, 'its signature was not stored');

# SC-08: a replay is dropped, inside the window by its id, outside it by its time
$r = post($body, %good);
is($r->{status}, 200, 'a repeated webhook is answered like the first, so that the sender stops');
is($json->decode($r->{content})->{outcome}, 'duplicate', 'and dropped as a duplicate');
is(post($body, signed($body, 'hook-snow', time - 301))->{status}, 401, 'a replay outside the window is refused');

# SC-08: two secrets while one is rotated
$t->secret('snow_hook2', 'second');
is(post(payload(3), signed(payload(3), 'second'))->{status}, 401, 'the next secret does not count yet');
$t->sql(q{INSERT INTO syncore.credential (system, used_for, kind, reference, host, state)
	SELECT system, used_for, kind, 'file:snow_hook2', host, 'next' FROM syncore.credential WHERE system = 'snow' AND used_for = 'webhook' AND state = 'current'});
is(post(payload(3), signed(payload(3), 'second'))->{status}, 200, 'it does once it is announced');
is(post(payload(4), signed(payload(4)))->{status}, 200, 'and the current one still does');

# W5: a secret that cannot be read refuses nobody for good
chmod 0644, $t->{secrets} . '/jira_hook';
is(post('{}', url => $t->hook_url('jira'), 'X-Hub-Signature' => 'sha256=' . hmac_sha256_hex('{}', 'hook-jira'))->{status}, 503, 'an unreadable secret: come again');
chmod 0600, $t->{secrets} . '/jira_hook';

# Paths and methods
is(HTTP::Tiny->new->get("http://127.0.0.1:$port/healthz")->{status}, 200, '/healthz answers');
is(HTTP::Tiny->new->get($t->hook_url('snow'))->{status}, 405, 'GET of a hook: 405');
is(HTTP::Tiny->new->get($t->hook_url('snow'))->{headers}{allow}, 'POST', 'and says what would do');
is(post('{}', url => $t->hook_url('nobody'))->{status}, 404, 'unknown system: 404');
is(post($body, %good, url => $t->hook_url('snow', 'elsewhere'))->{status}, 404, 'a system of another space: 404');
is(post($body, %good, url => "http://127.0.0.1:$port$_")->{status}, 404, "$_: 404")
	for '/', '/hooks', '/hooks/default', '/hooks/default/', '/hooks/default/snow/', '/hooks/default/snow%00', '/hooks//snow', '/hooks/default/../default/snow',
	'/hooks/default/' . 'a' x 200;
is(post($body, %good, 'Content-Type' => 'text/plain')->{status}, 415, 'not JSON: 415');
is(post($body, %good, 'Content-Encoding' => 'gzip')->{status}, 415, 'packed: 415');

# W7: bodies have a limit, whether announced or not
my $count = stored();
my $big = '{"x":"' . 'y' x (1024 * 1024) . '"}';
is(status(raw("POST /hooks/default/snow HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: " . length($big) . "\r\n\r\n")), 413,
	'413 for a body that is announced too long, before it is sent');
my $chunk = sprintf("%x\r\n", 65536) . 'z' x 65536 . "\r\n";
is(status(raw("POST /hooks/default/snow HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" . $chunk x 17)), 413,
	'413 for a chunked body that goes past the limit');
is(post($big . $big, %good)->{status}, 413, '413 for a client that sends all of it before it reads the answer');
is(post($big, %good, url => $t->hook_url('nobody'), 'Content-Length' => length $big)->{status}, 413, 'whatever else is wrong with it');
is(post('x' x 900_000, %good, url => $t->hook_url('nobody') . '/x')->{status}, 404, 'a large body to nobody is read to its end, so that 404 is heard');
is(post('x' x 900_000, %good, 'Content-Type' => 'text/plain')->{status}, 415, 'and so is 415');
is(status(raw("POST /hooks/default/snow HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n")), 400,
	'chunks whose length is none: 400');
my @pieces = map { sprintf "%x\r\n%s\r\n", length, $_ } payload(7) =~ /(.{1,50})/gs;
my %chunked = signed(payload(7));
is(status(raw("POST /hooks/default/snow HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
	. join('', map { "$_: $chunked{$_}\r\n" } sort keys %chunked) . "\r\n" . join('', @pieces) . "0\r\n\r\n")), 200, 'positive control: a signed body in chunks is taken');
is(status(raw("POST /hooks/default/snow HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 9999999\r\n\r\n")), 413,
	'a client that asks first is told before it sends');
$count = stored();
my $full = payload(5, filler => 'y' x (1024 * 1024 - 500));
is(post($full, signed($full))->{status}, 200, 'positive control: one just below the limit is taken');
is(stored(), $count + 1, 'and stored');

# W6: what could be read in two ways is refused (a path ends at a nul: this one is that of a hook, and not signed)
for my $case (
	['two lengths', 400, "POST /hooks/default/snow HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\n{}"],
	['length and chunks', 400, "POST /hooks/default/snow HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
	['an unknown encoding', 400, "POST /hooks/default/snow HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"],
	['a length that is none', 400, "POST /hooks/default/snow HTTP/1.1\r\nHost: x\r\nContent-Length: 2x\r\n\r\n{}"],
	['a negative length', 400, "POST /hooks/default/snow HTTP/1.1\r\nHost: x\r\nContent-Length: -2\r\n\r\n{}"],
	['no Host', 400, "POST /hooks/default/snow HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"],
	['HTTP/0.9', 400, "GET /healthz\r\n\r\n"],
	['200 headers', 431, "POST /hooks/default/snow HTTP/1.1\r\nHost: x\r\n" . join('', map { "X-$_: 1\r\n" } 1 .. 200) . "Content-Length: 2\r\n\r\n{}"],
	['a header of 100 kB', 431, "POST /hooks/default/snow HTTP/1.1\r\nHost: x\r\nX-A: " . 'a' x 100_000 . "\r\nContent-Length: 2\r\n\r\n{}"],
	['a nul in the path', 401, "POST /hooks/default/snow\0x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"],
	['binary', 400, join('', map { chr } 0 .. 255) . "\r\n\r\n"])
{
	is(status(raw($case->[2])), $case->[1], "$case->[0]: $case->[1]");
}
is(stored(), $count + 1, 'none of it was stored');
is(HTTP::Tiny->new->get("http://127.0.0.1:$port/healthz")->{status}, 200, 'and the listener lives');

# W7: many idle connections do not keep a good webhook out
my @idle = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Timeout => 5) } 1 .. 400;
my $start = time;
is(post(payload(6), signed(payload(6)))->{status}, 200, 'a webhook gets through beside 400 idle connections');
cmp_ok(time - $start, '<', 14, 'before any of them has run out of time');
hang_up(@idle);
my @lazy = map { my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Timeout => 5);
	$s->syswrite("POST /hooks/default/snow HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{") if $s; $s } 1 .. 400;
is(post(payload(8), signed(payload(8)))->{status}, 200, 'beside 400 that never end their bodies, too');
hang_up(@lazy);

# W7: a client that never ends its headers; what became of it is looked at last.
my $slow = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or die "connect: $!";
$slow->syswrite("POST /hooks/default/snow HTTP/1.1\r\nHost: x\r\nX-Slow: ");
my $slow_body = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or die "connect: $!";
$slow_body->syswrite("POST /hooks/default/snow HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{");

# EV-08, W8: a body that is no JSON goes to quarantine; neighbours of the same commit are unharmed
my @bodies = map { $_ % 5 == 0 ? ('{"table": "incident", ', '[' x 100_000, "\xff\xfe{}", '{"a":"\u0000"}', '{"x":1e400000}')[($_ / 5) % 5] . ' ' x $_ : payload(1000 + $_) } 1 .. 50;
my $quarantined = $t->value('SELECT count(*) FROM syncore.quarantine_entry');
my @answers = in_parallel(10, @bodies);
is(scalar(grep { $_ == 200 } @answers), 50, 'all 50 are answered with 200: what was wrong with ten is ours to show') or diag "@answers";
is($t->value("SELECT count(*) FROM syncore.event WHERE external_key ~ '^INC10[0-9][0-9]\$'"), 40, 'the 40 good ones are stored');
is($t->value('SELECT count(*) FROM syncore.quarantine_entry') - $quarantined, 10, 'the ten bad ones are in quarantine');
is($t->value('SELECT count(*) FROM syncore.quarantine_entry WHERE message IS NULL OR hint IS NULL'), 0, 'each with a reason and a hint');

# CC-01: 100 signed bodies, 100 rows, each answered after it was stored
@answers = in_parallel(25, map { payload(2000 + $_) } 1 .. 100);
is(scalar(grep { $_ == 200 } @answers), 100, '100 webhooks, 100 answers');
is($t->value("SELECT count(*) FROM syncore.event WHERE external_key ~ '^INC2[0-9]{3}\$'"), 100, '100 events');

# 2xx only after commit: while the table cannot be written nobody is told that all is well
my $locker = DBI->connect('dbi:Pg:dbname=ops;host=' . $t->node->host . ';port=' . $t->node->port, undef, undef, { RaiseError => 1, AutoCommit => 0 });
$locker->do('LOCK TABLE syncore.event IN ACCESS EXCLUSIVE MODE');
my $pid = open(my $pipe, '-|') // die "fork: $!";
if (!$pid)
{
	print post(payload(3001), signed(payload(3001)))->{status};
	close STDOUT;
	require POSIX;
	POSIX::_exit(0);
}
$t->wait_until('the listener waits for the table', sub {
	$t->value("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'syncore.event'::regclass") > 0 });
ok(!IO::Select->new($pipe)->can_read(0.2), 'no answer while its transaction waits');
# a client that goes away before its answer: its event is stored all the same, and sent again it is a duplicate
close send_off(payload(3003));
# what has come in meanwhile shares commits
my @waiting = map { send_off(payload(3100 + $_)) } 1 .. 30;
$locker->rollback;
$locker->disconnect;
my $said = <$pipe>;
close $pipe;
is($said, 200, 'and 200 once it has committed');
is(scalar(grep { my $answer = ''; IO::Select->new($_)->can_read(180) && $_->sysread($answer, 65536); status($answer) eq '200' } @waiting), 30, 'and so have 30 others');
my $xacts = $t->value("SELECT count(DISTINCT txid) FROM syncore.event WHERE external_key ~ '^INC31[0-9]{2}\$'");
cmp_ok($xacts, '<', 30, "who shared $xacts commits");
is($t->value("SELECT count(*) FROM syncore.event WHERE external_key = 'INC3001'"), 1, 'with its event stored');

$t->wait_until('the event of the client that went away', sub { $t->value("SELECT count(*) FROM syncore.event WHERE external_key = 'INC3003'") == 1 });
$r = post(payload(3003), signed(payload(3003)));
is("$r->{status} " . $json->decode($r->{content})->{outcome}, '200 duplicate', 'who went away before the answer and comes again is told that it is there');

# A database that errs: 503 with Retry-After, and nothing half stored
$t->sql('REVOKE INSERT ON syncore.event FROM syncore_worker');
$r = post(payload(3002), signed(payload(3002)));
is($r->{status}, 503, 'a database that errs: 503');
ok($r->{headers}{'retry-after'}, 'with Retry-After');
$t->sql('GRANT INSERT ON syncore.event TO syncore_worker');
is(post(payload(3002), signed(payload(3002)))->{status}, 200, 'and it is taken when that is over');

# W7: the slow clients are told, and sent away
sub last_words
{
	my ($socket) = @_;
	my $said = '';
	my $limit = time + 180;
	while (time < $limit && IO::Select->new($socket)->can_read($limit - time))
	{
		my $n = $socket->sysread(my $piece, 4096);
		return $said if !$n;
		$said .= $piece;
	}
	return "$said (and then nothing)";
}
like(last_words($slow), qr{^HTTP/1\.1 408 [^(]*$}, 'headers that never end: 408, and the connection is closed');
like(last_words($slow_body), qr{^HTTP/1\.1 408 [^(]*$}, 'a body that never ends: the same');

# While many requests are on their way the port moves: each is answered or was never taken, and the process lives.
my $listener = ($t->workers('syncore listener'))[0];
$locker = DBI->connect('dbi:Pg:dbname=ops;host=' . $t->node->host . ';port=' . $t->node->port, undef, undef, { RaiseError => 1, AutoCommit => 0 });
$locker->do('LOCK TABLE syncore.event IN ACCESS EXCLUSIVE MODE');
my @open = map { begin_post(payload(4000 + $_)) } 1 .. 60;
$t->wait_until('the listener waits for the table', sub {
	$t->value("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'syncore.event'::regclass AND pid = ?", $listener) > 0 });

# Reload moves the port; the old one is closed
my $new = PostgreSQL::Test::Cluster::get_free_port();
$t->node->append_conf('postgresql.conf', "syncore.listen_port = $new");
$t->node->reload;
$t->wait_until('the server has read its settings', sub { $t->value('SHOW syncore.listen_port') == $new });
$locker->rollback;
$locker->disconnect;
$t->wait_until('the new port answers', sub { HTTP::Tiny->new(timeout => 2)->get("http://127.0.0.1:$new/healthz")->{status} == 200 });
my %told;
$told{ status(eval { last_words($_) } // '') }++ for @open;
is(($t->workers('syncore listener'))[0], $listener, 'the process that listened goes on');
cmp_ok($told{200} // 0, '>=', 1, 'the control: some had been taken') or diag explain \%told;
is($t->value("SELECT count(*) FROM syncore.event WHERE external_key ~ '^INC40[0-9]{2}\$'"), $told{200} // 0, 'who heard 200 is stored, who did not is not')
	or diag explain \%told;
is(scalar(grep { !/^(?:200|503|closed)$/ } keys %told), 0, 'the others were told to come again, or never taken') or diag explain \%told;
is(HTTP::Tiny->new(timeout => 2)->get("http://127.0.0.1:$port/healthz")->{status}, 599, 'the old port is closed');

# RL-05: idle, it writes nothing
$t->wait_until('rest', sub {
	my $lsn = $t->value('SELECT pg_current_wal_insert_lsn()');
	sleep 2;
	return $lsn eq $t->value('SELECT pg_current_wal_insert_lsn()');
});
pass('an idle listener writes no WAL');
$t->finish;
done_testing();

# Ends connections, and waits until the other side has ended them, too: what comes next has all places.
sub hang_up
{
	for my $socket (grep { defined } @_)
	{
		$socket->shutdown(1);
		last_words($socket);
		close $socket;
	}
	return;
}

# A whole signed request whose answer nobody has read yet.
sub begin_post
{
	my ($content) = @_;
	my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Timeout => 20) or die "connect: $!";
	my %header = signed($content);
	$socket->syswrite("POST /hooks/default/snow HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: " . length($content) . "\r\n"
		. join('', map { "$_: $header{$_}\r\n" } sort keys %header) . "\r\n$content");
	return $socket;
}

# Posts bodies signed, so many at a time; the statuses.
sub in_parallel
{
	my ($workers, @all) = @_;
	my @pipes;
	for my $n (0 .. $workers - 1)
	{
		my $child = open(my $from, '-|') // die "fork: $!";
		if (!$child)
		{
			for (my $i = $n; $i < @all; $i += $workers)
			{
				print post($all[$i], signed($all[$i]))->{status}, "\n";
			}
			close STDOUT;
			require POSIX;
			POSIX::_exit(0);
		}
		push @pipes, $from;
	}
	my @result;
	for my $from (@pipes)
	{
		chomp(my @lines = <$from>);
		push @result, @lines;
		close $from;
	}
	return @result;
}
