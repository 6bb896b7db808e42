# EL-08, exactly: two people edit one field within half a second; what each side is sent is written down here and compared
# with the log of the simulated products. At most one corrective write per side: one that says what the other side's copy
# did not say first. The timeline of the row (0, 50, 200, 250, 400, 450 ms) as a sequence: edit, edit, webhook, webhook, echo,
# echo; each step waits for the one before it, so that the outcome is one and not a matter of milliseconds.
# EL-08, VC-01; races raced_edit, winner_in_flight
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use Syncore::Test;
use Test::More;
use Time::HiRes qw(time);

my $t = Syncore::Test->new('timeline')->configure->activate;
my ($snow, $jira) = ($t->snow, $t->jira);
my ($ann, $bo) = ('a.lee', 'b.kim@acme.example');

# What a product was told: method, and title or severity.
sub told
{
	my ($sim) = @_;
	return [map {
		my $f = $_->{json}{fields} // $_->{json};
		join ' ', $_->{method}, map { ref $f->{$_} ? $f->{$_}{name} : $f->{$_} } grep { defined $f->{$_} } qw(short_description summary priority impact)
	} $sim->writes];
}

sub title { my ($inc, $issue) = @_; return [$snow->record($inc->{id})->{short_description}, $jira->record($issue->{id})->{fields}{summary}] }

# The newest webhook of a product that is held.
sub held { my ($sim) = @_; return (grep { $_->{state} eq 'queued' } $sim->webhooks)[-1]{n} }

# Lets one webhook go and waits until it was answered.
sub deliver
{
	my ($sim, $n) = @_;
	$sim->release(order => [$n]);
	$t->wait_until("webhook $n of " . $sim->product, sub { grep { $_->{n} == $n && $_->{state} eq 'delivered' } $sim->webhooks });
	return;
}

# Two edits of one field, the second later than the first, neither heard yet; ServiceNow's clock counts seconds, so their order is made plain.
sub two_edits
{
	my ($first, $edit) = @_;
	my ($inc, $issue) = $t->pair(short_description => 'timeline');
	$_->hold_webhooks for $snow, $jira;
	my %edit = (snow => sub { $snow->update($ann, $inc->{id}, short_description => 'A') }, jira => sub { $jira->update($bo, $issue->{id}, summary => 'B') });
	$snow->set(clock_offset => $first eq 'snow' ? -2 : 2);
	$edit{$_}->() for $first, $first eq 'snow' ? 'jira' : 'snow';
	my %n = (snow => held($snow), jira => held($jira));
	$_->clear_log for $snow, $jira;
	return ($inc, $issue, \%n);
}

# The echoes come last; nothing may follow from them, nor from the rest of time.
sub echoes
{
	my ($inc, $issue, $snow_told, $jira_told, $end) = @_;
	is_deeply([told($snow), told($jira)], [$snow_told, $jira_told], 'before the echoes, exactly these writes');
	$_->release for $snow, $jira;
	$_->webhook(hold => 0) for $snow, $jira;
	$snow->set(clock_offset => 0);
	$t->quiesce;
	is_deeply([told($snow), told($jira)], [$snow_told, $jira_told], 'and none after them');
	is_deeply(title($inc, $issue), [$end, $end], 'both sides end equal');
	return;
}

# One full round: who edits first is heard first, his value is on the other side before the other's edit is heard.
subtest 'the later edit is heard after the earlier one was written over it' => sub {
	my ($inc, $issue, $n) = two_edits('snow');
	deliver($snow, $n->{snow});
	$t->quiesce;
	is_deeply(title($inc, $issue), ['A', 'A'], 'control: the earlier edit has overwritten the later one at Jira');
	deliver($jira, $n->{jira});
	$t->quiesce;
	# Jira: the first write, and one that corrects it. ServiceNow: one, and nothing to correct.
	echoes($inc, $issue, ['PATCH B'], ['PUT A', 'PUT B'], 'B');
	is($t->value(q{SELECT count(*) FROM syncore.conflict WHERE entity = ? AND field = 'title'}, $t->entity_of($inc->{key})), 1, 'one conflict');
};

