# Job register_webhook: the product is told where to send its webhooks, and the secret goes to it and to nobody else.
# EV-03, S7
use strict;
use warnings;
use utf8;
use Encode qw(encode_utf8);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils ();
use Syncore::Test;
use Test::More;

my $t = Syncore::Test->new('register', conf => "syncore.max_workers = 2\nlog_statement = all\nlog_min_messages = debug1\n");
$t->configure->activate;
my ($jira, $node) = ($t->jira, $t->node);
my $canary = 'canary "5eclect" \\ µ';
$t->secret('jira_hook', encode_utf8("$canary\n"));
$jira->webhook(url => '', secret => 'unknown');

# Runs a registration to its end: (SQLSTATE or 00000, stderr).
sub register
{
	my ($system) = @_;
	my $err;
	$node->psql('ops', "\\set VERBOSITY verbose\nCALL syncore.wait(syncore.register_webhook('$system'), '150 s');", stderr => \$err, timeout => 180);
	return ($err =~ /ERROR:\s+([0-9A-Z]{5}):/ ? $1 : '00000', $err);
}

sub registered { return $t->value("SELECT registered FROM syncore.webhook WHERE system = 'jira'") }
sub hooks { return @{ $jira->request(GET => '/rest/webhooks/1.0/webhook')->{json} } }

ok(!registered(), 'nothing is registered at first');

# What cannot be: each case says so and leaves nothing there.
my ($state, $err) = register('snow');
is($state, '0A000', 'a product without such an API');
like($err, qr/SELECT setup FROM syncore\.webhook/, 'and what to do instead');
$jira->fault(method => 'POST', path => '/webhook$', status => 403);
($state, $err) = register('jira');
is($state, 'SY005', 'an account without the rights') or diag $err;
$jira->clear_faults;
chmod 0644, "$t->{secrets}/jira_hook";
($state, $err) = register('jira');
is($state, 'SY005', 'a secret that others may read');
chmod 0600, "$t->{secrets}/jira_hook";
is(scalar(hooks()), 0, 'nothing was registered');
ok(!registered(), 'nor does the view say so');

# It works: the address is known there, and what that product signs is believed here.
($state, $err) = register('jira');
is($state, '00000', 'registered') or diag $err;
my @hooks = hooks();
is(scalar @hooks, 1, 'one registration');
is($hooks[0]{url}, $t->hook_url('jira'), 'with our address');
is_deeply([sort @{ $hooks[0]{events} }],
	[qw(comment_created comment_deleted comment_updated jira:issue_created jira:issue_deleted jira:issue_updated)], 'and the events that we know');
ok(registered(), 'the view says so');
my $issue = $jira->create('b.kim@acme.example', summary => 'heard by the registered webhook');
$t->wait_until('the webhook arrives', sub { $t->value(q{SELECT count(*) FROM syncore.event WHERE via = 'webhook' AND system = 'jira'}) });
$t->quiesce;
is(($jira->webhooks)[-1]{state}, 'delivered', 'its signature is the one of our secret, quotes, backslash and all');

# Asked again it finds what is there; so does a job whose answer was lost.
($state) = register('jira');
is($state, '00000', 'asked again');
is($t->value(q{SELECT result ->> 'was_there' FROM syncore.job WHERE kind = 'register_webhook' ORDER BY id DESC LIMIT 1}), 'true', 'it is there already');
is(scalar(hooks()), 1, 'and not made twice');

# The secret is in the request and nowhere else.
$node->safe_psql('ops', 'SELECT pg_stat_clear_snapshot()');
my ($sent) = grep { $_->{method} eq 'POST' && $_->{path} =~ m{/webhook$} && $_->{status} == 201 } $jira->requests;
is($sent->{json}{secret}, $canary, 'control: it was sent');
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump.sql';
$node->command_ok(['pg_dump', '-f', $dump, '-d', $node->connstr('ops')], 'a dump');
for my $file ($dump, $node->logfile)
{
	my $text = PostgreSQL::Test::Utils::slurp_file($file);
	cmp_ok(length $text, '>', 1000, 'there is something to look through');
	unlike($text, qr/5eclect/, "S7: the secret is not in $file");
}
is($t->value(q{SELECT count(*) FROM syncore.job j WHERE j::text LIKE '%5eclect%'}), 0, 'S7: nor in the job');
is($t->value(q{SELECT count(*) FROM syncore.ledger l WHERE l::text LIKE '%5eclect%'}), 0, 'S7: nor in the ledger');

$t->verify;
$t->finish;
done_testing();
