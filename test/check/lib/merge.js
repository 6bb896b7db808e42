'use strict';
// Level 1: versions whose dots and contexts are given.  Whatever the order in which they are heard, twice or once, kept
// in tables between or not: the same versions stand, the same one wins, the clock is the same (R7, R8; I5, I7, I8).
const { chance } = require('./chance');
const { standing, clock, choose, record } = require('./rules');
const { shown, fits, membersOf, setOf } = require('./together');

const ALLOWED = ['critical', 'high', 'medium', 'low'];
const FIELDS = ['severity', 'title'];
const RULES = ['escalation_wins', 'human_wins', 'system_of_record', 'version_wins', 'last_update_wins', 'manual', 'call'];
const PER_WORLD = 64;

// Up to three rules in any order, and ranks in any order.
function drawWorld(seed) {
	const dice = chance(Math.floor(seed / PER_WORLD) * 2 + 1);
	const ranks = [[10, 20, 30], [30, 20, 10], [20, 10, 30], [20, 30, 10]][dice.below(4)];
	const policy = [];
	for (let i = dice.below(4); i > 0; i--) {
		const rule = { rule: dice.of(RULES) };
		if (rule.rule === 'system_of_record')
			rule.link = 1 + dice.below(3);
		if (rule.rule === 'call')
			rule.function = dice.of(['test.longest', 'test.longest', 'test.circle', 'test.moody', 'test.fail']);
		if (rule.rule === 'manual' && dice.once(2))
			rule.from = dice.of(ALLOWED);
		if (dice.once(4))
			rule.when = { field: dice.of(FIELDS), value: dice.of(ALLOWED) };
		if (!policy.some((one) => one.rule === rule.rule))
			policy.push(rule);
	}
	// in some worlds title is a set, or a text: what several people put into it may be put together, by any of the rules or by none
	const kind = dice.of(['rank', 'set', 'text']);
	if (kind !== 'rank' && !dice.once(4))
		policy.splice(dice.below(policy.length + 1), 0, { rule: kind === 'set' ? 'union' : 'append', ...(dice.once(5) && { when: { field: 'severity', value: dice.of(ALLOWED) } }) });
	return { allowed: ALLOWED, ranks: [0, ...ranks], policy, kinds: { severity: 'rank', title: kind } };
}

function document(world) {
	const systems = {};
	for (let link = 1; link <= 3; link++)
		systems['p' + link] = { rank: world.ranks[link] };
	return {
		fields: { severity: { kind: 'rank', allowed: ALLOWED }, title: world.kinds.title === 'rank' ? { kind: 'rank', allowed: ALLOWED } : { kind: world.kinds.title } },
		systems,
		policy: Object.fromEntries(FIELDS.map((field) => [field, world.policy.map((one) => ({ rule: one.rule, ...(one.link && { system: 'p' + one.link }), ...(one.from && { review_from: one.from }), ...(one.function && { function: one.function }), ...(one.when && { condition: `$.${one.when.field} == "${one.when.value}"` }) }))])),
	};
}

// Values, authors and times for versions that have only dots and contexts yet, in an order that their causes allow.
function fill(dice, versions, world) {
	const done = [];
	for (const one of someOrders(dice, versions, 1)[0]) {
		one.value = dice.of(ALLOWED);
		one.kind = dice.below(4);
		one.at = 1000 * dice.below(4);
		one.version = dice.below(4) - 1;
		if (FIELDS[one.field] === 'title' && world.kinds.title !== 'rank')
			one.value = edit(dice, one, done, world.kinds.title);
		done.push(one);
	}
	return versions;
}

// What somebody made of a set or a text: of what all had put in whom he had seen, or of what one of them had said.
function edit(dice, one, done, kind) {
	const all = done.filter((other) => other.field === one.field);
	const known = all.filter((other) => before(other, one));
	const was = known.length > 0 && dice.once(3) ? dice.of(known).value : shown(kind, all.slice(), one.context);
	if (kind === 'text')
		return (dice.once(4) ? '' : was) + dice.of(['a', 'b', 'c', 'd']) + (dice.once(3) ? '.' : '');
	const members = dice.once(6) ? [] : membersOf(was);
	for (let i = dice.below(3); i >= 0; i--) {
		const member = dice.of(['a', 'b', 'c']);
		const at = members.indexOf(member);
		if (at < 0)
			members.push(member);
		else
			members.splice(at, 1);
	}
	return setOf(members);
}

