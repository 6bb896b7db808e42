package Syncore::Test;

# A server of our own with syncore in it, simulated products beside it, and
# waiting without sleeping.  On top of PostgreSQL::Test::Cluster.
#
#   my $t = Syncore::Test->new('demo');                 # cluster, database ops, secrets, both products
#   $t->configure->activate;                            # extension, systems snow and jira, all active
#   my $inc = $t->snow->create('a.lee', short_description => 'x');
#   $t->wait_until('the issue is there', sub { $t->jira->records == 1 });
#   $t->quiesce;
#
# new(name, products => [{name, product, settings}], conf => 'postgresql.conf lines', listen => 1, databases => 'ops', tls => 1 for https,
#     clock => 1 for set_clock)

use strict;
use warnings;
use Carp;
use DBI;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils ();
use Test::More;
use Time::HiRes qw(sleep time);

use Syncore::Sim;

# What happens when something is waited for in vain.
our $GIVE_UP = sub { my ($what, $self) = @_; fail("waited in vain: $what"); $self->tell; die "waited in vain: $what\n" };
our $LIMIT = $ENV{SYNCORE_TEST_LIMIT} // 180;    # seconds that anything may take

# Accounts of the credentials, and what stands in the secret files.
my %ACCOUNT = (servicenow => ['syncore.bot', 'snow-secret'], jira => ['syncore@acme.example', 'jira-secret']);
my %SETTING = (servicenow => '{}', jira => '{"project": "OPS", "issue_type": "Bug"}');

