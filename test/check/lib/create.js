'use strict';
// Level `create`: nothing is there at first.  People report incidents in one system or, within seconds of each other, in
// several; we make the records that are missing; answers are lost, records are found late or never made; a person says
// that two entities are one (R21 to R23; I1 to I3).  The products are here, what is right says lib/making.js.
const { chance } = require('./chance');
const decide = require('./decide');
const { Making } = require('./making');

const ENTITIES = 4;
const TITLES = ['a', 'b', 'c', 'd'];
const RULES = ['escalation_wins', 'human_wins', 'last_update_wins', 'manual'];
const LAG = 5000;          // ms until a search finds a new record

function drawWorld(seed) {
	const dice = chance(Math.floor(seed / decide.PER_WORLD) * 2 + 1);
	const base = decide.drawWorld(seed);
	const policy = [];
	for (let i = dice.below(3); i > 0; i--) {
		const rule = { rule: dice.of(RULES) };
		if (rule.rule === 'manual' && dice.once(2))
			rule.from = dice.of(base.allowed);
		if (!policy.some((one) => one.rule === rule.rule))
			policy.push(rule);
	}
	const world = { ...base, policy, kinds: { severity: 'rank', title: 'plain' }, maps: [], marks: [], breaker: { ...base.breaker, limit: 100 }, systemGrades: [null], systemRanks: base.ranks, loses: dice.once(2), fails: dice.once(3) };
	for (let id = 1; id <= base.n; id++)
		world.systemGrades.push(dice.of(['counter', 'counter', 'fine', 'coarse']));
	// by link, as the model of an entity asks for them; the hub of an entity that was joined is 90 and its number
	world.grades = [null];
	world.ranks = [0];
	for (let link = 1; link <= ENTITIES * base.n; link++) {
		world.grades[link] = world.systemGrades[(link - 1) % base.n + 1];
		world.ranks[link] = base.ranks[(link - 1) % base.n + 1];
	}
	for (let id = 1; id <= ENTITIES; id++)
		world.ranks[90 + id] = 0;
	return world;
}

function document(world) {
	const all = decide.document({ ...world, ranks: world.systemRanks, grades: world.systemGrades });
	for (const system of Object.values(all.systems))
		system.route = true;
	return all;
}

class Play {
	constructor(world) {
		this.world = world;
		this.model = new Making(world);
		this.now = 5000;
		this.steps = [];
		this.expected = [];
		this.news = [];
		this.events = [null];
		this.records = [];           // of all products: {id, system, key, marker, values, before, version, movedAt, since, late}
		this.wires = {};             // by link: what our worker does there
		this.keys = 0;
		this.step('B', '');
	}

	step(words, expected) {
		this.steps.push(`T,${this.now}`, words);
		this.expected.push(null, expected);
	}

	position(record) {
		return { counter: record.version, fine: record.movedAt, coarse: Math.floor(record.movedAt / 1000) }[this.world.systemGrades[record.system]];
	}

	publish(record, name, who, creates) {
		const fields = name === null || this.world.full[record.system] ? { ...record.values } : { [name]: record.values[name] };
		this.news.push({ record, event: this.events.length, p: this.position(record), fields, kind: who.kind, us: who.us, creates,
			full: Object.keys(fields).length > 1, at: record.movedAt, slot: false });
		this.events.push(this.news[this.news.length - 1]);
	}

	// A record of that key is made there, by a person or by our create.
	make(system, key, values, who, marker) {
		this.now += 1;
		const record = { id: marker === undefined ? `k${this.records.length}` : `r${marker}`, system, key, marker, values, before: {}, version: 1, movedAt: this.now, since: this.now };
		this.records.push(record);
		this.publish(record, null, who, true);
		return record;
	}

	move(record, name, value, who) {
		if (value === undefined || record.values[name] === value)
			return;
		this.now += 1;
		record.before[name] = record.values[name];
		record.values[name] = value;
		record.version++;
		record.movedAt = this.now;
		this.publish(record, name, who, false);
	}

	// Whose record it is, if that is not known: by the marker that our create wrote into it, else by its key.
	linkOf(record) {
		this.model.now = this.now;
		if (record.link === undefined && record.marker !== undefined)
			record.link = record.marker;
		if (record.link === undefined) {
			const found = this.model.arrives(record);
			this.step(`N,${record.system},${found.asked},${found.other},${record.id}`, found.says);
			record.link = found.link;
		}
		return record.link;
	}

	hear(said) {
		said.heardOnce = true;
		said.heardAt = this.now;
		said.link = this.linkOf(said.record);
		this.model.now = this.now;
		this.model.hear(said);
		this.step(`${said.creates ? 'V' : 'S'},${said.link},${said.event},${said.p},${said.kind},${said.us ? 1 : 0},${said.full ? 1 : 0},${said.at},${words(said.fields)},-`, this.model.ends());
	}

