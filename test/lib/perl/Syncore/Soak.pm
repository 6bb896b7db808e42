package Syncore::Soak;

# A long run of ordinary work with a few faults in it, and what must be the same at its end as after its warm-up: memory
# and descriptors of each worker, no row left over, an intact ledger, the same values on both sides.
#
#   my $soak = Syncore::Soak->new(calls => 20_000, warm => 5_000, say => sub { … });
#   $soak->run;                 # drives until so many calls have been made
#   my @wrong = $soak->judge;   # sentences; none when all is well
#
# Memory is what belongs to the process alone (RssAnon): pages of shared memory are counted when they are first touched,
# and that goes on for long in a healthy process.  Descriptors are sockets, pipes, epolls and timers: files of tables are
# opened when they are first needed, and the server closes them when they are too many.

use strict;
use warnings;
use HTTP::Tiny;
use Syncore::Test;
use Time::HiRes qw(time);

our $MEMORY_KB = 3072;    # a worker may have grown by so much between warm-up and end …
our $JANITOR_KB = 12_288;    # … a janitor by more: a plan is cached when its step is first needed, which may be late (an alert, a turn of a minute) …
our $DESCRIPTORS = 12;    # … and hold so many descriptors more: connections that idle

my @STATES = (1, 2, 3);
my @TITLES = ('gateway drops sessions', 'login is slow', 'printer on fire', "quotes ' and \" and \\", 'ümläute, 漢字');
my @PRIORITIES = ('Highest', 'High', 'Medium', 'Low');

sub new
{
	my ($class, %arg) = @_;
	my $self = bless { calls => 20_000, warm => 5_000, pairs => 40, seed => time ^ $$, say => sub { }, %arg, edits => 0, turn => 0 }, $class;
	srand $self->{seed};
	$self->{t} = Syncore::Test->new('soak', conf => "syncore.max_workers = 1\nautovacuum_naptime = 10s\nwork_mem = 4MB\ntrack_functions = all\n")->configure->activate;
	$_->set(memory => 200) for $self->{t}->sims;
	return $self;
}

sub run
{
	my ($self) = @_;
	$self->make_pairs;
	my $t = $self->{t};
	while (1)
	{
		my $calls = $self->calls_made;
		if (!$self->{before} && $calls >= $self->{warm})
		{
			$t->quiesce(600);
			# a first judgement of a configuration that has something in it fills caches of catalogs and plans, once
			my $judged = $self->judged_configuration;
			$t->sql("UPDATE syncore.system SET max_rate = 399 WHERE name = 'jira'");
			$t->wait_until('the janitor has judged the configuration', sub { $self->judged_configuration > $judged });
			$self->{before} = $self->look;
		}
		last if $calls >= $self->{calls};
		$self->turn;
	}
	$t->quiesce(600);
	$self->{after} = $self->look;
	$self->{say}->("$self->{edits} edits, " . $self->calls_made . ' calls');
	return $self;
}

sub judged_configuration { return $_[0]{t}->value(q{SELECT coalesce(sum(calls), 0) FROM pg_stat_user_functions WHERE schemaname = 'syncore' AND funcname = '_watch_config'}) }

sub calls_made { return $_[0]{t}->value(q{SELECT coalesce(sum(sent), 0) FROM syncore._workers() WHERE role = 'dispatcher'}) }

sub make_pairs
{
	my ($self) = @_;
	my $t = $self->{t};
	my @incidents = map { $t->snow->create('a.lee', short_description => "pair $_", impact => 2, urgency => 2) } 1 .. $self->{pairs};
	$t->quiesce(300);
	$self->{pairs_of} = [map { [$_->{id}, $t->value(q{SELECT j.external_id FROM syncore.link s JOIN syncore.link j ON j.entity = s.entity AND j.record_type = 'issue'
		WHERE s.external_id = ?}, $_->{id})] } @incidents];
	return;
}

# Some edits on both sides; now and then a fault, a change of configuration, a job, a stranger at the door.
sub turn
{
	my ($self) = @_;
	my $t = $self->{t};
	$self->edit for 1 .. 25;
	my $n = ++$self->{turn};
	$self->fault($n % 2 ? $t->jira : $t->snow) if $n % 7 == 0;
	$self->stranger for 1 .. 2;
	$t->sql("SELECT syncore.check_system('" . ($n % 16 ? 'snow' : 'jira') . "')") if $n % 8 == 0;
	$t->sql("UPDATE syncore.system SET max_rate = " . (400 + $n % 7) . " WHERE name = 'jira'") if $n % 5 == 0;
	# bounded work in hand: what is measured is steady work, not a backlog
	$t->wait_until('the backlog is short', sub { $self->backlog < 30 }, 300);
	$self->{say}->(sprintf '%6d calls, %s', $self->calls_made, join ', ', map { "$_->{name} $_->{memory} kB $_->{fds} fds" } @{ $self->look }) if $n % 40 == 0;
	return;
}

sub backlog
{
	my ($self) = @_;
	my $open = $self->{t}->value(q{SELECT count(*) FROM syncore.delivery WHERE state = 'due'});
	$open += $_->state->{webhooks_pending} for $self->{t}->sims;
	return $open;
}

