# What becomes of a comment later: edits and deletes follow to the copies, and what fewer people may see goes nowhere.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use Syncore::Test;
use Test::More;

my $t = Syncore::Test->new('later', products => [{ name => 'snow', product => 'servicenow' },
	{ name => 'jira', product => 'jira' }, { name => 'desk', product => 'jira' }])->configure->activate;
my ($snow, $jira, $desk) = ($t->snow, $t->jira, $t->sim('desk'));
my $bo = 'b.kim@acme.example';
my ($inc, $issue) = $t->pair(short_description => 'later');
my ($other) = grep { $_->{fields}{summary} eq 'later' } $desk->records;
sub notes { return map { $_->{value} } @{ $snow->record($inc->{id})->{journal} } }
sub comments { return @{ $jira->record($issue->{id})->{comments} } }
sub copies { return @{ $desk->record($other->{id})->{comments} } }
sub copy_like { my ($text) = @_; return grep { $_->{text} =~ $text } copies() }
sub note_like { my ($text) = @_; return grep { $_ =~ $text } notes() }

# A comment in Jira, and its copies.
sub said
{
	my ($text, %more) = @_;
	$jira->comment($bo, $issue->{id}, $text, %more);
	my ($made) = grep { $_->{text} =~ /\Q$text\E/ } comments();
	$t->wait_until("the copies of $text", sub { copy_like(qr/\Q$text\E/) && note_like(qr/\Q$text\E/) });
	$t->quiesce;
	return $made->{id};
}

# CM-07: an edit changes the copy; where a product has no call for it (ServiceNow's journal), a correction is written.
my $first = said('reboot at noon');
my ($copy) = copy_like(qr/reboot at noon/);
$jira->edit_comment($bo, $issue->{id}, $first, 'reboot at midnight');
$t->wait_until('the edit', sub { copy_like(qr/reboot at midnight/) && note_like(qr/reboot at midnight/) });
$t->quiesce;
is_deeply([map { $_->{id} } copy_like(qr/reboot/)], [$copy->{id}], 'the copy was edited, no second one made');
like((copy_like(qr/reboot/))[0]{text}, qr/b\.kim.*wrote/s, 'its author is still named');    # CM-08
is(scalar(note_like(qr/reboot at noon/)), 1, 'the journal keeps what was said first');
is(scalar(note_like(qr/b\.kim.*Correction of the comment of .*reboot at midnight/s)), 1, 'and has the correction, once');
is(scalar(comments()), 1, 'nothing came back to where it was written');
is($t->value("SELECT body FROM syncore.comment WHERE corrects IS NULL AND edited_at IS NOT NULL"), 'reboot at midnight', 'the comment reads as it does now');
is($t->value("SELECT count(*) FROM syncore.ledger WHERE rule = 'comment_edit' AND reason LIKE '%follow at desk%none can be changed: snow'"), 1,
	'the ledger says what was edited and what was corrected');

# CM-07: webhooks of edits overtake each other: the last text stays.
$jira->hold_webhooks;
$jira->edit_comment($bo, $issue->{id}, $first, 'reboot on Sunday');
$jira->edit_comment($bo, $issue->{id}, $first, 'reboot on Monday');
$jira->release(order => 'reverse');
$jira->release;
$t->wait_until('the last text', sub { copy_like(qr/reboot on Monday/) });
$t->quiesce;
is(scalar(copy_like(qr/reboot on Monday/)), 1, 'an edit that is heard late does not win');

# CM-07: an edit that meets the copy on its way: written, its answer lost, found again, then edited.
$desk->fault(method => 'POST', path => 'comment', drop => 'after');
$desk->hold_webhooks;
$jira->comment($bo, $issue->{id}, 'draft of a plan');
$t->wait_until('the copy', sub { copy_like(qr/draft of a plan/) });
$jira->edit_comment($bo, $issue->{id}, (grep { $_->{text} =~ /draft/ } comments())[0]{id}, 'final plan');
$t->wait_until('the edit of it', sub { copy_like(qr/final plan/) });
$desk->release;
$t->quiesce;
is(scalar(copy_like(qr/plan/)), 1, 'one copy');
is(scalar(copy_like(qr/final plan/)), 1, 'that reads as the comment does');

# CM-07: the answer to an edit is lost: it is said again, and once is enough.
$desk->fault(method => 'PUT', path => 'comment', drop => 'after');
$jira->edit_comment($bo, $issue->{id}, $first, 'reboot on Tuesday');
$t->wait_until('the edit', sub { copy_like(qr/reboot on Tuesday/) });
$t->quiesce;
is($t->value("SELECT count(*) FROM syncore.comment_copy WHERE state IN ('sending', 'unknown', 'due')"), 0, 'nothing stays open');