subtest 'the same the other way round' => sub {
	my ($inc, $issue, $n) = two_edits('jira');
	deliver($jira, $n->{jira});
	$t->quiesce;
	is_deeply(title($inc, $issue), ['B', 'B'], 'control: the earlier edit has overwritten the later one at ServiceNow');
	deliver($snow, $n->{snow});
	$t->quiesce;
	echoes($inc, $issue, ['PATCH B', 'PATCH A'], ['PUT A'], 'A');
};

# The later one is heard first: the earlier one never gets anywhere.
subtest 'the later edit is heard first' => sub {
	my ($inc, $issue, $n) = two_edits('snow');
	deliver($jira, $n->{jira});
	$t->quiesce;
	deliver($snow, $n->{snow});
	$t->quiesce;
	echoes($inc, $issue, ['PATCH B'], [], 'B');
};

# Both are heard before anything can leave: one write, to the one side that differs.
subtest 'both are heard before a write' => sub {
	my ($inc, $issue, $n) = two_edits('snow');
	$t->sql("SELECT syncore.pause('snow'), syncore.pause('jira')");
	deliver($snow, $n->{snow});
	deliver($jira, $n->{jira});
	$t->sql("SELECT syncore.resume('snow'), syncore.resume('jira')");
	$t->quiesce;
	echoes($inc, $issue, ['PATCH B'], [], 'B');
};

# The later edit is heard while the earlier one's write is on the wire to the place where it was made (winner_in_flight).
for my $when ('before', 'after')
{
	subtest "the later edit is heard while the write is under way, held $when the work" => sub {
		my ($inc, $issue, $n) = two_edits('snow');
		$jira->fault(method => 'PUT', hold => $when);
		deliver($snow, $n->{snow});
		$t->wait_until('the write is held', sub { $jira->held });
		deliver($jira, $n->{jira});
		$jira->continue;
		$t->quiesce;
		echoes($inc, $issue, ['PATCH B'], ['PUT A', 'PUT B'], 'B');
	};
}

# Six edits, three a side, as fast as the row says, heard as they come: each text is written to a side once at most.
subtest 'as it comes' => sub {
	my ($inc, $issue) = $t->pair(short_description => 'timeline');
	$_->clear_log for $snow, $jira;
	my $from = time;
	for my $step ([0, $snow, 'A1'], [0.05, $jira, 'B1'], [0.2, $snow, 'A2'], [0.25, $jira, 'B2'], [0.4, $snow, 'A3'], [0.45, $jira, 'B3'])
	{
		my ($at, $sim, $text) = @$step;
		my $rest = $from + $at - time;
		Time::HiRes::sleep($rest) if $rest > 0;
		$sim == $snow ? $snow->update($ann, $inc->{id}, short_description => $text) : $jira->update($bo, $issue->{id}, summary => $text);
	}
	$t->quiesce;
	my ($one, $other) = @{ title($inc, $issue) };
	is($one, $other, 'both sides end equal');
	for my $sim ($snow, $jira)
	{
		my $own = $sim == $snow ? 'A' : 'B';
		my @told = @{ told($sim) };
		cmp_ok(scalar(grep { / \Q$own\E\d$/ } @told), '<=', 3, 'at most one corrective write to ' . $sim->product . ' for each edit there');
		# A write with the other side's text hands it on; one with a text that was typed here puts right what we overwrote: once for an edit.
		my %twice;
		$twice{$_}++ for @told;
		is_deeply([grep { $twice{$_} > 1 } keys %twice], [], 'nothing is said twice') or diag explain \@told;
	}
	$_->clear_log for $snow, $jira;
	$t->quiesce;
	is_deeply([told($snow), told($jira)], [[], []], 'and no flip-flop follows');
	$snow->update($ann, $inc->{id}, short_description => 'afterwards');
	$t->quiesce;
	is_deeply([told($snow), told($jira)], [[], ['PUT afterwards']], 'control: an edit that nobody contests is one write');
};

$t->verify;
$t->finish;
done_testing();
