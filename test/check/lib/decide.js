'use strict';
// Level 2: systems with a record each, people and machines that edit, webhooks that come late, twice and in any order,
// calls that land, are answered, lost, or land late.  The products are here, what is right says lib/model.js, and the
// engine must do the same at every step: which values it sends, what it takes for news, what stands at the end
// (R3 to R19; I1, I4 to I7).
const { chance } = require('./chance');
const { Model } = require('./model');
const { membersOf, setOf } = require('./together');

const ALLOWED = ['critical', 'high', 'medium', 'low'];
// Words for a severity: fewer than ours, so that two of ours are one of theirs, or more, so that two of theirs are one of ours.
const MAPS = {
	fewer: [['p1', 'critical', 'out'], ['p1', 'high', 'both'], ['p2', 'medium', 'both'], ['p2', 'low', 'out']],
	lower: [['p1', 'critical', 'both'], ['p1', 'high', 'out'], ['p1', 'medium', 'out'], ['p2', 'low', 'both']],
	more: [['p1', 'critical', 'both'], ['p0', 'critical', 'in'], ['p2', 'high', 'both'], ['p3', 'medium', 'both'], ['p4', 'low', 'both'], ['p5', 'low', 'in']],
};
const TITLES = ['a', 'b', 'c', 'd'];
const MEMBERS = ['k', 'l', 'm'];
const RULES = ['escalation_wins', 'human_wins', 'system_of_record', 'last_update_wins', 'manual', 'call'];
const PER_WORLD = 128;
const STATES = process.env.STATES !== undefined;   // for people: what stands after every step
// Words of the ledger that are compared; every new version shows in the clock at the end.
const TOLD = ['raced', 'wait', 'unsure', 'landed', 'retire', 'loop', 'alert'];

// Where a statement that is heard again is known by its position (R1); elsewhere it is a hint.
const exact = (grade) => grade === 'counter' || grade === 'fine';

// What a value is called there, and what is meant by what is said there; undefined: as it is called here.
function wordsOf(name) {
	const rows = MAPS[name];
	return rows && { rows, down: Object.fromEntries(rows.filter((row) => row[2] !== 'in').map((row) => [row[1], row[0]])),
		up: Object.fromEntries(rows.filter((row) => row[2] !== 'out')) };
}

function drawWorld(seed) {
	const dice = chance(Math.floor(seed / PER_WORLD) * 2 + 1);
	const n = 2 + dice.below(2);
	const grades = [null];
	const full = [null];
	const loud = [null];
	const maps = [undefined];
	const marks = [false];
	for (let id = 1; id <= n; id++) {
		grades.push(dice.of(['counter', 'counter', 'fine', 'fine', 'coarse', 'coarse', 'none']));
		full.push(dice.once(3));
		loud.push(dice.once(3));
		maps.push(dice.of([undefined, undefined, undefined, 'fewer', 'lower', 'more']));
		marks.push(dice.once(4));
	}
	const policy = [];
	for (let i = dice.below(3); i > 0; i--) {
		const rule = { rule: dice.of(RULES) };
		if (rule.rule === 'system_of_record')
			rule.link = 1 + dice.below(n);
		if (rule.rule === 'call')
			rule.function = dice.of(['test.longest', 'test.longest', 'test.circle', 'test.moody', 'test.fail']);
		if (rule.rule === 'manual' && dice.once(2))
			rule.from = dice.of(ALLOWED);
		if (dice.once(4))
			rule.when = dice.once(2) ? { field: 'severity', value: dice.of(ALLOWED) } : { field: 'title', value: dice.of(TITLES) };
		if (!policy.some((one) => one.rule === rule.rule))
			policy.push(rule);
	}
	// in some worlds title is a set, or people add to its end
	const kind = dice.of(['plain', 'plain', 'set', 'text']);
	if (kind !== 'plain' && !dice.once(4))
		policy.splice(dice.below(policy.length + 1), 0, { rule: kind === 'set' ? 'union' : 'append', ...(dice.once(5) && { when: { field: 'severity', value: dice.of(ALLOWED) } }) });
	return { n, grades, full, loud: kind === 'set' ? loud.map(() => false) : loud, marks, kinds: { severity: 'rank', title: kind }, maps: maps.map(wordsOf), policy, breaker: { limit: 100, window: 60000, within: 10000 }, loses: dice.once(2), fails: dice.once(3), ranks: [0, ...dice.of([[10, 20, 30], [30, 20, 10], [20, 30, 10]])].slice(0, n + 1),
		allowed: ALLOWED, fields: { severity: 'list', title: 'text' } };
}

