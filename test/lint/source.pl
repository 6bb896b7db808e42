# Findings in the text of the sources: layers, sizes, error codes, comments,
# install SQL, blanks, paths of somebody's machine.
use strict;
use warnings;

require './test/lint/files.pl';

my $findings = 0;
sub finding { my ($file, $line, $text) = @_; print "$file:$line: $text\n"; $findings++; return }

sub slurp { my ($file) = @_; open my $in, '<', $file or die "$file: $!\n"; local $/; my $text = <$in>; return $text // '' }

my %FLOOR = (core => 1, store => 2, net => 2, engine => 3, worker => 4, '' => 5);
# Functions whose parameters PostgreSQL gives, and from which hook.
my %GIVEN = (on_utility => 'ProcessUtility_hook');
my %LIMIT = (file => 900, function => 60, parameters => 5);

my @files = our_files();
check_c($_) for grep { m{^(?:extension/src/.*\.[ch]|test/(?:core|check)/.*\.c)$} } @files;
check_sql($_) for grep { m{^extension/(?:schema|connectors)/[^/]*\.sql$} } @files;
# What a fuzzer begins with is as it is.
check_text($_) for grep { !m{^test/fuzz/corpus/} } @files;
exit($findings ? 1 : 0);

#--- C

sub check_c
{
	my ($file) = @_;
	my $text = slurp($file);
	my @lines = split /\n/, $text;
	finding($file, 1, scalar(@lines) . " lines, over $LIMIT{file}") if @lines > $LIMIT{file};
	finding($file, 1, 'no header comment') if $text !~ m{^/\*\n \* \S+\.[ch]\b};
	my $bare = without_comments($text, $file);
	check_includes($file, $text);
	check_errors($file, $bare);
	check_functions($file, $bare);
	return;
}

# Comments and strings blanked, so that lines and braces stay where they are.
sub without_comments
{
	my ($text, $file) = @_;
	my $out = '';
	my $line = 1;
	while ($text =~ m{\G(?:(/\*.*?\*/)|(//[^\n]*)|("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(.))}gs)
	{
		my $piece = $1 // $2 // $3 // $4;
		finding($file, $line, 'a // comment') if defined $2;
		$out .= defined $1 || defined $2 ? $piece =~ s/[^\n]/ /gr : defined $3 ? substr($piece, 0, 1) . ('x' x (length($piece) - 2)) . substr($piece, -1) : $piece;
		$line += ($piece =~ tr/\n//);
	}
	return $out;
}

sub check_includes
{
	my ($file, $text) = @_;
	my ($folder) = $file =~ m{^extension/src/(?:(\w+)/)?[^/]+$} or return;
	$folder //= '';
	my $n = 0;
	for my $line (split /\n/, $text)
	{
		$n++;
		my ($path) = $line =~ /^#include "([^"]+)"/ or next;
		my ($other) = $path =~ m{^(core|store|net|engine|worker)/};
		next if !defined $other || $other eq $folder;
		finding($file, $n, "floor " . ($folder || 'top') . " includes $path, which is not below it") if $FLOOR{$other} >= $FLOOR{$folder};
	}
	if ($folder eq 'core' || $folder eq 'net')
	{
		$n = 0;
		for my $line (split /\n/, $text)
		{
			$n++;
			finding($file, $n, "$folder uses SPI") if $line =~ /^#include "executor\/spi\.h"|\bSPI_(?:connect|execute|prepare)/;
			finding($file, $n, 'core looks at the clock, at random or at the world')
				if $folder eq 'core' && $line =~ /\bGetCurrentTimestamp\b|\bpg_strong_random\b|\brandom\(\)|<sys\/socket|<curl\/|\bfopen\(/;
		}
	}
	return;
}

sub check_errors
{
	my ($file, $bare) = @_;
	while ($bare =~ /\b(ereport|errsave|ereturn)\s*\(/g)
	{
		my $start = pos $bare;
		my $call = balanced($bare, $start);
		my $line = 1 + (substr($bare, 0, $start) =~ tr/\n//);
		finding($file, $line, "$1 without errcode") if $call !~ /\berrcode\w*\s*\(|\bSC_ERR|\bedata\b/ && $call !~ /^\s*(?:DEBUG\d|LOG_SERVER_ONLY)/;
	}
	my $n = 0;
	for my $line (split /\n/, slurp($file))
	{
		$n++;
		finding($file, $n, 'elog(ERROR) that speaks to a user: ereport with an errcode')
			if $line =~ /\belog\((?:ERROR|FATAL|WARNING),\s*"(?:invalid |must be|permission|system \\"|unknown (?:system|field))/;
		finding($file, $n, 'assignment in a condition') if $line =~ /\bif \((?:[^"'=!<>]|[=!<>]=|->|[<>]{1,2}(?!=))*[^"'=!<>]=(?!=)/;
		finding($file, $n, 'message begins with a capital or ends with a full stop') if $line =~ /\berrmsg\(\s*"(?:[A-Z][a-z]+ |[^"]*[^.]\.")/;
	}
	return;
}

sub balanced
{
	my ($text, $from) = @_;
	my $depth = 1;
	for my $i ($from .. length($text) - 1)
	{
		my $c = substr $text, $i, 1;
		$depth++ if $c eq '(';
		$depth-- if $c eq ')';
		return substr $text, $from, $i - $from if !$depth;
	}
	return '';
}

# A function's body begins at a brace in the first column.
sub check_functions
{
	my ($file, $bare) = @_;
	my @lines = split /\n/, $bare;
	my ($open, $head);
	for my $i (0 .. $#lines)
	{
		if ($lines[$i] =~ /^\{/ && !defined $open)
		{
			my $j = $i - 1;
			$head = '';
			while ($j >= 0 && $lines[$j] =~ /\S/ && $lines[$j] !~ /^[}#]|;\s*$/) { $head = "$lines[$j--] $head" }
			$open = $head =~ /\)\s*$/ ? $i : undef;
			$open = -1 if !defined $open;
		}
		elsif ($lines[$i] =~ /^\}/ && defined $open)
		{
			if ($open >= 0)
			{
				my ($name) = $head =~ /(\w+)\s*\(/;
				my $size = $i - $open + 1;
				finding($file, $open + 1, "function $name has $size lines, over $LIMIT{function}") if $size > $LIMIT{function};
				finding($file, $open + 1, "function $name is exported: its name begins with sc_, or with syncore_ behind SQL")
					if $file =~ m{^extension/} && $head !~ /\bstatic\b/ && $name !~ /^(?:sc_|syncore_|_PG_init$)/;
				my ($list) = $head =~ /\w+\s*\((.*)\)\s*$/s;
				# A callback whose first parameter is its closure has the parameters that a library gives it.
				my $count = ($list // '') =~ /^\s*void \*cls\b/ || $GIVEN{$name} ? 0 : count_parameters($list // '');
				finding($file, $open + 1, "function $name has $count parameters, over $LIMIT{parameters}") if $count > $LIMIT{parameters};
			}
			undef $open;
		}
	}
	return;
}

sub count_parameters
{
	my ($list) = @_;
	1 while $list =~ s/\([^()]*\)//g;
	return 0 if $list !~ /\S/ || $list =~ /^\s*void\s*$/ || $list =~ /PG_FUNCTION_ARGS/;
	return 1 + ($list =~ tr/,//);
}

#--- install SQL

sub check_sql
{
	my ($file) = @_;
	my $text = slurp($file);
	$text =~ s/^--[^\n]*/--/mg;
	my @lines = split /\n/, $text;
	finding($file, 1, scalar(@lines) . " lines, over $LIMIT{file}") if @lines > $LIMIT{file};
	for my $i (0 .. $#lines)
	{
		finding($file, $i + 1, 'CREATE OR REPLACE in an install script') if $lines[$i] =~ /\bCREATE\s+OR\s+REPLACE\b/i;
		finding($file, $i + 1, 'IF NOT EXISTS in an install script')
			if $lines[$i] =~ /^\s*(?:CREATE|ALTER)\b.*\bIF\s+NOT\s+EXISTS\b/i && $lines[$i] !~ /\bEXTENSION\b/;
	}
	return;
}

#--- any text

sub check_text
{
	my ($file) = @_;
	return if $file =~ m{^(?:expected/|test/isolation/expected/|LICENSE)|\.(?:png|out)$} || $file eq 'test/lint/source.pl';
	my $text = slurp($file);
	return if $text =~ /\0/;
	finding($file, 1, 'no newline at the end') if length $text && $text !~ /\n\z/;
	my $n = 0;
	for my $line (split /\n/, $text)
	{
		$n++;
		finding($file, $n, 'blanks at the end of the line') if $line =~ /[ \t]+$/;
		finding($file, $n, 'a path of somebody\'s machine') if $line =~ m{(?<![\w\$\}/.-])/(?:work|home|root)/\w};
		finding($file, $n, 'a merge mark') if $line =~ /^(?:<{7}|>{7})(?: |$)/;
		finding($file, $n, 'TODO without an owner and a reason') if $line =~ /\b(?:TODO|FIXME|XXX)\b(?!\()/;
	}
	return;
}
