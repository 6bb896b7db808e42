'use strict';
// What is right of several entities: whose record an unknown one is, when a record is made again, what two entities are
// together (R21 to R23).  Each entity is a model of its own (model.js).
const { Model } = require('./model');
const { LATE, join } = require('./common');

const LIMIT = 30000;       // ms a call may take
const LAG = 5000;          // ms until a search finds a new record

// One entity whose links come one by one.
class Entity extends Model {
	constructor(world, id, key) {
		super({ ...world, grades: [null] });
		this.world = world;
		this.id = id;
		this.key = key;
		this.joined = [];
	}

	tie(id, system, record) {
		const shadow = () => ({ held: null, sent: null, knownAt: null, changedAt: null, seen: {}, writes: [], unconfirmed: [], were: [], told: null, named: false });
		this.links[id] = { id, system, grade: this.world.grades[id], shadow: Object.fromEntries(Object.keys(this.fields).map((name) => [name, shadow()])),
			call: null, readOwed: false, waiting: [], unsure: [], record, creating: record === null };
		return id;
	}

	there(system) {
		return Object.values(this.links).find((link) => link.system === system);
	}

	// What nobody has made yet cannot bring a change.
	allSeen(link, name, clock) {
		return link.creating || super.allSeen(link, name, clock);
	}

	// R21: a record is made with all that is due; after a lost answer it is looked for.
	claim(id) {
		const link = this.links[id];
		if (link.call && link.call.creates && link.call.unknown) {
			link.call.heard = false;
			return link.record === null ? 'look' : 'read';
		}
		if (!link.creating) {
			const said = super.claim(id);
			for (const name of Object.keys(link.call ? link.call.fields : {}))
				link.shadow[name].named = true;
			return said;
		}
		if (this.due(link).length === 0) {
			link.call = { fields: {}, heard: false, at: this.now, base: null, creates: true };
			return 'create';
		}
		const said = super.claim(id);
		link.call.creates = true;
		for (const name of Object.keys(link.call.fields))
			link.shadow[name].named = true;
		return said.replace('send', 'create');
	}

	proof(link, said) {
		if (!(link.call && link.call.creates))
			super.proof(link, said);
	}

	lose(id) {
		const owed = this.links[id].readOwed;
		super.lose(id);
		if (this.links[id].call.creates)
			this.links[id].readOwed = owed;
	}

	// R14, R21: the answer shows what was made, or a look-up finds it: then it may have been edited since.
	made(id, record, p, fields, found) {
		const link = this.links[id];
		const { call } = link;
		link.record = record;
		link.creating = false;
		if (call === null)
			return;
		link.call = null;
		if (call.unknown)
			this.note('landed');
		for (const name of Object.keys(call.fields)) {
			const carried = call.fields[name];
			if (!found)
				this.acknowledge(link, name, carried, fields[name], p, true);
			else
				this.foundMade(link, name, carried, p, fields);
		}
		const left = this.startsWith(link, p, fields, (name) => call.fields[name] === undefined, found && call.unknown);
		this.slot(link, p, fields, { ...call, read: found }, (name) => left.includes(name));
		this.afterOutcome(link, false);
	}

	// A create overwrites nothing: what was said of its record before the read was said after it.
	foundMade(link, name, carried, p, fields) {
		this.landedByRead(link, name, carried, p, fields);
		this.said = this.said.filter((word) => word !== `landed.${name}`);      // told of the record, not of each field
		const last = link.shadow[name].writes[link.shadow[name].writes.length - 1];
		if (this.isOurs(link, name, fields[name], carried))
			last.before.knownAt = p;
	}

	// What a record of ours holds beside what we gave it is where it starts from; found later, it may as well be an edit.
	startsWith(link, p, fields, takes, touched) {
		const left = [];
		for (const name of Object.keys(fields).filter(takes)) {
			const shadow = link.shadow[name];
			if (shadow.held !== null || (this.fields[name].versions.length === 0 && !this.askOthers(link, name)))
				left.push(name);
			else if (!touched || this.fields[name].versions.length === 0 || fields[name] === this.fields[name].value) {
				shadow.named = true;
				shadow.held = fields[name];
				shadow.knownAt = p;
				left.push(name);
			}
		}
		return left;
	}

