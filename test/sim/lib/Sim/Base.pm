package Sim::Base;

# A simulated product: an HTTP server with storage, authentication, a log of
# every request, faults on command, and webhooks.  What a product accepts and
# refuses is in its own class; nothing here knows ServiceNow from Jira.
#
# A product class says:
#   product            its name
#   routes             [ [METHOD, qr/path/, 'handler', {option => 1}], … ]
#   refuse($req, status, text…)   an error in the product's own form
#   check_request($req)           media types and the like; a refusal or ()
#   create_record, update_record, add_comment, remove_record, find_record,
#   dump_record                   what both the API and a person at a screen do
# A handler gets ($self, $req, @captures) and returns (status, body, headers).

use Mojo::Base -base, -signatures;
use Mojo::IOLoop;
use Mojo::JSON qw(decode_json encode_json true false);
use Mojo::Server::Daemon;
use Mojo::Util qw(b64_decode secure_compare);
use Mojolicious;
use Scalar::Util qw(weaken);
use Time::HiRes ();

use Sim::Control;
use Sim::Webhook;

has port => 0;
has 'tls';                     # {cert, key}: files; speaks https then
has users => sub { {} };       # login => {password, kind => human|integration|automation, …}
has tokens => sub { {} };      # bearer token => login
has log => sub { [] };         # every request to the product's API
has faults => sub { [] };      # see take_fault
has held => sub { [] };        # answers that wait for /_sim/continue
has settings => sub { {} };    # see README.md
has records => sub { {} };     # id => record
has counted => 0;              # requests ever; the log may have forgotten some
has history => sub { {} };     # id => [ [time, copy], … ] for searches that lag
has 'daemon';
has webhook => sub ($self) { Sim::Webhook->new(sim => $self) };
has control => sub ($self) { Sim::Control->new(sim => $self) };

sub start ($self)
{
	my $app = Mojolicious->new(mode => 'production');
	$app->log->level('fatal');
	$app->secrets(['unused: no sessions']);
	weaken(my $weak = $self);
	$app->routes->any('/*whatever' => { whatever => '' } => sub ($c) { $weak->handle($c) });
	# A connection that is closed while a request is on its way is a fault, and faults are asked for: idle ones stay (five seconds by default).
	my $daemon = Mojo::Server::Daemon->new(
		app => $app,
		listen => [$self->tls
			? 'https://127.0.0.1:' . ($self->port || '*') . '?' . join '&', map { "$_=" . $self->tls->{$_} } qw(cert key)
			: 'http://127.0.0.1:' . ($self->port || '*')],
		silent => 1,
		inactivity_timeout => 300,
		keep_alive_timeout => 300,
		max_clients => 1000);
	$daemon->max_requests(1_000_000);
	$daemon->start;
	$self->daemon($daemon);
	$self->port($daemon->ports->[0]);
	return $self;
}

sub base_url ($self) { return ($self->tls ? 'https' : 'http') . '://127.0.0.1:' . $self->port }

# The product's clock, seconds with fractions.
sub now ($self)
{
	return $self->settings->{clock} // Time::HiRes::time() + ($self->settings->{clock_offset} // 0);
}

#--- one request

