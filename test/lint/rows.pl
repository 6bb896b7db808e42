# Every row id and rule that a test names has its line in test/ROWS.md.
# Lines that no test names are listed too, as a note.
use strict;
use warnings;

require './test/lint/files.pl';

my $ID = qr{\b([A-Z]{2}-\d\d|R(?:[1-9]|1\d|2[0-3])(?=[a-h]?\b))(?![\d-])};
my $findings = 0;
my (%said, %named);

open my $rows, '<', 'test/ROWS.md' or die "test/ROWS.md: $!\n";
while (my $line = <$rows>)
{
	$said{$1} = $. if $line =~ /^\| ([\w-]+) \|/;
}
close $rows;

my @files = grep { m{^(?:sql|test/(?:t|isolation/specs|core|chaos))/} } our_files();
for my $file (@files)
{
	open my $in, '<', $file or next;
	while (my $line = <$in>)
	{
		next if $line !~ m{--|\#|/?\*|is\(|ok\(|subtest};
		while ($line =~ /$ID/g)
		{
			$named{$1} = "$file:$.";
			next if $said{$1};
			print "$file:$.: $1 has no line in test/ROWS.md\n";
			$findings++;
		}
		while ($line =~ /\b(\w+)\b/g) { $named{$1} = "$file:$." if $said{$1} }
	}
	close $in;
}
my @silent = grep { !$named{$_} } sort keys %said;
print "note: no test names @silent\n" if @silent;
exit($findings ? 1 : 0);
