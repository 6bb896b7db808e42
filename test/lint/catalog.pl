# What the catalogs say of an installed extension: pinned search paths,
# comments, nothing for PUBLIC that runs with its owner's rights.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;

my $node = PostgreSQL::Test::Cluster->new('lint');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'syncore'");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION syncore CASCADE');
my $member = q{JOIN pg_depend m ON m.refclassid = 'pg_extension'::regclass AND m.deptype = 'e'
	AND m.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'syncore') AND m.objid = };

my %check = (
	'function in SQL or PL/pgSQL without a pinned search_path' => "
		SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang $member p.oid
		WHERE m.classid = 'pg_proc'::regclass AND l.lanname IN ('sql', 'plpgsql') AND p.prosqlbody IS NULL
		AND NOT EXISTS (SELECT FROM unnest(p.proconfig) c WHERE c ~ '^search_path=.?pg_catalog.?, .?pg_temp.?\$')",
	'SECURITY DEFINER function that PUBLIC may execute' => "
		SELECT p.oid::regprocedure FROM pg_proc p $member p.oid
		WHERE m.classid = 'pg_proc'::regclass AND p.prosecdef AND (p.proacl IS NULL OR EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee = 0))
		AND p.prorettype <> 'trigger'::regtype AND p.prorettype <> 'event_trigger'::regtype",
	'function without a comment' => "
		SELECT p.oid::regprocedure FROM pg_proc p $member p.oid
		WHERE m.classid = 'pg_proc'::regclass AND obj_description(p.oid, 'pg_proc') IS NULL",
	'relation without a comment' => "
		SELECT c.oid::regclass FROM pg_class c $member c.oid
		WHERE m.classid = 'pg_class'::regclass AND c.relkind IN ('r', 'p', 'v', 'S') AND NOT c.relispartition AND obj_description(c.oid, 'pg_class') IS NULL",
	'column without a comment' => "
		SELECT c.oid::regclass || '.' || a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped $member c.oid
		WHERE m.classid = 'pg_class'::regclass AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition AND col_description(c.oid, a.attnum) IS NULL",
	'trigger without a comment' => "
		SELECT c.oid::regclass || '.' || t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid $member c.oid
		WHERE m.classid = 'pg_class'::regclass AND NOT t.tgisinternal AND t.tgparentid = 0 AND obj_description(t.oid, 'pg_trigger') IS NULL",
	'role without a comment' => "
		SELECT rolname FROM pg_roles WHERE rolname LIKE 'syncore\\_%' AND shobj_description(oid, 'pg_authid') IS NULL",
	'type without a comment' => "
		SELECT t.oid::regtype FROM pg_type t $member t.oid
		WHERE m.classid = 'pg_type'::regclass AND t.typtype IN ('b', 'e', 'd') AND t.typelem = 0 AND obj_description(t.oid, 'pg_type') IS NULL",
	'table that PUBLIC may touch' => "
		SELECT c.oid::regclass FROM pg_class c $member c.oid, aclexplode(c.relacl) a
		WHERE m.classid = 'pg_class'::regclass AND a.grantee = 0",
);
my $findings = 0;
for my $name (sort keys %check)
{
	my @found = split /\n/, $node->safe_psql('postgres', "SELECT x::text FROM ($check{$name} ORDER BY 1) AS q(x)");
	print "$name: $_\n" for @found;
	$findings += @found;
}
$node->stop;
exit($findings ? 1 : 0);
