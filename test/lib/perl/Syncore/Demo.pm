package Syncore::Demo;

# The ten-minute session, played once: make demo prints it, test/t/001_demo.pl
# asserts it.  play($t, say => sub { text }, check => sub { ok, what }) on a
# started Syncore::Test.

use strict;
use warnings;
use Time::HiRes qw(sleep time);

my ($t, $say, $check);

sub play
{
	($t, my %how) = @_;
	($say, $check) = @how{qw(say check)};
	configure();
	my ($inc, $issue) = first_record();
	timeline($inc, $issue);
	escalation($inc, $issue);
	work_note($inc, $issue);
	answers($inc, $issue);
	return ($inc->{key}, $issue->{key});
}

# Runs SQL as a person types it, shows both, and hands back the output.
sub type
{
	my ($text, $quiet) = @_;
	$say->(join "\n", map { "ops=> $_" } split /\n/, $text) if !$quiet;
	my ($out, $err) = ('', '');
	my $status = $t->node->psql('ops', $text, stdout => \$out, stderr => \$err, extra_params => ['-P', 'pager=off', '-P', 'footer=off', '--no-align',
		'-P', 'tuples_only=off', '-P', 'fieldsep= | ']);
	$say->(join "\n", map { "      $_" } grep { length } split /\n/, $out) if length $out && !$quiet;
	$check->($status == 0, 'SQL runs: ' . ($text =~ s/\s+/ /gr =~ s/^(.{60}).*/$1 …/r)) if $status != 0;
	$say->("      $err") if $status != 0;
	return $out;
}

sub configure
{
	my ($snow, $jira) = ($t->snow->url, $t->jira->url);
	$say->("\n1. Two systems, their secrets, what flows between them");
	$say->("   (simulated products on the loopback, so http and private addresses are allowed here)");
	type('CREATE EXTENSION syncore CASCADE;');
	type("SELECT made, object FROM syncore.add_system('snow', 'servicenow', 'https://acme.service-now.com');");
	type("SELECT made, object FROM syncore.add_system('jira', 'jira', 'https://acme.atlassian.net',\n"
		. "                            settings => '{\"project\": \"OPS\", \"issue_type\": \"Bug\"}');");
	type("UPDATE syncore.system SET allow_http = true, allow_private = true,\n"
		. "       base_url = CASE name WHEN 'snow' THEN '$snow' ELSE '$jira' END;");
	type("SELECT syncore.set_credential('snow', 'basic', 'file:snow', username => 'syncore.bot');\n"
		. "SELECT syncore.set_credential('jira', 'basic', 'file:jira', username => 'syncore\@acme.example');\n"
		. "SELECT syncore.set_credential('snow', 'hmac_sha256', 'file:snow_hook', used_for => 'webhook');\n"
		. "SELECT syncore.set_credential('jira', 'hmac_sha256', 'file:jira_hook', used_for => 'webhook');");
	type("CALL syncore.wait(syncore.check_system('snow'));\nCALL syncore.wait(syncore.check_system('jira'));");
	my $found = type('TABLE syncore.system_check;');
	$check->($found =~ /snow \|/ && $found =~ /jira \|/ && $found !~ /\| f \|/, 'both systems answer, the credentials are right');
	type("INSERT INTO syncore.comment_map (system, record_type, channel, visibility, direction) VALUES\n"
		. "    ('snow', 'incident', 'work_notes', 'internal', 'both'),\n"
		. "    ('jira', 'issue',    'comment',    'internal', 'both');\n"
		. "INSERT INTO syncore.identity_map (person, system, external_id) VALUES\n"
		. "    ('a.lee\@acme.example', 'snow', '5137153cc611227c000bbd1bd8cd2005'),\n"
		. "    ('a.lee\@acme.example', 'jira', '5b10ac8d82e05b22cc7d4ef5');\n"
		. "SELECT syncore.set_policy('incident', 'severity', '{escalation_wins,human_wins,last_update_wins}');");
	$t->snow->webhook(url => $t->hook_url('snow'), secret => 'hook-snow', retry_ms => 100, tries => 100);
	$t->jira->webhook(url => $t->hook_url('jira'), secret => 'hook-jira', retry_ms => 100, tries => 100);
	my $lint = type("SELECT level, code, object, message FROM syncore.lint();");
	$check->($lint !~ /^error \|/m, 'lint finds no error');
	my $mode = type("SELECT syncore.activate('snow'), syncore.activate('jira');");
	$check->($mode =~ /active \| active/, 'both are active');
	$t->wait_until('the listener answers', sub { $t->listener_answers });
	return;
}

