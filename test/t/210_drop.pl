# DROP EXTENSION takes everything with it, so a ledger that holds rows must be let go on purpose; and it is refused for others' sake too.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('drop');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'syncore'\nmax_worker_processes = 24\n");
$node->start;

sub fails_with
{
	my ($sql, $pattern, $what) = @_;
	my ($out, $err) = ('', '');
	my $status = $node->psql('postgres', $sql, stdout => \$out, stderr => \$err, on_error_stop => 1);
	isnt($status, 0, "$what: refused");
	like($err, $pattern, "$what: says why");
	return;
}

$node->safe_psql('postgres', 'SET client_min_messages = warning; CREATE EXTENSION syncore CASCADE; DROP EXTENSION syncore');
pass('an empty ledger goes without a word');
$node->safe_psql('postgres', q{CREATE EXTENSION syncore; INSERT INTO syncore.field (entity_type, name) VALUES ('incident', 'x')});
fails_with('DROP EXTENSION syncore', qr/cannot drop extension "syncore": its ledger is not empty.*HINT:.*syncore\.allow_drop/s, 'drop');
fails_with('DROP EXTENSION IF EXISTS syncore CASCADE', qr/ledger is not empty/, 'drop cascade');
fails_with('DROP EXTENSION pg_trgm CASCADE', qr/ledger is not empty/, 'drop of what it stands on');
fails_with('DROP SCHEMA syncore CASCADE', qr/extension syncore requires it/, 'drop of the schema');
is($node->safe_psql('postgres', 'SELECT count(*) > 0 FROM syncore.ledger'), 't', 'all is still there');
$node->safe_psql('postgres', 'CREATE ROLE someone; GRANT syncore_admin TO someone');
fails_with('SET ROLE someone; SET syncore.allow_drop = on', qr/permission denied to set parameter/, 'allow_drop by an administrator');
$node->safe_psql('postgres', 'SET syncore.allow_drop = on; DROP EXTENSION syncore');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_namespace WHERE nspname = 'syncore'}), '0', 'gone, on purpose');
$node->safe_psql('postgres', 'CREATE EXTENSION syncore');
is($node->safe_psql('postgres', 'SELECT count(*) FROM syncore.ledger'), '0', 'and can be made anew');
$node->stop;
done_testing();
