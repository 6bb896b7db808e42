package Syncore::Sim;

# A test's handle on one simulated product: its control interface, its request
# log, and an ordinary client of its API.

use strict;
use warnings;
use Carp;
use HTTP::Tiny;
use IO::Handle;
use JSON::PP ();
use Mojo::JSON ();
use Socket qw(IPPROTO_TCP TCP_NODELAY);
use Time::HiRes qw(sleep time);

# Sends head and body in two packets; without this the second waits 40 ms for the answer to the first, and what people do
# within some milliseconds of each other is what tests are about.
package Syncore::Sim::Agent
{
	our @ISA = ('HTTP::Tiny');

	sub _open_handle
	{
		my ($self, @to) = @_;
		my $handle = $self->SUPER::_open_handle(@to);
		setsockopt $handle->{fh}, Socket::IPPROTO_TCP, Socket::TCP_NODELAY, 1;
		return $handle;
	}
}

my $json = JSON::PP->new->utf8->canonical->allow_nonref;

# People and passwords that every simulated product knows, unless a test says otherwise.
our %USERS = (
	servicenow => [
		{ login => 'syncore.bot', password => 'snow-secret', kind => 'integration', name => 'Sync Bot', sys_id => 'b0b0' x 8 },
		{ login => 'a.lee', password => 'x', kind => 'human', name => 'Ann Lee', email => 'a.lee@acme.example',
			sys_id => '5137153cc611227c000bbd1bd8cd2005' },
		{ login => 'b.kim', password => 'x', kind => 'human', name => 'Bo Kim', email => 'b.kim@acme.example', sys_id => 'c0de' x 8 },
		{ login => 'automation', password => 'x', kind => 'automation', name => 'Business rule' },
	],
	jira => [
		{ login => 'syncore@acme.example', password => 'jira-secret', kind => 'integration', name => 'Sync Bot',
			account => '5b10aaaaaaaaaaaaaaaaaaaa' },
		{ login => 'a.lee@acme.example', password => 'x', kind => 'human', name => 'Ann Lee', account => '5b10ac8d82e05b22cc7d4ef5' },
		{ login => 'b.kim@acme.example', password => 'x', kind => 'human', name => 'Bo Kim', account => '5b10bbbbbbbbbbbbbbbbbbbb' },
		{ login => 'automation', password => 'x', kind => 'automation', name => 'automation', account => 'automation' },
	],
);