sub first_record
{
	$say->("\n2. Ann opens an incident in ServiceNow");
	my $start = time;
	my $inc = $t->snow->create('a.lee', short_description => 'VPN gateway drops sessions', impact => '1', urgency => '2',
		description => 'Since 14:00, about one in five.', assigned_to => 'a.lee');
	my $issue = $t->wait_until('the issue appears in Jira', sub { ($t->jira->records)[0] });
	$say->(sprintf '   %s is %s in Jira after %.1f s', $inc->{key}, $issue->{key} // '?', time - $start);
	$t->quiesce;
	$issue = ($t->jira->records)[0];
	my $f = $issue->{fields};
	$check->(scalar($t->jira->records) == 1 && scalar($t->snow->records) == 1, 'one record on each side');
	$check->($f->{summary} eq $inc->{short_description} && $f->{priority} eq 'High' && $f->{status} eq 'To Do', 'title, severity and status came over');
	$check->(($f->{assignee} // '') eq '5b10ac8d82e05b22cc7d4ef5', 'and the assignee, as the same person');
	return ($inc, $issue);
}

# EL-08: edits on both sides within half a second.
sub timeline
{
	my ($inc, $issue) = @_;
	$say->("\n3. Both sides edit within half a second (0, 50, 200, 250, 400, 450 ms)");
	my %before = (snow => scalar $t->snow->writes, jira => scalar $t->jira->writes);
	my $start = time;
	my @steps = (
		[0, snow => 'a.lee', short_description => 'VPN gateway drops sessions (Ann)'],
		[0.05, jira => 'b.kim@acme.example', summary => 'VPN gateway drops sessions (Bo)'],
		[0.2, snow => 'a.lee', state => '2'],
		[0.25, jira => 'b.kim@acme.example', status => 'In Progress'],
		[0.4, snow => 'a.lee', short_description => 'VPN gateway drops sessions, 2nd floor'],
		[0.45, jira => 'b.kim@acme.example', summary => 'VPN gateway drops sessions, all floors'],
	);
	for my $step (@steps)
	{
		my ($at, $system, $who, $field, $value) = @$step;
		my $rest = $start + $at - time;
		sleep $rest if $rest > 0;
		$t->sim($system)->update($who, $system eq 'snow' ? $inc->{id} : $issue->{id}, $field => $value);
		$say->(sprintf '   %3d ms  %s  %s sets %s = %s', 1000 * (time - $start), $system, $who, $field, $value);
	}
	$t->quiesce;
	my ($row, $f) = ($t->snow->record($inc->{id}), $t->jira->record($issue->{id})->{fields});
	$say->("   at rest: ServiceNow says \"$row->{short_description}\", Jira says \"$f->{summary}\"");
	$check->($row->{short_description} eq $f->{summary}, 'both sides end with one title');
	$check->($row->{state} eq '2' && $f->{status} eq 'In Progress', 'and one status');
	my %new = (snow => scalar($t->snow->writes) - $before{snow}, jira => scalar($t->jira->writes) - $before{jira});
	$say->("   writes that it took: $new{snow} to ServiceNow, $new{jira} to Jira");
	# An edit that a write of ours had overtaken on the wire, and that wins, is written back where it was made.
	my %raced = map { $_->{name} => $_->{n} } $t->rows(q{SELECT y.name, count(*) AS n FROM syncore.ledger l JOIN syncore.system y ON y.id = l.system_id
		WHERE l.kind = 'raced' GROUP BY 1});
	$check->($new{snow} <= 3 + ($raced{snow} // 0) && $new{jira} <= 3 + ($raced{jira} // 0),
		'at most one write a side for each edit of the other side, and for each that was overtaken');
	return;
}

# RS-02: a raise beats a lowering that is newer.
sub escalation
{
	my ($inc, $issue) = @_;
	$say->("\n4. Bo raises the priority to Highest in Jira; Ann, who has not seen it, lowers it to 3 in ServiceNow");
	$_->hold_webhooks for $t->snow, $t->jira;
	$t->jira->update('b.kim@acme.example', $issue->{id}, priority => 'Highest');
	$t->snow->update('a.lee', $inc->{id}, impact => '2', urgency => '2');
	$_->release for $t->jira, $t->snow;
	$t->quiesce;
	my ($row, $f) = ($t->snow->record($inc->{id}), $t->jira->record($issue->{id})->{fields});
	$say->("   at rest: ServiceNow priority $row->{priority}, Jira $f->{priority}");
	$check->($row->{priority} eq '1' && $f->{priority} eq 'Highest', 'the escalation stands on both sides');
	my $conflict = type("SELECT field, kind, incoming, current, rule, outcome FROM syncore.conflict WHERE field = 'severity' ORDER BY id;");
	$check->($conflict =~ /escalation_wins/, 'the conflict is recorded with its rule');
	return;
}

sub work_note
{
	my ($inc, $issue) = @_;
	$say->("\n5. Ann writes a work note; it is copied once, and comes back to nobody");
	$t->snow->comment('a.lee', $inc->{id}, 'Failed over to the standby unit.');
	$t->wait_until('the comment in Jira', sub { @{ $t->jira->record($issue->{id})->{comments} } });
	$t->quiesce;
	my @comments = @{ $t->jira->record($issue->{id})->{comments} };
	my @notes = @{ $t->snow->record($inc->{id})->{journal} };
	$say->('   Jira: ' . ($comments[0]{text} // '') =~ s/\n+/ /gr);
	$check->(@comments == 1 && $comments[0]{text} =~ /Failed over to the standby unit\./, 'one comment in Jira');
	$check->(@notes == 1, 'still one note in ServiceNow');
	return;
}

sub answers
{
	my ($inc) = @_;
	$say->("\n6. Why does it say what it says?");
	my $why = type("SELECT n, system, actor, said, decision, because FROM syncore.why('$inc->{key}', 'severity');");
	$check->($why =~ /^1 \|/m, 'why() answers');
	$say->("\n7. Everything that was decided about this record");
	my $ledger = type("SELECT at::time(0), step, system, field, old, new, rule FROM\n"
		. "  (SELECT l.at, l.kind AS step, s.name AS system, l.field, left(l.old::text, 34) AS old, left(l.new::text, 34) AS new, l.rule\n"
		. "   FROM syncore.ledger l LEFT JOIN syncore.system s ON s.id = l.system_id\n"
		. "   WHERE l.entity = (SELECT entity FROM syncore.link WHERE external_key = '$inc->{key}') ORDER BY l.entity_seq) AS x;");
	$check->($ledger =~ /\| echo \|/, 'echoes of our own writes were recognised and dropped');
	$say->("\n8. Was anything altered?");
	my $verified = type('SELECT * FROM syncore.verify_ledger();');
	$check->($verified =~ /^t \|/m && $verified !~ /^f \|/m, 'verify_ledger(): nothing was');
	return;
}

1;
