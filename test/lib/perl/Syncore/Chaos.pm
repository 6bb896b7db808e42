package Syncore::Chaos;

# Seeds, one after the other, on a server that is replaced now and then and
# after each failure; tells of a failure all that is known, and looks for a
# smaller history that fails alike.

use strict;
use warnings;
use Syncore::Test;
use Syncore::Chaos::Check;
use Syncore::Chaos::Plan;
use Syncore::Chaos::Run;
use Time::HiRes qw(time);

my $SEEDS_A_SERVER = 20;
my $servers = 0;

# new(say => sub { text }, shrink => seconds, process => percent of seeds in which a process is killed)
sub new
{
	my ($class, %arg) = @_;
	$Syncore::Test::GIVE_UP = sub { die "waited in vain: $_[0]\n" };
	return bless { %arg }, $class;
}

sub server
{
	my ($self) = @_;
	$self->end if ($self->{used} // 0) >= $SEEDS_A_SERVER;
	if (!$self->{t})
	{
		my $t = $self->{t} = Syncore::Test->new('chaos' . ++$servers, conf => "fsync = off\n")->configure->activate;
		# A create that may have landed is looked for as long as its connector says; loopback is quicker than the cloud.
		$t->sql(q{SET session_replication_role = replica;
			UPDATE syncore.connector SET abilities = abilities || '{"index_lag_ms": 500, "late_landing_ms": 2000}'; RESET session_replication_role;});
		# Its plans close and reopen at random, and compare records of one entity at the end.
		$t->sql(q{UPDATE syncore.entity_type SET on_reopen = 'reopen'});
		follow($t);
		$self->{used} = 0;
	}
	$self->{used}++;
	return $self->{t};
}

# Who called is an object that ServiceNow's records name: Jira is told its mail address.
sub follow
{
	my ($t) = @_;
	$t->sql(q{BEGIN; INSERT INTO syncore.field (entity_type, name) VALUES ('incident', 'caller_mail'); SELECT syncore.set_owner('incident', 'caller_mail', NULL);
		INSERT INTO syncore.field_map (system, record_type, field, path, direction, format, contract) VALUES
			('snow', 'incident', 'caller_mail', '/caller_id', 'in', '{"follow": "sys_user", "take": "/email", "ttl_s": "60"}', false),
			('jira', 'issue', 'caller_mail', '/fields/customfield_10051', 'out', '{}', false); COMMIT});
	return;
}

sub end
{
	my ($self) = @_;
	my $t = delete $self->{t} or return;
	$self->{used} = 0;
	eval { $t->{dbh}->disconnect if $t->{dbh}; $t->{dbh} = undef; $t->node->stop('immediate'); 1 } or warn $@;
	$_->stop for $t->sims;
	return;
}

# Plays a plan; returns the run and what was wrong.
sub try_plan
{
	my ($self, $plan) = @_;
	my $run = Syncore::Chaos::Run->new($self->server, $plan);
	my @wrong;
	my $ok = eval { $run->play; @wrong = Syncore::Chaos::Check::all($run); 1 };
	push @wrong, 'I15: ' . ($@ =~ s/\s+$//r) if !$ok;
	return ($run, @wrong);
}

sub seed
{
	my ($self, $seed) = @_;
	my $plan = Syncore::Chaos::Plan::draw($seed, process => $self->{process});
	my $start = time;
	my ($run, @wrong) = $self->try_plan($plan);
	$self->{say}->(sprintf 'seed %d: %s; %d acts, %d comments, %d skipped, %d faults, %.1f s, at rest after %.1f s', $seed,
		@wrong ? 'FAILED' : 'ok', scalar @{ $run->{acts} }, scalar @{ $run->{comments} }, $run->{skipped}, $run->{faults}, time - $start, $run->{drained} // -1);
	return 1 if !@wrong;
	$self->tell($plan, $run, @wrong);
	$self->end;
	$self->shrink($plan, $wrong[0]) if $self->{shrink};
	return 0;
}

#--- what is known about a failure

sub tell
{
	my ($self, $plan, $run, @wrong) = @_;
	my ($t, $say) = ($self->{t}, $self->{say});
	$say->("  $_") for @wrong;
	$say->("the plan of seed $plan->{seed}:\n" . Syncore::Chaos::Plan::table($plan));
	my @texts = eval { $self->story($run) };
	$say->($_) for @texts;
	$say->("could not be told: $@") if $@;
	$say->('server log: ' . $t->node->logfile);
	return;
}

sub rows_text
{
	my ($title, @rows) = @_;
	return join "\n", "$title:", map { my $r = $_; '  ' . join ' | ', map { my $v = $r->{$_}; ref $v ? "[@$v]" : $v // '-' } grep { $_ ne 'n' } sort keys %$r } @rows;
}

sub story
{
	my ($self, $run) = @_;
	my $t = $self->{t};
	return (
		rows_text('ledger (id, kind, system, event, link, field, old, new, rule, reason)', $t->rows(q{
			SELECT lpad(l.id::text, 6) AS a, l.kind AS b, s.name AS c, l.event AS d, l.link AS e, l.field AS f, left(l.old::text, 60) AS g, left(l.new::text, 60) AS h,
				l.rule AS i, left(l.reason, 150) AS j
			FROM syncore.ledger l LEFT JOIN syncore.system s ON s.id = l.system_id WHERE l.id > ? AND l.kind <> 'config' ORDER BY l.entity, l.id}, $run->{ledger_before} // 0)),
		rows_text('events (id, received, system, via, kind, record, version, actor, source time)', $t->rows(q{
			SELECT lpad(id::text, 6) AS a, received_at AS b, system AS c, via AS d, kind AS e, external_id AS f, source_version AS g, actor AS h, source_time AS i
			FROM syncore.event WHERE id > ? ORDER BY event.id}, $run->{event_before} // 0)),
		rows_text('links', $t->rows(q{SELECT id AS a, entity AS b, external_id AS c, external_key AS d, state AS e, read_owed AS f, waiting AS g, unsure AS h,
			call::text AS i, shadow::text AS j FROM syncore.link ORDER BY id})),
		rows_text('deliveries', $t->rows(q{SELECT id AS a, link AS b, state AS c, attempts AS d, not_before AS e, error_message AS f FROM syncore.delivery})),
		rows_text('quarantine', $t->rows(q{SELECT event AS a, code AS b, message AS c FROM syncore.quarantine_entry WHERE state = 'open'})),
		map { my $name = $_; "requests to $name:\n" . join "\n", map {
				sprintf '  %.3f %-5s %s %s %s %s %s', $_->{at}, $_->{method}, $_->{path} =~ s{^/(?:api/now/table|rest/api/3)/}{}r, $_->{status} // 'open', $_->{outcome},
					$_->{fault} // '', substr $_->{body}, 0, 200 } $t->sim($name)->requests } qw(snow jira));
}

#--- a smaller history

# Leaves out halves, then quarters, … of one sort of step, and keeps what still fails by the same rule.
sub shrink
{
	my ($self, $plan, $wrong) = @_;
	my ($rule) = $wrong =~ /^(\w+)/;
	my $end = time + $self->{shrink};
	my @steps = @{ $plan->{steps} };
	my $tried = 0;
	for my $sort (qr/edit|comment/, qr/peer|hook|process/)
	{
		my $size = int((grep { $_->{what} =~ $sort } @steps) / 2) || 1;
		while (time < $end)
		{
			my $smaller = 0;
			my @at = grep { $steps[$_]{what} =~ $sort } 0 .. $#steps;
			for (my $i = 0; $i < @at && time < $end; $i += $size)
			{
				my %out = map { $_ => 1 } grep { defined } @at[$i .. $i + $size - 1];
				my @fewer = map { $steps[$_] } grep { !$out{$_} } 0 .. $#steps;
				$tried++;
				my ($run, @still) = $self->try_plan({ %$plan, steps => \@fewer });
				my $alike = grep { /^\Q$rule\E\b/ } @still;
				$self->end if @still;
				next if !$alike;
				@steps = @fewer;
				$smaller = 1;
				last;
			}
			next if $smaller;
			last if $size == 1;
			$size = int($size / 2) || 1;
		}
	}
	$self->{say}->(sprintf "the smallest of %d histories that still fails %s (%d of %d steps):\n%s", $tried, $rule, scalar @steps, scalar @{ $plan->{steps} },
		Syncore::Chaos::Plan::table({ %$plan, steps => \@steps }));
	return;
}

1;