	// What our worker would do next for a link.  False: nothing.
	turn(id) {
		const wire = this.wires[id];
		this.model.now = this.now;
		if (wire === undefined)
			return this.claim(id);
		switch (wire.stage) {
			case 'sent':
				this.land(id, wire);
				wire.stage = 'landed';
				return true;
			case 'reading':
				Object.assign(wire, { stage: 'read', shows: this.shows(wire.record) });
				return true;
			case 'looking':
				wire.found = this.search(id);
				wire.stage = 'looked';
				wire.shows = wire.found && this.shows(wire.found);
				return true;
		}
		delete this.wires[id];
		this.tellOutcome(id, wire);
		return true;
	}

	tellOutcome(id, wire) {
		const { p, fields } = wire.shows || {};
		if (wire.stage === 'looked' && !wire.found) {
			this.model.notFound(id);
			this.step(`Q,${id}`, this.model.ends());
		} else if (wire.stage === 'looked' || wire.creates || this.model.lostCreate(id)) {
			const found = !wire.creates;
			const record = wire.found || wire.record;
			record.link = id;
			this.model.made(id, record.id, p, fields, found);
			this.step(`${found ? 'Y' : 'M'},${id},${record.id},${p},${words(fields)}`, this.model.ends());
		} else {
			this.model[wire.stage === 'read' ? 'read' : 'answer'](id, p, fields);
			this.step(`${wire.stage === 'read' ? 'W' : 'A'},${id},${p},${words(fields)}`, this.model.ends());
		}
	}

	shows(record) {
		return { p: this.position(record), fields: { ...record.values } };
	}

	// By the marker; a search finds what is there for a while.
	search(id) {
		return this.records.find((one) => one.marker === id && this.now >= one.since + LAG);
	}

	claim(id) {
		if (this.model.waitsForPerson(id))
			return false;
		const said = this.model.claim(id);
		this.step(`C,${id}`, said);
		if (said === 'nothing')
			return false;
		const [what, ...fields] = said.split(' ');
		this.wires[id] = { stage: { read: 'reading', look: 'looking' }[what] || 'sent', creates: what === 'create', at: this.now, record: this.recordOf(id),
			fields: Object.fromEntries(fields.map((word) => word.split('='))) };
		return true;
	}

	recordOf(id) {
		return this.records.find((one) => one.link === id);
	}

	land(id, wire) {
		if (wire.creates) {
			// what nobody gave it the product sets by itself
			wire.record = this.make((id - 1) % this.world.n + 1, this.model.keyOf(id), { severity: 'low', title: 'a', ...wire.fields }, { kind: 1, us: true }, id);
			wire.shows = this.shows(wire.record);
			return;
		}
		const { record } = wire;
		const moved = Object.keys(wire.fields).filter((name) => record.values[name] !== wire.fields[name]);
		if (moved.length > 0) {
			this.now += 1;
			for (const name of moved) {
				record.before[name] = record.values[name];
				record.values[name] = wire.fields[name];
			}
			record.version++;
			record.movedAt = this.now;
			for (const name of this.world.full[record.system] ? moved.slice(0, 1) : moved)
				this.publish(record, name, { kind: 1, us: true }, false);
		}
		wire.shows = this.shows(record);
	}

	lose(id, comes) {
		const wire = this.wires[id];
		if (wire === undefined || !['sent', 'landed'].includes(wire.stage))
			return;
		delete this.wires[id];
		if (wire.stage === 'sent' && comes)
			this.late = { id, wire };
		this.model.now = this.now;
		this.model.lose(id);
		this.step(`L,${id}`, this.model.ends());
	}

	fail(id) {
		const wire = this.wires[id];
		if (wire === undefined || wire.stage !== 'sent')
			return;
		delete this.wires[id];
		this.model.now = this.now;
		this.model.fail(id, false);
		this.step(`X,${id}`, this.model.ends());
	}

	// What was given up lands after all, if it was not too long ago.
	landLate() {
		const { late } = this;
		this.late = undefined;
		if (late !== undefined && this.now < late.wire.at + 25000)
			this.land(late.id, late.wire);
	}

	join(keep, drop) {
		this.model.now = this.now;
		const said = this.model.join(keep, drop);
		this.step(`J,${keep},${drop}`, said);
	}