	// A record that has not told of the field yet is read first: it may have been there before.
	askOthers(link, name) {
		const others = Object.values(this.links).filter((other) => other !== link && other.record !== null && other.shadow[name].held === null);
		for (const other of others)
			other.readOwed = true;
		return others.length > 0;
	}

	statement(said) {
		const link = this.links[said.link];
		if (link.record === null) {
			link.record = said.record.id;
			link.creating = false;
		}
		super.statement(said);
	}

	// Our own create, told of before its answer or late: what its record started with is no edit.
	field(link, name, said) {
		const shadow = link.shadow[name];
		if (said.creates && said.us && link.call && link.call.creates && link.call.fields[name] === undefined && shadow.held === null
			&& (this.fields[name].versions.length > 0 || this.askOthers(link, name))) {
			shadow.held = said.fields[name];
			shadow.knownAt = said.p;
		}
		super.field(link, name, said);
	}

	effect(link, name, x, said, verdict) {
		const shadow = link.shadow[name];
		const start = said.creates && said.us && !said.slot && this.fields[name].versions.length > 0;
		if (start && ((verdict.is === 'current' && shadow.held === null) || (verdict.is === 'raced' && !verdict.carried))) {
			if (verdict.is === 'current')
				shadow.held = x;
			super.effect(link, name, x, said, { is: 'nothing', write: verdict.write });
			return;
		}
		super.effect(link, name, x, said, verdict);
	}

	// R23: union of versions and clocks; links keep what they have seen.  What the hub said of the one that goes is known by another number.
	take(other) {
		const hub = 90 + other.id;
		const named = (clock) => {
			const { 0: own, ...rest } = clock;
			return own === undefined ? clock : { ...rest, [hub]: own };
		};
		for (const link of Object.values(other.links)) {
			for (const shadow of Object.values(link.shadow)) {
				shadow.seen = named(shadow.seen);
				for (const one of shadow.writes)
					one.before.seen = named(one.before.seen);
				for (const one of shadow.unconfirmed)
					one.clock = named(one.clock);
			}
			for (const one of Object.values(link.call ? link.call.fields : {})) {
				one.clock = named(one.clock);
				one.before.seen = named(one.before.seen);
			}
			this.links[link.id] = link;
		}
		for (const name of Object.keys(this.fields)) {
			const field = this.fields[name];
			const { versions, clock } = other.fields[name];
			for (const one of versions) {
				one.context = named(one.context);
				if (one.link === 0)
					one.link = hub;
			}
			field.versions = [...field.versions, ...versions];
			field.clock = join(field.clock, named(clock));
			if (versions.length > 0)
				this.elect(field);
		}
		this.joined.push(other.key, ...other.joined);
		this.settle();
	}
}

class Making {
	constructor(world) {
		this.world = world;
		this.entities = {};
		this.home = {};              // entity of each link
		this.asked = false;          // a person is asked whether two are one: nothing is made meanwhile
		this.now = 0;
	}

	live() {
		return Object.keys(this.entities).map(Number);
	}

	linkIds() {
		return this.live().flatMap((id) => Object.keys(this.entities[id].links).map(Number)).sort((a, b) => a - b);
	}

	entityOf(link) {
		return this.home[link];
	}

	of(link) {
		const entity = this.entities[this.home[link]];
		entity.now = this.now;
		return entity;
	}

	keyOf(link) {
		return this.of(link).key;
	}

	ends() {
		return Object.values(this.entities).flatMap((entity) => entity.said.splice(0)).sort().join(' ');
	}