// Each is written by a link that has seen some of what was written before, and all that led to it.
function drawVersions(dice, most, world) {
	const versions = [];
	for (let n = 2 + dice.below(most - 1); n > 0; n--) {
		const field = dice.below(FIELDS.length);
		const link = 1 + dice.below(3);
		const context = {};
		let own = 0;
		for (const other of versions) {
			if (other.field !== field || (other.link !== link && dice.once(2)))
				continue;
			see(context, other);
			if (other.link === link)
				own = other.n;
		}
		versions.push({ field, link, n: own + 1, context });
	}
	return fill(dice, versions, world);
}

function see(context, other) {
	for (const link of Object.keys(other.context))
		context[link] = Math.max(context[link] || 0, other.context[link]);
	context[other.link] = Math.max(context[other.link] || 0, other.n);
}

// Was a made before b was?  Those are heard in that order; all others in any.
const before = (a, b) => a !== b && a.field === b.field && (b.context[a.link] || 0) >= a.n;

// All orders that their causes allow.
function orders(versions) {
	const found = [];
	const order = [];
	const taken = new Set();
	(function more() {
		if (order.length === versions.length)
			found.push(order.slice());
		for (const one of versions) {
			if (taken.has(one) || versions.some((other) => !taken.has(other) && before(other, one)))
				continue;
			taken.add(one);
			order.push(one);
			more();
			order.pop();
			taken.delete(one);
		}
	})();
	return found;
}

// Some of them, by chance.
function someOrders(dice, versions, n) {
	const found = [];
	while (found.length < n) {
		const left = versions.slice();
		const order = [];
		while (left.length > 0) {
			const free = left.filter((one) => !left.some((other) => before(other, one)));
			const one = dice.of(free);
			order.push(one);
			left.splice(left.indexOf(one), 1);
		}
		found.push(order);
	}
	return found;
}

function shuffle(dice, list) {
	const left = list.slice();
	const order = [];
	while (left.length > 0)
		order.push(...left.splice(dice.below(left.length), 1));
	return order;
}

const words = (context) => Object.keys(context).map((link) => `${link}:${context[link]}`).join(';') || '-';
const step = (one) => `M,${FIELDS[one.field]},${one.link},${one.n},${words(one.context)},${one.value},${one.kind},${one.at},${one.version},-`;

// What the engine is told: every order; in some of them tables between, or something heard twice.
function program(dice, found) {
	const told = new Map(found[0].map((one) => [one, step(one)]));
	return found.map((order) => {
		const steps = order.map((one) => told.get(one));
		if (dice.once(3))
			steps.splice(1 + dice.below(steps.length), 0, 'K');
		if (dice.once(3))
			steps.push(told.get(dice.of(order)));
		steps.push('D');
		return steps.join(' ');
	}).join(' Z ');
}

// What each order must end in, told as play.c tells it but for what the order may choose: what is shown under a hold.
function expect(versions, world) {
	const told = [];
	const sets = Object.fromEntries(FIELDS.map((name, field) => [name, standing(versions.filter((one) => one.field === field))]));
	const histories = Object.fromEntries(FIELDS.map((name, field) => [name, versions.filter((one) => one.field === field)]));
	const stands = record(sets, world.policy, world, histories);
	for (let field = 0; field < FIELDS.length; field++) {
		const all = histories[FIELDS[field]];
		if (all.length === 0)
			continue;
		const stand = sets[FIELDS[field]];
		const choice = choose(stand, world.policy, world, FIELDS[field], stands, all);
		const seen = clock(all);
		const list = stand.map((one) => `${one.link}:${one.n}=${one.value},${one.kind}`).sort();
		told.push(`${FIELDS[field]}=${choice.held ? '(held)' : choice.made ?? choice.winner.value} ${list.join('/')} {${Object.keys(seen).sort().map((link) => `${link}:${seen[link]}`).join(',')}}`);
	}
	return told.join(' ');
}

