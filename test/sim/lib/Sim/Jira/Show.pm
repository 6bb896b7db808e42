package Sim::Jira::Show;

# How Jira shows what it stores: issues, comments, users, changes.

use strict;
use warnings;
use Mojo::JSON qw(true false);
use POSIX qw(strftime);

# "2026-02-28T14:32:01.847+0000", in the site's zone (settings.zone_minutes).
sub timestamp
{
	my ($time, $zone) = @_;
	return undef if !defined $time;    # in a list, too
	$zone //= 0;
	my $ms = int($time * 1000 + 0.5);
	my $seconds = int($ms / 1000);
	return strftime('%Y-%m-%dT%H:%M:%S', gmtime($seconds + 60 * $zone)) . sprintf('.%03d%s%02d%02d', $ms % 1000, $zone < 0 ? '-' : '+',
		abs($zone) / 60, abs($zone) % 60);
}

sub user
{
	my ($sim, $account, $with_mail) = @_;
	return undef if !defined $account;
	my $user = $sim->user_of($account) // { account => $account, name => $account, kind => 'automation' };
	return { self => $sim->base_url . "/rest/api/3/user?accountId=$user->{account}", accountId => $user->{account},
		displayName => $user->{name} // $user->{login}, active => true, timeZone => 'Etc/UTC',
		accountType => ($user->{kind} // '') eq 'automation' ? 'app' : 'atlassian',
		$with_mail ? (emailAddress => $user->{login}) : () };
}

sub status
{
	my ($sim, $name) = @_;
	my $status = $sim->statuses->{$name};
	my %category = (new => [2, 'To Do'], indeterminate => [4, 'In Progress'], done => [3, 'Done']);
	my ($id, $title) = @{ $category{ $status->{category} } };
	return { self => $sim->base_url . "/rest/api/3/status/$status->{id}", id => $status->{id}, name => $name, description => '',
		statusCategory => { id => $id, key => $status->{category}, name => $title } };
}

sub priority
{
	my ($sim, $name) = @_;
	return undef if !defined $name;
	my ($id) = grep { $sim->priorities->{$_} eq $name } keys %{ $sim->priorities };
	return { self => $sim->base_url . '/rest/api/3/priority/' . ($id // 0), id => '' . ($id // 0), name => $name };
}

sub issue
{
	my ($sim, $issue, $query) = @_;
	my $f = $issue->{fields};
	my $zone = $sim->settings->{zone_minutes};
	my ($type) = grep { $sim->issue_types->{$_} eq $f->{issuetype} } keys %{ $sim->issue_types };
	my %all = (
		%$f,
		project => { %{ $sim->project }, self => $sim->base_url . '/rest/api/3/project/' . $sim->project->{id} },
		issuetype => { id => "$type", name => $f->{issuetype}, subtask => false },
		status => status($sim, $f->{status}),
		priority => priority($sim, $f->{priority}),
		resolution => defined $f->{resolution} ? { id => '10000', name => $f->{resolution} } : undef,
		assignee => user($sim, $f->{assignee}, 0), reporter => user($sim, $f->{reporter}, 0), creator => user($sim, $f->{creator}, 0),
		customfield_10042 => defined $f->{customfield_10042} ? { id => '10100', value => $f->{customfield_10042} } : undef,
		created => timestamp($f->{created}, $zone), updated => timestamp($f->{updated}, $zone),
	);
	# What an administrator there has added, or taken from the screens.
	my $schema = $sim->settings->{schema} // {};
	%all = (%all, %$schema);
	delete @all{ grep { !defined $schema->{$_} } keys %$schema };
	my %shown = (id => $issue->{id}, key => $issue->{key}, self => $sim->base_url . "/rest/api/3/issue/$issue->{id}",
		fields => chosen(\%all, $query->{fields}));
	if (defined $query->{properties})
	{
		my @wanted = ref $query->{properties} ? @{ $query->{properties} } : split /,/, $query->{properties};
		$shown{properties} = { map { $_ => $issue->{properties}{$_} } grep { exists $issue->{properties}{$_} }
				map { $_ eq '*all' ? keys %{ $issue->{properties} } : $_ } @wanted };
	}
	if (($query->{expand} // '') =~ /\bchangelog\b/)
	{
		my @changes = reverse @{ $issue->{changelog} };
		$shown{changelog} = { startAt => 0, maxResults => scalar @changes, total => scalar @changes, histories => [map { change($sim, $_) } @changes] };
	}
	if (grep { $_ eq 'comment' } ref $query->{fields} ? @{ $query->{fields} } : split /,/, $query->{fields} // '')
	{
		my @comments = @{ $issue->{comments} };
		$shown{fields}{comment} = { startAt => 0, maxResults => scalar @comments, total => scalar @comments,
			comments => [map { comment($sim, $issue, $_) } @comments] };
	}
	return \%shown;
}

sub chosen
{
	my ($all, $wanted) = @_;
	my @wanted = ref $wanted ? @$wanted : split /,/, $wanted // '*all';
	return $all if grep { $_ eq '*all' || $_ eq '*navigable' } @wanted;
	return { map { $_ => $all->{$_} } grep { exists $all->{$_} } @wanted };
}

sub comment
{
	my ($sim, $issue, $comment) = @_;
	my $zone = $sim->settings->{zone_minutes};
	return {
		self => $sim->base_url . "/rest/api/3/issue/$issue->{id}/comment/$comment->{id}",
		id => $comment->{id}, author => user($sim, $comment->{author}, 0), updateAuthor => user($sim, $comment->{update_author}, 0),
		body => $comment->{body}, created => timestamp($comment->{created}, $zone), updated => timestamp($comment->{updated}, $zone),
		jsdPublic => is_public($comment) ? true : false,
		$comment->{visibility} ? (visibility => $comment->{visibility}) : (),
		$comment->{properties} ? (properties => $comment->{properties}) : (),
	};
}

# In a service project the property says who sees it; elsewhere it has no effect.
sub is_public
{
	my ($comment) = @_;
	my ($property) = grep { $_->{key} eq 'sd.public.comment' } @{ $comment->{properties} // [] };
	return !$comment->{visibility} && !($property && $property->{value}{internal});
}

sub change
{
	my ($sim, $entry) = @_;
	return { id => $entry->{id}, author => user($sim, $entry->{author}, 0), created => timestamp($entry->{created}, $sim->settings->{zone_minutes}),
		items => $entry->{items} };
}

# One item of a changelog.
sub item
{
	my ($sim, $field, $old, $new) = @_;
	my %item = (field => $field, fieldId => $field, fieldtype => $field =~ /^customfield_/ ? 'custom' : 'jira');
	for ([from => $old], [to => $new])
	{
		my ($side, $value) = @$_;
		my ($id, $text) = (undef, $value);
		if ($field eq 'status') { $id = $sim->statuses->{$value}{id} }
		elsif ($field eq 'priority' && defined $value) { $id = priority($sim, $value)->{id} }
		elsif ($field =~ /^(?:assignee|reporter)$/ && defined $value) { $id = $value; $text = user($sim, $value, 0)->{displayName} }
		elsif ($field eq 'labels') { $text = join ' ', @{ $value // [] } }
		elsif (ref $value eq 'HASH') { $text = Sim::Jira::Fields::adf_text($value) }
		@item{ $side, "${side}String" } = ($id, $text);
	}
	return \%item;
}

1;