# CM-07: what somebody does to a copy stays there, and is told.
$desk->edit_comment($bo, $other->{id}, $copy->{id}, 'scribbled over');
$t->wait_until('the row', sub { $t->value("SELECT count(*) FROM syncore.ledger WHERE reason LIKE 'the copy of a comment was edited at desk%'") });
$t->quiesce;
ok(!(grep { $_->{text} =~ /scribbled/ } comments()) && !note_like(qr/scribbled/), 'an edit of a copy goes nowhere');

# CM-07: a delete follows; the journal says so, without saying it again.
my $doomed = said('wrong ticket');
$jira->delete_comment($bo, $issue->{id}, $doomed);
$t->wait_until('the delete', sub { !copy_like(qr/wrong ticket/) && note_like(qr/was deleted in jira/) });
$t->quiesce;
is(scalar(note_like(qr/wrong ticket/)), 1, 'what was deleted is not repeated');
is($t->value("SELECT count(*) FROM syncore.comment WHERE deleted_at IS NOT NULL"), 1, 'the comment is marked as deleted');

# CM-07: a copy that somebody deleted is nothing to follow with.
my $orphan = said('orphan text');
$desk->hold_webhooks;
$desk->delete_comment($bo, $other->{id}, (copy_like(qr/orphan text/))[0]{id});
$jira->edit_comment($bo, $issue->{id}, $orphan, 'orphan text, edited');
$t->wait_until('the correction', sub { note_like(qr/orphan text, edited/) });
$desk->release;
$t->quiesce;
is(scalar(copy_like(qr/orphan/)), 0, 'it is not written anew');
is($t->value("SELECT count(*) FROM syncore.delivery WHERE state = 'dead'"), 0, 'and nothing was given up');

# CM-07: created and deleted before either was heard, the delete first: it goes nowhere.
$jira->hold_webhooks;
$jira->comment($bo, $issue->{id}, 'never mind');
$jira->delete_comment($bo, $issue->{id}, (grep { $_->{text} =~ /never mind/ } comments())[0]{id});
$jira->release(order => 'reverse');
$jira->release;
said('control: after the webhooks that came in reverse');
ok(!copy_like(qr/never mind/) && !note_like(qr/never mind/), 'a comment that was deleted before it was heard of is not copied');

# CM-03: what is restricted to a role stays; a comment that becomes restricted is taken back.
$jira->comment($bo, $issue->{id}, 'for administrators', visibility => { type => 'role', value => 'Administrators' });
my $open = said('the password is swordfish');
ok(!copy_like(qr/for administrators/) && !note_like(qr/for administrators/), 'a restricted comment is not copied');
$jira->edit_comment($bo, $issue->{id}, $open, 'the password is swordfish', visibility => { type => 'role', value => 'Administrators' });
$t->wait_until('the copy is gone', sub { !copy_like(qr/swordfish/) });
$t->quiesce;
is(scalar(note_like(qr/swordfish/)), 1, 'no correction repeats it');

# CM-03: our internal copies are internal in a service project too.
$snow->comment('a.lee', $inc->{id}, 'between us');
$t->wait_until('the note in Jira', sub { grep { $_->{text} =~ /between us/ } comments() });
$t->quiesce;
my ($internal) = grep { $_->{text} =~ /between us/ } comments();
is_deeply([map { $_->{value} } grep { $_->{key} eq 'sd.public.comment' } @{ $internal->{properties} }], [{ internal => 1 }], 'customers do not see it');

# CM-03: a channel that is shared with customers holds internal comments too: those are shared as internal, or not at all.
$t->sql("UPDATE syncore.comment_map SET visibility = 'public' WHERE system <> 'snow'");
$jira->comment($bo, $issue->{id}, 'only the team', properties => [{ key => 'sd.public.comment', value => { internal => \1 } }]);
$jira->comment($bo, $issue->{id}, 'dear customer');
$t->wait_until('the public one', sub { copy_like(qr/dear customer/) });
$t->wait_until('the internal one', sub { note_like(qr/only the team/) });
$t->quiesce;
ok(!copy_like(qr/only the team/), 'an internal comment does not reach a public channel');
ok(!note_like(qr/dear customer/), 'nor a public one an internal channel');
is((copy_like(qr/dear customer/))[0]{properties}[1], undef, 'a public copy is public');

# CM-07: comment_map.edits = false: the copies stay as they are.
my ($dear) = grep { $_->{text} =~ /dear customer/ } comments();
$t->sql("UPDATE syncore.comment_map SET edits = false WHERE system = 'jira'");
$jira->edit_comment($bo, $issue->{id}, $dear->{id}, 'dearest customer');
$t->wait_until('the row', sub { $t->value("SELECT count(*) FROM syncore.ledger WHERE rule = 'comment_edit' AND reason LIKE 'edits and deletes of comments in comment of jira are not taken%'") });
$t->quiesce;
is(scalar(copy_like(qr/dear customer/)), 1, 'an edit that nobody asked for is not taken');
$t->verify;
$t->finish;
done_testing();
