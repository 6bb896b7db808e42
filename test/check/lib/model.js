'use strict';
// The rules of deciding and delivering, as SEMANTICS says them, for one entity with a record in each of some systems.
// Written to be read beside the text: a function for each rule, in its words.
const { choose, record, asks, covers } = require('./rules');
const { join, same, loosely, known, later } = require('./common');

const WRITES = 8;          // our last writes that are remembered
const WERE = 8;            // values held before, of systems whose positions can tie
const told = (clock) => `{${Object.keys(clock).filter((link) => clock[link] > 0).sort().map((link) => `${link}:${clock[link]}`).join(',')}}`;

class Model {
	// world: {fields: {name: 'list' | 'text'}, grades: [, 'counter', …], policy, ranks, allowed}
	constructor(world) {
		this.world = world;
		this.now = 0;
		this.fields = {};
		this.links = {};
		this.said = [];
		this.calls = 0;
		for (const name of Object.keys(world.fields))
			this.fields[name] = { versions: [], clock: {}, held: false, value: null, shown: null, made: false, all: [] };
		for (let id = 1; id < world.grades.length; id++) {
			this.links[id] = { id, grade: world.grades[id], shadow: {}, call: null, readOwed: false, waiting: [], unsure: [] };
			for (const name of Object.keys(world.fields))
				this.links[id].shadow[name] = { held: null, sent: null, knownAt: null, changedAt: null, seen: {}, writes: [], unconfirmed: [], were: [], told: null, named: false };
		}
	}

	// A value in a system's words, and what its words mean; a list of nothing is nothing.
	down(id, name, value) {
		const map = name === 'severity' ? this.world.maps[id] : undefined;
		return map ? map.down[value] : value === '~' ? '{}' : value;
	}

	up(id, name, x) {
		const map = name === 'severity' ? this.world.maps[id] : undefined;
		return map ? map.up[x] : x === '{}' ? '~' : x;
	}

	isList(name) {
		return this.world.fields[name] === 'list';
	}

	// Does a record that shows x show what a call carried?  A member of a list in any of its words, text in any letters.
	isOurs(link, name, x, carried) {
		return loosely(x, carried.value) || (this.isList(name) && this.up(link.id, name, x) === carried.canonical);
	}

	note(kind, field) {
		this.said.push(field === undefined ? kind : `${kind}.${field}`);
	}

	// What became of the step, since the last time this was asked.
	ends() {
		return this.said.splice(0).sort().join(' ');
	}

	// R3, then R4 to R6 field by field.  said: {link, event, p, fields, kind, us, full, at, slot}
	statement(said) {
		const link = this.links[said.link];
		this.proof(link, said);
		if (this.mustWait(link, said)) {
			if (!link.waiting.some((one) => one.event === said.event)) {
				link.waiting.push(said);
				this.note('wait');
			}
			return;
		}
		if (link.call !== null)
			link.call.heard = true;
		for (const name of Object.keys(said.fields))
			this.field(link, name, said);
		if (this.after) {
			delete this.after;
			this.afterOutcome(link);
		}
		if (!said.waited)
			this.settle();
	}

	// R3: it names a field of the call under way with another value; or is a record told whole, which may show the call's own.
	mustWait(link, said) {
		return link.call !== null && !link.call.unreadable && !(said.marker && said.marker === link.call.marker) && Object.keys(said.fields).some((name) => link.call.fields[name] !== undefined
			&& (said.fields[name] !== link.call.fields[name].value || (said.full && !said.us && known(said.p))));
	}

