'use strict';
// Which of several versions stands: SEMANTICS R8 and the rules of a policy, as orders over sets.
//
// A version here: {link, n, value, kind, at, version, context}; a context maps a link to its highest number seen.
const { together, fits } = require('./together');

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

// Does a rule ask what else is so of the record?  "from" asks for the severity, which of severity itself is in dispute.
const asks = (rule, name) => rule.when !== undefined || (rule.from !== undefined && name !== 'severity');

// {winner, held, made}: a list of rules is lexicographic, the last word is the rank of the system (lower is better).
// name: the field; record: what stands of each field, {value, held, values}, where rules ask; null: those are passed over.
// "from" goes by the worst that is said of a severity while a person is asked about it.
// made: what union or append makes of those that are left; what comes after is about who is named first.
// world.kinds: of each field, where any is put together; all: every version that there ever was of it.
function choose(versions, policy, world, name, record, all) {
	let left = versions;
	let held = false;
	let made;
	for (const rule of policy) {
		if (record === null ? asks(rule, name) : rule.when !== undefined && record[rule.when.field]?.value !== rule.when.value)
			continue;
		if (rule.rule === 'union' || rule.rule === 'append') {
			if (made === undefined && !held && fits(rule.rule, world.kinds?.[name]) && different(left))
				made = together(rule.rule, left, all);
		} else if (rule.rule === 'call')
			left = unbeaten(left, rule.function);
		else if (rule.rule !== 'manual')
			left = best(left, (one) => liking(rule, one, world));
		else if (made === undefined && different(left) && (rule.from === undefined || how(name, left, record).some((value) => severity(value, world) <= severity(rule.from, world))))
			held = true;
	}
	return { winner: best(left, (one) => -world.ranks[one.link])[0], held, made };
}

function how(name, left, record) {
	if (name === 'severity')
		return left.map((one) => one.value);
	const stands = record.severity;
	return stands === undefined ? [] : stands.held ? stands.values : [stands.value];
}

// What stands of each field.  Rules that ask are shown what those that do not ask would have stand, then what comes of
// that, once more for each field in dispute that any rule asks for.
// sets: {name: versions}; histories: {name: all of them}; settled: {name: value} of fields that are not decided again; pick: which versions have a say.
function record(sets, policy, world, histories, settled = {}, pick = (name, versions) => versions) {
	const names = Object.keys(sets).filter((name) => sets[name].length > 0);
	const look = (before) => Object.fromEntries(names.map((name) => {
		const versions = sets[name];
		if (settled[name] !== undefined || versions.length === 1)
			return [name, { value: settled[name] ?? versions[0].value, held: false }];
		const { winner, held, made } = choose(pick(name, versions), policy, world, name, before, histories[name]);
		return [name, { value: held ? winner.value : made ?? winner.value, held, values: versions.map((one) => one.value) }];
	}));
	let found = look(null);
	for (const name of names)
		if (sets[name].length > 1 && policy.some((rule) => asks(rule, name)))
			found = look(found);
	return found;
}

module.exports = { standing, clock, choose, record, asks, covers };
