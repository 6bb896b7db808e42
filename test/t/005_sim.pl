# The simulated products refuse what the real ones refuse, keep what they are
# given, sign what they say, and misbehave exactly when told to.  Without this
# test the others would prove little.
use strict;
use warnings;
use Digest::SHA qw(hmac_sha256_hex);
use File::Temp qw(tempdir);
use FindBin;
use IO::Socket::INET;
use JSON::PP ();
use Test::More;
use Time::HiRes qw(sleep time);

BEGIN { $ENV{SYNCORE_TOP} //= "$FindBin::RealBin/../.." }
use lib "$FindBin::RealBin/../lib/perl";
use Syncore::Sim;

my $dir = tempdir(CLEANUP => 1);
my ($snow, $jira) = Syncore::Sim->start(dir => $dir,
	products => [{ name => 'snow', product => 'servicenow' }, { name => 'jira', product => 'jira' }]);
my $table = '/api/now/table/incident';
my $issue = '/rest/api/3/issue';

sub doc { my ($text) = @_; return { type => 'doc', version => 1, content => [{ type => 'paragraph', content => [{ type => 'text', text => $text }] }] } }
sub bug { my (%more) = @_; return { fields => { project => { key => 'OPS' }, issuetype => { name => 'Bug' }, summary => 'It broke', %more } } }

# Accepts webhooks on a port of ours: returns what came, answering each with the next status.
sub receive
{
	my ($server, $count, @status) = @_;
	my @got;
	while (@got < $count)
	{
		local $SIG{ALRM} = sub { die "no webhook within 10 s\n" };
		alarm 10;
		my $s = $server->accept;
		my ($head, $body) = ('', '');
		while (my $line = <$s>) { last if $line =~ /^\r?\n$/; $head .= $line }
		my ($length) = $head =~ /^content-length: (\d+)/mi;
		read $s, $body, $length // 0;
		print $s 'HTTP/1.1 ' . (@status ? shift @status : 200) . " Said\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
		close $s;
		alarm 0;
		push @got, { head => { map { lc($_->[0]) => $_->[1] } map { [/^([^:]+):\s*(.*?)\r?$/] } grep { /:/ } split /\n/, $head }, body => $body,
			json => JSON::PP->new->utf8->decode($body) };
	}
	return @got;
}

subtest 'servicenow refuses' => sub {
	is($snow->request(GET => $table, undef, Authorization => undef)->{status}, 401, 'no credentials');
	is($snow->request(GET => $table, undef, Authorization => 'Basic eDp5')->{status}, 401, 'wrong credentials');
	is($snow->request(GET => $table)->{status}, 200, 'control: the right ones');
	is($snow->request(POST => $table, '{"short_description":"x"}', 'Content-Type' => 'text/plain')->{status}, 415, 'wrong content type');
	is($snow->request(POST => $table, '{"short_description":')->{status}, 400, 'broken JSON');
	is($snow->request(POST => $table, '{"short_description":{"a":1}}')->{status}, 400, 'an object for a scalar');
	is($snow->request(GET => '/api/now/table/no_such')->{status}, 400, 'unknown table');
	my $r = $snow->request(GET => "$table/" . 'f' x 32);
	is($r->{status}, 404, 'unknown record');
	is($r->{json}{error}{message}, 'No Record found', 'in its own words');
	is($snow->request(GET => $table, undef, Accept => 'text/csv')->{status}, 406, 'a form it does not speak');
	is(scalar(grep { $_->{effect} ne 'none' } $snow->requests), 0, 'nothing of it was done');
};

subtest 'servicenow keeps' => sub {
	my $r = $snow->request(POST => $table, { short_description => 'Disk full', impact => '1', urgency => 2, no_such_field => 'x', priority => '5',
		assigned_to => 'a.lee', correlation_id => 'abc' });
	is($r->{status}, 201, 'created');
	my $row = $r->{json}{result};
	like($row->{sys_id}, qr/^[0-9a-f]{32}$/, 'sys_id');
	is($row->{priority}, '2', 'priority is computed from impact and urgency, and cannot be written');
	is($row->{urgency}, '2', 'numbers become strings');
	is(ref $row->{assigned_to}, 'HASH', 'a reference is a link and a value');
	is($row->{assigned_to}{value}, '5137153cc611227c000bbd1bd8cd2005', 'found by user name');
	ok(!exists $row->{no_such_field}, 'an unknown field is ignored silently');
	is_deeply(($snow->requests)[-1]{ignored}, ['no_such_field', 'priority'], 'but the log tells');
	is($row->{sys_mod_count}, '0', 'mod count of a fresh record');

	my $id = $row->{sys_id};
	my $same = $snow->request(PATCH => "$table/$id", { impact => '1' })->{json}{result};
	is($same->{sys_mod_count}, '0', 'a no-op does not raise it');
	my $next = $snow->request(PATCH => "$table/$id", { state => '2', work_notes => 'looked at it' })->{json}{result};
	is($next->{sys_mod_count}, '1', 'a change does, by one');
	is($next->{work_notes}, '', 'journals read as empty');
	is($snow->request(PATCH => "$table/$id", { state => '99' })->{json}{result}{state}, '2', 'a state that is no choice is not taken');
	like($next->{sys_updated_on}, qr/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/, 'whole seconds');
	my $journal = $snow->request(GET => "/api/now/table/sys_journal_field?sysparm_query=element_id=$id^elementINwork_notes,comments^ORDERBYsys_created_on")->{json}{result};
	is(scalar @$journal, 1, 'one journal row');
	is($journal->[0]{value}, 'looked at it', 'with the text');
	is($journal->[0]{sys_created_by}, 'syncore.bot', 'and its writer');

	my $found = $snow->request(GET => "$table?sysparm_query=correlation_id=abc&sysparm_fields=number,assigned_to&sysparm_exclude_reference_link=true");
	is_deeply($found->{json}{result}, [{ number => $row->{number}, assigned_to => '5137153cc611227c000bbd1bd8cd2005' }], 'query, fields, bare reference');
	is($found->{headers}{'x-total-count'}, 1, 'X-Total-Count');
	$snow->request(POST => $table, { short_description => "more $_" }) for 1 .. 2;
	is($snow->request(GET => "$table?sysparm_query=misspelt=abc")->{headers}{'x-total-count'}, 3, 'a wrong part of a query is ignored');
	my $page = $snow->request(GET => "$table?sysparm_query=ORDERBYDESCnumber&sysparm_limit=1&sysparm_offset=1");
	is($page->{json}{result}[0]{short_description}, 'more 1', 'order, limit and offset');
	like($page->{headers}{link}, qr/sysparm_offset=2.*rel="next"/, 'and the next page');
	is($snow->request(DELETE => "$table/$id")->{status}, 204, 'deleted');
	is($snow->request(GET => "$table/$id")->{status}, 404, 'and gone');
};

subtest 'jira refuses' => sub {
	is($jira->request(GET => '/rest/api/3/myself', undef, Authorization => undef)->{status}, 401, 'no credentials');
	is($jira->request(GET => '/rest/api/3/myself')->{json}{emailAddress}, 'syncore@acme.example', 'control: the right ones');
	is($jira->request(POST => $issue, '{}', 'Content-Type' => 'text/plain')->{status}, 415, 'wrong content type');
	is($jira->request(POST => $issue, '{"fields":')->{status}, 400, 'broken JSON');
	for my $case (
		['missing summary', { %{ bug()->{fields} }, summary => undef }, 'summary'],
		['summary with a line break', { %{ bug()->{fields} }, summary => "a\nb" }, 'summary'],
		['summary too long', { %{ bug()->{fields} }, summary => 'x' x 256 }, 'summary'],
		['no project', { %{ bug()->{fields} }, project => { key => 'NOPE' } }, 'project'],
		['no type', { %{ bug()->{fields} }, issuetype => undef }, 'issuetype'],
		['unknown field', { %{ bug()->{fields} }, customfield_1 => 'x' }, 'customfield_1'],
		['status in fields', { %{ bug()->{fields} }, status => { name => 'Done' } }, 'status'],
		['resolution in fields', { %{ bug()->{fields} }, resolution => { name => 'Done' } }, 'resolution'],
		['text for a document', { %{ bug()->{fields} }, description => 'plain' }, 'description'],
		['empty text node', { %{ bug()->{fields} }, description => doc('') }, 'description'],
		['unknown node', { %{ bug()->{fields} }, description => { type => 'doc', version => 1, content => [{ type => 'para' }] } }, 'description'],
		['unknown priority', { %{ bug()->{fields} }, priority => { name => 'P0' } }, 'priority'],
		['unknown person', { %{ bug()->{fields} }, assignee => { accountId => 'nobody' } }, 'assignee'],
		['label with a space', { %{ bug()->{fields} }, labels => ['a b'] }, 'labels'])
	{
		my ($name, $fields, $field) = @$case;
		my $r = $jira->request(POST => $issue, { fields => $fields });
		is($r->{status}, 400, "$name: 400");
		ok(exists $r->{json}{errors}{$field}, "$name: names the field") or diag $r->{content};
	}
	is($jira->request(POST => $issue, { %{ bug() }, nonsense => 1 })->{status}, 400, 'unknown member of the body');
	is($jira->request(POST => $issue, { %{ bug() }, properties => [{ key => 'syncore', value => 'x' x 40_000 }] })->{status}, 400, 'property too long');
	is($jira->request(GET => "$issue/OPS-99")->{status}, 404, 'unknown issue');
	is(scalar $jira->records, 0, 'nothing of it was done');
};

subtest 'jira keeps' => sub {
	my $r = $jira->request(POST => $issue, { %{ bug(description => doc('text'), priority => { name => 'High' }, labels => ['b', 'a']) },
		properties => [{ key => 'syncore', value => { marker => 'm1' } }] });
	is($r->{status}, 201, 'created');
	is_deeply([sort keys %{ $r->{json} }], [qw(id key self)], 'the answer has id, key and self only');
	my $key = $r->{json}{key};
	my $got = $jira->request(GET => "$issue/$key?properties=syncore")->{json};
	is($got->{fields}{status}{name}, 'To Do', 'first status');
	is($got->{properties}{syncore}{marker}, 'm1', 'property');
	is_deeply($got->{fields}{labels}, ['a', 'b'], 'labels');
	like($got->{fields}{updated}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000$/, 'milliseconds, offset without colon');
	ok(!exists $jira->request(GET => "$issue/$key")->{json}{properties}, 'no properties unless asked');

	my $edit = $jira->request(PUT => "$issue/$key", { fields => { summary => 'It broke again' } });
	is($edit->{status}, 204, 'edit answers 204');
	is($edit->{content} // '', '', 'without a body');
	my $after = $jira->request(GET => "$issue/$key?fields=summary,updated")->{json}{fields};
	is($after->{summary}, 'It broke again', 'edited');
	isnt($after->{updated}, $got->{fields}{updated}, 'updated moved');
	$jira->request(PUT => "$issue/$key", { fields => { summary => 'It broke again' } });
	is($jira->request(GET => "$issue/$key?fields=updated")->{json}{fields}{updated}, $after->{updated}, 'a no-op does not move it');
	is($jira->request(PUT => "$issue/$key", { fields => { summary => 'no', status => { name => 'Done' } } })->{status}, 400, 'status by edit: 400');
	is($jira->request(GET => "$issue/$key")->{json}{fields}{summary}, 'It broke again', 'and nothing else of that edit was done');

	my $on_offer = $jira->request(GET => "$issue/$key/transitions")->{json}{transitions};
	my ($done) = grep { $_->{to}{name} eq 'Done' } @$on_offer;
	ok($done, 'Done is on offer');
	is($done->{to}{statusCategory}{key}, 'done', 'with its category');
	is($jira->request(POST => "$issue/$key/transitions", { transition => { id => '999' } })->{status}, 400, 'a transition that is not: 400');
	is($jira->request(POST => "$issue/$key/transitions", { transition => { id => $done->{id} } })->{status}, 204, 'one that is: 204');
	is($jira->request(POST => "$issue/$key/transitions", { transition => { id => $done->{id} } })->{status}, 400, 'not twice');
	my $closed = $jira->request(GET => "$issue/$key")->{json}{fields};
	is("$closed->{status}{name} $closed->{resolution}{name}", 'Done Done', 'closed with a resolution');
	$jira->set(workflow => { 21 => ['Start', 'In Progress', 'To Do'], 41 => ['Done', 'Done', 'In Progress'], 11 => ['Reopen', 'To Do', 'Done'] });
	is_deeply([map { $_->{to}{name} } @{ $jira->request(GET => "$issue/$key/transitions")->{json}{transitions} }], ['To Do'], 'a stricter workflow');
	$jira->set(workflow => undef);

	is($jira->request(POST => "$issue/$key/comment", { body => 'text' })->{status}, 400, 'comment must be a document');
	my $comment = $jira->request(POST => "$issue/$key/comment", { body => doc('hello') });
	is($comment->{status}, 201, 'comment');
	is($jira->request(GET => "$issue/$key/comment")->{json}{total}, 1, 'listed');
	is($jira->request(PUT => "$issue/$key/properties/other", { a => 1 })->{status}, 201, 'property made');
	is($jira->request(PUT => "$issue/$key/properties/other", { a => 2 })->{status}, 200, 'property changed');

	my $search = sub { my ($jql, %more) = @_; return $jira->request(POST => '/rest/api/3/search/jql', { jql => $jql, fields => ['summary'], %more }) };
	is($search->('ORDER BY updated')->{status}, 400, 'unbounded search: 400');
	is($search->('nonsense = 1')->{status}, 400, 'unknown field: 400');
	is_deeply([map { $_->{key} } @{ $search->('project = OPS AND updated >= -10m ORDER BY updated ASC')->{json}{issues} }], [$key], 'found');
	is(scalar @{ $search->('project = "OPS" AND creator = currentUser() AND created >= -15m ORDER BY created DESC')->{json}{issues} }, 1, 'by its creator');
	$jira->set(search_lag_ms => 60_000);
	is(scalar @{ $search->('project = OPS')->{json}{issues} }, 0, 'not yet, when the index lags');
	is(scalar @{ $search->('project = OPS', reconcileIssues => [$got->{id}])->{json}{issues} }, 1, 'unless asked for by id');
	$jira->set(search_lag_ms => 0);
};

subtest 'faults on command' => sub {
	$snow->fault(method => 'GET', status => 429, retry_after => 7, message => 'slow down');
	my $r = $snow->request(GET => $table);
	is("$r->{status} $r->{headers}{'retry-after'}", '429 7', '429 with Retry-After');
	is($snow->request(GET => $table)->{status}, 200, 'once');
	my $before = $snow->records;
	$snow->fault(method => 'POST', drop => 'after');
	is($snow->request(POST => $table, { short_description => 'lost answer' })->{status}, 599, 'answer dropped');
	is(scalar $snow->records, $before + 1, 'but the work was done');
	$snow->fault(method => 'POST', drop => 'before');
	is($snow->request(POST => $table, { short_description => 'lost request' })->{status}, 599, 'request dropped');
	is(scalar $snow->records, $before + 1, 'and not done');
	$snow->fault(method => 'GET', drop => 'half', times => 2);    # the client asks again once
	isnt($snow->request(GET => $table)->{status}, 200, 'answer cut half way');
	$snow->fault(method => 'GET', delay_ms => 300);
	my $start = time;
	$snow->request(GET => $table);
	cmp_ok(time - $start, '>=', 0.3, 'delayed');
	$snow->fault(method => 'GET', raw => '<html>Instance Hibernating page</html>');
	like($snow->request(GET => $table)->{content}, qr/Hibernating/, 'HTML with status 200');
	$snow->set(normalise => { short_description => ['trim', 'lower'] }, strip_markers => 1);
	my $row = $snow->request(POST => $table, { short_description => '  LOUD ', correlation_id => 'gone' })->{json}{result};
	is("$row->{short_description}|$row->{correlation_id}", 'loud|', 'values normalised, markers stripped');
	$snow->set(normalise => {}, strip_markers => 0, automation => [{ field => 'state', set => { urgency => '1' }, as => 'automation', times => 1 }]);
	$row = $snow->request(PATCH => "$table/$row->{sys_id}", { state => '2' })->{json}{result};
	is("$row->{urgency} $row->{sys_mod_count} $row->{sys_updated_by}", '1 2 automation', 'automation wrote back');
};

subtest 'webhooks are signed, retried, repeated, reordered' => sub {
	my $server = IO::Socket::INET->new(Listen => 20, LocalAddr => '127.0.0.1', ReuseAddr => 1) or die "listen: $!";
	my $url = 'http://127.0.0.1:' . $server->sockport . '/hooks/default/x';
	$_->webhook(url => $url, secret => 'hush', retry_ms => 10, hold => 0) for $snow, $jira;
	$_->release for $snow, $jira;
	receive($server, $snow->state->{webhooks_pending} + $jira->state->{webhooks_pending});    # what came before the address was known

	my $row = $snow->create('a.lee', short_description => 'from a person');
	my ($hook) = receive($server, 1);
	is($hook->{head}{'x-syncore-signature'}, 'sha256=' . hmac_sha256_hex("$hook->{head}{'x-syncore-timestamp'}.$hook->{body}", 'hush'),
		'servicenow: HMAC over timestamp and body');
	is("$hook->{json}{operation} $hook->{json}{number} $hook->{json}{sys_updated_by}", "insert $row->{number} a.lee", 'what, which, who');
	$snow->comment('a.lee', $row->{id}, 'a note');
	($hook) = receive($server, 1, 503);
	my ($again) = receive($server, 1);
	is($again->{body}, $hook->{body}, 'repeated after a 503');
	is($hook->{json}{journal}[0]{value}, 'a note', 'journal entries travel along');

	my $made = $jira->create('a.lee@acme.example', summary => 'by hand', description => 'plain text');
	($hook) = receive($server, 1, 500);
	($again) = receive($server, 1);
	is($hook->{head}{'x-hub-signature'}, 'sha256=' . hmac_sha256_hex($hook->{body}, 'hush'), 'jira: HMAC over the body');
	is($again->{head}{'x-atlassian-webhook-identifier'}, $hook->{head}{'x-atlassian-webhook-identifier'}, 'one identifier over the tries');
	is($again->{head}{'x-atlassian-webhook-retry'}, 1, 'and the number of the try');
	is($hook->{json}{issue}{fields}{description}{type}, 'doc', 'text of people becomes a document');

	$jira->hold_webhooks;
	$jira->update('b.kim@acme.example', $made->{key}, status => $_) for 'In Progress', 'Done';
	$jira->comment('b.kim@acme.example', $made->{key}, 'late');
	$jira->release(order => [reverse map { $_->{n} } grep { $_->{state} eq 'queued' } $jira->webhooks]);
	my @got = receive($server, 3);
	is_deeply([sort map { $_->{json}{changelog} ? $_->{json}{changelog}{items}[-1]{toString} : $_->{json}{webhookEvent} } @got],
		['Done', 'In Progress', 'comment_created'], 'all of them, when released');
	is($got[0]{json}{comment}{author}{displayName}, 'Bo Kim', 'the last one first') or diag join ' ', map { $_->{json}{webhookEvent} } @got;
	$jira->webhook(hold => 0, duplicate => 1);
	$jira->update('b.kim@acme.example', $made->{key}, summary => 'twice');
	@got = receive($server, 2);
	is($got[0]{body}, $got[1]{body}, 'a duplicate on command');
};

$snow->stop;
done_testing();