	// R15: a webhook proves that a lost write landed, if newer than what we knew, by our name or showing all that it changed.
	proof(link, said) {
		const call = link.call;
		if (call === null || !call.unknown || call.read)
			return;
		const marked = said.marker !== undefined && said.marker === call.marker;
		if (!marked && (!known(call.base) || !known(said.p) || said.p <= call.base))
			return;
		const names = Object.keys(call.fields);
		const shown = names.filter((name) => said.fields[name] !== undefined);
		// a value that stood there before, loosely, tells nothing
		const asSent = (name) => loosely(said.fields[name], call.fields[name].value);
		const telling = shown.filter((name) => said.fields[name] !== call.fields[name].before.held);
		if (!marked && (telling.length === 0 || !shown.every((name) => this.isOurs(link, name, said.fields[name], call.fields[name]))
			|| !(said.us || (telling.length === names.length && names.every(asSent)))))
			return;
		link.call = null;
		for (const name of names) {
			const isShown = said.fields[name] !== undefined;
			const who = call.fields[name].beside?.who;
			// R3: something else was said after it, decided without the outcome: then our value was set again, and by whom a read will tell
			if (who !== undefined && known(said.p) && known(link.shadow[name].changedAt) && link.shadow[name].changedAt > said.p && !link.unsure.some((one) => one.event === who.event))
				link.unsure.push(who);
			if (isShown)
				this.landedByRead(link, name, call.fields[name], said.p, said.fields);
			else {
				this.acknowledge(link, name, call.fields[name], call.fields[name].value, known(said.p) ? said.p - 1 : null, false);
				this.note('landed', name);
			}
		}
		link.readOwed = link.unsure.length > 0 || call.unreadable === true;
		this.after = link;
	}

	field(link, name, said) {
		const shadow = link.shadow[name];
		const x = said.fields[name];
		shadow.named = true;
		shadow.unconfirmed = shadow.unconfirmed.filter((one) => one.until >= this.now);
		const carried = this.besideCall(link, name, said);
		if (carried && (!link.call.unreadable || same(x, carried.value))) {
			// R3: the same value is done; when the call has ended it is known what that was said before, and what after
			if (!said.us && !said.full)
				this.saidBeside(link.shadow[name], carried, said);
			return;
		}
		const verdict = this.marked(link, name, said) ? { is: 'echo' } : carried ? this.overtaken(link, name, x, said, carried) : this.order(link, name, x, said);
		if (this.tellsWho(link, name, x, said, verdict))
			return;
		if (verdict.is === 'unsure' && said.settling && !this.unsureIsRaced(shadow, x, verdict))
			return;                                  // R11: passed over
		if (verdict.is === 'current' && this.startsEmpty(link, name, x)) {
			shadow.held = x;
			shadow.knownAt = said.p;
			return;
		}
		this.effect(link, name, x, said, verdict);
	}

	// A field that nobody ever said anything about, empty on a record whose field is heard of for the first time: its start, no edit.
	startsEmpty(link, name, x) {
		return link.shadow[name].held === null && this.fields[name].versions.length === 0 && this.up(link.id, name, x) === '~';
	}

	// What a call under way carries of it, but for words from before all that the call found there.
	besideCall(link, name, said) {
		const carried = link.call && link.call.fields[name];
		const from = carried ? carried.before.knownAt : null;
		return carried && !this.marked(link, name, said) && !(known(from) && known(said.p) && (link.grade === 'counter' ? said.p <= from : said.p < from)) ? carried : null;
	}

	// R4a: it carries the marker of our call, and that call wrote this field.
	marked(link, name, said) {
		if (said.marker === undefined)
			return false;
		if (link.call !== null && link.call.marker === said.marker)
			return link.call.fields[name] !== undefined;
		return link.shadow[name].writes.some((one) => one.marker === said.marker);
	}

	// R3: where the record was told to show what our call carries; words that were old then say nothing.
	saidBeside(shadow, carried, said) {
		const p = said.p;
		if (!known(p))
			return;
		if (known(shadow.changedAt) && p < shadow.changedAt)
			return;
		const { first, last, who } = carried.beside ?? { first: p, last: p };
		carried.beside = { first: Math.min(p, first), last: Math.max(p, last), who: p >= last ? said : who };
	}

	// R3: the call has ended and did not land: what was said beside it somebody else said, and it is held.
	notLanded(link, name, carried) {
		const shadow = link.shadow[name];
		if (carried.beside === undefined || (known(shadow.knownAt) && carried.beside.last < shadow.knownAt))
			return;
		this.wasHeld(link, shadow);
		shadow.held = carried.value;
		shadow.sent = null;
		shadow.knownAt = carried.beside.last;
		shadow.changedAt = known(shadow.changedAt) ? Math.max(shadow.changedAt, carried.beside.first) : carried.beside.first;
	}

