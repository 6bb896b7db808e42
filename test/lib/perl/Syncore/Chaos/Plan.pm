package Syncore::Chaos::Plan;

# One seed, one plan: what people do and what goes wrong, with its time.
#
#   my $plan = Syncore::Chaos::Plan::draw($seed);
#   $plan->{normalise}                 what the products do to values, {system => {field => [steps]}}
#   $plan->{rules}                     which of RULES are in force, none: those that are shipped
#   $plan->{steps}                     [{at (ms), what => create|edit|comment|peer|hook|process, …}], in order of time
#   Syncore::Chaos::Plan::table($plan) as text
#
# An edit names its subject by number and its field by canonical name; the runner knows how a product says it.

use strict;
use warnings;

my @STATUS = (['1', 'To Do'], ['2', 'In Progress'], ['3', 'In Review'], ['6', 'Done'], ['7', 'Done'], ['8', 'To Do']);
my @SEVERITY = ([1, 1, 'Highest'], [1, 2, 'High'], [2, 2, 'Medium'], [2, 3, 'Low'], [3, 3, 'Lowest'], [3, 1, 'Medium']);
my @FIELDS = qw(title title title description severity severity status status assignee);
my @PEER = qw(delay delay_before drop_after drop_half drop_before limit error error_after_work);
my @HOOK = qw(delay duplicate lose hold hold);
my @SNOW_MAKES = qw(trim collapse);
my @JIRA_MAKES = qw(trim collapse upper);
my @PROCESS = qw(dispatcher_term listener_term worker_kill immediate);

# Rules that ask what else is so of the record, also in a circle: [field, rule, system, condition], before those that are shipped.
our %RULES = (
	chain => [['status', 'system_of_record', 'jira', '$.severity == "critical" || $.severity == "high"'],
		['assignee', 'system_of_record', 'snow', '$.status == "in_progress"'], ['title', 'system_of_record', 'snow', '$.status == "new" || $.status == "on_hold"'],
		['description', 'system_of_record', 'jira', '$.severity == "high" || $.severity == "low"']],
	circle => [['title', 'system_of_record', 'snow', '$.description like_regex "[02468]$"'], ['description', 'system_of_record', 'jira', '$.title like_regex "[13579]$"'],
		['status', 'system_of_record', 'snow', '$.assignee == "b.kim@acme.example"'], ['assignee', 'system_of_record', 'jira', '$.status == "in_progress"']],
);
my %STORY = (lost_create => \&lost_create, lost_update => \&lost_update, overwritten => \&overwritten, told_late => \&told_late);

# A small generator of our own: the same numbers with every Perl.
my $state;
sub number { my ($below) = @_; $state = ($state * 1103515245 + 12345) % 2147483648; return int(($state / 2147483648) * $below) }
sub pick { return $_[number(scalar @_)] }
sub chance { my ($percent) = @_; return number(100) < $percent }

