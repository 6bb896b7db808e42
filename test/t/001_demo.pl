# The session of make demo, as assertions: it works on a fresh server with
# nothing but what a user has.
# EL-01, EL-07, EL-08, RS-02, RS-14, CM-01, LG-03, LG-05, EV-10, MO-01
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use Syncore::Test;
use Syncore::Demo;
use Test::More;

my $t = Syncore::Test->new('demo');
my ($inc, $issue) = Syncore::Demo::play($t, say => sub { note $_[0] }, check => sub { ok($_[0], $_[1]) });

# EL-01: at rest stays at rest: no write follows from the echoes of the writes.
my $count = sub { scalar($t->snow->writes) + scalar($t->jira->writes) };
my $writes = $count->();
$_->redeliver(($_->webhooks)[-1]{n}) for $t->snow, $t->jira;
$t->quiesce;
is($count->(), $writes, 'an echo that comes again causes no write');

# EV-10: every write carries a marker of origin, and its idempotency key.
for my $sim ($t->snow, $t->jira)
{
	my @bare = grep { !$_->{headers}{'idempotency-key'} || !$_->{headers}{'x-syncore-marker'} } $sim->writes;
	is(scalar @bare, 0, $sim->product . ': every write is marked');
}
# Nothing that a product ignored or refused was sent.
is_deeply([map { @{ $_->{ignored} // [] } } $t->snow->requests], [], 'servicenow ignored no field of ours');
is_deeply([grep { !/ 2\d\d$/ } map { $_->lines } $t->snow, $t->jira], [], 'and no write was refused');

$t->sql("CREATE TABLE seen AS SELECT * FROM syncore.trace((SELECT correlation_id FROM syncore.ledger WHERE kind = 'confirm' LIMIT 1))");
cmp_ok($t->value('SELECT count(*) FROM seen'), '>', 0, 'trace() of a correlation id tells the steps');    # EV-02, EV-11
$t->finish;
done_testing();