	// R4
	order(link, name, x, said) {
		const shadow = link.shadow[name];
		const p = said.p;
		if (!known(p))
			return this.unordered(shadow, x, said);
		const counter = link.grade === 'counter';
		const older = (q) => known(q) && (counter ? p <= q : p < q);
		const tied = shadow.writes.filter((one) => one.at === p);
		const later = shadow.writes.filter((one) => one.at > p).sort((a, b) => a.at - b.at)[0];
		const k = later;
		if (said.read && known(shadow.knownAt) && p < shadow.knownAt)    // a replica that lags (section 5)
			return { is: same(x, shadow.held) ? 'nothing' : 'read again' };
		if (older(shadow.changedAt))                                     // c
			return { is: same(x, shadow.held) ? 'nothing' : 'stale' };
		if (tied.length > 0 && counter)                                  // d
			return { is: 'echo' };
		if (tied.length > 0 && !said.slot) {
			if (tied.some((one) => loosely(x, one.value) || this.wasFoundAs(link, name, x, one)))
				return { is: 'echo' };
			return same(x, shadow.held) ? { is: 'nothing' } : { is: 'unsure', write: tied[0] };
		}
		if (k !== undefined) {                                           // e
			if (older(k.before.knownAt))
				return { is: 'stale' };
			if (p === k.before.knownAt && k.were.includes(x))
				return { is: 'stale' };
			if (loosely(x, k.value) && !k.exact && (said.us || said.kind === 0 || said.full))
				return { is: 'echo' };
			if (said.kind !== 3 && shadow.unconfirmed.some((one) => loosely(x, one.value)))
				return { is: 'echo', write: k, landed: true };
			if (same(x, k.before.held))
				return { is: 'nothing', write: k };
			return { is: 'raced', write: k };
		}
		if (known(shadow.knownAt) && p < shadow.knownAt)                 // f
			return { is: same(x, shadow.held) ? 'nothing' : 'stale' };
		if (known(shadow.knownAt) && p === shadow.knownAt && !same(x, shadow.held)) {    // g
			if (counter)
				return { is: 'stale' };
			if (!said.slot)
				return { is: 'unsure', write: null };
			return { is: said.heard ? 'read again' : 'current' };
		}
		return { is: same(x, shadow.held) ? 'nothing' : 'current' };     // h, and the first line of R5
	}

	// Lost and then found: at the position of what was found every word for it is it.
	wasFoundAs(link, name, x, write) {
		return !write.exact && this.isList(name) && this.up(link.id, name, x) === write.canonical;
	}

	// R4b: without a position only a read in the slot tells what is held now; our own name beside what we wrote is an echo.
	unordered(shadow, x, said) {
		if (same(x, shadow.held))
			return { is: 'nothing' };
		if (said.slot)
			return { is: 'current' };
		if (said.us && shadow.writes.some((one) => loosely(x, one.value)))
			return { is: 'echo' };
		return { is: 'unsure', write: null };
	}

	// R5: a record, or whoever wrote last, showed a value whose author is told by a statement with a lower position, after
	// that of the value it replaced: it says nothing new but who and when, and the winner is chosen again.
	tellsWho(link, name, x, said, verdict) {
		const shadow = link.shadow[name];
		const field = this.fields[name];
		const open = shadow.told;
		if (!known(said.p))
			return this.tellsFirst(link, name, x, said, verdict);
		if (open === null || said.slot || said.us || !['stale', 'nothing', 'unsure'].includes(verdict.is)
			|| said.p >= open.before || (said.kind === 0 && said.p === open.before - 1)
			|| (known(open.after) && (link.grade === 'coarse' ? said.p < open.after : said.p <= open.after)))
			return false;
		const version = field.versions.find((one) => one.link === link.id && one.n === open.n);
		if (version === undefined || !this.isShown(link, name, version, x))
			return false;
		this.author(name, version, said);
		shadow.told = { ...open, before: said.p };
		return true;
	}

	// Without positions it is the first to say what a read has shown.
	tellsFirst(link, name, x, said, verdict) {
		const field = this.fields[name];
		const version = field.versions.find((one) => one.link === link.id && one.n === field.clock[link.id]);
		if (said.slot || said.us || said.kind === 0 || verdict.is !== 'nothing' || version === undefined || !version.byRead || !this.isShown(link, name, version, x))
			return false;
		this.author(name, version, said);
		return true;
	}

	// x is the version's value, or how its system shows it.
	isShown(link, name, version, x) {
		const value = this.up(link.id, name, x);
		return version.value === value || (this.isList(name) && this.down(link.id, name, version.value) === this.down(link.id, name, value));
	}

	author(name, version, said) {
		const field = this.fields[name];
		const old = field.value;
		Object.assign(version, { kind: said.kind, at: said.at, byRead: false });
		field.all = [...field.all];
		this.elect(field);
		if (field.value !== old)
			this.notShown(name, field);
	}