sub edit
{
	my ($self) = @_;
	my $t = $self->{t};
	my ($inc, $issue) = @{ $self->{pairs_of}[rand @{ $self->{pairs_of} }] };
	my $n = ++$self->{edits};
	my $title = $TITLES[rand @TITLES] . " $n";
	my $what = rand;
	if ($what < 0.02) { $t->snow->comment('a.lee', $inc, "note $n") }
	elsif ($what < 0.04) { $t->jira->comment('b.kim@acme.example', $issue, "comment $n") }
	elsif ($what < 0.35) { $t->snow->update('a.lee', $inc, short_description => $title) }
	elsif ($what < 0.50) { $t->snow->update('a.lee', $inc, impact => 1 + int rand 3, urgency => 1 + int rand 3) }
	elsif ($what < 0.60) { $t->snow->update('a.lee', $inc, state => $STATES[rand @STATES]) }
	elsif ($what < 0.85) { $t->jira->update('b.kim@acme.example', $issue, summary => $title) }
	else { $t->jira->update('b.kim@acme.example', $issue, priority => $PRIORITIES[rand @PRIORITIES]) }
	return;
}

# One request of the next few goes wrong.
sub fault
{
	my ($self, $sim) = @_;
	my @kinds = ({ status => 500 }, { status => 503, retry_after => 1 }, { status => 429, retry_after => 1 }, { drop => 'before' }, { drop => 'after' },
		{ raw => "HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n{\"cut\":" }, { status => 500, work => 1 });
	$sim->fault(%{ $kinds[rand @kinds] }, skip => int rand 10);
	return;
}

# Webhooks that are refused, before and after their body.
sub stranger
{
	my ($self) = @_;
	my $t = $self->{t};
	my ($url, $body) = rand() < 0.5 ? ($t->hook_url('snow'), '{"table": "incident"}') : ($t->hook_url('nobody'), 'x' x int rand 100_000);
	HTTP::Tiny->new(timeout => 60)->post($url, { content => $body, headers => { 'Content-Type' => 'application/json', 'X-Syncore-Timestamp' => int time,
		'X-Syncore-Signature' => 'sha256=' . '0' x 64 } });
	return;
}

# Each worker: [{name, pid, memory (kB), fds}]
sub look
{
	my ($self) = @_;
	my @seen;
	for my $row ($self->{t}->rows(q{SELECT role, index, pid FROM syncore._workers() ORDER BY role, index}))
	{
		open my $in, '<', "/proc/$row->{pid}/status" or next;
		my ($memory) = map { /^RssAnon:\s+(\d+)/ ? $1 : () } <$in>;
		close $in;
		opendir my $dir, "/proc/$row->{pid}/fd" or next;
		my $fds = grep { (readlink("/proc/$row->{pid}/fd/$_") // '') =~ /^(?:socket|pipe|anon_inode):/ } readdir $dir;
		closedir $dir;
		push @seen, { name => "$row->{role} $row->{index}", pid => $row->{pid}, memory => $memory, fds => $fds };
	}
	return \@seen;
}

sub judge
{
	my ($self) = @_;
	my $t = $self->{t};
	my @wrong;
	my %before = map { $_->{name} => $_ } @{ $self->{before} };
	push @wrong, 'no dispatcher and listener to look at' if 2 != grep { $_->{name} =~ /^(?:dispatcher|listener) 0$/ } @{ $self->{after} };
	for my $now (@{ $self->{after} })
	{
		my $then = $before{ $now->{name} } or push(@wrong, "$now->{name} was not there before"), next;
		$self->{say}->("$now->{name}: memory $then->{memory} -> $now->{memory} kB, descriptors $then->{fds} -> $now->{fds}");
		push @wrong, "$now->{name} is another process" if $now->{pid} != $then->{pid};
		push @wrong, "$now->{name} grew from $then->{memory} to $now->{memory} kB" if $now->{memory} - $then->{memory} > ($now->{name} =~ /^janitor/ ? $JANITOR_KB : $MEMORY_KB);
		push @wrong, "$now->{name} held $then->{fds} descriptors and holds $now->{fds}" if $now->{fds} - $then->{fds} > $DESCRIPTORS;
	}
	my %left = (
		'deliveries are left' => q{SELECT count(*) FROM syncore.delivery},
		'links are not at rest' => q{SELECT count(*) FROM syncore.link WHERE call IS NOT NULL OR read_owed OR cardinality(waiting) > 0 OR state <> 'active'},
		'jobs are not done' => q{SELECT count(*) FROM syncore.job WHERE state <> 'done'},
		'entries are in quarantine' => q{SELECT count(*) FROM syncore.quarantine_entry},
		'places in limits are taken' => q{SELECT count(*) FROM syncore._limits() WHERE in_flight <> 0},
		'lines of the ledger are wrong' => q{SELECT count(*) FROM syncore.verify_ledger() WHERE NOT ok});
	for my $what (sort keys %left)
	{
		my $n = $t->value($left{$what});
		push @wrong, "$n $what" if $n;
	}
	push @wrong, $self->disagreements;
	return @wrong;
}

sub disagreements
{
	my ($self) = @_;
	my $t = $self->{t};
	my %row = map { $_->{id} => $_ } $t->snow->records;
	my %issue = map { $_->{id} => $_ } $t->jira->records;
	my @wrong = map { "a pair says \"$row{ $_->[0] }{short_description}\" and \"$issue{ $_->[1] }{fields}{summary}\"" }
		grep { $row{ $_->[0] }{short_description} ne $issue{ $_->[1] }{fields}{summary} } @{ $self->{pairs_of} };
	push @wrong, scalar(keys %row) . ' incidents and ' . scalar(keys %issue) . " issues of $self->{pairs} pairs" if keys %row != $self->{pairs} || keys %issue != $self->{pairs};
	return @wrong;
}

sub end { $_[0]{t}->finish; return }

1;