function document(world) {
	const systems = {};
	for (let id = 1; id <= world.n; id++)
		systems['p' + id] = { rank: world.ranks[id], grade: world.grades[id], ...(world.maps[id] && { values: { severity: world.maps[id].rows } }) };
	return {
		fields: { severity: { kind: 'rank', allowed: ALLOWED }, title: { kind: world.kinds.title === 'set' ? 'set' : 'text' } }, type: { loop_limit: world.breaker.limit }, systems,
		policy: { '*': world.policy.map((one) => ({ rule: one.rule, ...(one.link && { system: 'p' + one.link }), ...(one.from && { review_from: one.from }), ...(one.function && { function: one.function }),
			...(one.when && { condition: `$.${one.when.field} == "${one.when.value}"` }) })) },
	};
}

// What happens, as numbers that mean something wherever they stand: so a history without one of them is one as well.
function drawActs(dice) {
	const acts = [];
	for (let n = 3 + dice.below(26); n > 0; n--)
		acts.push({ what: dice.of(['edit', 'edit', 'edit', 'hear', 'hear', 'hear', 'turn', 'turn', 'turn', 'turn', 'lose', 'lose', 'fail', 'again']),
			a: dice.below(60), b: dice.below(60), c: dice.below(60), ms: 1 + dice.below(900) });
	return acts;
}

class Play {
	constructor(world) {
		this.world = world;
		this.model = new Model(world);
		this.now = 0;
		this.steps = [];
		this.expected = [];
		this.news = [];
		this.events = [null];
		this.lost = 0;
		this.sent = 0;
		this.pace = 1000;
		this.patience = 400;
		this.products = [null];
		for (let id = 1; id <= world.n; id++) {
			const product = { id, values: { severity: world.maps[id] ? world.maps[id].down.low : 'low', title: world.kinds.title === 'set' ? '{k}' : 'a' }, before: {}, version: 1, movedAt: 0, call: null, late: null };
			this.products.push(product);
			this.publish(product, null, { kind: 3, us: false });
			this.hear(this.news.pop());
		}
		this.now += 5000;
	}

	// A step of the engine, and what it must say.
	step(words, expected) {
		this.model.now = this.now;
		this.steps.push(`T,${this.now}`, words);
		this.expected.push(null, expected);
		if (STATES && this.now >= 5000 && !['D', 'E'].includes(words)) {
			this.steps.push('D');
			this.expected.push(this.model.state());
		}
	}

	position(product) {
		const grade = this.world.grades[product.id];
		return { counter: product.version, fine: product.movedAt, coarse: Math.floor(product.movedAt / 1000), none: null }[grade];
	}

	// The webhook of an edit: the field, or the whole record.
	publish(product, name, who) {
		const fields = name === null || this.world.full[product.id] ? { ...product.values } : { [name]: product.values[name] };
		const said = { link: product.id, event: this.events.length, p: this.position(product), fields, kind: who.kind, us: who.us,
			full: Object.keys(fields).length > 1, at: product.movedAt, slot: false, marker: who.marker };
		this.events.push(said);
		this.news.push(said);
	}

	hear(said) {
		said.heardOnce = true;
		said.heardAt = this.now;
		this.model.now = this.now;
		this.model.statement(said);
		this.step(`S,${said.link},${said.event},${said.p ?? '-'},${said.kind},${said.us ? 1 : 0},${said.full ? 1 : 0},${said.at},${words(said.fields)},${said.marker ?? '-'}`, this.model.ends());
	}

	move(product, name, value, who) {
		if (value === undefined || product.values[name] === value)
			return;
		this.now += 1;
		product.before[name] = product.values[name];
		product.values[name] = value;
		product.version++;
		product.movedAt = this.now;
		this.publish(product, name, who);
	}

	land(product, call) {
		const values = { ...product.values };
		for (const name of Object.keys(call.fields))
			values[name] = name === 'title' && this.world.loud[product.id] ? call.fields[name].toUpperCase() : call.fields[name];
		const moved = Object.keys(values).filter((name) => values[name] !== product.values[name]);
		if (moved.length > 0) {
			this.now += 1;
			for (const name of moved)
				product.before[name] = product.values[name];
			product.version++;
			product.movedAt = this.now;
			product.values = values;
			for (const name of this.world.full[product.id] ? moved.slice(0, 1) : moved)
				this.publish(product, name, { kind: 1, us: true, marker: this.world.marks[product.id] ? call.marker : undefined });
		}
		call.stage = 'landed';
		call.shows = { p: this.position(product), fields: { ...product.values } };
	}

