package Sim::Jira::Search;

# /rest/api/3/search/jql: token paging without a total, an index that lags
# (settings.search_lag_ms) unless reconcileIssues names the issue, and a small
# part of JQL: project, issuetype, status, labels, key, id, created, updated, summary ~,
# creator, reporter, issue.property[key].path, joined by AND, with ORDER BY.

use strict;
use warnings;
use Mojo::JSON qw(true false);
use POSIX ();
use Time::Local qw(timegm);

my %VALUE = (
	project => sub { my ($sim, $i) = @_; ($sim->project->{key}, $sim->project->{id}) },
	issuetype => sub { $_[1]{fields}{issuetype} },
	type => sub { $_[1]{fields}{issuetype} },
	status => sub { $_[1]{fields}{status} },
	labels => sub { @{ $_[1]{fields}{labels} } },
	key => sub { $_[1]{key} },
	issuekey => sub { $_[1]{key} },
	id => sub { ($_[1]{id}, $_[1]{key}) },
	summary => sub { $_[1]{fields}{summary} },
	creator => sub { $_[1]{fields}{creator} },
	reporter => sub { $_[1]{fields}{reporter} },
	created => sub { $_[1]{fields}{created} },
	updated => sub { $_[1]{fields}{updated} },
);

sub answer
{
	my ($sim, $req) = @_;
	my $in = $req->{method} eq 'POST'
		? $sim->object_body($req, qw(jql fields maxResults nextPageToken expand properties reconcileIssues fieldsByKeys))
		: $req->{query};
	my $jql = $in->{jql} // '';
	my ($conditions, $order) = parse($sim, $req, $jql);
	$sim->stop($req, 400, 'Unbounded JQL queries are not allowed here. Please add a search restriction to your query.') if !@$conditions;
	my $fresh = $in->{reconcileIssues} // [];
	my %fresh = map { $_ => 1 } ref $fresh ? @$fresh : split /,/, $fresh;
	my @found = grep { fits($sim, $_, $conditions) } $sim->indexed($sim->settings->{search_lag_ms} // 0, \%fresh);
	@found = sort { $a->{fields}{ $order->[0] } <=> $b->{fields}{ $order->[0] } || $a->{id} <=> $b->{id} } @found if $order;
	@found = reverse @found if $order && $order->[1] eq 'DESC';
	my $from = $in->{nextPageToken} // 0;
	$sim->stop($req, 400, 'The provided next page token is invalid or expired.') if $from !~ /^\d+$/;
	my $max = $in->{maxResults} || 50;
	my @page = splice @found, $from < @found ? $from : scalar @found, $max;
	my $last = $from + @page >= @found + @page;
	my $fields = $in->{fields} // 'id';
	return { issues => [map { Sim::Jira::Show::issue($sim, $_, { %$in, fields => $fields }) } @page], isLast => $last ? true : false,
		$last ? () : (nextPageToken => '' . ($from + @page)) };
}

sub parse
{
	my ($sim, $req, $jql) = @_;
	my $order = $jql =~ s/\s*\bORDER\s+BY\s+(created|updated)(?:\s+(ASC|DESC))?\s*$//i ? [lc $1, uc($2 // 'ASC')] : undef;
	$jql =~ s/\s*\bORDER\s+BY\s+(?:key|id)\b.*$//i;
	my @conditions;
	for my $part (grep { /\S/ } split /\s+AND\s+/i, $jql)
	{
		my ($name, $operator, $value) = $part =~ /^\s*\(?\s*("?[\w.\[\]]+"?)\s*(!=|>=|<=|=|>|<|~|\bNOT\s+IN\b|\bIN\b)\s*(.*?)\s*\)?\s*$/is
			or $sim->stop($req, 400, "Error in the JQL Query: cannot read '$part'.");
		$name =~ s/^"|"$//g;
		my @values = map { s/^\s*(["']?)(.*?)\1\s*$/$2/sr } $value =~ /^\((.*)$/s ? split /,/, $1 =~ s/\)$//r : ($value);
		$sim->stop($req, 400, "Field '$name' does not exist or you do not have permission to view it.")
			if !$VALUE{ lc $name } && $name !~ /^issue\.property\[[\w-]+\]\.[\w.]+$/;
		$sim->stop($req, 400, "Field '$name' does not exist or you do not have permission to view it.")
			if $name =~ /^issue\.property/ && !$sim->settings->{property_index};
		@values = map { /^currentUser\(\)?$/i ? $req->{account} : $_ } @values;
		@values = map { moment($sim, $req, $_) } @values if $name =~ /^(?:created|updated)$/i;
		push @conditions, [lc $name eq $name ? $name : $name =~ /^issue/ ? $name : lc $name, uc $operator, @values];
	}
	return (\@conditions, $order);
}

# "2026-02-28 14:30" (minutes, in the user's zone) or -10m.
sub moment
{
	my ($sim, $req, $text) = @_;
	my %unit = (m => 60, h => 3600, d => 86_400, w => 604_800);
	return $sim->now - $1 * $unit{$2} if $text =~ /^-(\d+)([mhdw])$/;
	$text =~ m{^(\d{4})[-/](\d\d)[-/](\d\d)(?: (\d\d):(\d\d))?$}
		or $sim->stop($req, 400, "Date value '$text' for field is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', "
			. "'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'.");
	return timegm(0, $5 // 0, $4 // 0, $3, $2 - 1, $1) - 60 * ($sim->settings->{zone_minutes} // 0);
}

sub fits
{
	my ($sim, $issue, $conditions) = @_;
	for my $condition (@$conditions)
	{
		my ($name, $operator, @wanted) = @$condition;
		my @have = $name =~ /^issue\.property\[([\w-]+)\]\.([\w.]+)$/ ? property($issue, $1, $2) : $VALUE{$name}->($sim, $issue);
		my $yes =
			$operator =~ /^(?:=|IN)$/ ? grep { my $w = $_; grep { defined && $_ eq $w } @have } @wanted
			: $operator =~ /^(?:!=|NOT\s+IN)$/ ? !grep { my $w = $_; grep { defined && $_ eq $w } @have } @wanted
			: $operator eq '~' ? index(lc($have[0] // ''), lc $wanted[0]) >= 0
			: $operator eq '>=' ? $have[0] >= $wanted[0]
			: $operator eq '<=' ? $have[0] <= $wanted[0]
			: $operator eq '>' ? $have[0] > $wanted[0]
			: $have[0] < $wanted[0];
		return 0 if !$yes;
	}
	return 1;
}

sub property
{
	my ($issue, $key, $path) = @_;
	my $value = $issue->{properties}{$key};
	for my $step (split /\./, $path)
	{
		return if ref $value ne 'HASH';
		$value = $value->{$step};
	}
	return ref $value ? () : $value;
}

1;