	// R10 counted who agreed as having seen what had lost; now that it wins, or has a part, it has yet to be shown to them.
	notShown(name, field) {
		for (const version of field.made ? field.versions : [field.shown])
			for (const link of Object.values(this.links)) {
				const shadow = link.shadow[name];
				if (link.id !== version.link && covers(shadow.seen, version) && !this.agrees(link, name))
					shadow.seen = { ...shadow.seen, [version.link]: version.n - 1 };
			}
	}

	// R11: what the read shows is what was held, x has a tied write, and was never held before it.
	unsureIsRaced(shadow, x, verdict) {
		if (shadow.moved || !verdict.write || verdict.write.were.includes(x))
			return false;
		verdict.is = 'raced';
		return true;
	}

	// R5
	effect(link, name, x, said, verdict) {
		const shadow = link.shadow[name];
		const last = shadow.writes[shadow.writes.length - 1];
		const p = said.p;
		switch (verdict.is) {
			case 'nothing':
				if (verdict.write)
					verdict.write.before.knownAt = p;
				else if (verdict.carried)
					this.found(link, shadow, said, verdict.carried);
				else
					shadow.knownAt = later(shadow.knownAt, p);
				break;
			case 'echo':
				if (verdict.landed) {
					verdict.write.before.held = x;
					this.landedOnce(shadow, x);
				} else if (last !== undefined && !(known(shadow.knownAt) && p < shadow.knownAt) && loosely(x, last.value) && loosely(x, shadow.held))
					shadow.held = x;
				break;
			case 'unsure':
				this.note('unsure', name);
				link.readOwed = true;
				if (!link.unsure.some((one) => one.event === said.event))
					link.unsure.push(said);
				break;
			case 'read again':
				link.readOwed = true;
				break;
			case 'raced':
				if (verdict.carried) {
					this.overtake(link, name, x, said, verdict.carried);
					break;
				}
				this.note('raced', name);
				this.change(link, name, x, said, verdict.write.before);
				this.presume(link, name, said, verdict.write.before.knownAt);
				verdict.write.before.held = x;
				verdict.write.before.knownAt = p;
				shadow.changedAt = p;
				break;
			case 'current':
				if (said.kind !== 3 && shadow.unconfirmed.some((one) => loosely(x, one.value))) {
					this.lateLanding(link, name, x, said);
					break;
				}
				this.current(link, name, x, said);
				break;
		}
	}

	// A change by somebody who had seen what the system was shown.
	current(link, name, x, said) {
		const shadow = link.shadow[name];
		this.watch(link, name, x, said);
		this.change(link, name, x, said, shadow);
		this.presume(link, name, said, this.replacedAt(shadow, x));
		this.wasHeld(link, shadow);
		shadow.held = x;
		shadow.sent = null;
		shadow.moved = said.slot;
		shadow.knownAt = said.p ?? shadow.knownAt;
		shadow.changedAt = said.p ?? shadow.changedAt;
	}

	wasHeld(link, shadow) {
		if (link.grade !== 'counter' && shadow.held !== null)
			shadow.were = [shadow.held, ...shadow.were.filter((one) => one !== shadow.held)].slice(0, WERE);
	}

	landedOnce(shadow, x) {
		shadow.unconfirmed = shadow.unconfirmed.filter((one) => !loosely(x, one.value));
	}

	// R5: an unconfirmed write of ours landed after all.
	lateLanding(link, name, x, said) {
		const shadow = link.shadow[name];
		const one = shadow.unconfirmed.find((other) => loosely(x, other.value));
		const before = { held: shadow.held, knownAt: shadow.knownAt, seen: shadow.seen };
		this.note('landed', name);
		this.landedOnce(shadow, x);
		// what was said beside its call was judged when that ended
		this.wrote(link, name, { ...one, marker: undefined, beside: undefined, before }, x, said.p, false, said.heardAt);
		shadow.seen = join(shadow.seen, one.clock);
	}

