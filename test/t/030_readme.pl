# The SQL of the README, typed as it stands: only the two host names are
# replaced, by simulated products that speak https with a certificate of ours.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use Syncore::Test;
use Test::More;

# The record and the conflict that the README asks about are INC0012345 and 17: let them get these numbers.
my $t = Syncore::Test->new('readme', tls => 1, products => [{ name => 'snow', product => 'servicenow', settings => { first_number => 12_345 } },
	{ name => 'jira', product => 'jira' }]);
my ($snow, $jira) = ($t->snow, $t->jira);
my %host = ('https://acme.service-now.com' => $snow->url, 'https://acme.atlassian.net' => $jira->url);

open my $in, '<', "$ENV{SYNCORE_TOP}/README.md" or die "README.md: $!";
my $readme = do { local $/; <$in> };
close $in;
my @blocks = $readme =~ /^```sql\n(.*?)^```$/msg;
cmp_ok(scalar @blocks, '>=', 1, 'the README has SQL');

# The simulated products have private addresses and a certificate of their own: that is all that is not in the README.
sub allow_sims
{
	my $done = $t->value("SELECT count(*) FROM pg_class WHERE oid = to_regclass('syncore.system')") or return;
	$t->sql("UPDATE syncore.system SET allow_private = true, ca_file = '" . $t->ca_file . "' WHERE NOT allow_private");
	for my $sim (['snow', $snow], ['jira', $jira])
	{
		$sim->[1]->webhook(retry_ms => 100, tries => 100);
		# Jira learns its own from register_webhook
		$sim->[1]->webhook(url => $t->hook_url($sim->[0]), secret => "hook-$sim->[0]") if $sim->[0] ne 'jira';
	}
	return;
}

# A block is split only after add_system, so that the rest can reach the simulated products.
for my $n (0 .. $#blocks)
{
	my $text = $blocks[$n];
	$text =~ s/\Q$_\E/$host{$_}/g for keys %host;
	for my $part (split /(?<=[;.\n])\n?(?=-- [27]\. )/, $text)
	{
		everyday() if $part =~ /^-- 7\. /;
		my ($out, $err) = ('', '');
		my $status = $t->node->psql('ops', $part, stdout => \$out, stderr => \$err, on_error_stop => 1);
		is($status, 0, 'block ' . ($n + 1) . ' runs: ' . ($part =~ /^(-- .*|.{1,60})/ ? $1 : '')) or diag $err;
		unlike($err, qr/ERROR/, 'without an error');
		allow_sims();
	}
}
cmp_ok($t->value('SELECT count(*) FROM syncore.system'), '>=', 2, 'both systems are there');

# Step 7 asks about a record and a conflict by number: make them first.
sub everyday
{
	$t->wait_until('the listener answers', sub { $t->listener_answers });
	$t->sql("SELECT syncore.set_policy('incident', 'severity', '{manual}')");
	my $row = $snow->create('a.lee', short_description => 'from the README', sys_tags => 'bug', impact => '2', urgency => '2');
	my $made = $t->wait_until('the issue', sub { ($jira->records)[0] }) or return;
	$t->quiesce;
	$_->hold_webhooks for $snow, $jira;
	$jira->update('b.kim@acme.example', $made->{id}, priority => 'Highest');
	$snow->update('a.lee', $row->{id}, impact => '3', urgency => '3');
	$t->sql("SELECT setval('syncore.conflict_id_seq', 16)");
	$_->release for $snow, $jira;
	$t->wait_until('conflict 17 in review', sub { $t->value('SELECT count(*) FROM syncore.review WHERE id = 17') });
	return;
}

$t->quiesce;
$t->verify;
$t->finish;
done_testing();
