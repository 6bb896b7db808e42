package Syncore::Chaos::Check;

# What must hold when a run has come to rest, judged by the products' own
# records and logs and by the oracle; our tables are the other witness.  Value
# maps and policy are written here a second time, on purpose.
#
#   my @wrong = Syncore::Chaos::Check::all($run);    # ["I1: …", …]; replays and probes at the end

use strict;
use warnings;
use JSON::PP ();
use Syncore::Chaos::Plan;
use Time::HiRes qw(sleep time);

my $json = JSON::PP->new->canonical->allow_nonref;
my @FIELDS = qw(title description severity status assignee);
my %NAME = (snow => 'short_description', jira => 'summary');
my $LAST_WINS_AFTER = 1.3;    # seconds: ServiceNow's clock shows whole ones

my %UP = (
	snow => {
		status => { 1 => 'new', 2 => 'in_progress', 3 => 'on_hold', 4 => 'on_hold', 5 => 'on_hold', 6 => 'resolved', 7 => 'closed', 8 => 'cancelled' },
		severity => { 1 => 'critical', 2 => 'high', 3 => 'medium', 4 => 'low', 5 => 'info' },
		assignee => { '5137153cc611227c000bbd1bd8cd2005' => 'a.lee@acme.example', 'c0de' x 8 => 'b.kim@acme.example', '' => '' },
	},
	jira => {
		status => { 'To Do' => 'new', 'In Progress' => 'in_progress', 'In Review' => 'in_progress', 'Done' => 'resolved' },
		severity => { Highest => 'critical', High => 'high', Medium => 'medium', Low => 'low', Lowest => 'info' },
		assignee => { '5b10ac8d82e05b22cc7d4ef5' => 'a.lee@acme.example', '5b10bbbbbbbbbbbbbbbbbbbb' => 'b.kim@acme.example', '' => '' },
	},
);
my %DOWN_STATUS = (
	snow => { new => 1, in_progress => 2, on_hold => 3, pending => 3, resolved => 6, closed => 7, cancelled => 8 },
	jira => { new => 'To Do', (map { $_ => 'In Progress' } qw(in_progress on_hold pending)), (map { $_ => 'Done' } qw(resolved closed cancelled)) },
);

my ($run, $t, @wrong, @hooks, %log);

sub wrong { my ($rule, $text) = @_; push @wrong, "$rule: $text"; return }

sub all
{
	($run) = @_;
	$t = $run->{t};
	@wrong = ();
	@hooks = $run->hooks;
	%log = map { $_ => [$t->sim($_)->requests] } qw(snow jira);
	my %entity = one_record_each();
	agreement($_, $entity{$_}) for grep { $entity{$_} } sort keys %entity;
	accounted();
	by_people($_, $entity{$_}) for grep { $entity{$_} } sort keys %entity;
	right_winner($_, $entity{$_}) for grep { $entity{$_} } sort keys %entity;
	ruled(values %entity);
	not_ours(values %entity);
	seen_before_retired(values %entity);
	bounded_writes();
	written_once();
	comments();
	books();
	if (!@wrong)
	{
		again(values %entity);
		probe($_) for sort keys %entity;
		books();
	}
	return @wrong;
}

# I2: one record a side and subject; both links active, on one entity.  Returns subject => entity number.
sub one_record_each
{
	my %entity;
	for my $subject ($run->subjects)
	{
		my %at = map { $_ => [$run->of($_, $subject)] } qw(snow jira);
		wrong(I2 => "$subject has " . @{ $at{$_} } . " records in $_") for grep { @{ $at{$_} } != 1 } sort keys %at;
		next if grep { @$_ != 1 } values %at;
		my @links = $t->rows(q{SELECT l.entity, l.state, s.name FROM syncore.link l JOIN syncore.system s ON s.id = l.system_id
			WHERE (s.name, l.external_id) IN (('snow', ?), ('jira', ?))}, $at{snow}[0]{id}, $at{jira}[0]{id});
		wrong(I2 => "$subject: " . join ', ', map { "$_->{name} link of entity $_->{entity} is $_->{state}" } @links)
			if @links != 2 || $links[0]{entity} != $links[1]{entity} || grep { $_->{state} ne 'active' } @links;
		$entity{$subject} = $links[0]{entity} if @links;
	}
	return %entity;
}

