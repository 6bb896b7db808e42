# Comments: both ways, once, and only where a row says so.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use Syncore::Test;
use Test::More;
use Time::HiRes qw(time);

my $t = Syncore::Test->new('comments')->configure->activate;
my ($snow, $jira) = ($t->snow, $t->jira);
my $bo = 'b.kim@acme.example';
my ($inc, $issue) = $t->pair(short_description => 'comments');
sub notes { return @{ $snow->record($inc->{id})->{journal} } }
sub comments { return @{ $jira->record($issue->{id})->{comments} } }

# CM-01: each side's comment appears once on the other.
$snow->comment('a.lee', $inc->{id}, 'from ServiceNow');
$t->wait_until('the note in Jira', sub { comments() == 1 });
$jira->comment($bo, $issue->{id}, "from Jira\n\nwith a second paragraph");
$t->wait_until('the comment in ServiceNow', sub { notes() == 2 });
$t->quiesce;
is(scalar comments(), 2, 'two comments in Jira: his own and the copy');
is(scalar notes(), 2, 'two notes in ServiceNow');
like((comments())[0]{text}, qr/from ServiceNow/, 'the text came over');
like((comments())[0]{text}, qr/Ann|a\.lee/, 'with a line that names its author');
like((notes())[1]{value}, qr/from Jira.*second paragraph/s, 'and so did the other');
is((notes())[1]{element}, 'work_notes', 'internal stays internal');    # CM-03

# CM-05: a critical note is with the other team soon: within five seconds each, and in fact well below.
my @took;
for my $n (1 .. 5)
{
	my $at = time;
	$snow->comment('a.lee', $inc->{id}, "critical $n");
	$t->wait_until("critical $n in Jira", sub { grep { $_->{text} =~ /critical $n/ } comments() });
	push @took, time - $at;
}
cmp_ok((sort { $b <=> $a } @took)[0], '<', 5, sprintf 'the slowest of five notes took %.0f ms', 1000 * (sort { $b <=> $a } @took)[0]);

# CM-02: comments written on both sides while neither hears of the other are a union: each once, in the order of their time.
my @nobody = (scalar notes(), scalar comments());
$t->sql("SELECT syncore.pause('all')");
for my $n (1 .. 10)
{
	$snow->comment('a.lee', $inc->{id}, "apart, left $n");
	$jira->comment($bo, $issue->{id}, "apart, right $n");
}
$t->wait_until('all are heard', sub { $t->value("SELECT count(*) FROM syncore.comment WHERE body ~ 'apart, '") == 20 });
is_deeply([notes() - $nobody[0], comments() - $nobody[1]], [10, 10], 'nothing was copied so far');
$t->sql("SELECT syncore.resume('all')");
$t->wait_until('all are copied', sub { notes() >= $nobody[0] + 20 && comments() >= $nobody[1] + 20 });
$t->quiesce;
is_deeply([notes() - $nobody[0], comments() - $nobody[1]], [20, 20], 'each once on each side');
is_deeply([map { $_->{text} =~ /(apart, left \d+)/ ? $1 : () } comments()], [map { "apart, left $_" } 1 .. 10], 'the notes in Jira, in the order of their time');
is_deeply([map { $_->{value} =~ /(apart, right \d+)/ ? $1 : () } notes()], [map { "apart, right $_" } 1 .. 10], 'the comments in ServiceNow, in the order of their time');

# CM-03: a channel without a row is not shared.
$snow->comment('a.lee', $inc->{id}, 'to the caller', channel => 'comments');
$snow->comment('a.lee', $inc->{id}, 'control: a note after it');
$t->wait_until('the note after it', sub { grep { $_->{text} =~ /a note after it/ } comments() });
$t->quiesce;
ok(!(grep { $_->{text} =~ /to the caller/ } comments()), 'what the customer sees was not copied');

# CM-06: copies do not breed.
my $rounds = 100;
my ($have_notes, $have_comments) = (scalar notes(), scalar comments());
for my $n (1 .. $rounds)
{
	$snow->comment('a.lee', $inc->{id}, "note $n");
	$jira->comment($bo, $issue->{id}, "comment $n");
}
$t->wait_until('all copies', sub { notes() >= $have_notes + 2 * $rounds && comments() >= $have_comments + 2 * $rounds });
$t->quiesce;
is(scalar notes(), $have_notes + 2 * $rounds, 'each note and each copy once in ServiceNow');
is(scalar comments(), $have_comments + 2 * $rounds, 'and once in Jira');
my %seen;
$seen{ $_->{text} =~ /((?:note|comment) \d+)/ ? $1 : 'none' }++ for comments();
is_deeply([map { $seen{"note $_"} } 1 .. $rounds], [(1) x $rounds], 'none twice');

# a repeated webhook of a comment changes nothing
my ($hook) = grep { ($_->{payload}{webhookEvent} // '') eq 'comment_created' } $jira->webhooks;
$jira->redeliver($hook->{n});
$t->quiesce;
is(scalar notes(), $have_notes + 2 * $rounds, 'a repeated webhook copies nothing again');

# a comment whose answer is lost is not written twice
$jira->fault(method => 'POST', path => 'comment', drop => 'after');
$snow->comment('a.lee', $inc->{id}, 'answer lost');
$t->quiesce;
is(scalar(grep { $_->{text} =~ /answer lost/ } comments()), 1, 'a copy whose answer was lost is found, not repeated');
# Webhooks overtake each other: a comment is heard before its record is.
$jira->hold_webhooks;
my $early = $jira->create($bo, summary => 'comment first');
$jira->comment($bo, $early->{id}, 'written before the record was known');
$jira->release(order => 'reverse');
$jira->release;
my $made = $t->wait_until('its incident', sub { (grep { $_->{short_description} eq 'comment first' } $snow->records)[0] });
$t->quiesce;
is(scalar(grep { $_->{value} =~ /before the record was known/ } @{ $snow->record($made->{id})->{journal} }), 1,
	'a comment that was heard before its record is copied once the record is made');

# EL-01: the copy was taken, but the id it got could not be looked up: it is known when it comes back.
$snow->fault(method => 'GET', path => 'sys_journal_field', status => 429, retry_after => 1);
$snow->hold_webhooks;
$jira->comment($bo, $issue->{id}, 'its id is not told');
$t->wait_until('the copy', sub { grep { $_->{value} =~ /its id is not told/ } notes() });
$t->wait_until('the copy is recorded', sub { !$t->value('SELECT count(*) FROM syncore.link WHERE call IS NOT NULL') });
$snow->release;
$t->quiesce;
is(scalar(grep { $_->{text} =~ /its id is not told/ } comments()), 1, 'a copy whose id was never told does not come back');
is(scalar(grep { $_->{value} =~ /its id is not told/ } notes()), 1, 'and is there once');
$t->verify;
$t->finish;
done_testing();