# Starts products in one process: start(dir, products => [{name, product, settings, users, port}], tls => {cert, key})
# returns a handle for each, in that order.
sub start
{
	my ($class, %arg) = @_;
	my $top = $arg{top} // $ENV{SYNCORE_TOP} // croak 'SYNCORE_TOP is not set';
	my @command = ($^X, "$top/test/sim/sim", '--with-parent');
	push @command, '--tls-cert', $arg{tls}{cert}, '--tls-key', $arg{tls}{key} if $arg{tls};
	for my $want (@{ $arg{products} })
	{
		my $file = "$arg{dir}/$want->{name}.json";
		open my $out, '>', $file or croak "could not write $file: $!";
		print $out $json->encode({ users => $want->{users} // $USERS{ $want->{product} }, settings => $want->{settings} // {} });
		close $out or croak "could not write $file: $!";
		push @command, '--product', $want->{product}, '--port', $want->{port} // 0, '--config', $file;
	}
	pipe(my $child_in, my $parent_out) or croak "pipe: $!";
	pipe(my $parent_in, my $child_out) or croak "pipe: $!";
	my $pid = fork // croak "fork: $!";
	if (!$pid)
	{
		close $parent_out;
		close $parent_in;
		open STDIN, '<&', $child_in or exit 1;
		open STDOUT, '>&', $child_out or exit 1;
		open STDERR, '>>', "$arg{dir}/sim.log" or exit 1;
		exec @command or exit 1;
	}
	close $child_in;
	close $child_out;
	my @sims;
	while (my $line = <$parent_in>)
	{
		last if $line =~ /^ready/;
		my ($product, $url) = split ' ', $line;
		push @sims, bless {
			product => $product, url => $url, pid => $pid, pipe => $parent_out, owner => $$,
			name => $arg{products}[scalar @sims]{name}, http => Syncore::Sim::Agent->new(timeout => 180, verify_SSL => 0),
		}, $class;
	}
	croak "the simulated products did not start: see $arg{dir}/sim.log" if @sims != @{ $arg{products} };
	return @sims;
}

sub url { return $_[0]{url} }
sub product { return $_[0]{product} }
sub host_port { return $_[0]{url} =~ s{^https?://}{}r }

sub stop
{
	my ($self) = @_;
	return if !$self->{pid} || $self->{owner} != $$;
	close $self->{pipe} if $self->{pipe};    # the end of its standard input ends it
	$self->{pipe} = undef;
	waitpid $self->{pid}, 0;
	$self->{pid} = 0;
	return;
}

sub DESTROY
{
	my ($self) = @_;
	local ($?, $@, $!);
	close $self->{pipe} if $self->{pipe} && $self->{owner} == $$;
	return;
}

# One command of the control interface.
sub control
{
	my ($self, $method, $command, $in) = @_;
	my $r = $self->{http}->request($method, "$self->{url}/_sim/$command", { $in ? (content => Mojo::JSON::encode_json($in)) : () });
	croak "sim $command: $r->{status} $r->{content}" if !$r->{success};
	return length $r->{content} ? Mojo::JSON::decode_json($r->{content}) : undef;
}

sub state { return $_[0]->control(GET => 'state') }
sub set { my ($self, %set) = @_; return $self->control(POST => 'set', \%set) }
sub webhook { my ($self, %set) = @_; return $self->control(POST => 'set', { webhook => \%set }) }
sub fault { my ($self, %fault) = @_; return $self->control(POST => 'fault', \%fault) }
sub clear_faults { return $_[0]->control(POST => 'clear_faults', {}) }
sub hold_webhooks { return $_[0]->webhook(hold => 1) }
sub release { my ($self, %how) = @_; return $self->control(POST => 'release', %how ? \%how : { all => 1 }) }
sub redeliver { my ($self, $n) = @_; return $self->control(POST => 'redeliver', { n => $n }) }
sub webhooks { return @{ $_[0]->control(GET => 'webhooks') } }
sub continue { return $_[0]->control(POST => 'continue', {})->{continued} }
sub held { return @{ $_[0]->state->{held} } }

# What people do at that product's screen.
sub act { my ($self, $who, $do, %in) = @_; return $self->control(POST => 'act', { as => $who, do => $do, %in }) }
sub create { my ($self, $who, %fields) = @_; return $self->act($who, 'create', fields => \%fields) }
sub create_many { my ($self, $who, @records) = @_; return $self->act($who, 'create', fields => \@records)->{made} }
sub update { my ($self, $who, $id, %fields) = @_; return $self->act($who, 'update', id => $id, fields => \%fields) }
sub comment { my ($self, $who, $id, $body, %more) = @_; return $self->act($who, 'comment', id => $id, body => $body, %more) }
sub edit_comment { my ($self, $who, $id, $comment, $body, %more) = @_; return $self->act($who, 'rewrite', id => $id, comment => $comment, body => $body, %more) }
sub delete_comment { my ($self, $who, $id, $comment) = @_; return $self->act($who, 'rewrite', id => $id, comment => $comment) }
sub remove { my ($self, $who, $id) = @_; return $self->act($who, 'delete', id => $id) }

sub records { return @{ $_[0]->control(GET => 'records') } }
sub record { my ($self, $id) = @_; return (grep { $_->{id} eq $id || $_->{key} eq $id } $self->records)[0] }

# The request log: all, what a client asked to change, and as short lines.
sub requests { return @{ $_[0]->control(GET => 'log') } }
sub writes { my ($self) = @_; return grep { $_->{method} !~ /^(?:GET|HEAD)$/ && $_->{path} !~ m{/search/jql$|oauth} } $self->requests }
sub effects { my ($self) = @_; return grep { $_->{effect} ne 'none' } $self->requests }
sub clear_log { return $_[0]->control(POST => 'clear_log', {}) }

# "PATCH /api/now/table/incident/ID {state,urgency} 200", ids of records replaced by their human keys.
sub lines
{
	my ($self, @requests) = @_;
	@requests = $self->writes if !@requests;
	my %key = map { $_->{id} => $_->{key} } $self->records;
	return map {
		my $path = $_->{path} =~ s{([0-9a-f]{32}|(?<=/)\d{5,})}{$key{$1} // $1}ger;
		my $body = $_->{json} // {};
		my @keys = ref $body ne 'HASH' ? () : sort keys %{ ref $body->{fields} eq 'HASH' ? $body->{fields} : $body };
		"$_->{method} $path {" . join(',', @keys) . '} ' . ($_->{status} // 'open');
	} @requests;
}

# An ordinary client: request(method, path, body, header => value …) as the integration user.
sub request
{
	my ($self, $method, $path, $body, %header) = @_;
	my ($user) = grep { $_->{kind} eq 'integration' } @{ $USERS{ $self->{product} } };
	my %headers = (Accept => 'application/json');
	$headers{'Content-Type'} = 'application/json' if defined $body;
	require MIME::Base64;
	$headers{Authorization} = 'Basic ' . MIME::Base64::encode_base64("$user->{login}:$user->{password}", '');
	%headers = (%headers, %header);
	delete $headers{$_} for grep { !defined $headers{$_} } keys %headers;
	my $r = $self->{http}->request($method, "$self->{url}$path",
		{ headers => \%headers, defined $body ? (content => ref $body ? $json->encode($body) : $body) : () });
	$r->{json} = eval { $json->decode($r->{content}) };
	return $r;
}

1;