	// A write of ours joins those that are remembered.
	wrote(link, name, carried, held, p, exact, heardAt) {
		const shadow = link.shadow[name];
		const { first, last } = known(p) && carried.beside ? carried.beside : { first: p, last: p };
		const before = { ...carried.before };
		this.wasHeld(link, shadow);
		if (first < p) {
			before.held = carried.value;
			before.knownAt = last < p ? last : first;
		}
		shadow.writes.push({ value: carried.value, canonical: carried.canonical, marker: carried.marker, at: p, exact: exact && known(p), ackedAt: heardAt ?? this.now, before, were: shadow.were });
		if (shadow.writes.length > WRITES)
			shadow.writes.shift();
		shadow.held = last > p ? carried.value : held;
		shadow.sent = carried.value;
		shadow.knownAt = this.since(shadow, before, p) ?? later(p, last);
	}

	// What stands, as this system shows it, said by somebody who had seen what stands, is just that; else it is what the word means.
	meant(link, name, x, context) {
		const field = this.fields[name];
		const seen = field.shown !== null && field.versions.length > 0 && (field.shown.link === link.id || covers(context, field.shown));
		return this.isList(name) && seen && this.down(link.id, name, field.value) === x ? field.value : this.up(link.id, name, x);
	}

	// Of versions that its own system shows in one word, the one that somebody else told apart says more: the other has no say.
	finest(name, versions) {
		const one = (link, a, b) => this.down(link, name, a.value) === this.down(link, name, b.value);
		const left = this.isList(name) ? versions.filter((b) => b.link === 0 || !versions.some((a) => a.link !== b.link && a.value !== b.value
			&& one(b.link, a, b) && (a.link === 0 || !one(a.link, a, b)))) : versions;
		return left.length > 0 ? left : versions;
	}

	// R7, R8: a version with a new dot; what its writer had seen, and saw held, goes.
	change(link, name, x, said, { seen: context, held }) {
		const field = this.fields[name];
		const n = (field.clock[link.id] || 0) + 1;
		const version = { link: link.id, n, value: this.meant(link, name, x, context), kind: said.kind, at: said.at, replaced: held === null ? null : this.up(link.id, name, held), byRead: said.slot, context: join(context, { [link.id]: n - 1 }) };
		field.versions = field.versions.filter((one) => !covers(version.context, one));
		field.versions.push(version);
		field.all = [...field.all, version];
		field.clock = join(join(field.clock, version.context), { [link.id]: n });
		this.elect(field);
	}

	// Where our write is known to have landed by then, but not when, the change may be as old as what the write replaced.
	replacedAt(shadow, x) {
		const last = shadow.writes[shadow.writes.length - 1];
		return last !== undefined && !last.exact && last.at === shadow.knownAt && x !== last.before.held ? last.before.knownAt : shadow.knownAt;
	}

	// Whoever is named beside a whole record wrote last, and not necessarily this.
	presume(link, name, said, after) {
		const before = said.slot ? said.p + 1 : said.p;
		link.shadow[name].told = said.slot || said.full || said.us ? { n: this.fields[name].clock[link.id], before, after } : null;
	}

	elect(field) {
		const name = Object.keys(this.fields).find((one) => this.fields[one] === field);
		const before = field.held ? null : field.value;
		const choice = choose(this.finest(name, field.versions), this.world.policy, this.world, name, this.stands(name), field.all);
		field.held = choice.held;
		if (!choice.held || !field.versions.includes(field.shown))
			field.shown = choice.winner;
		if (!choice.held || !field.made) {                               // R18: what was shown stays shown
			field.made = !choice.held && choice.made !== undefined;
			field.value = field.made ? choice.made : field.shown.value;
		}
		this.regraded = this.regraded || (name === 'severity' && (field.held || field.value !== before));
		this.redecided = true;
	}

	// What stands of the record, for rules of a field that ask for it.  What all agree on is not decided again, but for the field itself.
	stands(name) {
		const [sets, histories, settled] = [{}, {}, {}];
		for (const other of Object.keys(this.fields)) {
			const field = this.fields[other];
			[sets[other], histories[other]] = [field.versions, field.all];
			if (other !== name && !field.held && field.versions.length > 1 && this.asked(other) && this.allAgree(other))
				settled[other] = field.value;
		}
		return record(sets, this.world.policy, this.world, histories, settled, (other, versions) => this.finest(other, versions));
	}

	asked(name) {
		return this.world.policy.some((rule) => asks(rule, name));
	}

	allAgree(name) {
		return Object.values(this.links).every((link) => this.agrees(link, name));
	}

