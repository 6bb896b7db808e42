'use strict';
// Which of several versions stands: SEMANTICS R8 and the rules of a policy, as orders over sets.
//
// A version here: {link, n, value, kind, at, version, context}; a context maps a link to its highest number seen.

const covers = (context, one) => (context[one.link] || 0) >= one.n;

// R8: what stands of all versions that were ever made, whatever the order in which they were heard.
function standing(versions) {
	return versions.filter((one) => !versions.some((other) => other !== one && covers(other.context, one)));
}

// Every dot ever merged, and all that their writers had seen.
function clock(versions) {
	const all = {};
	for (const one of versions) {
		all[one.link] = Math.max(all[one.link] || 0, one.n);
		for (const link of Object.keys(one.context))
			all[link] = Math.max(all[link] || 0, one.context[link]);
	}
	return all;
}

// Of kinds unknown, integration, automation, human: who is not known may be a person, so no machine beats him for being one.
const AUTHORITY = [2, 1, 2, 3];

// How well each rule likes a version: more is better.
function liking(rule, one, world) {
	switch (rule.rule) {
		case 'escalation_wins': return -severity(one.value, world);
		case 'human_wins': return AUTHORITY[one.kind];
		case 'system_of_record': return one.link === rule.link ? 1 : 0;
		case 'version_wins': return one.version;
		case 'last_update_wins': return one.at;
		default: throw new Error('no rule ' + rule.rule);
	}
}

// What a function of a user (test/core/world.h) says of two values: -1, the first; 1, the second; null, it fails or contradicts itself.
function ask(name, a, b) {
	const answer = (one, other) => {
		switch (name) {
			case 'test.longest': return Math.sign(other.length - one.length);
			case 'test.circle': return (one.charCodeAt(0) - other.charCodeAt(0) + 3) % 3 === 1 ? -1 : 1;
			case 'test.moody': return -1;
			default: return null;
		}
	};
	return answer(a, b) === null || answer(a, b) + answer(b, a) !== 0 ? null : answer(a, b);
}

// Those that none beats, by that function; if it fails or goes round, all.  It is not asked about equal values.
function unbeaten(list, name) {
	const beaten = new Set();
	for (const a of list)
		for (const b of list) {
			if (a.value === b.value)
				continue;
			const answer = ask(name, a.value, b.value);
			if (answer === null)
				return list;
			if (answer < 0)
				beaten.add(b);
		}
	return beaten.size === list.length ? list : list.filter((one) => !beaten.has(one));
}

const severity = (value, world) => {
	const at = world.allowed.indexOf(value);
	return at < 0 ? world.allowed.length : at;
};

const best = (list, like) => {
	const most = Math.max(...list.map(like));
	return list.filter((one) => like(one) === most);
};

const different = (list) => list.some((one) => one.value !== list[0].value);

// {winner, held}: a list of rules is lexicographic, the last word is the rank of the system (lower is better).
// severities: of another field than severity, what stands there (all of it while a person is asked): "from" goes by the worst.
function choose(versions, policy, world, severities) {
	let left = versions;
	let held = false;
	for (const rule of policy) {
		if (rule.rule === 'call')
			left = unbeaten(left, rule.function);
		else if (rule.rule !== 'manual')
			left = best(left, (one) => liking(rule, one, world));
		else if (different(left) && (rule.from === undefined
			|| (severities ?? left.map((one) => one.value)).some((value) => severity(value, world) <= severity(rule.from, world))))
			held = true;
	}
	return { winner: best(left, (one) => -world.ranks[one.link])[0], held };
}

module.exports = { standing, clock, choose, covers };