	// What our worker would do next with a record.  False: nothing.
	turn(product) {
		const call = product.call;
		this.model.now = this.now;
		if (call === null)
			return this.claim(product);
		if (call.stage === 'sent')
			this.land(product, call);
		else if (call.stage === 'reading') {
			call.stage = 'read';
			call.shows = { p: this.position(product), fields: { ...product.values } };
		} else {
			product.call = null;
			if (call.stage === 'read')
				this.model.read(product.id, call.shows.p, call.shows.fields);
			else
				this.model.answer(product.id, call.shows.p, call.shows.fields);
			this.step(`${call.stage === 'read' ? 'W' : 'A'},${product.id},${call.shows.p ?? '-'},${words(call.shows.fields)}`, this.model.ends());
		}
		return true;
	}

	claim(product) {
		const said = this.model.claim(product.id);
		this.step(`C,${product.id}`, said);
		if (said === 'nothing')
			return false;
		product.call = { stage: said === 'read' ? 'reading' : 'sent', fields: {}, at: this.now, marker: this.model.links[product.id].call.marker };
		for (const word of said.split(' ').slice(1)) {
			const [name, value] = word.split('=');
			product.call.fields[name] = value;
			this.sent++;
		}
		return true;
	}

	// The answer does not come; the call may have landed, may land yet, or never will.
	lose(product, comes) {
		const call = product.call;
		if (call === null || call.stage === 'reading' || call.stage === 'read')
			return;
		this.lost++;
		product.call = null;
		if (call.stage === 'sent' && comes)
			product.late = call;
		this.model.now = this.now;
		this.model.lose(product.id);
		this.step(`L,${product.id}`, this.model.ends());
	}

	// The product does not take the call: because the record is not as we thought (409), or for another reason.
	fail(product, moved) {
		const call = product.call;
		if (call === null || !['sent', 'reading'].includes(call.stage))
			return;
		product.call = null;
		this.model.now = this.now;
		this.model.fail(product.id, moved && call.stage === 'sent');
		this.step(`${moved && call.stage === 'sent' ? 'F' : 'X'},${product.id}`, this.model.ends());
	}

	act(one) {
		const product = this.products[1 + one.a % this.world.n];
		this.now += one.ms;
		switch (one.what) {
			case 'edit': {
				const name = one.b % 2 === 0 ? 'severity' : 'title';
				const map = this.world.maps[product.id];
				const choices = name === 'title' ? this.titles(product.values.title, one.b) : map ? Object.keys(map.up) : ALLOWED;
				this.move(product, name, one.c >= 45 ? product.before[name] : choices[one.c % choices.length], { kind: one.b % 5 === 0 ? 2 : 3, us: false });
				break;
			}
			case 'hear':
				if (this.news.length > 0)
					this.hear(this.news.splice(one.b % this.news.length, 1)[0]);
				break;
			case 'turn':
				this.turn(product);
				break;
			case 'lose':
				if (this.world.loses && one.c % 2 === 0)
					this.lose(product, one.b % 2 === 0);
				break;
			case 'fail':
				if (this.world.fails && one.c % 2 === 0)
					this.fail(product, one.b % 2 === 0);
				break;
			case 'again': {
				const heard = this.events.filter((said) => said !== null && said.heardOnce && exact(this.world.grades[said.link]));
				this.again(heard[one.b % heard.length]);
				break;
			}
		}
		for (const other of this.products.slice(1))
			if (other.late !== null && one.c % 4 === 0)
				this.landLate(other);
	}

	// What a title may become: another; in other worlds one with a member more or less, or with more at its end.
	titles(now, b) {
		if (this.world.kinds.title === 'set')
			return MEMBERS.map((member) => setOf(membersOf(now).includes(member) ? membersOf(now).filter((one) => one !== member) : [...membersOf(now), member]));
		return this.world.kinds.title === 'text' && b % 7 !== 0 ? TITLES.map((more) => now + more) : TITLES;
	}

	// What was given up lands after all, if it was not too long ago.
	landLate(product) {
		if (this.now < product.late.at + 25000)
			this.land(product, product.late);
		product.late = null;
	}

	again(said) {
		if (said === undefined)
			return;
		this.model.now = this.now;
		this.model.statement(said);
		this.step(`G,${said.event}`, this.model.ends());
	}

