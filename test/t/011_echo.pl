# Echoes without markers, redelivery, concurrent edits, and automation that
# fights back.
use strict;
use warnings;
use JSON::PP ();
use PostgreSQL::Test::Cluster;
use Syncore::Test;
use Test::More;
use Time::HiRes qw(sleep);

my $t = Syncore::Test->new('echo')->configure;
$t->sql("SELECT syncore.set_policy('incident', 'severity', '{escalation_wins,human_wins,last_update_wins}')");
$t->activate;
my ($snow, $jira) = ($t->snow, $t->jira);
my $bo = 'b.kim@acme.example';
sub clean_logs { $_->clear_log for $snow, $jira; return }

# EL-03: no product hands a marker back; still nothing is sent because of an echo.
subtest 'echo without any marker' => sub {
	my ($inc, $issue) = $t->pair(short_description => 'no markers');
	$_->set(strip_markers => 1) for $snow, $jira;
	$jira->webhook(without_id => 1);
	clean_logs();
	$jira->update($bo, $issue->{id}, summary => 'stripped', priority => 'Highest');
	$t->quiesce;
	is($snow->record($inc->{id})->{short_description}, 'stripped', 'the change arrived');
	is_deeply([$jira->lines], [], 'no write to Jira');
	is_deeply([$snow->lines], ["PATCH /api/now/table/incident/$inc->{key} {impact,short_description,urgency} 200"], 'one write to ServiceNow');
	ok((grep { /^echo snow/ } $t->ledger($t->entity_of($inc->{key}))), 'the ledger says echo');
	clean_logs();
	my $by_value = sub { scalar grep { $_ eq 'echo jira title echo:value' } $t->ledger($t->entity_of($inc->{key}), 'echo') };
	my $before = $by_value->();
	$snow->update('a.lee', $inc->{id}, short_description => 'stripped, the other way');
	$t->quiesce;
	is($jira->record($issue->{id})->{fields}{summary}, 'stripped, the other way', 'and the other way round');
	is_deeply([$snow->lines], [], 'no write to ServiceNow');
	is($by_value->(), $before + 1, 'the ledger says that the value told it');
	$_->set(strip_markers => 0) for $snow, $jira;
	$jira->webhook(without_id => 0);
};

# EL-04: the integration account is evidence, not proof: another value under it is a real edit.
subtest 'a real edit under the integration account' => sub {
	my ($inc, $issue) = $t->pair(short_description => 'shared account');
	$snow->update('syncore.bot', $inc->{id}, short_description => 'typed by somebody under our account');
	$t->quiesce;
	is($jira->record($issue->{id})->{fields}{summary}, 'typed by somebody under our account', 'it is heard');
};

# EL-13, redelivered: an older event that comes again changes nothing.
subtest 'redelivered' => sub {
	my ($inc, $issue) = $t->pair(short_description => 'redelivered');
	my @hooks;
	for my $n (1 .. 3)
	{
		$snow->update('a.lee', $inc->{id}, short_description => "edit $n");
		push @hooks, ($snow->webhooks)[-1]{n};
		$t->quiesce;
	}
	clean_logs();
	my $before = $t->value('SELECT revision FROM syncore.entity WHERE id = ?', $t->entity_of($inc->{key}));
	my $repeated = $t->value(q{SELECT coalesce(sum(repeated), 0) FROM syncore.event_key});
	$snow->redeliver($hooks[0]);
	$t->quiesce;
	is($jira->record($issue->{id})->{fields}{summary}, 'edit 3', 'the value is that of event 3');
	is_deeply([$snow->lines, $jira->lines], [], 'nothing was sent');
	is($t->value('SELECT revision FROM syncore.entity WHERE id = ?', $t->entity_of($inc->{key})), $before, 'nothing was changed');    # ID-07
	is($t->value(q{SELECT sum(repeated) FROM syncore.event_key}), $repeated + 1, 'it is on record as a repetition');
	is($t->value(q{SELECT rule || ' ' || reason FROM syncore.ledger WHERE kind = 'duplicate' ORDER BY id DESC LIMIT 1}) =~ /again|before/, 1, 'and said so');
	# the same under a new id: told apart by its version
	my $payload = (grep { $_->{n} == $hooks[0] } $snow->webhooks)[0]{payload};
	$t->sql("INSERT INTO syncore.event (system, payload, event_id) VALUES ('snow', '" . JSON::PP->new->canonical->encode($payload) . "', 'new-id')");
	$t->quiesce;
	is($jira->record($issue->{id})->{fields}{summary}, 'edit 3', 'the value is still that of event 3');
	is(scalar(grep { $_ eq 'stale snow title redelivery' } $t->ledger($t->entity_of($inc->{key}), 'stale')), 1, 'the ledger says redelivery');
	$snow->update('a.lee', $inc->{id}, short_description => 'edit 1');
	$t->quiesce;
	is($jira->record($issue->{id})->{fields}{summary}, 'edit 1', 'control: the same value as a new edit is heard');
};