	// R22: a record nobody knows.  By its key it is an entity's that has none there, or is about to have one made; else it is
	// the second of that system, and an entity of its own for the review.
	arrives(record) {
		const match = this.live().find((id) => this.entities[id].key === record.key);
		const free = [1, 2, 3, 4].filter((id) => this.used === undefined || !this.used.has(id));
		const fresh = () => {
			this.used = (this.used || new Set()).add(free[0]);
			this.entities[free[0]] = new Entity(this.world, free[0], record.key);
			return free[0];
		};
		const there = match === undefined ? undefined : this.entities[match].there(record.system);
		if (there !== undefined && there.creating && there.call === null) {
			there.record = record.id;
			there.creating = false;
			return { asked: match, other: 0, says: 'adopted', link: there.id };
		}
		const tied = match !== undefined && there === undefined;
		const id = tied ? match : fresh();
		const link = (id - 1) * this.world.n + record.system;
		this.entities[id].now = this.now;
		this.entities[id].tie(link, record.system, record.id);
		this.home[link] = id;
		return { asked: match ?? id, other: tied || match === undefined ? 0 : id, says: match === undefined ? '' : tied ? 'tied' : 'apart', link };
	}

	hear(said) {
		const entity = this.of(said.link);
		entity.statement(said);
		this.route(entity);
	}

	// A record is wanted in every system where there is none.
	route(entity) {
		for (let system = 1; system <= this.world.n; system++)
			if (entity.there(system) === undefined)
				this.home[entity.tie((entity.id - 1) * this.world.n + system, system, null)] = entity.id;
	}

	waitsForPerson(link) {
		const one = this.of(link).links[link];
		return this.asked && one.creating && one.call === null;
	}

	claim(link) {
		return this.of(link).claim(link);
	}

	made(link, record, p, fields, found) {
		this.of(link).made(link, record, p, fields, found);
	}

	// R21: looked for until it would have shown, then made again.
	notFound(link) {
		const one = this.of(link).links[link];
		if (one.call !== null && one.record === null && this.now >= one.call.at + LIMIT + LATE + LAG) {
			one.call = null;
			this.of(link).afterOutcome(one, false);
		}
	}

	// Its record was told of since, and is read by its id.
	lostCreate(link) {
		const { call } = this.of(link).links[link];
		return call !== null && call.creates === true && call.unknown === true;
	}

	read(link, p, fields) {
		this.of(link).read(link, p, fields);
	}

	answer(link, p, fields) {
		this.of(link).answer(link, p, fields);
	}

	lose(link) {
		this.of(link).lose(link);
	}

	fail(link, refused) {
		this.of(link).fail(link, refused);
	}

	owe(link) {
		this.of(link).links[link].readOwed = true;
	}

	resolve(id, name, value) {
		const entity = this.entities[id];
		if (entity.fields[name].versions.length === 0)
			return false;
		entity.now = this.now;
		entity.hub(name, value);
		return true;
	}

	// R23: not where both have a record in one system, or one is being made there; one that is only wanted gives way.
	join(keep, drop) {
		const [one, other] = [this.entities[keep], this.entities[drop]];
		const pairs = Object.values(one.links).map((link) => [link, other.there(link.system)]).filter(([, there]) => there !== undefined);
		if (pairs.some(([a, b]) => !(a.creating || b.creating) || (a.creating && a.call !== null) || (b.creating && b.call !== null)))
			return 'refused';
		for (const [a, b] of pairs)
			if (b.creating)
				delete other.links[b.id];
			else
				delete one.links[a.id];
		one.now = this.now;
		for (const id of Object.keys(other.links))
			this.home[id] = keep;
		one.take(other);
		delete this.entities[drop];
		return this.ends();
	}

	state() {
		return this.live().sort((a, b) => a - b).map((id) => {
			const entity = this.entities[id];
			const links = Object.values(entity.links);
			const list = [...links].sort((a, b) => a.id - b.id).map((link) => ` ${link.system}:${link.id}:${link.record ?? '-'}:${link.creating ? 'creating' : 'active'}`).join('');
			return `e${id}[${list}] ${entity.state()}`;
		}).join(' ');
	}
}

module.exports = { Making };