sub new
{
	my ($class, $name, %arg) = @_;
	$arg{products} //= [{ name => 'snow', product => 'servicenow' }, { name => 'jira', product => 'jira' }];
	my $node = PostgreSQL::Test::Cluster->new($name);
	my $self = bless { node => $node, name => $name, products => $arg{products}, listen => $arg{listen} // 1,
		hook_port => PostgreSQL::Test::Cluster::get_free_port(), owner => $$ }, $class;
	$self->{secrets} = $node->basedir . '/secrets';
	$self->{sim_dir} = $node->basedir . '/sims';
	mkdir $self->{secrets}, 0700 or croak "mkdir: $!";
	mkdir $self->{sim_dir} or croak "mkdir: $!";
	for my $product (@{ $arg{products} })
	{
		$self->secret($product->{name}, $ACCOUNT{ $product->{product} }[1]);
		$self->secret("$product->{name}_hook", "hook-$product->{name}");
	}
	$self->make_certificate if $arg{tls};
	$self->make_clock if $arg{clock};
	my @sims = Syncore::Sim->start(dir => $self->{sim_dir}, products => $arg{products}, tls => $self->{tls});
	$self->{sims}{ $_->{name} } = shift @sims for @{ $arg{products} };
	$self->start_server($arg{databases} // 'ops', $arg{conf} // '');
	return $self;
}

sub start_server
{
	my ($self, $databases, $conf) = @_;
	my $node = $self->{node};
	my $port = $self->{listen} ? $self->{hook_port} : 0;
	$node->init(extra => ['--locale=C', '--encoding=UTF8']);
	$node->append_conf('postgresql.conf', <<"END");
shared_preload_libraries = 'syncore'
syncore.secret_directory = '$self->{secrets}'
syncore.listen_port = $port
syncore.listen_addresses = '127.0.0.1'
syncore.public_url = 'http://127.0.0.1:$self->{hook_port}'
max_worker_processes = 24
timezone = 'UTC'
log_statement = none
restart_after_crash = on
$conf
END
	{
		local $ENV{LD_PRELOAD} = join ' ', grep { defined } $self->{clock}, $ENV{LD_PRELOAD} if $self->{clock};
		$node->start;
	}
	$node->safe_psql('postgres', 'CREATE DATABASE ops');
	$node->append_conf('postgresql.conf', "syncore.databases = '$databases'");
	$node->reload;
	return;
}

sub node { return $_[0]{node} }
sub sim { return $_[0]{sims}{ $_[1] } // croak "no system $_[1]" }
sub snow { return $_[0]->sim('snow') }
sub jira { return $_[0]->sim('jira') }
sub sims { my ($self) = @_; return map { $self->{sims}{ $_->{name} } } @{ $self->{products} } }
sub hook_url { my ($self, $system, $space) = @_; return "http://127.0.0.1:$self->{hook_port}/hooks/" . ($space // 'default') . "/$system" }

# A file in the secret directory that only its owner reads.
sub secret
{
	my ($self, $file, $content, $mode) = @_;
	my $path = "$self->{secrets}/$file";
	open my $out, '>', $path or croak "could not write $path: $!";
	print $out $content;
	close $out or croak "could not write $path: $!";
	chmod $mode // 0600, $path;
	return $path;
}

# A certificate for 127.0.0.1, its own authority.
sub make_certificate
{
	my ($self) = @_;
	my ($cert, $key) = map { "$self->{sim_dir}/$_.pem" } qw(cert key);
	PostgreSQL::Test::Utils::system_or_bail('openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=syncore test',
		'-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', $key, '-out', $cert);
	$self->{tls} = { cert => $cert, key => $key };
	return;
}

# The server's time of day becomes ours to set; nobody else's does.
sub make_clock
{
	my ($self) = @_;
	$self->{clock} = $self->node->basedir . '/clock.so';
	PostgreSQL::Test::Utils::system_or_bail('cc', '-shared', '-fPIC', '-O1', '-o', $self->{clock}, "$ENV{SYNCORE_TOP}/test/lib/clock.c", '-ldl');
	$ENV{SYNCORE_CLOCK} = $self->node->basedir . '/clock';
	open my $out, '>:raw', $ENV{SYNCORE_CLOCK} or croak "could not write $ENV{SYNCORE_CLOCK}: $!";
	print $out pack 'l!', 0;
	close $out or croak "could not write $ENV{SYNCORE_CLOCK}: $!";
	return;
}

# Sets it so many seconds ahead of the real one, or behind it.
sub set_clock
{
	my ($self, $seconds) = @_;
	open my $out, '+<:raw', $ENV{SYNCORE_CLOCK} or croak "could not write $ENV{SYNCORE_CLOCK}: $!";
	print $out pack 'l!', $seconds;
	close $out or croak "could not write $ENV{SYNCORE_CLOCK}: $!";
	return;
}

sub ca_file { return $_[0]{tls}{cert} }

#--- SQL

sub dbh
{
	my ($self) = @_;
	return $self->{dbh} if $self->{dbh} && $self->{dbh}->ping;
	$self->{dbh} = undef;
	my $node = $self->{node};
	$self->{dbh} = DBI->connect('dbi:Pg:dbname=ops;host=' . $node->host . ';port=' . $node->port, undef, undef,
		{ RaiseError => 1, PrintError => 0, AutoCommit => 1, AutoInactiveDestroy => 1, pg_enable_utf8 => 1 });
	return $self->{dbh};
}

sub sql { my ($self, $text, @value) = @_; return @value ? $self->dbh->do($text, undef, @value) : $self->{node}->safe_psql('ops', $text) }
sub value { my ($self, $text, @value) = @_; return scalar(($self->dbh->selectrow_array($text, undef, @value))[0]) }
sub row { my ($self, $text, @value) = @_; return $self->dbh->selectrow_hashref($text, undef, @value) }
sub rows { my ($self, $text, @value) = @_; return @{ $self->dbh->selectall_arrayref($text, { Slice => {} }, @value) } }

# A statement that must fail: its SQLSTATE.
sub fails
{
	my ($self, $text) = @_;
	my $dbh = $self->dbh;
	return eval { $dbh->do($text); 1 } ? '00000' : $dbh->state;
}

#--- the usual configuration

# Extension, systems, credentials, comments and people; the systems stay in mode draft.
sub configure
{
	my ($self) = @_;
	$self->sql('CREATE EXTENSION syncore CASCADE');
	$self->add_system($_) for @{ $self->{products} };
	my $people = "INSERT INTO syncore.identity_map (person, system, external_id) VALUES ";
	for my $product (@{ $self->{products} })
	{
		my $name = $product->{name};
		my $type = $product->{product} eq 'jira' ? 'issue' : 'incident';
		my $channel = $product->{product} eq 'jira' ? 'comment' : 'work_notes';
		$self->sql("INSERT INTO syncore.comment_map (system, record_type, channel, visibility, direction)
			VALUES ('$name', '$type', '$channel', 'internal', 'both')");
		my ($lee, $kim) = $product->{product} eq 'jira'
			? ('5b10ac8d82e05b22cc7d4ef5', '5b10bbbbbbbbbbbbbbbbbbbb') : ('5137153cc611227c000bbd1bd8cd2005', 'c0de' x 8);
		$self->sql("$people ('a.lee\@acme.example', '$name', '$lee'), ('b.kim\@acme.example', '$name', '$kim')");
		$self->sql("INSERT INTO syncore.actor (system, pattern, kind) VALUES ('$name', 'automation', 'automation') ON CONFLICT DO NOTHING");
		$self->name_bot($name, $product->{product});
	}
	return $self;
}

sub add_system
{
	my ($self, $product) = @_;
	my ($name, $kind) = @$product{qw(name product)};
	my $sim = $self->sim($name);
	$self->sql("SELECT * FROM syncore.add_system('$name', '$kind', 'https://$name.example', settings => '$SETTING{$kind}')");
	$self->sql("UPDATE syncore.system SET allow_http = true, allow_private = true, base_url = '" . $sim->url . "' WHERE name = '$name'");
	$self->set_credentials($name, $kind);
	return;
}

sub set_credentials
{
	my ($self, $name, $kind) = @_;
	$self->sql("SELECT syncore.set_credential('$name', 'basic', 'file:$name', username => '$ACCOUNT{$kind}[0]')");
	$self->sql("SELECT syncore.set_credential('$name', 'hmac_sha256', 'file:${name}_hook', used_for => 'webhook')");
	$self->sim($name)->webhook(url => $self->hook_url($name), secret => "hook-$name", retry_ms => 100, tries => 100);
	return;
}

# Tells the engine which account is ours, as check_system does.
sub name_bot
{
	my ($self, $name, $kind) = @_;
	my $bot = $kind eq 'jira' ? '5b10aaaaaaaaaaaaaaaaaaaa' : 'syncore.bot';
	$self->sql("UPDATE syncore.system SET integration_actor = '$bot' WHERE name = '$name'");
	return;
}

sub activate
{
	my ($self, @names) = @_;
	@names = map { $_->{name} } @{ $self->{products} } if !@names;
	$self->sql('BEGIN; ' . join(' ', map { "SELECT syncore.activate('$_');" } @names) . ' COMMIT');
	$self->wait_until('the listener answers', sub { $self->listener_answers }) if $self->{listen};
	return $self;
}

# Any answer will do: an unsigned request is refused, and that is an answer.
sub listener_answers
{
	my ($self) = @_;
	my $r = HTTP::Tiny->new(timeout => 2)->post($self->hook_url('snow'), { content => '{}', headers => { 'Content-Type' => 'application/json' } });
	return $r->{status} != 599;
}

#--- waiting

# Polls until the block gives true; after the limit fails the test, says what it waited for, and ends it.
sub wait_until
{
	my ($self, $what, $block, $limit) = @_;
	my $end = time + ($limit // $LIMIT);
	my $last = '';
	while (1)
	{
		my $value = eval { $block->() };
		$last = $@ if $@;
		return $value if $value;
		last if time > $end;
		sleep 0.05;
	}
	diag $last if $last;
	$GIVE_UP->($what, $self);
	return;
}

# Nothing is on its way any more: no due delivery, call or waiting event, no object that a record names, no webhook.
sub quiesce
{
	my ($self, $limit) = @_;
	my $calm = 0;
	return $self->wait_until('everything at rest', sub {
		$calm = $self->busy ? 0 : $calm + 1;
		return $calm >= 3;
	}, $limit);
}

sub busy
{
	my ($self) = @_;
	my $open = $self->value(q{
		SELECT (SELECT count(*) FROM syncore.delivery d JOIN syncore.system s ON s.id = d.system_id
		        WHERE d.state = 'due' AND s.mode = 'active')
		     + (SELECT count(*) FROM syncore.link l JOIN syncore.system s ON s.id = l.system_id
		        WHERE s.mode = 'active' AND (l.call IS NOT NULL OR l.read_owed OR coalesce(cardinality(l.waiting), 0) > 0))
		     + (SELECT count(*) FROM syncore.reference_wait w JOIN syncore.system s ON s.id = w.system_id WHERE s.mode = 'active')});
	for my $sim ($self->sims)
	{
		my $state = $sim->state;
		$open += $state->{webhooks_pending} if !$state->{settings}{webhook}{hold};
	}
	return $open;
}

# What a person would look at when a test waits in vain.
sub tell
{
	my ($self) = @_;
	for my $query (
		'SELECT id, link, state, attempts, not_before, sent_at, error_code, error_message FROM syncore.delivery ORDER BY id LIMIT 20',
		q{SELECT id, system_id, entity, external_key, state, read_owed, waiting, call::text FROM syncore.link ORDER BY id LIMIT 20},
		q{SELECT id, kind, system_id, field, old, new, rule, left(reason, 120) AS reason FROM syncore.ledger WHERE kind <> 'config' ORDER BY id DESC LIMIT 40},
		'SELECT system, code, path, message FROM syncore.quarantine_entry ORDER BY 1 LIMIT 10')
	{
		my @rows = eval { $self->rows($query) };
		diag $@ if $@;
		diag join "\n", map { my $r = $_; join ' | ', map { "$_=" . (ref $r->{$_} ? "[@{ $r->{$_} }]" : $r->{$_} // '-') } sort keys %$r } @rows;
	}
	for my $name (sort keys %{ $self->{sims} })
	{
		diag "requests to $name:\n  " . join "\n  ", map { "$_->{method} $_->{path} " . ($_->{status} // 'open') . ' ' . substr($_->{body}, 0, 160) }
			eval { $self->sim($name)->requests };
	}
	diag "server log: " . $self->{node}->logfile;
	return;
}

#--- what tests compare

# The canonical value of a field, by a key a person knows.
sub canonical
{
	my ($self, $key, $field) = @_;
	return $self->value('SELECT e.data ->> ? FROM syncore.entity e JOIN syncore.link l ON l.entity = e.id WHERE l.external_key = ?', $field, $key);
}

sub entity_of { my ($self, $key) = @_; return $self->value('SELECT entity FROM syncore.link WHERE external_key = ?', $key) }

# The ledger of an entity as short lines: "echo snow severity echo:value".
sub ledger
{
	my ($self, $entity, @kinds) = @_;
	return map { join ' ', grep { defined } @$_{qw(kind system field rule)} } $self->rows(q{
		SELECT l.kind, s.name AS system, l.field, l.rule FROM syncore.ledger l LEFT JOIN syncore.system s ON s.id = l.system_id
		WHERE l.entity = ? AND (cardinality(?::text[]) = 0 OR l.kind = ANY (?::text[])) ORDER BY l.entity_seq}, $entity, \@kinds, \@kinds);
}

# Creates an incident at ServiceNow and waits for its issue: (incident, issue), both as the products hold them.
sub pair
{
	my ($self, %fields) = @_;
	my $title = $fields{short_description} // 'VPN gateway drops sessions';
	my $row = $self->snow->create('a.lee', short_description => $title, impact => '2', urgency => '2', %fields);
	my $issue = $self->wait_until("the issue of $row->{number}", sub { (grep { $_->{fields}{summary} eq $title } $self->jira->records)[0] })
		or croak 'no issue: cannot go on';
	$self->quiesce;
	return ($self->snow->record($row->{id}), $self->jira->record($issue->{id}));
}

# Both records and the canonical value say the same, by the shipped maps.
sub check_equal
{
	my ($self, $inc, $issue, $name) = @_;
	my $row = $self->snow->record($inc);
	my $fields = $self->jira->record($issue)->{fields};
	my %state = (1 => 'To Do', 2 => 'In Progress', 3 => 'In Progress', 6 => 'Done', 7 => 'Done', 8 => 'Done');
	my %rank = (1 => 'Highest', 2 => 'High', 3 => 'Medium', 4 => 'Low', 5 => 'Lowest');
	return is_deeply([@$fields{qw(summary status priority)}], [$row->{short_description}, $state{ $row->{state} }, $rank{ $row->{priority} }],
		$name // 'both sides say the same');
}

sub verify
{
	my ($self) = @_;
	my @bad = grep { !$_->{ok} } $self->rows('SELECT * FROM syncore.verify_ledger()');
	return is(scalar @bad, 0, 'the ledger verifies') || diag explain \@bad;
}

#--- crashes

# SIGKILL to the postmaster; returns when its children are gone, too.
sub kill_server
{
	my ($self) = @_;
	my @children = eval { map { $_->{pid} } $self->rows('SELECT pid FROM pg_catalog.pg_stat_activity') };    # one that is dead already tells none
	$self->{dbh}->disconnect if $self->{dbh};
	$self->{dbh} = undef;
	$self->{node}->kill9;
	my $end = time + $LIMIT;
	while (my @left = grep { kill 0, $_ } @children)
	{
		croak "processes @left outlive the server" if time > $end;
		sleep 0.02;
	}
	return;
}

sub start_again
{
	my ($self) = @_;
	my $end = time + $LIMIT;
	while (!$self->{node}->start(fail_ok => 1))
	{
		$self->{node}{_pid} = undef;    # a failed start has read the old file of the postmaster
		croak 'the server does not start again' if time > $end;
		sleep 0.2;
	}
	$self->wait_until('the listener answers', sub { $self->listener_answers }) if $self->{listen};
	return;
}

# Process ids of the workers: launcher, dispatcher, listener, …
sub workers
{
	my ($self, $like) = @_;
	return map { $_->{pid} } $self->rows('SELECT pid FROM pg_stat_activity WHERE backend_type LIKE ? ORDER BY pid', $like // 'syncore%');
}

sub finish
{
	my ($self) = @_;
	$self->{dbh}->disconnect if $self->{dbh};
	$self->{dbh} = undef;
	$self->{node}->stop('fast');
	$_->stop for $self->sims;
	return;
}

sub DESTROY
{
	my ($self) = @_;
	local ($?, $@, $!);
	if ($self->{owner} == $$) { $_->stop for grep { defined } values %{ $self->{sims} // {} } }
	return;
}

1;
