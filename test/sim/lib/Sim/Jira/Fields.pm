package Sim::Jira::Fields;

# Which fields an issue has, what may be set where, and what is refused.
# Stored form: text as it is, ADF as a document, people by account id, choices
# by name, labels as a sorted list, times in seconds.

use strict;
use warnings;
use Mojo::JSON qw(encode_json);

my %KIND = (
	summary => 'line', description => 'adf', environment => 'adf', priority => 'priority', assignee => 'person', reporter => 'person',
	labels => 'labels', duedate => 'date', project => 'project', issuetype => 'issuetype', customfield_10042 => 'option',
	customfield_10050 => 'adf', customfield_10051 => 'line',
);
my %ONLY_AT_CREATE = (project => 1, issuetype => 1);

sub names { return sort keys %KIND, qw(status resolution created updated creator) }

sub defaults
{
	return ((map { $_ => undef } grep { !$ONLY_AT_CREATE{$_} } keys %KIND), labels => [], priority => 'Medium', status => 'To Do',
		resolution => undef, issuetype => 'Bug', project => 'OPS', summary => '');
}

sub check_create
{
	my ($sim, $req, $fields) = @_;
	my %errors;
	$errors{project} = 'Specify a valid project ID or key' if !defined choose($fields->{project}, [[$sim->project->{id}, $sim->project->{key}]]);
	$errors{issuetype} = 'Specify an issue type' if !defined choose($fields->{issuetype}, [pairs($sim->issue_types)]);
	$errors{summary} = 'You must specify a summary of the issue.' if ref $fields->{summary} || ($fields->{summary} // '') !~ /\S/;
	for my $name (@{ $sim->settings->{required} // [] }) { $errors{$name} = "$name is required." if !defined $fields->{$name} }
	return checked($sim, $req, $fields, \%errors, 1);
}

sub check_edit
{
	my ($sim, $req, $issue, $fields, $update) = @_;
	my %errors;
	my $checked = checked($sim, $req, $fields, \%errors, 0);
	for my $name (sort keys %$update)
	{
		$sim->stop($req, 400, { $name => "Field '$name' cannot be set. It is not on the appropriate screen, or unknown." })
			if $name ne 'labels';
		my %labels = map { $_ => 1 } @{ $issue->{fields}{labels} };
		for my $step (@{ $update->{labels} })
		{
			my ($verb, $value) = %$step;
			%labels = map { $_ => 1 } @$value if $verb eq 'set';
			$labels{$value} = 1 if $verb eq 'add';
			delete $labels{$value} if $verb eq 'remove';
		}
		$checked->{labels} = [sort keys %labels];
	}
	return $checked;
}

# The screen of a closing transition shows the resolution; the others have none.
sub check_screen
{
	my ($sim, $req, $to, $fields) = @_;
	for my $name (sort keys %$fields)
	{
		$sim->stop($req, 400, { $name => "Field '$name' cannot be set. It is not on the appropriate screen, or unknown." })
			if $name ne 'resolution' || $sim->statuses->{$to}{category} ne 'done';
	}
	return defined $fields->{resolution} ? { resolution => $fields->{resolution}{name} } : {};
}

# All fields are judged before any is set; the refusal names each.
sub checked
{
	my ($sim, $req, $fields, $errors, $create) = @_;
	$sim->stop($req, 400, 'fields: an object is expected') if ref $fields ne 'HASH';
	my %stored;
	for my $name (sort keys %$fields)
	{
		my $kind = $KIND{$name};
		if (!$kind || (!$create && $ONLY_AT_CREATE{$name}))
		{
			$errors->{$name} = "Field '$name' cannot be set. It is not on the appropriate screen, or unknown.";
			next;
		}
		my ($value, $problem) = store($sim, $kind, $fields->{$name}, $name);
		defined $problem ? ($errors->{$name} //= $problem) : ($stored{$name} = $value);
	}
	$sim->stop($req, 400, $errors) if %$errors;
	return \%stored;
}

# (stored value, what is wrong)
sub store
{
	my ($sim, $kind, $value, $name) = @_;
	if ($kind eq 'line')
	{
		return (undef, 'Operation value must be a string') if ref $value;
		return (undef, 'You must specify a summary of the issue.') if $name eq 'summary' && ($value // '') !~ /\S/;
		return (undef, 'Summary must be less than 255 characters.') if defined $value && length $value > 255;
		return (undef, 'The summary is invalid because it contains newline characters.') if ($value // '') =~ /[\r\n]/;
		return ($value);
	}
	if ($kind eq 'adf')
	{
		return (undef) if !defined $value;
		my $problem = adf_problem($value);
		return ($value, $problem);
	}
	if ($kind eq 'priority')
	{
		my $found = choose($value, [pairs($sim->priorities)]);
		return ($found, defined $found ? undef : 'The priority selected is invalid.');
	}
	if ($kind eq 'person')
	{
		return (undef) if !defined $value;
		my $id = ref $value eq 'HASH' ? $value->{accountId} // $value->{id} : '';
		return (undef) if !defined $id && ref $value eq 'HASH';
		my ($user) = grep { $_->{account} eq ($id // '') } values %{ $sim->users };
		return ($id, $user ? undef : "User '" . ($id // '') . "' does not exist.");
	}
	if ($kind eq 'labels')
	{
		return (undef, 'data was not an array') if ref $value ne 'ARRAY';
		for my $label (@$value)
		{
			return (undef, 'The labels field must contain strings') if ref $label || !defined $label || $label eq '';
			return (undef, "The label '$label' contains spaces which is invalid.") if $label =~ /\s/;
		}
		my %set = map { $_ => 1 } @$value;
		return ([sort keys %set]);
	}
	if ($kind eq 'date')
	{
		return ($value, !defined $value || $value =~ /^\d{4}-\d\d-\d\d$/ ? undef : 'Error parsing date string: ' . $value);
	}
	if ($kind eq 'option')
	{
		return (undef) if !defined $value;
		return (undef, 'Specify a valid \'id\' or \'name\' for ' . $name) if ref $value ne 'HASH' || ref $value->{value} || !length($value->{value} // '');
		return ($value->{value});
	}
	return (choose($value, [[$sim->project->{id}, $sim->project->{key}]])) if $kind eq 'project';
	return (choose($value, [pairs($sim->issue_types)]));
}

sub pairs { my ($map) = @_; return map { [$_, $map->{$_}] } keys %$map }

# {id} or {name} or {key} of a choice, as its name.
sub choose
{
	my ($value, $choices) = @_;
	return if ref $value ne 'HASH';
	for my $choice (@$choices)
	{
		return $choice->[1] if defined $value->{id} && !ref $value->{id} && $value->{id} eq $choice->[0];
		return $choice->[1] if !defined $value->{id} && ($value->{name} // $value->{key} // '') eq $choice->[1];
	}
	return;
}

#--- the Atlassian Document Format

my %BLOCK = map { $_ => 1 } qw(doc paragraph heading bulletList orderedList listItem codeBlock blockquote rule panel table tableRow
	tableCell tableHeader mediaSingle media expand);
my %INLINE = map { $_ => 1 } qw(text hardBreak mention emoji inlineCard date status);
my %MARK = map { $_ => 1 } qw(strong em code strike underline link textColor subsup);

sub adf_problem
{
	my ($doc) = @_;
	return 'Operation value must be an Atlassian Document (see the Atlassian Document Format)'
		if ref $doc ne 'HASH' || ($doc->{type} // '') ne 'doc' || ref $doc->{content} ne 'ARRAY' || ($doc->{version} // 0) != 1;
	return node_problem($doc, 0);
}

sub node_problem
{
	my ($node, $depth) = @_;
	return 'INVALID_INPUT: a node is expected' if ref $node ne 'HASH' || $depth > 50;
	my $type = $node->{type} // '';
	return "INVALID_INPUT: unknown node type \"$type\"" if !$BLOCK{$type} && !$INLINE{$type};
	return 'INVALID_INPUT: a text node may not be empty' if $type eq 'text' && (ref $node->{text} || !length($node->{text} // ''));
	return 'INVALID_INPUT: a list needs an item' if $type =~ /List$/ && !@{ $node->{content} // [] };
	for my $mark (@{ $node->{marks} // [] })
	{
		return 'INVALID_INPUT: unknown mark' if !$MARK{ $mark->{type} // '' };
		return 'INVALID_INPUT: a link needs href' if $mark->{type} eq 'link' && !length($mark->{attrs}{href} // '');
	}
	for my $child (@{ $node->{content} // [] })
	{
		return "INVALID_INPUT: $type may not hold $child->{type}" if $type eq 'doc' && ref $child eq 'HASH' && $INLINE{ $child->{type} // '' };
		my $problem = node_problem($child, $depth + 1);
		return $problem if defined $problem;
	}
	return;
}

sub check_adf
{
	my ($sim, $req, $name, $doc) = @_;
	my $problem = adf_problem($doc);
	$sim->stop($req, 400, { $name => $problem }) if defined $problem;
	$sim->stop($req, 400, { $name => 'Comment body can not be empty!' }) if adf_text($doc) !~ /\S/;
	return;
}

sub text_adf
{
	my ($text) = @_;
	return if !defined $text;
	return { type => 'doc', version => 1, content => [map {
				my @lines = split /\n/, $_;
				+{ type => 'paragraph', content => [map {
							($_ ? { type => 'hardBreak' } : (), length $lines[$_] ? { type => 'text', text => $lines[$_] } : ())
						} 0 .. $#lines] };
			} split /\n\n+/, $text] };
}

sub adf_text
{
	my ($node) = @_;
	return '' if ref $node ne 'HASH';
	return $node->{text} if ($node->{type} // '') eq 'text';
	return "\n" if ($node->{type} // '') eq 'hardBreak';
	my @parts = map { adf_text($_) } @{ $node->{content} // [] };
	return join(($node->{type} // '') =~ /^(?:doc|bulletList|orderedList|blockquote|table)$/ ? "\n\n" : '', @parts);
}

#--- people at a screen

# What a person typed, in the stored form: text for ADF, names for people and choices.
sub from_person
{
	my ($sim, $fields) = @_;
	my %stored = %$fields;
	for my $name (keys %stored)
	{
		my $kind = $KIND{$name} // '';
		my $value = $stored{$name};
		if ($kind eq 'adf' && defined $value && !ref $value) { $stored{$name} = text_adf($value) }
		elsif ($kind eq 'person' && defined $value) { $stored{$name} = ($sim->user_of(ref $value ? $value->{accountId} : $value) // {})->{account} }
		elsif ($kind eq 'labels') { $stored{$name} = [sort @$value] }
		elsif (ref $value eq 'HASH' && $kind ne 'adf') { $stored{$name} = $value->{name} // $value->{value} // $value->{key} }
		die { refused => [400, { error => "no status \"$value\"" }] } if $name eq 'status' && !$sim->statuses->{ $stored{$name} };
	}
	return \%stored;
}

sub same
{
	my ($left, $right) = @_;
	return encode_json([$left]) eq encode_json([$right]);
}

1;
