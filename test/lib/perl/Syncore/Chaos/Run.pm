package Syncore::Chaos::Run;

# Plays one plan on a server with two products: people act, things break, then
# the faults end and everything drains.  Keeps the oracle: what each person
# did, to which record, and by which event it was told.  Ground truth of who
# belongs to whom is the subject's tag in the title.
#
#   my $run = Syncore::Chaos::Run->new($t, $plan)->play;     # dies when it does not come to rest

use strict;
use warnings;
use Time::HiRes qw(sleep time);
use Syncore::Chaos::Plan;

my $runs = 0;
my %WHO = (snow => ['a.lee', 'b.kim'], jira => ['a.lee@acme.example', 'b.kim@acme.example']);

sub new
{
	my ($class, $t, $plan) = @_;
	$runs++;
	return bless { t => $t, plan => $plan, tag => "Q$plan->{seed}R$runs", acts => [], comments => [], known => {}, made => {}, skipped => 0, faults => 0,
		undo => [] }, $class;
}

sub subject { my ($self, $n) = @_; return "$self->{tag}S$n" }
sub subjects { my ($self) = @_; return map { $self->subject($_) } 1 .. $self->{plan}{subjects} }
sub title { my ($self, $system, $record) = @_; return $system eq 'snow' ? $record->{short_description} : $record->{fields}{summary} }

# Records of a system that belong to a subject, by the tag in their title.
sub of
{
	my ($self, $system, $subject) = @_;
	return grep { $self->title($system, $_) =~ /\b\Q$subject\E\b/i } $self->{t}->sim($system)->records;
}

# The id of a subject's record there: found once, for what happens within milliseconds cannot wait for a list of all.
sub id_of
{
	my ($self, $system, $subject) = @_;
	return $self->{known}{$system}{$subject} //= (map { $_->{id} } $self->of($system, $subject))[0];
}