	// A dispute that a rule decides by what else is so of the record is looked at again when that is another, but for
	// what all agree on already: nothing of that is left to be decided.  "From a severity on" asks for the severity alone.
	reviewAgain() {
		for (let round = 0; round < 2 && (this.regraded || this.redecided); round++) {
			const regraded = this.regraded;
			for (const name of Object.keys(this.fields))
				this.review(name);
			this.redecided = false;
			this.regraded = round === 0 && this.regraded && !regraded;
		}
	}

	review(name) {
		const field = this.fields[name];
		const { value } = field;
		if (field.versions.length < 2 || !this.world.policy.some((rule) => asks(rule, name) && (this.regraded || rule.when !== undefined))
			|| (!field.held && this.allAgree(name)))
			return;
		this.elect(field);
		if (field.value !== value)
			this.notShown(name, field);
	}

	// The hub's own version (resolve): link 0, having seen all.
	hub(name, value) {
		const field = this.fields[name];
		const n = (field.clock[0] || 0) + 1;
		const version = { link: 0, n, value, kind: 3, at: this.now, context: { ...field.clock }, replaced: field.value };
		field.versions = [version];
		field.all = [...field.all, version];
		field.clock = join(field.clock, { 0: n });
		this.elect(field);
		this.settle();
	}

	// R9: text agrees if we sent it, whatever the system made of it.
	agrees(link, name) {
		const shadow = link.shadow[name];
		const value = this.fields[name].value;
		const down = this.down(link.id, name, value);
		if (!this.isList(name))
			return shadow.sent !== null ? same(shadow.sent, down) : same(shadow.held, down);
		return shadow.held !== null && (shadow.held === down || shadow.sent === down || this.up(link.id, name, shadow.held) === value);
	}

	due(link) {
		return Object.keys(this.fields).filter((name) => {
			const field = this.fields[name];
			return field.versions.length > 0 && !field.held && !link.shadow[name].stopped && !this.agrees(link, name);
		});
	}

	// R10: who agrees has seen all; when all have, losers retire.
	settle() {
		this.reviewAgain();
		for (const name of Object.keys(this.fields)) {
			const field = this.fields[name];
			if (field.held)
				continue;
			for (const link of Object.values(this.links))
				if (link.shadow[name].held !== null && this.agrees(link, name) && !(link.call && link.call.fields[name]))
					link.shadow[name].seen = join(link.shadow[name].seen, field.clock);
			if (field.versions.length < 1 || !Object.values(this.links).every((link) => this.allSeen(link, name, field.clock)))
				continue;
			if (field.versions.length > 1)
				this.note('retire', name);
			if (field.made)                                              // from now on it is one word
				Object.assign(field.shown, { value: field.value, replaced: null, kind: Math.max(...field.versions.map((one) => one.kind)), at: Math.max(...field.versions.map((one) => one.at)) });
			Object.assign(field, { versions: [field.shown], all: [field.shown], made: false });
		}
	}

	// Neither the link nor a write of ours could still bring a change that had not seen all of it.
	allSeen(link, name, clock) {
		const shadow = link.shadow[name];
		const inCall = link.call && link.call.fields[name] ? [link.call.fields[name].before.seen] : [];
		if (!shadow.named)
			return true;
		return [shadow.seen, ...inCall, ...shadow.writes.map((one) => one.before.seen)].every((seen) =>
			Object.keys(clock).every((other) => Number(other) === link.id || (seen[other] || 0) >= clock[other]));
	}

	// In the words of play.c, but for positions, which are told by what they do.
	state() {
		const parts = [];
		for (const name of Object.keys(this.fields).sort()) {
			const field = this.fields[name];
			if (field.versions.length === 0)
				continue;
			const list = [field.shown, ...field.versions.filter((one) => one !== field.shown).sort((a, b) => a.link - b.link)];
			parts.push(`${name}=${field.value}${field.held ? '(held)' : ''}${list.map((one) => `/${one.link}:${one.n}=${one.value},${one.kind}`).join('')} ${told(field.clock)}`);
			for (const link of Object.values(this.links)) {
				const shadow = link.shadow[name];
				parts.push(`${link.id}=${shadow.held ?? '-'},${shadow.sent ?? '-'},${told(shadow.seen)},${shadow.writes.length}${shadow.stopped ? ',stopped' : ''}`);
			}
		}
		return parts.join(' ');
	}
}

Object.assign(Model.prototype, require('./calls'), require('./unread'), require('./breaker'));

module.exports = { Model };
