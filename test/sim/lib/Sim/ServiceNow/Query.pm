package Sim::ServiceNow::Query;

# ServiceNow's encoded queries: field=value^field>=value^ORfield=value^ORDERBYfield.
# A part that it does not understand is ignored and the rest runs: that is what
# the product does, and what a client has to check for.

use strict;
use warnings;

my %TEST = (
	'=' => sub { $_[0] eq $_[1] },
	'!=' => sub { $_[0] ne $_[1] },
	'>=' => sub { $_[0] ge $_[1] },
	'<=' => sub { $_[0] le $_[1] },
	'>' => sub { $_[0] gt $_[1] },
	'<' => sub { $_[0] lt $_[1] },
	'IN' => sub { my $value = $_[0]; scalar grep { $_ eq $value } split /,/, $_[1] },
	'LIKE' => sub { index(lc $_[0], lc $_[1]) >= 0 },
	'STARTSWITH' => sub { index($_[0], $_[1]) == 0 },
	'ISEMPTY' => sub { $_[0] eq '' },
	'ISNOTEMPTY' => sub { $_[0] ne '' },
);

# The rows that fit, in the order asked for.
sub select_rows
{
	my ($text, $rows) = @_;
	my (@groups, @order);
	for my $part (split /\^/, $text)
	{
		if ($part =~ /^ORDERBY(DESC)?(\w+)$/)
		{
			push @order, [$2, $1 ? -1 : 1];
			next;
		}
		my $joined = $part =~ s/^OR(?=[a-z])//;
		my ($field, $operator, $value) = $part =~ /^([a-z]\w*?)(!=|>=|<=|=|>|<|ISNOTEMPTY|ISEMPTY|IN|LIKE|STARTSWITH)(.*)$/s or next;
		next if !grep { exists $_->{$field} } @$rows;    # a field that no row has: ignored
		my $condition = [$field, $operator, $value];
		$joined && @groups ? push @{ $groups[-1] }, $condition : push @groups, [$condition];
	}
	my @found = grep { fits($_, \@groups) } @$rows;
	return @order ? sort { compare($a, $b, \@order) } @found : @found;
}

sub fits
{
	my ($row, $groups) = @_;
	for my $group (@$groups)
	{
		return 0 if !grep { $TEST{ $_->[1] }->($row->{ $_->[0] } // '', $_->[2]) } @$group;
	}
	return 1;
}

sub compare
{
	my ($left, $right, $order) = @_;
	for my $by (@$order)
	{
		my $c = ($left->{ $by->[0] } // '') cmp($right->{ $by->[0] } // '');
		return $c * $by->[1] if $c;
	}
	return 0;
}

1;