sub play
{
	my ($self) = @_;
	my $t = $self->{t};
	$self->{event_before} = $t->value('SELECT coalesce(max(id), 0) FROM syncore.event');
	$self->{ledger_before} = $t->value('SELECT coalesce(max(id), 0) FROM syncore.ledger');
	for my $system (qw(snow jira))
	{
		my $sim = $t->sim($system);
		$sim->clear_log;
		$self->{hooks_before}{$system} = scalar $sim->webhooks;
		$sim->set(normalise => $self->{plan}{normalise}{$system} // {});
	}
	$self->rule;
	$self->age;
	my $start = time;
	for my $step (@{ $self->{plan}{steps} })
	{
		$self->undo_until($start, $step->{at});
		my $rest = $start + $step->{at} / 1000 - time;
		sleep $rest if $rest > 0;
		my $do = "do_$step->{what}";
		$self->$do($step, $start);
	}
	$self->undo_until($start, 1e9);
	$self->settle;
	return $self;
}

# The policy of this plan: its rules before those that are shipped.
sub rule
{
	my ($self) = @_;
	my $t = $self->{t};
	my $rules = $self->{plan}{rules} // '';
	return if ($t->{chaos_rules} // '') eq $rules;
	my $dbh = $t->dbh;
	$dbh->begin_work;
	$dbh->do('DELETE FROM syncore.policy WHERE NOT shipped');
	for my $rule (@{ $Syncore::Chaos::Plan::RULES{$rules} // [] })
	{
		my ($field, @rest) = @$rule;
		$dbh->do(q{INSERT INTO syncore.policy (entity_type, field, position, rule, system, condition) SELECT 'incident', $1, p.* FROM
			(VALUES (1, $2::syncore.rule_name, $3, $4::jsonpath), (2, 'human_wins', NULL, NULL), (3, 'last_update_wins', NULL, NULL)) p}, undef, $field, @rest);
	}
	$dbh->commit;
	$t->{chaos_rules} = $rules;
	return;
}

# What was fetched is too old now, and is fetched again for whoever names it.
sub age { my ($self) = @_; return $self->{t}->sql(q{UPDATE syncore.referenced SET fetched_at = fetched_at - interval '2 min'}) }

# Holds and delays of webhooks end when their time has come.
sub undo_until
{
	my ($self, $start, $at) = @_;
	while (@{ $self->{undo} } && $self->{undo}[0][0] <= $at)
	{
		my ($when, $do) = @{ shift @{ $self->{undo} } };
		my $rest = $start + $when / 1000 - time;
		sleep $rest if $rest > 0;
		$do->();
	}
	return;
}

# The end of all faults; what was lost is sent now; then rest.
sub settle
{
	my ($self) = @_;
	my $t = $self->{t};
	for my $system (qw(snow jira))
	{
		my $sim = $t->sim($system);
		$self->{taken}{$system} = 0;
		$self->{taken}{$system} += $_->{taken} // 0 for @{ $sim->state->{faults} };
		$sim->clear_faults;
		$sim->webhook(hold => 0, delay_ms => 0, duplicate => 0, lose => 0);
		$sim->release;
		my @hooks = $sim->webhooks;
		for my $hook (@hooks[$self->{hooks_before}{$system} .. $#hooks])
		{
			$sim->redeliver($hook->{n}) if $hook->{state} eq 'lost';
		}
	}
	my $begin = time;
	$self->rest;
	$self->{drained} = time - $begin;
	return;
}

sub rest
{
	my ($self) = @_;
	my $t = $self->{t};
	$t->wait_until('lost webhooks, sent at last', sub { !grep { $_->{state} =~ /lost|given up|refused/ } $self->hooks }, 30);
	$t->quiesce($ENV{SYNCORE_DRAIN} // 180);
	return;
}

sub hooks
{
	my ($self) = @_;
	return map { my $sim = $self->{t}->sim($_); my @all = $sim->webhooks; @all[$self->{hooks_before}{$_} .. $#all] } qw(snow jira);
}

#--- what people do

sub do_create
{
	my ($self, $step) = @_;
	my $subject = $self->subject($step->{subject});
	my ($snow, $jira) = Syncore::Chaos::Plan::said('title', ' ', 'e0', $subject);
	my $record = $self->{t}->sim($step->{system})->create($WHO{ $step->{system} }[0], %{ $step->{system} eq 'snow' ? $snow : $jira });
	$self->{known}{ $step->{system} }{$subject} = $record->{id};
	$self->remember($step, $subject, 'title', $self->title($step->{system}, $record), $record);
	return;
}

sub do_edit
{
	my ($self, $step) = @_;
	my $subject = $self->subject($step->{subject});
	my $id = $self->id_of($step->{system}, $subject) // return $self->{skipped}++;
	my ($snow, $jira) = Syncore::Chaos::Plan::said($step->{field}, $step->{value}, "e$step->{n}", $subject);
	my $who = $WHO{ $step->{system} }[$step->{n} % 2];
	my $after = $self->{t}->sim($step->{system})->update($who, $id, %{ $step->{system} eq 'snow' ? $snow : $jira });
	return $self->{skipped}++ if !$self->is_new($step->{system}, $after);
	$self->remember($step, $subject, $step->{field}, undef, $after);
	return;
}

# Did that act make this version?  Who sets what is there already makes none; the last is another act's then, or ours.
sub is_new
{
	my ($self, $system, $record) = @_;
	my $by = $system eq 'snow' ? $record->{sys_updated_by} : @{ $record->{changelog} } ? $record->{changelog}[-1]{author} : '';
	my $ours = $by eq '' || grep { $_->{kind} eq 'integration' && grep { $_ && $_ eq $by } @$_{qw(login account)} }
		@{ $Syncore::Sim::USERS{ $system eq 'snow' ? 'servicenow' : 'jira' } };
	return !$ours && !$self->{made}{"$system $record->{id} " . version($system, $record)}++;
}

# What tells one change of a record from the next in its webhooks.
sub version
{
	my ($system, $record) = @_;
	return $system eq 'snow' ? $record->{sys_mod_count} : @{ $record->{changelog} } ? $record->{changelog}[-1]{id} : '0';
}

sub remember
{
	my ($self, $step, $subject, $field, $value, $record) = @_;
	$self->{made}{"$step->{system} $record->{id} " . version($step->{system}, $record)} = 1;
	push @{ $self->{acts} }, { step => $step, subject => $subject, system => $step->{system}, field => $field, id => $record->{id},
		version => version($step->{system}, $record), value => shown($step->{system}, $field, $record), at => time };
	return;
}

# A field as a product shows it, in a form that can be compared.
sub shown
{
	my ($system, $field, $record) = @_;
	my $f = $system eq 'snow' ? $record : $record->{fields};
	return $field eq 'title' ? ($system eq 'snow' ? $f->{short_description} : $f->{summary})
		: $field eq 'description' ? ($system eq 'snow' ? $f->{description} : $record->{description_text} // '')
		: $field eq 'severity' ? ($system eq 'snow' ? $f->{priority} : $f->{priority})
		: $field eq 'status' ? ($system eq 'snow' ? $f->{state} : $f->{status})
		: $field eq 'caller' ? ($system eq 'snow' ? $f->{caller_id} : $f->{customfield_10051} // '')
		: ($system eq 'snow' ? $f->{assigned_to} : $f->{assignee} // '');
}

sub do_comment
{
	my ($self, $step) = @_;
	my $subject = $self->subject($step->{subject});
	my $id = $self->id_of($step->{system}, $subject) // return $self->{skipped}++;
	my $public = $step->{public} && $step->{system} eq 'snow';
	my $text = "$subject note c$step->{n}" . ($public ? ' public' : '');
	my $after = $self->{t}->sim($step->{system})->comment($WHO{ $step->{system} }[0], $id, $text, $public ? (channel => 'comments') : ());
	$self->{made}{"$step->{system} $id " . version($step->{system}, $after)} = 1;
	push @{ $self->{comments} }, { subject => $subject, system => $step->{system}, text => $text, public => $public };
	return;
}

#--- what goes wrong

sub do_peer
{
	my ($self, $step) = @_;
	$self->{t}->sim($step->{system})->fault(%{ $step->{fault} });
	$self->{faults} += $step->{fault}{times};
	return;
}

sub do_hook
{
	my ($self, $step) = @_;
	my $sim = $self->{t}->sim($step->{system});
	$sim->webhook(%{ $step->{set} });
	$self->{holds}{ $step->{system} }++ if $step->{kind} eq 'hold';
	my $undo = sub {
		$sim->webhook(delay_ms => 0, duplicate => 0) if $step->{kind} =~ /delay|duplicate/;
		return if $step->{kind} ne 'hold' || --$self->{holds}{ $step->{system} };
		$sim->release($step->{order} eq 'reverse' ? (order => 'reverse') : (count => 1000));
		$sim->release;
	};
	$self->{undo} = [sort { $a->[0] <=> $b->[0] } @{ $self->{undo} }, [$step->{at} + $step->{for}, $undo]];
	return;
}

sub do_process
{
	my ($self, $step) = @_;
	my $t = $self->{t};
	my $how = $step->{how};
	if ($how eq 'immediate')
	{
		$t->{dbh}->disconnect if $t->{dbh};
		$t->{dbh} = undef;
		$t->node->stop('immediate');
		$t->start_again;
	}
	elsif ($how eq 'worker_kill')
	{
		my @pids = $t->workers('syncore dispatcher%');
		kill 'KILL', $pids[0] if @pids;
	}
	else
	{
		my $like = $how eq 'dispatcher_term' ? 'syncore dispatcher%' : 'syncore listener%';
		$t->value('SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE backend_type LIKE ?', $like);
	}
	$t->wait_until('the server takes connections', sub { $t->value('SELECT 1') });
	return;
}

1;
