'use strict';
// The part of the model (model.js) that makes calls and hears their outcomes: R9, R12 to R16, R19.
const { LATE, join, same, loosely, known } = require('./common');

module.exports = {
	// R9, R13: what a claim would take; the words of play.c.
	claim(id) {
		const link = this.links[id];
		if ((link.call && link.call.unknown) || link.readOwed) {
			if (link.call)
				link.call.heard = false;
			else
				link.call = { fields: {}, read: true, heard: false };
			return 'read';
		}
		const due = this.due(link);
		if (due.length === 0)
			return 'nothing';
		link.call = { fields: {}, heard: false, at: this.now, base: this.top(link), marker: `m${++this.calls}` };
		for (const name of due) {
			const shadow = link.shadow[name];
			const canonical = this.fields[name].value;
			link.call.fields[name] = { value: this.down(id, name, canonical), canonical, marker: link.call.marker, clock: this.fields[name].clock,
				before: { held: shadow.held, knownAt: shadow.knownAt, seen: shadow.seen } };
		}
		return `send ${due.sort().map((name) => `${name}=${link.call.fields[name].value}`).join(' ')}`;
	},

	top(link) {
		const all = Object.values(link.shadow).map((shadow) => shadow.knownAt).filter(known);
		return all.length > 0 ? Math.max(...all) : null;
	},

	// R14: the answer shows the record as our write left it.
	answer(id, p, fields) {
		const link = this.links[id];
		const call = link.call;
		link.call = null;
		for (const name of Object.keys(call.fields))
			this.acknowledge(link, name, call.fields[name], fields[name], p, true);
		this.slot(link, p, fields, call, (name) => call.fields[name] === undefined);
		this.afterOutcome(link);
	},

	acknowledge(link, name, carried, shown, p, exact) {
		this.wrote(link, name, carried, shown, p, exact);
		link.shadow[name].seen = join(link.shadow[name].seen, carried.clock);
	},

	// R12: what is held now, of all fields but those that the call settled.
	slot(link, p, fields, call, takes) {
		const said = { link: link.id, p, fields, kind: 0, us: false, full: true, at: this.now, slot: true, read: call === null || call.read === true || call.unknown === true, heard: call !== null && call.heard };
		for (const name of Object.keys(fields).filter(takes))
			this.field(link, name, said);
	},

	// A slot read: pays what is owed; of a call whose outcome was lost it tells that as well (R15).
	read(id, p, fields) {
		const link = this.links[id];
		const call = link.call;
		const lost = call !== null && call.unknown === true;
		const landed = lost && this.landed(link, call, p, fields);
		link.readOwed = false;
		link.call = null;
		for (const name of lost ? Object.keys(call.fields) : [])
			if (landed)
				this.landedByRead(link, name, call.fields[name], p, fields);
			else
				this.notLanded(link, name, call.fields[name]);
		this.slot(link, p, fields, call, (name) => !landed || call.fields[name] === undefined);
		if (lost && !landed)
			for (const name of Object.keys(call.fields))
				link.shadow[name].unconfirmed.push({ ...call.fields[name], until: this.now + LATE });
		this.afterOutcome(link, true);
	},

	// R14, R15: what loosely equals ours is ours, and text that does is written once more; anything else is a change since.
	landedByRead(link, name, carried, p, fields) {
		const x = fields[name];
		const isOurs = this.isOurs(link, name, x, carried);
		this.note('landed', name);
		this.acknowledge(link, name, carried, isOurs ? x : carried.value, isOurs || !known(p) ? p : p - 1, false);
		if (isOurs && x !== carried.value && !this.isList(name))
			link.shadow[name].sent = null;
		if (!isOurs)
			this.current(link, name, x, { link: link.id, p, fields, kind: 0, us: false, full: true, at: this.now, slot: true });
	},

	// R15
	landed(link, call, p, fields) {
		const names = Object.keys(call.fields);
		if (link.grade === 'counter' && known(call.base) && p <= call.base)
			return false;
		const ours = (name) => this.isOurs(link, name, fields[name], call.fields[name]);
		const old = (name) => same(fields[name], call.fields[name].before.held);
		return names.every((name) => ours(name) || !old(name)) && names.some((name) => ours(name) && !old(name));
	},

	// R16: it did not happen; refused, because the record had moved, a read is owed.
	fail(id, refused, last) {
		const link = this.links[id];
		const call = link.call;
		link.readOwed = link.readOwed || refused;
		if (call !== null && call.unknown)
			this.notRead(link, last);
		if (call === null || call.unknown)
			return;
		link.call = null;
		for (const name of Object.keys(call.fields))
			this.notLanded(link, name, call.fields[name]);
		this.afterOutcome(link, false);
	},

	lose(id) {
		this.links[id].call.unknown = true;
		this.links[id].readOwed = true;
		this.settle();
	},

	// R19: what waited is decided before what is due is sent; R11: a read settles what was unsure.  It was said before the
	// answer came: what the system is known to agree with since (R10) its authors had not seen yet.
	afterOutcome(link, read) {
		const waiting = link.waiting.splice(0);
		const unsure = read && !link.readOwed ? link.unsure.splice(0) : [];
		for (const said of [...waiting, ...unsure])
			this.statement({ ...said, settling: read && !link.readOwed, waited: true });
		for (const shadow of Object.values(link.shadow))
			shadow.moved = false;
		this.settle();
	},
};
