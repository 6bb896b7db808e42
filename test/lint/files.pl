# The files that are ours: what git knows, and without git (a machine that has none, a clone that belongs to somebody
# else) all that no build has made.  Paths from the top, without "./".
use strict;
use warnings;

sub our_files
{
	my @known = split /\n/, `git ls-files 2>/dev/null`;
	@known = grep { !/\.(?:o|so|bc)$/ && !m{^syncore--|^(?:results|output_iso|tmp_check|log)/|^regression\.} }
		map { s{^\./}{}r } split /\n/, `find . -name .git -prune -o -type f -print`
		if !@known;
	return grep { -f && !-l } sort @known;
}

1;
