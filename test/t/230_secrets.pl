# S7: a secret is on the wire and in its file, and nowhere else: driven through success and every kind of failure with the
# server's log at debug5, no canary is in the log, a dump, a table, a view, pg_stat_activity or a message. S2: header values.
use strict;
use warnings;
use HTTP::Tiny;
use MIME::Base64 ();
use PostgreSQL::Test::Utils;
use Test::More;

use Syncore::Test;

my $t = Syncore::Test->new('secrets', conf => "log_min_messages = debug5\nsyncore.log_min_messages = debug5\nlog_statement = all\n");
my ($snow, $jira, $node) = ($t->snow, $t->jira, $t->node);
my $file = sub { my ($name) = @_; return slurp_file("$t->{secrets}/$name") =~ s/\s+\z//r };

$t->configure->activate;

# Success both ways, signed webhooks included.
my $first = $snow->create('a.lee', short_description => 'first', priority => '3', impact => '2', urgency => '2', state => '1');
$t->wait_until('the issue is there', sub { $jira->records == 1 });
$t->quiesce;

cmp_ok(scalar($jira->writes), '>', 0, 'control: calls carried the credential');

# A system that works has nothing to report (but the knock with which the harness finds the listener).
is(join("; ", map { join "/", map { $_ // "" } @$_{qw(check_name object detail)} } $t->rows("SELECT * FROM syncore.health WHERE level <> 'ok' AND detail !~ 'not signed'")), "", "health: all ok");

# A peer that answers with what it was sent; one that refuses; one that breaks off.
my $secret = $file->('jira');
my $echoed = 'reply-canary-7d1f';
$jira->fault(method => 'PUT', path => '/issue/', status => 422, message => "token $secret is wrong, $echoed");
$snow->update('a.lee', $first->{id} // $first->{sys_id}, short_description => 'second');
$t->wait_until('the call was refused', sub { $t->value(q{SELECT count(*) FROM syncore.ledger WHERE kind IN ('fail', 'dead')}) });
$jira->fault(method => 'PUT', path => '/issue/', status => 500, times => 1);
$jira->fault(method => 'PUT', path => '/issue/', drop => 'after', times => 1);
$t->sql(q{SELECT syncore.retry('jira')});
$t->sql(q{SELECT syncore.sync_now(1)});
$jira->fault(method => 'PUT', path => '/issue/', status => 401, times => 1);
$snow->update('a.lee', $first->{id} // $first->{sys_id}, short_description => 'third');


# LG-07: what a masked, a hashed and an excluded field hold is in the record and in what is sent, and nowhere else: not after a change, a conflict, a refusal.
my @private = map { "field-canary-$_-5c" } qw(masked hashed excluded);
$t->sql(q{UPDATE syncore.field SET sensitive = 'masked' WHERE entity_type = 'incident' AND name = 'description';
	UPDATE syncore.field SET sensitive = 'excluded' WHERE entity_type = 'incident' AND name = 'resolution_notes'});
$jira->fault(method => 'PUT', path => '/issue/', status => 400, times => 1, message => "description $private[0] is too short");
$snow->update('a.lee', $first->{id} // $first->{sys_id}, description => $private[0]);
$t->wait_until('it is with the other', sub { $t->sql(q{SELECT syncore.retry('jira')}); grep { JSON::PP->new->encode($_) =~ /$private[0]/ } $jira->records });
my $public = $t->value(q{SELECT string_agg(t::text, ' ') FROM syncore.ledger t});
like($public, qr/"description"|description/, 'control: the ledger tells that it changed');
for my $relation (map { $_->{name} } $t->rows(q{SELECT c.oid::regclass::text AS name FROM pg_class c WHERE c.relnamespace = 'syncore'::regnamespace
	AND c.relkind IN ('r', 'v') AND c.relname NOT IN ('entity', 'link') ORDER BY 1}))
{
	my $found = $t->value("SELECT count(*) FROM $relation t WHERE t::text ~ 'field-canary'");
	is($found, 0, "LG-07: $relation holds nothing of a masked field") if $found;
}
unlike(slurp_file($node->logfile) =~ s/^.*(?:STATEMENT|statement|execute|duration):.*field-canary.*$//mgr, qr/field-canary/, 'LG-07: nor does the log of the server');

# Secrets that cannot be used: gone, readable by others, with a line end inside (a header would be split).
my %canary = (missing => undef, open => 'canary-open-91c2', split => "canary-split-4a\r\nX-Evil: 55", good => 'canary-good-0b');
$t->secret("c_$_", $canary{$_}, $_ eq 'open' ? 0644 : 0600) for grep { defined $canary{$_} } sort keys %canary;
for my $which (sort keys %canary)
{
	$t->sql("SELECT syncore.set_credential('snow', 'bearer', 'file:c_$which')");
	$t->fails("CALL syncore.wait(syncore.check_system('snow'), '20 s')");
}
my $evil = grep { $_->{headers} && grep { /x-evil/i } keys %{ $_->{headers} } } $snow->requests;
is($evil, 0, 'S2: a line end in a secret adds no header');
cmp_ok($t->value(q{SELECT count(*) FROM syncore.alert WHERE detail ~ 'readable by others|no header may hold|could not be opened'})
	+ $t->value(q{SELECT count(*) FROM syncore.job WHERE (coalesce(error, '') || coalesce(result::text, '')) ~ 'readable by others|no header may hold|could not be opened'}),
	'>', 0, 'control: what is wrong with a credential is told');

# A webhook with a wrong signature, and one with credentials in its headers.
my $ua = HTTP::Tiny->new(timeout => 10);
my $answer = $ua->post($t->hook_url('snow'), { content => '{"x": 1}', headers => { 'Content-Type' => 'application/json', 'X-Syncore-Signature' => 'sha256=00', 'X-Syncore-Timestamp' => time,
	Authorization => 'Bearer inbound-canary-3e', Cookie => 'session=inbound-canary-3e' } });
is($answer->{status}, 401, 'a webhook with a wrong signature is refused');

# A secret typed where its name belongs is refused, and the message does not repeat it.
my ($ret, $out, $err) = $node->psql('ops', "SELECT syncore.set_credential('snow', 'bearer', 'hunter2 canary typed')");
like($err, qr/not a reference to a secret/, 'a secret itself is no reference');
unlike($err =~ s/^.*STATEMENT.*$//mr, qr/ERROR.*hunter2/, 'and the message does not repeat it');

my @words = ($secret, $file->('snow'), $file->('snow_hook'), $file->('jira_hook'), 'canary-open-91c2', 'canary-split-4a', 'canary-good-0b', 'inbound-canary-3e',
	map { my $b = MIME::Base64::encode_base64($_, ''); $b } "syncore.bot:" . $file->('snow'), "syncore\@acme.example:$secret");
my $any = join '|', map { quotemeta } @words;
sub holds { my ($text) = @_; my @found = $text =~ /($any)/g; return join ' ', map { substr($_, 0, 6) . '…' } @found }

# Every table and view, as a superuser sees it.
for my $relation (map { $_->{name} } $t->rows(q{SELECT c.oid::regclass::text AS name FROM pg_class c WHERE c.relnamespace = 'syncore'::regnamespace
	AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition ORDER BY 1}))
{
	my $found = holds(join "\n", map { $_->{said} // '' } $t->rows("SELECT t::text AS said FROM $relation t"));
	is($found, '', "$relation holds no secret") if $found ne '';
}
is(holds(join "\n", map { $_->{query} // '' } $t->rows('SELECT query FROM pg_stat_activity')), '', 'pg_stat_activity holds none');
$node->command_ok(['pg_dump', '-f', $node->basedir . '/dump.sql', 'ops'], 'a dump is made');
my $dump = slurp_file($node->basedir . '/dump.sql');
like($dump, qr/COPY syncore\.credential /, 'control: the dump holds the references');
is(holds($dump), '', 'the dump holds no secret');
my $log = slurp_file($node->logfile);
like($log, qr/DEBUG:/, 'control: the log is at debug');
# (what a person typed into a statement is theirs: log_statement writes it)
is(holds($log), '', 'the log holds no secret');
unlike($log =~ s/^.*(?:statement|STATEMENT):.*hunter2.*$//mgr, qr/hunter2/, 'nor what was typed by mistake, but for the statement itself');
$t->finish;
done_testing();