	act(one) {
		const links = this.model.linkIds();
		const id = links[one.a % Math.max(links.length, 1)];
		const system = 1 + one.a % this.world.n;
		this.now += one.ms;
		switch (one.what) {
			case 'report':
				if (this.keys < 2)
					this.make(system, ++this.keys, { severity: this.world.allowed[one.b % 4], title: TITLES[one.c % 4] }, { kind: one.b % 5 === 0 ? 2 : 3, us: false });
				break;
			case 'again':
				// the same incident, reported once more
				if (this.keys > 0 && this.records.filter((record) => record.marker === undefined).length < ENTITIES - 1)
					this.make(system, 1 + one.b % this.keys, { severity: this.world.allowed[one.b % 4], title: TITLES[one.c % 4] }, { kind: 3, us: false });
				break;
			case 'edit':
				if (this.records.length > 0) {
					const record = this.records[one.a % this.records.length];
					const name = one.b % 2 === 0 ? 'severity' : 'title';
					const choices = name === 'title' ? TITLES : this.world.allowed;
					this.move(record, name, one.c >= 45 ? record.before[name] : choices[one.c % choices.length], { kind: one.b % 5 === 0 ? 2 : 3, us: false });
				}
				break;
			case 'hear':
				if (this.news.length > 0)
					this.hear(this.news.splice(one.b % this.news.length, 1)[0]);
				break;
			case 'turn':
				if (id !== undefined)
					this.turn(id);
				break;
			case 'lose':
				if (this.world.loses && id !== undefined)
					this.lose(id, one.b % 2 === 0);
				break;
			case 'fail':
				if (this.world.fails && id !== undefined)
					this.fail(id);
				break;
			case 'leap':
				this.now += 1000 * (one.b + 5);
				break;
			case 'ask':
				this.model.asked = one.b % 2 === 0;
				break;
			case 'join': {
				const live = this.model.live();
				if (live.length > 1)
					this.join(...(one.b % 2 === 0 ? live.slice(0, 2) : live.slice(0, 2).reverse()));
				break;
			}
			case 'resolve': {
				const live = this.model.live();
				if (live.length > 0)
					this.resolve(live[one.a % live.length], one.b % 2 === 0 ? 'severity' : 'title', one.c);
				break;
			}
		}
		if (this.late !== undefined && one.c % 4 === 0)
			this.landLate();
	}

	resolve(entity, name, choice) {
		const value = name === 'title' ? TITLES[choice % 4] : this.world.allowed[choice % 4];
		this.model.now = this.now;
		if (!this.model.resolve(entity, name, value))
			return;
		this.step(`R,${entity},${name},${value}`, this.model.ends());
	}

	// Until all is quiet: everything is heard, every call answered, every record read once more.
	rest() {
		this.model.asked = false;
		for (let round = 0; round < 2; round++) {
			for (let turns = 0, busy = true; busy; turns++) {
				if (turns > 600)
					return 'I6: it does not end';
				this.now += 3000;
				busy = this.news.length > 0;
				if (busy)
					this.hear(this.news.shift());
				for (const id of busy ? [] : this.model.linkIds())
					busy = busy || this.turn(id);
			}
			for (const id of round === 0 ? this.model.linkIds() : []) {
				this.model.owe(id);
				this.step(`O,${id}`, '');
			}
		}
		return null;
	}

	repeat() {
		const state = this.model.state();
		this.step('E', state);
		for (const said of this.events.slice(1).reverse())
			if (['counter', 'fine'].includes(this.world.systemGrades[said.record.system])) {
				this.model.now = this.now;
				this.model.hear(said);
				this.step(`G,${said.event}`, this.model.ends());
			}
		this.step('E', state);
		for (const id of this.model.linkIds())
			this.step(`C,${id}`, 'nothing');
	}

	// I1 to I3: one entity has one record in each system, no record is nobody's or two entities', and all say the same.
	disagreement() {
		for (const record of this.records) {
			const others = this.records.filter((one) => one !== record && one.system === record.system && this.model.entityOf(one.link) === this.model.entityOf(record.link));
			const entity = this.model.entities[this.model.entityOf(record.link)];
			if (entity === undefined)
				return `I3: ${record.id} is nobody's`;
			if (others.length > 0)
				return `I2: ${record.id} and ${others[0].id} are two records of one system in one entity`;
			if (record.marker === undefined && record.key !== entity.key && !entity.joined.includes(record.key))
				return `I3: ${record.id} is of another incident than its entity`;
			for (const name of Object.keys(record.values))
				if (!entity.fields[name].held && record.values[name] !== entity.fields[name].value)
					return `I1: ${record.id} holds ${name}=${record.values[name]}, canonical is ${entity.fields[name].value}`;
		}
		for (const id of this.model.live())
			for (let system = 1; system <= this.world.n; system++)
				if (!this.records.some((one) => one.system === system && this.model.entityOf(one.link) === id))
					return `I2: entity ${id} has no record in p${system}`;
		return null;
	}
}

const words = (fields) => Object.keys(fields).map((name) => `${name}=${fields[name]}`).join(';') || '-';

function drawActs(dice) {
	const acts = [{ what: 'report', a: dice.below(60), b: dice.below(60), c: dice.below(60), ms: 1 }];
	for (let n = 3 + dice.below(30); n > 0; n--)
		acts.push({ what: dice.of(['report', 'again', 'edit', 'edit', 'edit', 'hear', 'hear', 'hear', 'hear', 'turn', 'turn', 'turn', 'turn', 'turn', 'lose', 'lose', 'fail', 'leap', 'ask', 'join', 'resolve']),
			a: dice.below(60), b: dice.below(60), c: dice.below(60), ms: 1 + dice.below(900) });
	return acts;
}

function make(acts, seed, world) {
	const play = new Play(world);
	for (const one of acts)
		play.act(one);
	const endless = play.rest();
	play.repeat();
	return { seed, acts, program: play.steps.join(' '), steps: play.steps, expected: play.expected, wrong: endless || play.disagreement() };
}

const draw = (seed, world) => make(drawActs(chance(seed)), seed, world);

module.exports = { ...decide, drawWorld, document, draw, make,
	smaller: (history, world) => decide.without(history.acts, (acts) => make(acts, history.seed, world)) };