# EL-08: the timeline of 0, 50, 200, 250, 400, 450 ms as it comes. What happens within it differs from one time to the next;
# that each write has a reason does not. A value of the other side is written once at most: three edits, three writes. One
# write more is right only where an edit of this side was overwritten: a write of an older value was on its way when it was
# made (race raced_edit), it is later and wins, so it is put back (SEMANTICS R4e, R9). The product's own history says whether
# that was so: between the typing and such a write there is a write of ours.
subtest 'edits on both sides within half a second' => sub {
	my ($inc, $issue) = $t->pair(short_description => 'timeline');
	my %before = map { $_->{name} => scalar $_->webhooks } $snow, $jira;
	clean_logs();
	my $from = Time::HiRes::time();
	for my $step ([0, 'snow', 'A'], [0.05, 'jira', 'B'], [0.2, 'snow', 'C'], [0.25, 'jira', 'D'], [0.4, 'snow', 'E'], [0.45, 'jira', 'F'])
	{
		my $rest = $from + $step->[0] - Time::HiRes::time();
		sleep $rest if $rest > 0;
		$step->[1] eq 'snow' ? $snow->update('a.lee', $inc->{id}, short_description => $step->[2])
			: $jira->update($bo, $issue->{id}, summary => $step->[2]);
	}
	$t->quiesce;
	my $end = $snow->record($inc->{id})->{short_description};
	is($jira->record($issue->{id})->{fields}{summary}, $end, 'both sides end equal');
	like($end, qr/^[A-F]$/, 'in one of the values');
	each_write_has_a_reason($snow, $before{snow}, qw(B D F));
	each_write_has_a_reason($jira, $before{jira}, qw(A C E));
	my $writes = $snow->writes + $jira->writes;
	$t->quiesce;
	is($snow->writes + $jira->writes, $writes, 'and no flip-flop follows');
};

