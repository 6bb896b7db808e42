'use strict';
// The part of the model for records that stay unreadable: R3.  The answer of a write was lost and the record cannot be
// read: after the time limit and the longest late landing what waits is decided as overwritten by that write (R5).
const { LATE, loosely, same, known, later } = require('./common');

const LIMIT = 30000;       // ms a call may take

module.exports = {
	// A read that was to tell the outcome of a lost write came to nothing.  last: it is not tried again by itself.
	notRead(link, last) {
		if (!last && this.now <= link.call.at + LIMIT + LATE)
			return;
		link.call.unreadable = true;
		this.afterOutcome(link, false);
	},

	// R4, with the write that nobody knows the outcome of as the earliest later one.
	overtaken(link, name, x, said, carried) {
		const shadow = link.shadow[name];
		const p = said.p;
		if (known(p)) {
			if (known(shadow.changedAt) && (link.grade === 'counter' ? p <= shadow.changedAt : p < shadow.changedAt))     // c
				return { is: same(x, shadow.held) ? 'nothing' : 'stale' };
			if (shadow.writes.some((one) => one.at === p && (loosely(x, one.value) || this.wasFoundAs(link, name, x, one))))     // d
				return { is: 'echo' };
			if (said.kind !== 3 && shadow.unconfirmed.some((one) => loosely(x, one.value)))                               // e
				return { is: 'echo', write: carried, landed: true };
		} else if (said.us && shadow.writes.some((one) => loosely(x, one.value)))                                          // b
			return { is: same(x, shadow.held) ? 'nothing' : 'echo' };
		return { is: same(x, carried.before.held) ? 'nothing' : 'raced', carried };
	},

	// What the write found there; or what somebody set back since, if it had landed by then: the read will tell (R11).
	found(link, shadow, said, carried) {
		if (!link.unsure.some((one) => one.event === said.event))
			link.unsure.push(said);
		if (known(said.p))
			carried.before.knownAt = shadow.knownAt = later(shadow.knownAt, said.p);
	},

	// R5.  It is what the write found there, if it landed; what is held, if not.
	overtake(link, name, x, said, carried) {
		const shadow = link.shadow[name];
		this.note('raced', name);
		this.change(link, name, x, said, carried.before);
		this.presume(link, name, said, carried.before.knownAt);
		this.wasHeld(link, shadow);
		shadow.held = carried.before.held = x;
		shadow.sent = null;
		if (known(said.p))
			shadow.knownAt = shadow.changedAt = carried.before.knownAt = said.p;
	},

	// It landed after all, and something that was decided without knowing that was said later: if that was taken for an
	// edit, it is what is held; if it was taken for what the write found there, the read that is owed will tell.
	since(shadow, before, p) {
		if (known(p) && known(shadow.changedAt) && shadow.changedAt > p) {
			shadow.held = before.held;
			shadow.sent = null;
			return shadow.knownAt;
		}
		return known(p) && known(before.knownAt) && before.knownAt > p ? p : undefined;
	},
};
