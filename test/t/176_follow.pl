# FM-05: a record names its caller by id, and the caller's address is read of the caller's own record: a worker fetches it once,
# then it is there for all. The requests that the product has got are compared with a list.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use Syncore::Test;
use Test::More;

my $t = Syncore::Test->new('follow');
my $snow = $t->snow;
$t->configure;
$t->sql(q{INSERT INTO syncore.field (entity_type, name) VALUES ('incident', 'caller_mail');
	SELECT syncore.set_owner('incident', 'caller_mail', NULL);
	INSERT INTO syncore.field_map (system, record_type, field, path, direction, format, contract)
		VALUES ('snow', 'incident', 'caller_mail', '/caller_id', 'in', '{"follow": "sys_user", "take": "/email", "ttl_s": "3600"}', false)});
$t->activate('snow');
my ($lee, $kim) = map { $t->value(q{SELECT external_id FROM syncore.identity_map WHERE system = 'snow' AND person = ?}, $_) } 'a.lee@acme.example', 'b.kim@acme.example';

sub fetched { return map { $_->{path} =~ m{/sys_user/(\w+)$} ? $1 : () } $snow->requests }
sub mail { my ($title) = @_; return $t->value(q{SELECT data ->> 'caller_mail' FROM syncore.entity WHERE data ->> 'title' = ?}, $title) // '-' }
sub has_mail { my ($title, $mail) = @_; return $t->wait_until("$title has the address $mail", sub { mail($title) eq $mail }) }
sub waits { return $t->value('SELECT count(*) FROM syncore.reference_wait') }
sub is_too_old { $t->sql(q{UPDATE syncore.referenced SET fetched_at = fetched_at - interval '2 h'}); return }

my ($mail_of_lee, $mail_of_kim) = ('a.lee@acme.example', 'b.kim@acme.example');

subtest 'ten records name one caller' => sub {
	# nine wait before it is asked for, the tenth while it is: a call that is held for long would be given up
	$t->sql("SELECT syncore.pause('snow')");
	$snow->create('a.lee', short_description => "Of lee $_", impact => '2', urgency => '2', caller_id => $lee) for 1 .. 9;
	$t->wait_until('nine wait for it', sub { waits() == 9 });
	$snow->fault(method => 'GET', path => "/sys_user/$lee", hold => 'before', times => 1);
	$t->sql("SELECT syncore.resume('snow')");
	$t->wait_until('it is asked for', sub { $snow->held });
	$snow->create('a.lee', short_description => 'Of lee 10', impact => '2', urgency => '2', caller_id => $lee);
	$t->wait_until('all wait for it', sub { waits() == 10 });
	$snow->continue;
	has_mail("Of lee $_", $mail_of_lee) for 1 .. 10;
	$t->quiesce;
	is_deeply([fetched()], [$lee], 'one call');
	is(waits(), 0, 'nobody waits any more');
	$snow->create('a.lee', short_description => 'Of lee, later', caller_id => $lee);
	has_mail('Of lee, later', $mail_of_lee);
	is_deeply([fetched()], [$lee], 'and none for the next record');
	$snow->create('a.lee', short_description => 'Of kim', caller_id => $kim);
	has_mail('Of kim', $mail_of_kim);
	is_deeply([fetched()], [$lee, $kim], 'control: another caller is one call more');
	like($t->value(q{SELECT string_agg(w::text, ' ') FROM syncore.why((SELECT id::text FROM syncore.entity WHERE data ->> 'title' = 'Of kim'), 'caller_mail') w}), qr/sys_user $kim/, 'why() tells of whom it was read');
};

subtest 'too old' => sub {
	is_too_old();
	my ($row) = grep { $_->{short_description} eq 'Of kim' } $snow->records;
	$snow->update('a.lee', $row->{id}, caller_id => $lee);
	has_mail('Of kim', $mail_of_lee);
	$t->quiesce;
	is_deeply([fetched()], [$lee, $kim, $lee], 'what was fetched too long ago is fetched again');
};

subtest 'it cannot be had' => sub {
	$snow->clear_log;
	is_too_old();
	$snow->fault(method => 'GET', path => "/sys_user/$kim", status => 404, times => 1);
	$snow->create('a.lee', short_description => 'Of nobody', caller_id => $kim);
	$t->wait_until('an alert tells', sub { $t->value(q{SELECT count(*) FROM syncore.alert WHERE kind = 'reference' AND closed_at IS NULL}) });
	$t->quiesce;
	my ($row) = grep { $_->{short_description} eq 'Of nobody' } $snow->records;
	$snow->update('a.lee', $row->{id}, short_description => 'Of nobody still');
	$t->wait_until('the rest goes on', sub { $t->value(q{SELECT count(*) FROM syncore.entity WHERE data ->> 'title' = 'Of nobody still'}) });
	$t->quiesce;
	is(mail('Of nobody still'), '-', 'the field stays as it was');
	is_deeply([fetched()], [$kim], 'and it is not asked for again');
	is_too_old();
	$snow->fault(method => 'GET', path => "/sys_user/$kim", status => 503, times => 1);
	$snow->update('a.lee', $row->{id}, short_description => 'Of kim after all');
	$t->wait_until('it did not answer', sub { $t->value(q{SELECT count(*) FROM syncore.referenced WHERE tries = 1}) });
	is(waits(), 1, 'the record waits');
	$t->sql('UPDATE syncore.referenced SET next_at = now() WHERE tries = 1');
	has_mail('Of kim after all', $mail_of_kim);
	is_deeply([fetched()], [$kim, $kim, $kim], 'until its time; after a bad answer soon');
	$t->wait_until('the alert is over', sub { !$t->value(q{SELECT count(*) FROM syncore.alert WHERE kind = 'reference' AND closed_at IS NULL}) });
};

subtest 'killed meanwhile' => sub {
	$snow->clear_log;
	is_too_old();
	$snow->fault(method => 'GET', path => "/sys_user/$kim", hold => 'before', times => 1);
	$snow->create('a.lee', short_description => 'Of kim, killed', caller_id => $kim);
	$t->wait_until('it is being asked for', sub { $snow->held });
	$t->kill_server;
	$snow->continue;
	$t->start_again;
	has_mail('Of kim, killed', $mail_of_kim);
	is(scalar(fetched()), 2, 'the call that was lost is made again');
};

subtest 'dry run' => sub {
	$t->quiesce;
	$snow->clear_log;
	is_too_old();
	my $payload = $t->value(q{SELECT payload FROM syncore.event WHERE system = 'snow' ORDER BY id DESC LIMIT 1});
	ok($t->value('SELECT count(*) FROM syncore.test_run(?, ?)', 'snow', $payload), 'it says something');
	$t->quiesce;
	is_deeply([fetched()], [], 'and fetches nothing');
	is(waits(), 0, 'nor wants anything');
};

$t->verify;
$t->finish;
done_testing();