# The titles a product had since a webhook of it, oldest first: [value, is it ours].
sub titles_since
{
	my ($sim, $hooks) = @_;
	my @all = $sim->webhooks;
	return map {
		my $p = $_->{payload};
		$p->{issue} ? [$p->{issue}{fields}{summary}, $p->{user}{accountId} eq '5b10aaaaaaaaaaaaaaaaaaaa']
			: [$p->{fields}{short_description}, $p->{sys_updated_by} eq 'syncore.bot']
	} @all[$hooks .. $#all];
}

# Since a person typed there what we write now, had we written a value of the other side over it?
sub overwritten
{
	my ($at, $other, @titles) = @_;
	for my $i (reverse 0 .. $at - 1)
	{
		return 1 if $titles[$i][1] && $other->{ $titles[$i][0] };
		return 0 if $titles[$i][0] eq $titles[$at][0];
	}
	return 0;
}

sub each_write_has_a_reason
{
	my ($sim, $hooks, @of_others) = @_;
	my $name = $sim->{name};
	my %other = map { $_ => 1 } @of_others;
	my @written = map { ($_->{json}{fields} // $_->{json})->{ $name eq 'snow' ? 'short_description' : 'summary' } } $sim->writes;
	my %times;
	$times{$_}++ for @written;
	is(join(' ', grep { $times{$_} > 1 } sort keys %times), '', "no value is written to $name twice (@written)");
	my @titles = titles_since($sim, $hooks);
	my $history = join ' ', map { $_->[0] . ($_->[1] ? '(we)' : '') } @titles;
	my @unneeded = grep { $titles[$_][1] && !$other{ $titles[$_][0] } && !overwritten($_, \%other, @titles) } 0 .. $#titles;
	is(join(' ', map { $titles[$_][0] } @unneeded), '', "what was typed at $name is written there only if a write of ours had overwritten it ($history)");
	is(scalar @written, scalar(grep { $_->[1] } @titles), 'and each write changed something there');
	return;
}

# RS-02, RS-14, LG-02: a raise of severity beats a lowering that is three seconds newer; all systems get it.
subtest 'escalation wins' => sub {
	my ($inc, $issue) = $t->pair(short_description => 'escalation', impact => '1', urgency => '2');
	$_->hold_webhooks for $snow, $jira;
	$jira->update($bo, $issue->{id}, priority => 'Highest');
	$snow->set(clock_offset => 3);
	$snow->update('a.lee', $inc->{id}, impact => '2', urgency => '2');
	$snow->release;
	$jira->release;
	$t->quiesce;
	$snow->set(clock_offset => 0);
	is($snow->record($inc->{id})->{priority}, '1', 'ServiceNow is at 1');
	is($jira->record($issue->{id})->{fields}{priority}, 'Highest', 'Jira is at Highest');
	my $conflict = $t->row(q{SELECT * FROM syncore.conflict WHERE entity = ? AND field = 'severity'}, $t->entity_of($inc->{key}));
	is($conflict->{rule}, 'escalation_wins', 'the conflict names the rule');
	ok($conflict->{incoming} ne $conflict->{current} && length $conflict->{reason}, 'both values and a reason');
	like($t->value("SELECT because FROM syncore.why('$inc->{key}', 'severity') LIMIT 1"), qr/\w+ .*\./, 'why() answers in a sentence');    # LG-04
	# control: without a concurrent writer a lowering is a lowering
	$snow->update('a.lee', $inc->{id}, impact => '3', urgency => '3');
	$t->quiesce;
	is($jira->record($issue->{id})->{fields}{priority}, 'Lowest', 'control: who has seen the escalation may lower it');
};

# VC-03: different fields do not conflict.
subtest 'different fields' => sub {
	my ($inc, $issue) = $t->pair(short_description => 'fields');
	$_->hold_webhooks for $snow, $jira;
	$jira->update($bo, $issue->{id}, summary => 'fields, from Jira');
	$snow->update('a.lee', $inc->{id}, state => '2');
	$_->release for $snow, $jira;
	$t->quiesce;
	$t->check_equal($inc->{id}, $issue->{id}, 'both changes are on both sides');
	is($t->value('SELECT count(*) FROM syncore.conflict WHERE entity = ?', $t->entity_of($inc->{key})), 0, 'no conflict');
};

# EL-09, EL-10, R20, peer_fights_back: automation on both sides resets what we write; the breaker stops that field there, once.
subtest 'peer_fights_back' => sub {
	my ($inc, $issue) = $t->pair(short_description => 'mine', state => '1');
	clean_logs();
	$snow->set(automation => [{ field => 'short_description', by => 'integration', restore => 1, as => 'automation', delay_ms => 20 }]);
	$jira->set(automation => [{ field => 'summary', by => 'integration', restore => 1, as => 'automation', delay_ms => 20 }]);
	$jira->update($bo, $issue->{id}, summary => 'yours');
	$t->wait_until('the breaker fires', sub { $t->value(q{SELECT count(*) FROM syncore.ledger WHERE kind = 'loop'}) });
	$t->quiesce;
	my $writes = $snow->writes + $jira->writes;
	cmp_ok($writes, '<=', 14, "traffic stops ($writes writes)");
	is($t->value(q{SELECT count(*) FROM syncore.alert WHERE kind LIKE '%loop%' AND closed_at IS NULL}), 1, 'one alert');
	$snow->update('a.lee', $inc->{id}, state => '2');
	$t->quiesce;
	is($jira->record($issue->{id})->{fields}{status}, 'In Progress', 'control: other fields still flow');
	$_->set(automation => []) for $snow, $jira;
	$t->sql("SELECT syncore.release_hold('$inc->{key}', 'title')");
	$jira->update($bo, $issue->{id}, summary => 'released');
	$t->quiesce;
	is($snow->record($inc->{id})->{short_description}, 'released', 'and after its release the field does, too');
};

# VC-09: twenty edits in two seconds end in the last one.
subtest 'rapid edits' => sub {
	my ($inc, $issue) = $t->pair(short_description => 'rapid');
	clean_logs();
	for my $n (1 .. 20)
	{
		$snow->update('a.lee', $inc->{id}, short_description => "rapid $n");
		sleep 0.05;
	}
	$t->quiesce;
	is($jira->record($issue->{id})->{fields}{summary}, 'rapid 20', 'the last one');
	cmp_ok(scalar($jira->writes), '<=', 20, 'never more writes than edits');
	is(scalar($snow->writes), 0, 'none back');
	is($t->value(q{SELECT count(*) FROM syncore.ledger WHERE kind = 'loop' AND entity = ?}, $t->entity_of($inc->{key})), 0, 'and no breaker');
};

# peer_normalises, R14: what the system made of our value is not sent on.
subtest 'peer_normalises' => sub {
	my ($inc, $issue) = $t->pair(short_description => 'normalised');
	$snow->set(normalise => { short_description => ['trim', 'lower'] });
	clean_logs();
	$jira->update($bo, $issue->{id}, summary => 'LOUD Title');
	$t->quiesce;
	is($snow->record($inc->{id})->{short_description}, 'loud title', 'ServiceNow spells it its own way');
	is($jira->record($issue->{id})->{fields}{summary}, 'LOUD Title', 'Jira keeps what was typed');
	is($snow->writes + $jira->writes, 1, 'one write');
	$snow->set(normalise => {});
};

$t->verify;
$t->finish;
done_testing();