sub handle ($self, $c)
{
	$c->render_later;
	my $req = $self->read_request($c);
	return $self->control->handle($c, $req) if $req->{path} =~ m{^/_sim/};
	my $entry = $self->log_request($req);
	my $fault = $self->take_fault($req);
	$entry->{fault} = $fault->{name} if $fault;
	return $self->pass($c, $req, $entry, undef) if !$fault;

	my $go = sub { $self->pass($c, $req, $entry, $fault) };
	return $self->hold($entry, $go, 'before') if ($fault->{hold} // '') eq 'before';
	return Mojo::IOLoop->timer($fault->{delay_ms} / 1000 => $go) if ($fault->{delay_ms} && ($fault->{delay} // '') eq 'before');
	return $go->();
}

sub read_request ($self, $c)
{
	my $r = $c->req;
	my %header = map { lc $_ => $r->headers->header($_) } @{ $r->headers->names };
	my $path = $r->url->path->to_string;
	return {
		method => $r->method,
		path => $path,
		query => $r->query_params->to_hash,
		headers => \%header,
		body => $r->body,
		at => Time::HiRes::time(),
	};
}

sub log_request ($self, $req)
{
	my %kept = %{ $req->{headers} };
	my $json = eval { length $req->{body} ? decode_json($req->{body}) : undef };
	my $entry = {
		n => $self->counted($self->counted + 1)->counted,
		at => $req->{at},
		method => $req->{method},
		path => $req->{path},
		query => $req->{query},
		headers => \%kept,
		body => $req->{body},
		json => $json,
		outcome => 'pending',
		effect => 'none',
	};
	push @{ $self->log }, $entry;
	shift @{ $self->log } while $self->settings->{memory} && @{ $self->log } > $self->settings->{memory};
	$req->{entry} = $entry;
	return $entry;
}

# Does the work and answers, as far as the fault allows either.
sub pass ($self, $c, $req, $entry, $fault)
{
	$fault //= {};
	if (($fault->{drop} // '') eq 'before')
	{
		$entry->{outcome} = 'dropped before the work';
		return Mojo::IOLoop->remove($c->tx->connection);
	}
	if ($fault->{status} && !$fault->{work})
	{
		$entry->{outcome} = 'fault';
		return $self->answer($c, $req, $entry, $fault, $self->faulty_answer($req, $fault));
	}
	my @answer = $self->perform($req);
	@answer = $self->faulty_answer($req, $fault) if $fault->{status};
	@answer = (200, \$fault->{raw}, { 'Content-Type' => $fault->{type} // 'text/html' }) if defined $fault->{raw};

	my $go = sub { $self->answer($c, $req, $entry, $fault, @answer) };
	return $self->hold($entry, $go, 'after') if ($fault->{hold} // '') eq 'after';
	return Mojo::IOLoop->timer($fault->{delay_ms} / 1000 => $go) if $fault->{delay_ms} && ($fault->{delay} // '') ne 'before';
	return $go->();
}

# The product's own judgement of a request: (status, body, headers).
sub perform ($self, $req)
{
	my @answer = eval {
		my @refusal = $self->authenticate($req);
		return @refusal if @refusal;
		@refusal = $self->check_request($req);
		return @refusal if @refusal;
		return $self->route($req);
	};
	if (my $error = $@)
	{
		return @{ $error->{refused} } if ref $error eq 'HASH' && $error->{refused};
		warn "sim: $error";
		$req->{entry}{error} = "$error";
		return (500, { error => 'the simulated product failed: see its log' });
	}
	return @answer;
}

sub route ($self, $req)
{
	my $known = 0;
	for my $route (@{ $self->routes })
	{
		my ($method, $pattern, $handler) = @$route;
		my @captures = $req->{path} =~ $pattern or next;
		$known = 1;
		next if $method ne $req->{method};
		@captures = () if !defined $1;
		return $self->$handler($req, @captures);
	}
	return $self->refuse($req, $known ? 405 : 404, $known ? 'Method not allowed' : 'No such resource');
}

# Ends a request with the product's form of an error, from however deep.
sub stop ($self, $req, @refusal)
{
	die { refused => [$self->refuse($req, @refusal)] };
}

sub answer ($self, $c, $req, $entry, $fault, $status, $body = undef, $headers = {})
{
	$entry->{status} = $status;
	$entry->{outcome} = $status < 400 ? 'ok' : 'refused' if $entry->{outcome} eq 'pending';
	$entry->{answered_at} = Time::HiRes::time();
	if (!eval { $c->tx->connection; 1 })
	{
		$entry->{outcome} = 'client gone';    # it was held or delayed, and nobody waits for it any more
		return;
	}
	my $bytes = !defined $body ? '' : ref $body eq 'SCALAR' ? $$body : encode_json($body);
	if (my $drop = $fault->{drop})
	{
		$entry->{outcome} = 'answer lost';
		return Mojo::IOLoop->remove($c->tx->connection) if $drop eq 'after';
		my $stream = Mojo::IOLoop->stream($c->tx->connection) or return;
		my $half = substr $bytes, 0, length($bytes) / 2;
		return $stream->write("HTTP/1.1 $status Cut\r\nContent-Type: application/json\r\nContent-Length: "
			. length($bytes) . "\r\n\r\n$half", sub ($s) { $s->close });
	}
	my $res = $c->res;
	$res->code($status);
	$res->headers->date(Mojo::Date->new($self->now)->to_string);
	$res->headers->content_type($headers->{'Content-Type'} // 'application/json;charset=UTF-8') if length $bytes;
	$res->headers->header($_ => $headers->{$_}) for grep { $_ ne 'Content-Type' } keys %$headers;
	$res->body($bytes);
	$c->rendered;
	return;
}

#--- faults

# The first fault of the plan that fits the request, counted down.
# {method, path (a pattern), body (a pattern), times => 1 (-1 = always), skip => 0, …}
sub take_fault ($self, $req)
{
	for my $fault (@{ $self->faults })
	{
		next if !$fault->{times};
		next if defined $fault->{method} && $req->{method} !~ /^(?:$fault->{method})$/;
		next if defined $fault->{path} && $req->{path} !~ /$fault->{path}/;
		next if defined $fault->{body} && $req->{body} !~ /$fault->{body}/;
		if ($fault->{skip})
		{
			$fault->{skip}--;
			next;
		}
		$fault->{times}-- if $fault->{times} > 0;
		$fault->{taken}++;
		return $fault;
	}
	return;
}

sub faulty_answer ($self, $req, $fault)
{
	my %headers = %{ $fault->{headers} // {} };
	$headers{'Retry-After'} = $fault->{retry_after} if defined $fault->{retry_after};
	my ($status, $body, $more) = $self->refuse($req, $fault->{status}, $fault->{message} // 'Fault on command');
	return ($status, $body, { %{ $more // {} }, %headers });
}

sub hold ($self, $entry, $go, $when)
{
	$entry->{held} = $when;
	push @{ $self->held }, { n => $entry->{n}, when => $when, go => $go };
	return;
}

#--- who is asking

# Sets $req->{user}, or returns a refusal.
sub authenticate ($self, $req)
{
	my $header = $req->{headers}{authorization} // '';
	if ($header =~ /^Basic\s+(\S+)$/i)
	{
		my ($login, $password) = split /:/, b64_decode($1), 2;
		my $user = $self->users->{ $login // '' };
		if ($user && defined $user->{password} && secure_compare($user->{password}, $password // ''))
		{
			$req->{user} = $login;
			return;
		}
	}
	elsif ($header =~ /^Bearer\s+(\S+)$/i && defined $self->tokens->{$1})
	{
		$req->{user} = $self->tokens->{$1};
		return;
	}
	return if $self->is_public($req);
	return $self->refuse($req, 401, $header eq '' ? 'no credentials' : 'wrong credentials');
}

sub is_public ($self, $req) { return 0 }

sub user_kind ($self, $login)
{
	return $self->users->{$login} ? $self->users->{$login}{kind} // 'human' : 'human';
}

#--- what products share

sub json_body ($self, $req)
{
	my $json = eval { decode_json($req->{body}) };
	$self->stop($req, 400, 'the body is not valid JSON') if $@ || !defined $json;
	return $json;
}

# What the product does to values as it stores them: {field => ['trim', 'lower', 'collapse', 'title']}.
sub normalise ($self, $field, $value)
{
	my $steps = $self->settings->{normalise}{$field} or return $value;
	return $value if !defined $value || ref $value;
	for my $step (@$steps)
	{
		$value =~ s/^\s+|\s+$//g if $step eq 'trim';
		$value =~ s/\s+/ /g if $step eq 'collapse';
		$value = lc $value if $step eq 'lower';
		$value = uc $value if $step eq 'upper';
		$value =~ s/(\w+)/\u\L$1/g if $step eq 'title';
	}
	return $value;
}

# Keeps a copy of the record as of now, for searches that answer from an index that lags.
sub remember ($self, $id, $record)
{
	push @{ $self->history->{$id} }, [Time::HiRes::time(), $record ? decode_json(encode_json($record)) : undef];
	shift @{ $self->history->{$id} } while $self->settings->{memory} && @{ $self->history->{$id} } > 2;
	return;
}

# The records an index that is $lag_ms behind would show.
sub indexed ($self, $lag_ms, $fresh = {})
{
	my $limit = Time::HiRes::time() - $lag_ms / 1000;
	my @found;
	for my $id (sort keys %{ $self->history })
	{
		my ($seen) = grep { $fresh->{$id} || $_->[0] <= $limit } reverse @{ $self->history->{$id} };
		push @found, $seen->[1] if $seen && $seen->[1];
	}
	return @found;
}

# The product's own automation, called after a change.
# settings.automation: [ {field, by => 'integration', set => {…} | restore => true, as, delay_ms, times} ]
sub automate ($self, $who, $id, $old, $changed)
{
	for my $rule (@{ $self->settings->{automation} // [] })
	{
		next if defined $rule->{times} && $rule->{times} <= 0;
		next if ($rule->{by} // 'integration') ne $self->user_kind($who);
		next if defined $rule->{field} && !grep { $_ eq $rule->{field} } @$changed;
		$rule->{times}-- if defined $rule->{times};
		my %set = $rule->{restore} ? map { $_ => $old->{$_} } ($rule->{field} // @$changed) : %{ $rule->{set} // {} };
		my $act = sub { $self->update_record($rule->{as} // 'automation', $id, \%set) if $self->find_record($id) };
		defined $rule->{delay_ms} ? Mojo::IOLoop->timer($rule->{delay_ms} / 1000 => $act) : $act->();
	}
	return;
}

sub new_hex ($self, $length)
{
	return join '', map { sprintf '%x', int rand 16 } 1 .. $length;
}

1;