// The engine's answer in the same words; of a held field only what stands.
function normal(told) {
	return told.split(' ').map((word) => {
		if (word.startsWith('{'))
			return word;
		const [head, ...list] = word.split('/');
		return `${head.endsWith('(held)') ? head.slice(0, head.indexOf('=') + 1) + '(held)' : head} ${list.sort().join('/')}`;
	}).join(' ');
}

// null, or what is wrong.
function judge(answer, history) {
	const ends = answer.split('|').slice(1);
	if (ends.length !== history.orders.length)
		return `I8: ${ends.length} ends of ${history.orders.length} orders`;
	for (let i = 0; i < ends.length; i++)
		if ((i === 0 || ends[i] !== ends[0]) && normal(ends[i]) !== history.expected)
			return `I5, I8: heard as ${history.orders[i].map((one) => `${FIELDS[one.field]} ${one.link}:${one.n}`).join(', ')}\n  it ends in ${normal(ends[i])}\n  instead of ${history.expected}`;
	return null;
}

// plays: in so many orders and no more; none: in all of them.
function make(versions, seed, world, plays) {
	const dice = chance(seed * 2);
	const found = versions.length <= 6 && plays === undefined ? orders(versions) : someOrders(dice, versions, plays ?? 40);
	// What a merged version's writer had seen may come late: then it is nothing new.  Not where it is asked who put in what:
	// nobody is shown by us what we have not heard, and whose it is cannot be told of what comes late.
	const asked = world.policy.some((rule) => fits(rule.rule, world.kinds.title));
	for (let i = asked ? 0 : dice.below(plays ?? 5); i > 0; i--)
		found.push(shuffle(dice, versions));
	return { seed, versions, orders: found, expected: expect(versions, world), program: program(dice, found) };
}

// The history of a seed, of up to nine versions.
function draw(seed, world, plays) {
	return make(drawVersions(chance(seed), 9, world), seed, world, plays);
}

// The same without one version each.
function smaller(history, world) {
	return history.versions.length < 2 ? [] : history.versions.map((one) => make(history.versions.filter((other) => other !== one), history.seed, world));
}

function tell(history, world) {
	const lines = [`policy ${JSON.stringify(world.policy)}, ranks ${world.ranks.slice(1).join(' ')}`];
	for (const one of history.versions)
		lines.push(`${FIELDS[one.field].padEnd(9)}${one.link}:${one.n} = ${one.value.padEnd(9)} kind ${one.kind} at ${one.at} version ${one.version} having seen {${words(one.context)}}`);
	return lines.join('\n');
}

// Every history of causes of n versions over three systems, up to the names of the systems: dots and contexts alone.
function structures(n, field) {
	const found = [];
	for (let a = n; a >= 0; a--)
		for (let b = Math.min(a, n - a); b >= 0; b--)
			if (n - a - b <= b)
				chains([a, b, n - a - b], field, found);
	return found;
}

function chains(lengths, field, found) {
	const list = [];
	lengths.forEach((length, i) => {
		for (let n = 1; n <= length; n++)
			list.push({ field, link: i + 1, n, context: {} });
	});
	(function assign(at) {
		if (at === list.length) {
			if (list.every((one) => list.every((other) => !before(other, one) || below(other.context, one.context))))
				found.push(list.map((one) => ({ ...one, context: { ...one.context } })));
			return;
		}
		const one = list[at];
		const others = [1, 2, 3].filter((link) => link !== one.link);
		const last = one.n > 1 ? list[at - 1].context : {};
		for (let x = last[others[0]] || 0; x <= lengths[others[0] - 1]; x++)
			for (let y = last[others[1]] || 0; y <= lengths[others[1] - 1]; y++) {
				one.context = {};
				for (const [link, n] of [[one.link, one.n - 1], [others[0], x], [others[1], y]])
					if (n > 0)
						one.context[link] = n;
				assign(at + 1);
			}
	})(0);
}

const below = (a, b) => Object.keys(a).every((link) => a[link] <= (b[link] || 0));

// All structures of n versions, split over the two fields in every way.
function* all(n) {
	for (let first = n; first >= n - first; first--)
		for (const one of structures(first, 0))
			for (const other of structures(n - first, 1))
				yield [...one, ...other].map((version) => ({ ...version }));
}

module.exports = { PER_WORLD, drawWorld, document, draw, judge, smaller, tell, all, fill, make };