sub normal
{
	my ($system, $field, $value) = @_;
	my $name = $field eq 'title' ? $NAME{$system} : $field;
	for my $step (@{ $run->{plan}{normalise}{$system}{$name} // [] })
	{
		$value =~ s/^\s+|\s+$//g if $step eq 'trim';
		$value =~ s/\s+/ /g if $step eq 'collapse';
		$value = uc $value if $step eq 'upper';
	}
	return $value;
}

# Rich text may change its markup on its way, not its words.
sub words { my ($text) = @_; return join ' ', ($text // '') =~ /[\w<>&\x{2192}]+/g }

# I1: what each side shows is what stands, through the maps.
sub agreement
{
	my ($subject, $entity) = @_;
	my $row = $t->row(q{SELECT data || coalesce(long, '{}') AS data FROM syncore.entity WHERE id = ?}, $entity);
	my $data = $json->decode($row->{data});
	for my $system (qw(snow jira))
	{
		my ($record) = $run->of($system, $subject);
		for my $field (@FIELDS)
		{
			my $shows = Syncore::Chaos::Run::shown($system, $field, $record);
			my $stands = $data->{$field} // '';
			my $same =
				$field eq 'title' ? normal($system, title => $stands) eq $shows
				: $field eq 'description' ? words($stands) eq words($shows)
				: ($UP{$system}{$field}{$shows} // "unmapped $shows") eq $stands
				|| ($field eq 'status' && ($DOWN_STATUS{$system}{$stands} // '') eq $shows);
			# a field that no one ever set has its product's default, which says nothing
			next if $stands eq '' && $field =~ /description|assignee/ && !$shows;
			wrong(I1 => "$subject $field: $system shows \"$shows\", \"$stands\" stands") if !$same;
		}
	}
	called($subject, $data->{caller_mail} // '');
	return;
}

# FM-05: the address of who called, which only the caller's own record tells.
sub called
{
	my ($subject, $stands) = @_;
	my ($shows, $tells) = map { Syncore::Chaos::Run::shown($_, 'caller', ($run->of($_, $subject))[0]) } qw(snow jira);
	my $mail = $UP{snow}{assignee}{$shows} // "unmapped $shows";
	wrong(I1 => "$subject caller: snow shows \"$shows\", that is \"$mail\"; \"$stands\" stands, jira shows \"$tells\"") if $stands ne $mail || $tells ne $mail;
	return;
}

#--- I4: what each person wrote has an end

# Events of an act: by the identity its webhook carried.
sub events_of
{
	my ($act) = @_;
	if ($act->{system} eq 'snow')
	{
		return map { $_->{id} } $t->rows(q{SELECT e.id FROM syncore.event e WHERE e.id > ? AND e.system = 'snow' AND e.external_id = ?
			AND e.source_version = ? AND e.via <> 'read'}, $run->{event_before}, $act->{id}, $act->{version});
	}
	my ($hook) = grep {
		my $p = $_->{payload};
		($p->{issue}{id} // '') eq $act->{id} && ($act->{version} eq '0' ? $p->{webhookEvent} eq 'jira:issue_created'
			: ($p->{changelog}{id} // '') eq $act->{version});
	} @hooks;
	return if !$hook;
	return map { $_->{id} } $t->rows(q{SELECT id FROM syncore.event WHERE id > ? AND system = 'jira' AND event_id = ?},
		$run->{event_before}, $hook->{headers}{'X-Atlassian-Webhook-Identifier'});
}

sub accounted
{
	for my $act (@{ $run->{acts} })
	{
		my @events = events_of($act);
		my $name = "$act->{subject} e" . ($act->{step}{n} // 0) . " $act->{system} $act->{field} \"$act->{value}\"";
		if (!@events)
		{
			wrong(I4 => "$name: no event was stored");
			next;
		}
		next if $act->{field} !~ /title|description/;    # the other values are not unique
		my @ends = $t->rows('SELECT id, kind, rule FROM syncore.ledger WHERE event = ANY (?) AND field = ? ORDER BY id', \@events, $act->{field});
		my %kind = map { $_->{kind} => 1 } @ends;
		wrong(I4 => "$name: the ledger does not say what became of it (event @events)") if !@ends && !heard_otherwise($act);
		wrong(I4 => "$name: a person's value was taken for an echo (event @events)") if $kind{echo} && !grep { $kind{$_} } qw(change conflict raced agree);
		my ($stale) = grep { $_->{kind} eq 'stale' } @ends;
		wrong(I4 => "$name: passed over as stale, but nothing that was written there after it had been heard (event @events)")
			if $stale && !grep({ $kind{$_} } qw(change conflict raced agree)) && !heard_later($act, $stale->{id});
	}
	return;
}

# Had a text of the same record that is later than this one been heard before that row of the ledger was written?
sub heard_later
{
	my ($act, $row) = @_;
	my %later = map { words($_->{value}) => 1 }
		grep { $_->{at} > $act->{at} && $_->{id} eq $act->{id} && $_->{field} eq $act->{field} } @{ $run->{acts} };
	return grep { $later{ words($_->{said}) } } heard($act->{system}, $act->{field}, $row);
}

# Texts that our ledger says were heard from a system as somebody's, up to a row of it.
sub heard
{
	my ($system, $field, $row) = @_;
	return $t->rows(q{SELECT l.id, l.entity, l.kind, l.event, CASE WHEN c.id IS NULL THEN l.new #>> '{}' ELSE c.incoming ->> 'value' END AS said,
			c.outcome = 'keep_local' AND c.rule = 'human_wins' AND c.incoming ->> 'actor_kind' <> 'human' AS as_nobody
		FROM syncore.ledger l JOIN syncore.system s ON s.id = l.system_id LEFT JOIN syncore.conflict c ON c.id = l.conflict
		WHERE l.id > ? AND s.name = ? AND l.field = ? AND l.kind IN ('change', 'raced', 'agree', 'conflict') AND l.id < coalesce(?, l.id + 1)},
		$run->{ledger_before}, $system, $field, $row);
}

# A later whole record or a read may tell of it first: then its own event says nothing new but who it was.  A person's value
# that lost for being nobody's was not heard, unless somebody wrote there after it.
sub heard_otherwise
{
	my ($act) = @_;
	my @heard = grep { words($_->{said}) eq words($act->{value}) } heard($act->{system}, $act->{field});
	my $later = grep { $_->{at} > $act->{at} && $_->{id} eq $act->{id} && $_->{field} eq $act->{field} } @{ $run->{acts} };
	return grep { $later || !$_->{as_nobody} } @heard;
}

# I5 in part: people wrote every text, so each version of one that still stands, as winner or beside it, is some person's.
sub by_people
{
	my ($subject, $entity) = @_;
	for my $version ($t->rows(q{SELECT f.key AS field, v ->> 'actor' AS actor, v ->> 'actor_kind' AS kind, v #> '{value,value}' = 'null' AS nothing
		FROM syncore.entity e, jsonb_each(e.stamps::jsonb) f, jsonb_array_elements(f.value -> 'versions') v
		WHERE e.id = ? AND f.key IN ('title', 'description')
			AND (v ->> 'actor_kind' IS DISTINCT FROM 'human' OR v #> '{value,value}' = 'null')}, $entity))
	{
		wrong(I5 => "$subject $version->{field}: a version of nothing is by " . ($version->{actor} // 'nobody') . ', and nobody emptied it') if $version->{nothing};
		wrong(I5 => "$subject $version->{field}: a version is by " . ($version->{actor} // 'nobody') . ' (' . ($version->{kind} // 'unknown') . '), people wrote them all') if ($version->{kind} // '') ne 'human';
	}
	return;
}

# I5 in part: a text that a person wrote long after all others is the one that stands; and no text stands that nobody wrote.
sub right_winner
{
	my ($subject, $entity) = @_;
	for my $field (qw(title description))
	{
		my @acts = sort { $a->{at} <=> $b->{at} } grep { $_->{subject} eq $subject && $_->{field} eq $field } @{ $run->{acts} };
		next if !@acts;
		my $stands = $t->value("SELECT (data || coalesce(long, '{}')) ->> ? FROM syncore.entity WHERE id = ?", $field, $entity) // '';
		my ($author) = grep { words($_->{value}) eq words($stands) } @acts;
		wrong(I5 => "$subject $field: nobody wrote \"$stands\"") if !$author;
		next if goes_by_record($field) || @acts > 1 && $acts[-1]{at} - $acts[-2]{at} < $LAST_WINS_AFTER;
		wrong(I5 => "$subject $field: \"$stands\" stands, the last that anybody wrote is \"$acts[-1]{value}\"") if words($acts[-1]{value}) ne words($stands);
	}
	return;
}

# Is there a rule for that field that asks what else is so of the record? Then the latest need not stand.
sub goes_by_record
{
	my ($field) = @_;
	return grep { $_->[0] eq $field } @{ $Syncore::Chaos::Plan::RULES{ $run->{plan}{rules} // '' } // [] };
}

# I5 in part: who won a conflict is who the rule named beside it says, judged here once more; and a text that stands is
# the latest of those that still stand beside it, for people wrote them all.
my @SEVERE = qw(critical high medium low info);

sub ruled
{
	my (@entities) = @_;
	my %rank = map { $SEVERE[$_] => $_ } 0 .. $#SEVERE;
	for my $row ($t->rows(q{SELECT c.entity, c.field, c.rule, c.outcome, w ->> 'value' AS won, l ->> 'value' AS lost, w ->> 'actor_kind' AS won_by, l ->> 'actor_kind' AS lost_by,
			(w ->> 'at')::timestamptz > (l ->> 'at')::timestamptz AS later
		FROM syncore.conflict c, LATERAL (SELECT CASE c.outcome WHEN 'apply_remote' THEN c.incoming ELSE c.current END AS w,
			CASE c.outcome WHEN 'apply_remote' THEN c.current ELSE c.incoming END AS l) v
		WHERE c.entity = ANY (?) AND c.outcome IN ('apply_remote', 'keep_local')}, \@entities))
	{
		my $right = $row->{rule} eq 'last_update_wins' ? $row->{later}
			: $row->{rule} eq 'human_wins' ? $row->{won_by} eq 'human' && $row->{lost_by} ne 'human'
			: $row->{rule} eq 'escalation_wins' ? $rank{ $row->{won} } < $rank{ $row->{lost} } : 1;
		wrong(I5 => "entity $row->{entity} $row->{field}: \"$row->{won}\" won over \"$row->{lost}\" by $row->{rule}, which says otherwise") if !$right;
	}
	for my $row ($t->rows(q{SELECT e.id, f.key AS field, o.value #>> '{value,value}' AS value FROM syncore.entity e, jsonb_each(e.stamps::jsonb) f,
			LATERAL jsonb_array_elements(f.value -> 'versions') WITH ORDINALITY o(value, n)
		WHERE e.id = ANY (?) AND f.key IN ('title', 'description') AND n > 1
			AND (o.value ->> 'at')::timestamptz > (f.value #>> '{versions,0,at}')::timestamptz}, \@entities))
	{
		next if goes_by_record($row->{field});
		wrong(I5 => "entity $row->{id} $row->{field}: \"$row->{value}\" is later than what stands, and stands beside it");
	}
	return;
}

# I5 in part: a text that was written on one side only is heard from the other as an echo, never as somebody's there.
sub not_ours
{
	my (@entities) = @_;
	my %known = map { $_ => 1 } @entities;
	for my $system (qw(snow jira))
	{
		for my $field (qw(title description))
		{
			my %theirs = map { lc words($_->{value}) => 1 } grep { $_->{system} ne $system && $_->{field} eq $field } @{ $run->{acts} };
			for my $row (grep { $known{ $_->{entity} } && $_->{kind} ne 'agree' && $theirs{ lc words($_->{said}) } } heard($system, $field))
			{
				wrong(I5 => "entity $row->{entity} $field: our own write of \"$row->{said}\" to $system was heard as somebody's ($row->{kind}, event "
					. ($row->{event} // '-') . ')');
			}
		}
	}
	return;
}

# R10: what lost is compared with what comes until every record has been given the winner: the products' logs say when.
sub seen_before_retired
{
	my (@entities) = @_;
	for my $row ($t->rows(q{SELECT l.entity, l.field, l.new #>> '{}' AS value, extract(epoch FROM l.at) AS at FROM syncore.ledger l
		WHERE l.id > ? AND l.entity = ANY (?) AND l.kind = 'retire' AND l.field IN ('title', 'description')}, $run->{ledger_before}, \@entities))
	{
		my ($act) = grep { $_->{field} eq $row->{field} && words($_->{value}) eq words($row->{value}) } @{ $run->{acts} } or next;
		my $other = $act->{system} eq 'snow' ? 'jira' : 'snow';
		my ($given) = grep { $_->{effect} ne 'none' && $_->{at} < $row->{at} && words(written($other, $_)->{ $row->{field} }) eq words($row->{value}) }
			@{ $log{$other} };
		wrong(I5 => "entity $row->{entity} $row->{field}: what lost against \"$row->{value}\" was given up before $other was told of that") if !$given;
	}
	return;
}

# The texts that a request asks to write: {title, description}.
sub written
{
	my ($system, $request) = @_;
	my $body = ref $request->{json} eq 'HASH' ? $request->{json} : {};
	return { title => $body->{short_description}, description => $body->{description} } if $system eq 'snow';
	my $fields = ref $body->{fields} eq 'HASH' ? $body->{fields} : {};
	return { title => $fields->{summary}, description => ref $fields->{description} ? join ' ', adf_texts($fields->{description}) : undef };
}

sub adf_texts
{
	my ($node) = @_;
	return map { adf_texts($_) } @$node if ref $node eq 'ARRAY';
	return ref $node ne 'HASH' ? () : defined $node->{text} ? $node->{text} : adf_texts($node->{content} // []);
}

# R15: a write that landed is not made again: where its answer was lost, the record is read before.  Text that a product
# respells may be written once more, as nothing tells who respelt it.
sub written_once
{
	for my $subject ($run->subjects)
	{
		for my $system (qw(snow jira))
		{
			my ($record) = $run->of($system, $subject) or next;
			for my $field (grep { !$run->{plan}{normalise}{$system}{ $_ eq 'title' ? $NAME{$system} : $_ } } qw(title description))
			{
				twice($system, $record, $field);
			}
		}
	}
	return;
}

sub twice
{
	my ($system, $record, $field) = @_;
	my ($last, $read);
	for my $request (requests_to($system, $record))
	{
		$read = 1 if $last && $request->{method} eq 'GET' && ($request->{status} // 0) == 200 && $request->{at} > ($last->{answered_at} // 9e9);
		my $text = written($system, $request)->{$field} // next;
		my $again = $last && words(written($system, $last)->{$field}) eq words($text);
		my $unseen = $last && !grep { $_->{system} eq $system && $_->{id} eq $record->{id} && $_->{field} eq $field
			&& $_->{at} > $last->{at} && $_->{at} < ($request->{answered_at} // 9e9) + 0.1 } @{ $run->{acts} };
		wrong(R15 => "$record->{key} $field: \"$text\" was written to $system again" . ($read ? ' after it had been read there' : ' without a look')) if $again && $unseen;
		($last, $read) = ($request, 0) if $request->{effect} ne 'none';
	}
	return;
}

# I6: no loop: a record gets no more writes than people's acts, copies, and answers that were destroyed, allow for.
sub requests_to
{
	my ($system, $record) = @_;
	my $key = $system eq 'snow' ? qr{/\Q$record->{id}\E(?:/|$)} : qr{/(?:\Q$record->{id}\E|\Q$record->{key}\E)(?:/|$)};
	return grep { $_->{path} =~ $key } @{ $log{$system} };
}

sub effects { my ($system, $record) = @_; return grep { $_->{effect} ne 'none' } requests_to($system, $record) }

sub bounded_writes
{
	my $kills = grep { $_->{what} eq 'process' } @{ $run->{plan}{steps} };
	for my $subject ($run->subjects)
	{
		my $acts = grep { $_->{subject} eq $subject } @{ $run->{acts} };
		my $comments = grep { $_->{subject} eq $subject } @{ $run->{comments} };
		for my $system (qw(snow jira))
		{
			my ($record) = $run->of($system, $subject) or next;
			my $limit = $acts + $comments + $run->{taken}{$system} + 2 * $kills + 1;
			$limit += $acts if $run->{plan}{rules};    # what is so of one field decides another, which is told, too
			my $writes = effects($system, $record);
			wrong(I6 => "$subject: $writes writes to $system, more than $limit") if $writes > $limit;
		}
	}
	return;
}

# CM-01, I11: each comment once on the other side, and nothing internal where the public reads.
sub comments
{
	for my $comment (@{ $run->{comments} })
	{
		my $mark = qr/\Q$comment->{text}\E\s*$/m;
		my ($inc) = $run->of(snow => $comment->{subject});
		my ($issue) = $run->of(jira => $comment->{subject});
		next if !$inc || !$issue;
		my $copies = grep { $_->{text} =~ $mark } @{ $issue->{comments} };
		my @notes = grep { $_->{value} =~ $mark } @{ $inc->{journal} };
		my $public = grep { $_->{element} eq 'comments' } @notes;
		wrong(I11 => "\"$comment->{text}\" is where the public reads") if $public && !$comment->{public};
		wrong(I11 => "\"$comment->{text}\", of a channel that is not shared, was copied") if $comment->{public} && $copies;
		wrong(CM => "\"$comment->{text}\" is there $copies times in Jira") if !$comment->{public} && $copies != 1;
		wrong(CM => "\"$comment->{text}\" is there " . @notes . ' times in ServiceNow') if @notes != 1;
	}
	return;
}

# I12: nothing open, and the ledger verifies.
sub books
{
	wrong(I12 => "verify_ledger(): $_->{line}") for $t->rows('SELECT v::text AS line FROM syncore.verify_ledger() v WHERE NOT ok');
	my @open = (
		['deliveries', 'SELECT count(*) FROM syncore.delivery'],
		['calls', 'SELECT count(*) FROM syncore.link WHERE call IS NOT NULL'],
		['reads owed', 'SELECT count(*) FROM syncore.link WHERE read_owed'],
		['waiting or unsure events', 'SELECT count(*) FROM syncore.link WHERE cardinality(waiting) > 0 OR cardinality(unsure) > 0'],
		['links that are not active', q{SELECT count(*) FROM syncore.link WHERE state <> 'active'}],
		['events in quarantine', q{SELECT count(*) FROM syncore.quarantine_entry WHERE state = 'open'}],
		['records that wait for an object', 'SELECT count(*) FROM syncore.reference_wait'],
		['pending conflicts', q{SELECT count(*) FROM syncore.conflict WHERE state = 'pending'}],
	);
	for my $what (@open)
	{
		my $count = $t->value($what->[1]);
		wrong(I12 => "$count $what->[0] at rest") if $count;
	}
	return;
}

# I7: all past events once more, in other orders: nothing moves.
sub snapshot
{
	my (@entities) = @_;
	return map { join ' | ', map { $_ // '-' } @$_ } @{ $t->dbh->selectall_arrayref(q{
		SELECT 'entity', id, revision::text, (data || coalesce(long, '{}'))::text, stamps::text FROM syncore.entity WHERE id = ANY ($1)
		UNION ALL SELECT 'link', id, state::text, external_id, (SELECT count(*) FROM syncore.delivery d WHERE d.link = l.id)::text
		FROM syncore.link l WHERE entity = ANY ($1) ORDER BY 1, 2}, undef, \@entities) };
}

sub again
{
	my (@entities) = @_;
	my @before = snapshot(@entities);
	my $writes = $t->snow->effects + $t->jira->effects;
	$run->age;
	for my $system (qw(snow jira))
	{
		my $sim = $t->sim($system);
		my @hooks = $sim->webhooks;
		$sim->redeliver($_->{n}) for reverse @hooks[$run->{hooks_before}{$system} .. $#hooks];
	}
	$run->rest;
	compare('webhooks delivered again', $writes, \@before, snapshot(@entities));
	@before = snapshot(@entities);
	$t->sql(q{INSERT INTO syncore.event (system, payload) SELECT system, payload FROM syncore.event
		WHERE id > ? AND payload IS NOT NULL AND via <> 'read' ORDER BY md5(id::text || ?)}, $run->{event_before}, $run->{tag});
	$run->rest;
	compare('events inserted again', $writes, \@before, snapshot(@entities));
	return;
}

sub compare
{
	my ($what, $writes, $before, @after) = @_;
	my $now = $t->snow->effects + $t->jira->effects;
	wrong(I7 => "$what: " . ($now - $writes) . ' more writes') if $now != $writes;
	my %was = map { $_ => 1 } @$before;
	my %is = map { $_ => 1 } @after;
	wrong(I7 => "$what: was $_") for grep { !$is{$_} } @$before;
	wrong(I7 => "$what:  is $_") for grep { !$was{$_} } @after;
	return;
}

# What chaos left behind still works: one more edit goes over by one write, and none comes back.
sub probe
{
	my ($subject) = @_;
	my $from = length($subject) % 2 ? 'snow' : 'jira';
	my $to = $from eq 'snow' ? 'jira' : 'snow';
	my $id = $run->id_of($from, $subject);
	$t->sim($_)->clear_log for qw(snow jira);
	my ($snow, $jira) = Syncore::Chaos::Plan::said('title', ' ', 'probe', $subject);
	my $after = $t->sim($from)->update($from eq 'snow' ? 'b.kim' : 'b.kim@acme.example', $id, %{ $from eq 'snow' ? $snow : $jira });
	my $value = Syncore::Chaos::Run::shown($from, 'title', $after);
	$run->rest;
	my $shows = Syncore::Chaos::Run::shown($to, 'title', ($run->of($to, $subject))[0]);
	wrong(probe => "$subject: $from says \"$value\", $to shows \"$shows\"") if $shows ne normal($to, title => $value);
	my %new = map { $_ => scalar $t->sim($_)->effects } qw(snow jira);
	wrong(probe => "$subject: one edit in $from took $new{$to} writes to $to and $new{$from} back") if $new{$to} != 1 || $new{$from};
	return;
}

1;
