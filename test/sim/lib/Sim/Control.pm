package Sim::Control;

# The control interface of a simulated product, below /_sim/.  It needs no
# credentials (the server listens on the loopback only) and leaves no trace in
# the request log, so that the log is what the outside did.

use Mojo::Base -base, -signatures;
use Mojo::JSON qw(decode_json encode_json);

has 'sim';

my %COMMAND = (
	'GET state' => sub ($self, $in) {
		my $sim = $self->sim;
		return {
			product => $sim->product, port => $sim->port, now => $sim->now, requests => $sim->counted,
			held => [map { { n => $_->{n}, when => $_->{when} } } @{ $sim->held }],
			webhooks_pending => $sim->webhook->pending, settings => $sim->settings,
			faults => $sim->faults,
		};
	},
	'GET records' => sub ($self, $in) {
		my $sim = $self->sim;
		return [map { $sim->dump_record($_) } sort keys %{ $sim->records }];
	},
	'GET log' => sub ($self, $in) { return $self->sim->log },
	'POST clear_log' => sub ($self, $in) { @{ $self->sim->log } = (); $self->sim->counted(0); return { cleared => 1 } },
	'GET webhooks' => sub ($self, $in) {
		return [map { my %copy = %$_; delete $copy{body}; \%copy } @{ $self->sim->webhook->sent }];
	},
	'POST set' => sub ($self, $in) {
		my $settings = $self->sim->settings;
		for my $key (keys %$in)
		{
			if ($key eq 'webhook') { %{ $settings->{webhook} } = (%{ $settings->{webhook} // {} }, %{ $in->{webhook} }) }
			else { $settings->{$key} = $in->{$key} }
		}
		$self->sim->webhook->pump;
		return $settings;
	},
	'POST fault' => sub ($self, $in) {
		push @{ $self->sim->faults }, { times => 1, name => 'fault ' . (1 + @{ $self->sim->faults }), %$in };
		return $self->sim->faults;
	},
	'POST clear_faults' => sub ($self, $in) { @{ $self->sim->faults } = (); return [] },
	'POST continue' => sub ($self, $in) {
		my @held = splice @{ $self->sim->held };
		$_->{go}->() for @held;
		return { continued => scalar @held };
	},
	'POST forget' => sub ($self, $in) { return { forgotten => scalar splice @{ $self->sim->held } } },
	'POST user' => sub ($self, $in) {
		$self->sim->add_user(%$in);
		return { added => $in->{login} };
	},
	'POST release' => sub ($self, $in) {
		$self->sim->settings->{webhook}{hold} = 0 if $in->{all};
		my $released = $self->sim->webhook->release($in->{order}, $in->{count});
		$self->sim->webhook->pump;
		return { released => $released };
	},
	'POST redeliver' => sub ($self, $in) { return { sent => $self->sim->webhook->send_again($in->{n}) } },
	'POST act' => sub ($self, $in) {
		my $sim = $self->sim;
		my $who = $in->{as} // 'person';
		my $id = $in->{id};
		my $do = $in->{do} // 'update';
		if ($do eq 'create' && ref $in->{fields} eq 'ARRAY') { return { made => scalar map { $sim->create_record($who, $_) } @{ $in->{fields} } } }
		elsif ($do eq 'create') { $id = $sim->create_record($who, $in->{fields}) }
		elsif ($do eq 'update') { $sim->update_record($who, $id, $in->{fields}) }
		elsif ($do eq 'comment') { $sim->add_comment($who, $id, $in) }
		elsif ($do eq 'rewrite' && $sim->can('rewrite_comment')) { $sim->rewrite_comment($who, $id, $in) }
		elsif ($do eq 'delete') { my $last = $sim->dump_record($id); $sim->remove_record($who, $id); return $last }
		else { die { refused => [400, { error => "act: cannot \"$do\"" }] } }
		return $sim->dump_record($id);
	},
);

sub handle ($self, $c, $req)
{
	my ($name) = $req->{path} =~ m{^/_sim/(\w+)$};
	my $command = $COMMAND{"$req->{method} " . ($name // '')};
	return $c->render(json => { error => 'no such command' }, status => 404) if !$command;
	my $in = length $req->{body} ? eval { decode_json($req->{body}) } : {};
	return $c->render(json => { error => 'body is no JSON object' }, status => 400) if ref $in ne 'HASH';
	my $out = eval { $command->($self, $in) };
	if (my $error = $@)
	{
		my ($status, $body) = ref $error eq 'HASH' ? @{ $error->{refused} } : (500, { error => "$error" });
		return $c->render(json => $body, status => $status);
	}
	return $c->render(json => $out);
}

1;