	// Until all is quiet: everything is heard, every call answered, every record read once more.
	rest() {
		for (let round = 0; round < 2; round++) {
			for (let turns = 0, busy = true; busy; turns++) {
				if (turns > this.patience)
					return 'I6: it does not end';
				this.now += this.pace;
				busy = this.news.length > 0;
				if (busy)
					this.hear(this.news.shift());
				for (let id = 1; id <= this.world.n && !busy; id++)
					busy = this.turn(this.products[id]);
			}
			for (let id = 1; id <= this.world.n && round === 0; id++) {
				this.model.links[id].readOwed = true;
				this.step(`O,${id}`, '');
			}
		}
		return null;
	}

	// I7: what was heard is heard again, last first; nothing moves and nothing is due.
	repeat() {
		const state = this.model.state();
		this.step('D', state);
		for (const said of this.events.slice(1).reverse())
			if (exact(this.world.grades[said.link]))
				this.again(said);
		this.step('D', state);
		for (let id = 1; id <= this.world.n; id++)
			this.step(`C,${id}`, 'nothing');
	}

	// I1: all agree with what stands, but for fields that wait for a person, or that the breaker stopped there.
	disagreement() {
		for (const product of this.products.slice(1))
			for (const name of Object.keys(product.values)) {
				const field = this.model.fields[name];
				if (!field.held && field.value !== null && !this.model.links[product.id].shadow[name].stopped && product.values[name].toLowerCase() !== this.model.down(product.id, name, field.value).toLowerCase()
					&& this.model.up(product.id, name, product.values[name]) !== field.value)
					return `I1: p${product.id} holds ${name}=${product.values[name]}, canonical is ${field.value}`;
			}
		return null;
	}
}

const words = (fields) => Object.keys(fields).map((name) => `${name}=${fields[name]}`).join(';');

function make(acts, seed, world) {
	const play = new Play(world);
	for (const one of acts)
		play.act(one);
	const endless = play.rest();
	play.repeat();
	return { seed, acts, program: play.steps.join(' '), steps: play.steps, expected: play.expected, wrong: endless || play.disagreement() };
}

function draw(seed, world) {
	return make(drawActs(chance(seed)), seed, world);
}

// What a step of the engine says, in the model's words.
function normal(said) {
	const list = said.split(' ');
	if (['send', 'read', 'nothing', 'create', 'look', 'tied', 'adopted', 'apart', 'refused'].includes(list[0]))
		return [list[0], ...list.slice(1).sort()].join(' ');
	if (said.includes('{'))
		return said.replace(/(\d+=[^, ]+,[^, ]+),[^, ]+,[^, ]+,(\{[^}]*\},\d+),\d+/g, '$1,$2');
	return list.map((word) => word.split('.')).filter(([kind]) => TOLD.includes(kind))
		.map(([kind, field]) => kind === 'wait' || field === undefined ? kind : `${kind}.${field}`).sort().join(' ');
}

function judge(answer, history) {
	const said = answer.split('|').slice(1);
	if (said.length !== history.steps.length)
		return `${said.length} answers to ${history.steps.length} steps`;
	for (let i = 0; i < said.length; i++)
		if (history.expected[i] !== null && normal(said[i]) !== history.expected[i])
			return `step ${i} ${history.steps[i]}\n  engine: ${normal(said[i])}\n  model:  ${history.expected[i]}`;
	return history.wrong;
}

// Without a half of what happens, a quarter, …, one thing.
function without(acts, remake) {
	const found = [];
	for (let size = Math.floor(acts.length / 2); size >= 1; size = Math.floor(size / 2))
		for (let at = 0; at < acts.length; at += size)
			found.push(remake([...acts.slice(0, at), ...acts.slice(at + size)]));
	return found;
}

const smaller = (history, world) => without(history.acts, (acts) => make(acts, history.seed, world));

function tell(history, world, answer) {
	const said = answer.split('|').slice(1);
	const lines = [`policy ${JSON.stringify(world.policy)}`];
	for (let id = 1; id <= world.n; id++)
		lines.push(`p${id}: ${world.grades[id]}, rank ${world.ranks[id]}${world.full[id] ? ', whole records' : ''}${world.loud[id] ? ', capitals' : ''}`);
	for (let i = 0; i < history.steps.length; i++) {
		if (history.steps[i].startsWith('T,'))
			continue;
		lines.push(`${history.steps[i].padEnd(60)} ${said[i]}`);
		if (history.expected[i] !== null && normal(said[i] || '') !== history.expected[i]) {
			lines.push(`${' '.repeat(50)} but model: ${history.expected[i]}`);
			break;
		}
	}
	return lines.join('\n');
}

module.exports = { PER_WORLD, Play, drawWorld, document, draw, judge, smaller, without, tell, make };