sub draw
{
	my ($seed, %size) = @_;
	$state = ($seed * 2654435761 + 40503) % 2147483648;
	number(2) for 1 .. 5;
	my $subjects = $size{subjects} // 1 + number(3);
	my $length = $size{length} // 1200 + number(2500);
	my @steps = map { { at => number(300), what => 'create', subject => $_, system => pick(qw(snow jira)) } } 1 .. $subjects;
	my ($hot, $hot_field) = (1 + number($subjects), pick(@FIELDS));
	my $edits = $size{edits} // 6 + number(14);
	push @steps, edit($_, $subjects, $length, $hot, $hot_field) for 1 .. $edits;
	burst(\@steps, $length, $hot, $hot_field) if chance(60);
	push @steps, { at => 400 + number($length), what => 'comment', n => $_, subject => 1 + number($subjects), system => pick(qw(snow jira)), public => chance(25) }
		for 1 .. number(5);
	push @steps, peer_fault($length) for 1 .. number(6);
	push @steps, hook_fault($length) for 1 .. number(4);
	push @steps, { at => 300 + number($length), what => 'process', how => pick(@PROCESS) } if chance($size{process} // 35);
	my %normalise;
	$normalise{snow}{short_description} = [pick(@SNOW_MAKES)] if chance(25);
	$normalise{jira}{summary} = [pick(@JIRA_MAKES)] if chance(25);
	for my $name (sort keys %STORY)
	{
		push @steps, map { { %$_, story => $name } } $STORY{$name}->(\@steps, $subjects) if chance(50);
	}
	# Drawn last: what a seed played before there were such is played still.
	my $rules = chance(40) ? pick(sort keys %RULES) : '';
	push @steps, map { caller_edit($_, $subjects, $length) } 1 .. 2 + number(5) if chance(50);
	return { seed => $seed, subjects => $subjects, length => $length, normalise => \%normalise, rules => $rules, steps => [sort { $a->{at} <=> $b->{at} } @steps] };
}

sub edit
{
	my ($n, $subjects, $length, $hot, $hot_field) = @_;
	my $is_hot = chance(55);
	my $field = $is_hot ? $hot_field : pick(@FIELDS);
	return { at => 350 + number($length), what => 'edit', n => $n, subject => $is_hot ? $hot : 1 + number($subjects), field => $field,
		system => pick(qw(snow jira)), value => value($field) };
}

# Who called is an object of ServiceNow's, which is fetched; Jira shows the mail address of it.
sub caller_edit
{
	my ($n, $subjects, $length) = @_;
	return { at => 350 + number($length), what => 'edit', n => 300 + $n, subject => 1 + number($subjects), field => 'caller', system => 'snow', value => number(3) };
}

# Both sides within a few milliseconds: inside the window in which a write is on its way.
sub burst
{
	my ($steps, $length, $hot, $field) = @_;
	my $at = 500 + number($length);
	push @$steps, { at => $at + number(60), what => 'edit', n => 100 + $_, subject => $hot, field => $field, system => pick(qw(snow jira)), value => value($field) }
		for 1 .. 2 + number(4);
	return;
}

#--- stories: what chance alone brings together too rarely

sub other { my ($system) = @_; return $system eq 'snow' ? 'jira' : 'snow' }

sub text_edit
{
	my ($n, $at, $system, $subject, $field) = @_;
	return { at => $at, what => 'edit', n => $n, subject => $subject, field => $field, system => $system, value => value($field) };
}

sub story_hold
{
	my ($at, $system, $for) = @_;
	return { at => $at, what => 'hook', system => $system, kind => 'hold', set => { hold => 1 }, for => $for, order => pick('straight', 'reverse') };
}

sub story_fault
{
	my ($at, $system, $kind, %fault) = @_;
	return { at => $at, what => 'peer', system => $system, kind => $kind, fault => { %fault, times => 1, name => $kind } };
}

# The answer to a create is lost, and nothing tells of the record for a while.
sub lost_create
{
	my ($steps, $subjects) = @_;
	my ($create) = grep { $_->{what} eq 'create' && $_->{subject} == 1 } @$steps;
	my $system = other($create->{system});
	my $drop = pick('after', 'half');
	return (story_hold($create->{at}, $system, 1500 + number(1500)),
		story_fault($create->{at}, $system, "drop_$drop", method => 'POST', path => '(?:/incident|/issue)$', drop => $drop));
}

# The answer to an update is lost, its own notification is late, and somebody goes on writing.
sub lost_update
{
	my ($steps, $subjects) = @_;
	my ($at, $system, $subject, $field, $drop) = (900 + number(1500), pick(qw(snow jira)), 1 + number($subjects), pick(qw(title description)), pick(qw(after half)));
	return (story_hold($at, $system, 400 + number(800)),
		story_fault($at, $system, "drop_$drop", method => 'PATCH|PUT', drop => $drop),
		text_edit(201, $at + 5, other($system), $subject, $field),
		text_edit(202, $at + 150 + number(400), chance(70) ? other($system) : $system, $subject, $field));
}

# A write is on its way for long; a person writes into the same field before it lands.
sub overwritten
{
	my ($steps, $subjects) = @_;
	my ($at, $system, $subject, $field) = (900 + number(1500), pick(qw(snow jira)), 1 + number($subjects), pick(qw(title description)));
	return (story_fault($at, $system, 'delay_before', method => 'PATCH|PUT', delay => 'before', delay_ms => 250 + number(400)),
		text_edit(211, $at + 5, other($system), $subject, $field),
		text_edit(212, $at + 90 + number(150), $system, $subject, $field),
		chance(50) ? story_hold($at + 60, $system, 300 + number(700)) : ());
}

# The answer to our write, or a read, shows what a person wrote before the person's own notification comes; perhaps others write, too.
sub told_late
{
	my ($steps, $subjects) = @_;
	my ($at, $system, $subject) = (900 + number(1500), pick(qw(snow jira)), 1 + number($subjects));
	my ($field, $beside) = chance(50) ? qw(title description) : qw(description title);
	my $rival = chance(60) ? number(120) - 60 : undef;
	return (story_hold($at, $system, 500 + number(800)),
		text_edit(221, $at + 70, $system, $subject, $field),
		text_edit(222, $at + 80 + number(40), other($system), $subject, $beside),
		defined $rival ? text_edit(223, $at + 70 + $rival, other($system), $subject, $field) : ());
}

# Texts get their tag from the runner; for the others this is [ServiceNow's values, Jira's value].
sub value
{
	my ($field) = @_;
	return number(scalar @STATUS) if $field eq 'status';
	return number(scalar @SEVERITY) if $field eq 'severity';
	return number(3) if $field eq 'assignee';
	return pick(' ', '  ', " \x{2192} ", ' <b> & ', ' (x)') if $field eq 'title';
	return pick("\n", "\n\n", ' ', "\n- a\n- ");
}

sub said
{
	my ($field, $value, $tag, $subject) = @_;
	return ({ state => $STATUS[$value][0] }, { status => $STATUS[$value][1] }) if $field eq 'status';
	return ({ impact => "$SEVERITY[$value][0]", urgency => "$SEVERITY[$value][1]" }, { priority => $SEVERITY[$value][2] }) if $field eq 'severity';
	return ({ assigned_to => ['', 'a.lee', 'b.kim']->[$value] },
		{ assignee => [undef, '5b10ac8d82e05b22cc7d4ef5', '5b10bbbbbbbbbbbbbbbbbbbb']->[$value] }) if $field eq 'assignee';
	return ({ caller_id => ['', 'a.lee', 'b.kim']->[$value] }, {}) if $field eq 'caller';
	my $text = $field eq 'title' ? "$subject$value$tag" : "about $subject$value$tag";
	return $field eq 'title' ? ({ short_description => $text }, { summary => $text }) : ({ description => $text }, { description => $text });
}

sub peer_fault
{
	my ($length) = @_;
	my $kind = pick(@PEER);
	my %fault =
		$kind eq 'delay' ? (delay_ms => 50 + number(900))
		: $kind eq 'delay_before' ? (delay_ms => 50 + number(900), delay => 'before')
		: $kind =~ /^drop_(\w+)/ ? (drop => $1)
		: $kind eq 'limit' ? (status => 429, retry_after => 1)
		: (status => pick(500, 502, 503), $kind eq 'error_after_work' ? (work => 1) : ());
	$fault{method} = pick('PATCH|PUT|POST', 'PATCH|PUT|POST', 'PATCH|PUT|POST', 'GET', '\w+');
	# An unheard create that did not land is looked for over minutes: only those that did land are cut here.
	$fault{method} = 'PATCH|PUT|GET' if $kind =~ /drop_before/;
	return { at => number($length), what => 'peer', system => pick(qw(snow jira)), kind => $kind, fault => { %fault, times => 1 + number(3), name => $kind } };
}

sub hook_fault
{
	my ($length) = @_;
	my $kind = pick(@HOOK);
	my %set = $kind eq 'delay' ? (delay_ms => 20 + number(400)) : $kind eq 'duplicate' ? (duplicate => 1 + number(2))
		: $kind eq 'lose' ? (lose => 1 + number(2)) : (hold => 1);
	return { at => number($length), what => 'hook', system => pick(qw(snow jira)), kind => $kind, set => \%set, for => 100 + number(900),
		order => pick('straight', 'reverse') };
}

# The kinds of things that a plan has in it, and all that plans can have: so that a few seeds can be chosen to cover them.
sub kinds
{
	my ($plan) = @_;
	my %has = map { $_->{what} =~ /peer|hook/ ? ("$_->{what} $_->{kind}" => 1) : $_->{what} eq 'process' ? ("process $_->{how}" => 1)
		: $_->{what} eq 'edit' ? ("edit $_->{field}" => 1, "edit in $_->{system}" => 1, $_->{n} > 100 && $_->{n} < 200 ? (burst => 1) : ())
		: ($_->{what} => 1, $_->{public} ? (public => 1) : ()) } @{ $plan->{steps} };
	$has{"story $_->{story}"} = 1 for grep { $_->{story} } @{ $plan->{steps} };
	$has{"rules $plan->{rules}"} = 1 if $plan->{rules};
	for my $system (keys %{ $plan->{normalise} })
	{
		$has{"normalised in $system: @$_"} = 1 for values %{ $plan->{normalise}{$system} };
	}
	return sort keys %has;
}

sub all_kinds
{
	return sort +(map { "story $_" } keys %STORY), (map { "peer $_" } @PEER), (map { "hook $_" } qw(delay duplicate lose hold)), (map { "process $_" } @PROCESS), (map { "edit $_" } keys %{ { map { $_ => 1 } @FIELDS, 'caller' } }), (map { "rules $_" } keys %RULES),
		'edit in snow', 'edit in jira', 'burst', 'create', 'comment', 'public', (map { "normalised in snow: $_" } @SNOW_MAKES), (map { "normalised in jira: $_" } @JIRA_MAKES);
}

sub row
{
	my ($step) = @_;
	my $what = $step->{what};
	return join ' ', grep { defined } sprintf('%5d ms', $step->{at}), sprintf('%-8s', $what), $step->{system} // '',
		$what eq 'create' ? "subject $step->{subject}"
		: $what eq 'edit' ? "subject $step->{subject} $step->{field} e$step->{n}" . ($step->{value} =~ /^\d+$/ ? " choice $step->{value}" : '')
		: $what eq 'comment' ? "subject $step->{subject} c$step->{n}" . ($step->{public} ? ' public' : '')
		: $what eq 'peer' ? join(' ', map { "$_=$step->{fault}{$_}" } sort keys %{ $step->{fault} })
		: $what eq 'hook' ? "$step->{kind} " . join(' ', map { "$_=$step->{set}{$_}" } sort keys %{ $step->{set} }) . " for $step->{for} ms $step->{order}"
		: $step->{how}, $step->{story} ? "($step->{story})" : ();
}

sub table
{
	my ($plan) = @_;
	my $rules = join ', ', map { my $s = $_; map { "$s $_ (@{ $plan->{normalise}{$s}{$_} })" } sort keys %{ $plan->{normalise}{$s} } } sort keys %{ $plan->{normalise} };
	return join "\n", ($rules ? "normalised: $rules" : ()), ($plan->{rules} ? "rules: $plan->{rules}" : ()), map { row($_) } @{ $plan->{steps} };
}

1;
