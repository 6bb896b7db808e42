package Sim::Webhook;

# The product's webhooks: signed as that product signs, sent one after the
# other, retried when the receiver fails; held, repeated, reordered, delayed or
# lost on command.
#
# settings.webhook: {url, secret, hold, duplicate => n, lose => n, delay_ms, retry_ms => 200, tries => 5, without_id}

use Mojo::Base -base, -signatures;
use Digest::SHA qw(hmac_sha256_hex);
use Mojo::IOLoop;
use Mojo::JSON qw(encode_json);
use Mojo::UserAgent;
use Time::HiRes ();

has 'sim';
has queue => sub { [] };       # to be sent, oldest first
has sent => sub { [] };        # all that was ever queued, with what became of it
has counted => 0;
has busy => 0;
has agent => sub { Mojo::UserAgent->new(connect_timeout => 2, inactivity_timeout => 20, request_timeout => 20, max_connections => 4) };

sub plan ($self) { return $self->sim->settings->{webhook} //= {} }

# Queues one notification: payload and the product's headers for it.
sub emit ($self, $payload, $headers = {})
{
	my $plan = $self->plan;
	my $item = {
		n => $self->counted($self->counted + 1)->counted,
		body => encode_json($payload),
		payload => $payload,
		headers => $headers,
		tries => 0,
		state => 'queued',
		at => Time::HiRes::time(),
	};
	push @{ $self->sent }, $item;
	my $memory = $self->sim->settings->{memory};
	shift @{ $self->sent } while $memory && @{ $self->sent } > $memory && $self->sent->[0]{state} !~ /^(?:queued|retrying)$/;
	if ($plan->{lose})
	{
		$plan->{lose}--;
		$item->{state} = 'lost';
		return;
	}
	push @{ $self->queue }, ($item) x (1 + ($plan->{duplicate} // 0));
	$self->pump;
	return;
}

# Sends what may be sent; call after anything that may have freed the queue.
sub pump ($self)
{
	my $plan = $self->plan;
	return if $self->busy || $plan->{hold} || !@{ $self->queue } || !$plan->{url};
	$self->busy(1);
	my $item = shift @{ $self->queue };
	Mojo::IOLoop->timer(($plan->{delay_ms} // 0) / 1000 => sub { $self->deliver($item) });
	return;
}

sub signed_headers ($self, $item)
{
	my $secret = $self->plan->{secret} // '';
	my %headers = ('Content-Type' => 'application/json', %{ $item->{headers} });
	%headers = (%headers, $self->sim->sign($item->{body}, $secret, $item));
	return \%headers;
}

sub deliver ($self, $item, $then = undef)
{
	my $plan = $self->plan;
	$item->{tries}++;
	$self->agent->post($plan->{url} => $self->signed_headers($item) => $item->{body} => sub ($ua, $tx) {
		my $status = $tx->res->code // 0;
		push @{ $item->{answers} }, $status;
		$self->busy(0);
		if ($status >= 200 && $status < 300)
		{
			$item->{state} = 'delivered';
		}
		elsif (!$status || $status >= 500 || grep { $status == $_ } 408, 409, 425, 429)
		{
			$self->retry($item);
		}
		else
		{
			$item->{state} = 'refused';
		}
		$then->() if $then;
		$self->pump;
	});
	return;
}

sub retry ($self, $item)
{
	if ($item->{tries} >= ($self->plan->{tries} // 5))
	{
		$item->{state} = 'given up';
		return;
	}
	$item->{state} = 'retrying';
	Mojo::IOLoop->timer(($self->plan->{retry_ms} // 200) / 1000 => sub {
		push @{ $self->queue }, $item;
		$self->pump;
	});
	return;
}

# Lets held notifications go: all, the first n, or those whose numbers are given, in that order.
sub release ($self, $order = undef, $count = undef)
{
	my @held = @{ $self->queue };
	if (ref $order)
	{
		my @chosen = map { my $n = $_; grep { $_->{n} == $n } @held } @$order;
		my %taken = map { $_->{n} => 1 } @chosen;
		@held = (@chosen, grep { !$taken{ $_->{n} } } @held);
		$count //= @chosen;
	}
	elsif (($order // '') eq 'reverse')
	{
		@held = reverse @held;
	}
	my @now = splice @held, 0, $count // scalar @held;
	@{ $self->queue } = @held;
	$self->deliver_in_turn(@now);
	return scalar @now;
}

# Each when the one before it was answered: sent together they could be heard in any order.
sub deliver_in_turn ($self, @items)
{
	my $item = shift @items // return;
	$self->deliver($item, sub { $self->deliver_in_turn(@items) });
	return;
}

sub send_again ($self, $n)
{
	my ($item) = grep { $_->{n} == $n } @{ $self->sent };
	return 0 if !$item;
	$self->deliver($item);
	return 1;
}

# How many notifications are still on their way (held ones count).
sub pending ($self)
{
	return scalar grep { $_->{state} =~ /^(?:queued|retrying)$/ } @{ $self->sent };
}

1;
