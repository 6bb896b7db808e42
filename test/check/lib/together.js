'use strict';
// What union and append make of several versions, by who had seen what, from all that was ever said: no word of arrival,
// and nothing that anybody would have to remember.
//
// A set is told as {a+b}, its members in order, or as ~ if nothing is left of it; a text as it is, with ^ for the end of a line.  all: every version that
// there ever was of the field; replaced: what its writer saw, where that is known.

const covers = (context, one) => (context[one.link] || 0) >= one.n;
const membersOf = (value) => value === '{}' || value === '~' ? [] : value.slice(1, -1).split('+');
const setOf = (members) => `{${[...new Set(members)].sort().join('+')}}`;

// Was something there that u put in, for somebody who had seen so much?  stays(x): x, who had seen u, left it there.
const lasts = (all, u, seen, stays) => !all.some((x) => x !== u && (seen === null || covers(seen, x)) && covers(x.context, u) && !stays(x));

// What a version put into a set: what it has, and its writer had not before him.
const added = remembered((u, all) => membersOf(u.value).filter((one) => !isThere(all, one, u.context)));
const isThere = (all, member, seen) => all.some((u) => covers(seen, u) && added(u, all).includes(member) && lasts(all, u, seen, (x) => membersOf(x.value).includes(member)));

// What a version put into a text: more at the end of what its writer saw, or a text of its own.
const written = remembered((u, all) => {
	const seen = piecesFor(all, u.context);
	const before = u.replaced ?? joined(seen);
	const goesOn = seen.length > 0 && before !== '' && u.value.startsWith(before);
	return { goesOn, text: goesOn ? u.value.slice(before.length) : u.value, link: u.link, n: u.n, at: Math.max(u.at * 1000, ...seen.map((one) => one.at + 1)) };
});
const piecesFor = (all, seen) => all.filter((u) => covers(seen, u) && lasts(all, u, seen, (x) => written(x, all).goesOn)).map((u) => written(u, all)).filter((one) => one.text !== '');
const joined = (pieces) => pieces.slice().sort((a, b) => a.at - b.at || a.link - b.link || a.n - b.n).reduce((text, one) => text + (text !== '' && !one.goesOn ? '^' : '') + one.text, '');

// Asked again and again of the same versions.
function remembered(find) {
	const known = new WeakMap();
	return (u, all) => {
		if (!known.has(all))
			known.set(all, new Map());
		if (!known.get(all).has(u))
			known.get(all).set(u, find(u, all));
		return known.get(all).get(u);
	};
}

// What is there if these of the versions that stand have a say.
function together(rule, parts, all) {
	const knows = (v, u) => v === u || covers(v.context, u);
	if (rule === 'append')
		return joined(all.filter((u) => parts.some((v) => knows(v, u)) && lasts(all, u, null, (x) => written(x, all).goesOn)).map((u) => written(u, all)).filter((one) => one.text !== ''));
	const left = setOf(parts.flatMap((v) => membersOf(v.value).filter((member) => all.some((u) =>
		knows(v, u) && added(u, all).includes(member) && lasts(all, u, null, (x) => membersOf(x.value).includes(member))))));
	return left === '{}' ? '~' : left;
}

// What somebody who had seen so much was shown, if all of it was put together.
const shown = (kind, all, seen) => kind === 'set' ? setOf([...new Set(all.flatMap((u) => membersOf(u.value)))].filter((member) => isThere(all, member, seen))) : joined(piecesFor(all, seen));

// Does the rule put together what a field of that kind holds?
const fits = (rule, kind) => rule === 'union' ? kind === 'set' : rule === 'append' && kind === 'text';

module.exports = { together, shown, fits, membersOf, setOf };
