# Clocks that are set, ours and those of products: work goes on, nothing waits for a time that was wrong, and who wins
# does not depend on it.
# W4, VC-06, VC-07
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use Syncore::Test;
use Test::More;
use Time::HiRes qw(time);

my $t = Syncore::Test->new('clock', clock => 1, conf => "syncore.max_workers = 1\n")->configure->activate;
my ($snow, $jira) = ($t->snow, $t->jira);
my $bo = 'b.kim@acme.example';
my ($inc, $issue) = $t->pair(short_description => 'before the clock was set');

sub ours { return $t->value('SELECT extract(epoch FROM clock_timestamp())') }
sub title_at { my ($sim, $id) = @_; my $r = $sim->record($id); return $sim->product eq 'jira' ? $r->{fields}{summary} : $r->{short_description} }
sub both_say { my ($title) = @_; return title_at($snow, $inc->{id}) eq $title && title_at($jira, $issue->{id}) eq $title }

# An edit on each side arrives on the other, within a time that is shorter than any jump of the clock.
sub goes_on
{
	my ($when) = @_;
	$snow->update('a.lee', $inc->{id}, short_description => "Ann, $when");
	$t->wait_until("Ann's edit arrives, $when", sub { both_say("Ann, $when") }, 180);
	$jira->update($bo, $issue->{id}, summary => "Bo, $when");
	$t->wait_until("Bo's edit arrives, $when", sub { both_say("Bo, $when") }, 180);
	pass("edits arrive, $when");
	return;
}

# Ours is set back, by as much as signatures still bear
my $turns = $t->value(q{SELECT turns FROM syncore._workers() WHERE role = 'janitor'});
$t->set_clock(-280);
cmp_ok(ours() - time, '<', -270, 'the control: the server is at another time');
goes_on('with our clock set back');
$t->quiesce(180);
$t->wait_until('the janitor goes on, too', sub { $t->value(q{SELECT turns FROM syncore._workers() WHERE role = 'janitor'}) > $turns + 1 }, 180);
is($t->value(q{SELECT count(*) FROM syncore._workers() WHERE turned_at NOT BETWEEN clock_timestamp() - interval '60 s' AND clock_timestamp() + interval '60 s'}), 0,
	'times of workers are shown by the clock as it is now');
$t->sql(q{SELECT syncore.check_system('snow')});
$t->wait_until('a check ends', sub { $t->value(q{SELECT state = 'done' FROM syncore.job ORDER BY id DESC LIMIT 1}) }, 180);
is($t->value(q{SELECT abs(extract(epoch FROM clock_offset) - 280) < 30 FROM syncore.system WHERE name = 'snow'}), 1, 'and measures how far the other one is from ours');
$t->sql(q{UPDATE syncore.system SET clock_offset = '0'});
$t->set_clock(0);
goes_on('with our clock right again');
$t->quiesce(180);

# Work was put off while our clock was ten years ahead: it does not wait for ten years
$snow->fault(method => 'PATCH', status => 503, retry_after => 10, times => 1000);
$t->set_clock(10 * 365 * 86400);
$jira->update($bo, $issue->{id}, summary => 'written in another year');
$t->wait_until('the write is put off', sub { $t->value(q{SELECT count(*) FROM syncore.delivery WHERE not_before > now() AND attempts + coalesce(length(error_code), 0) > 0}) }, 180);
is($t->value(q{SELECT count(*) FROM syncore.delivery WHERE not_before > now() + interval '1 year'}), 0, 'by seconds, as the server sees it');
$t->set_clock(0);
is($t->value(q{SELECT count(*) FROM syncore.delivery WHERE not_before > now() + interval '1 year'}), 1, 'the control: when the clock is right again, by ten years');
$snow->clear_faults;
$t->wait_until('the write leaves all the same', sub { both_say('written in another year') }, 180);
$t->quiesce(180);
goes_on('after a jump of ten years and back');

# The other side's clock is wrong: who wins is what the rules say, whatever its clock says
for my $skew (7200, -7200)
{
	$_->set(clock_offset => 0) for $snow, $jira;
	my ($row, $other) = $t->pair(short_description => "skew of $skew s");
	$jira->set(clock_offset => $skew) if $skew > 0;
	$snow->set(clock_offset => $skew) if $skew < 0;
	$snow->update('a.lee', $row->{id}, impact => '1', urgency => '1');
	$jira->update($bo, $other->{id}, priority => 'Low');
	$t->quiesce(180);
	my %rank = (Highest => 1, High => 2, Medium => 3, Low => 4, Lowest => 5);
	my $jira_rank = $rank{ $jira->record($other->{id})->{fields}{priority} };
	is($snow->record($row->{id})->{priority}, $jira_rank, "VC-06: with a skew of $skew s both sides agree");
	my $conflict = $t->value(q{SELECT count(*) FROM syncore.ledger WHERE kind = 'conflict' AND field = 'severity' AND entity = ?}, $t->entity_of($row->{number}));
	is($jira_rank, $conflict ? 1 : 4, 'on the graver of two that had not seen each other, else on the later one');
}
$_->set(clock_offset => 0) for $snow, $jira;

$t->verify;
$t->finish;
done_testing();
