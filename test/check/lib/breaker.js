'use strict';
// The part of the model that opens the loop breaker: R20.  It counts what machines do to our writes, not our writes.
const { loosely } = require('./common');

module.exports = {
	// A change, not by a person, is about to be heard.  The answer to our own write that shows another field names nobody.
	watch(link, name, x, said) {
		if (said.kind === 3 || (said.slot && said.read === false))
			return;
		const last = this.answered(link.shadow[name]);
		if (last !== undefined && loosely(x, last.before.held))
			this.reversed(link, name);
		else
			for (const other of Object.keys(link.shadow))
				if (other !== name && this.comesRound(link, other, name))
					this.reversed(link, other);
	},

	// Our last write, if what is heard now comes so soon after it that it may be an answer to it.
	answered(shadow) {
		const last = shadow.writes[shadow.writes.length - 1];
		return last !== undefined && this.now - last.ackedAt <= this.world.breaker.within ? last : undefined;
	},

	// We wrote what another's machine had set, in answer to what this one's had set: now this one answers that.
	comesRound(link, written, name) {
		const source = this.writtenFor(link, written);
		return source !== undefined && this.machine(name) === link.id
			&& Object.keys(source.shadow).some((one) => this.writtenFor(source, one) !== undefined);
	},

	// The link whose machine set what we wrote to this one a moment ago.
	writtenFor(link, name) {
		const by = this.machine(name);
		return by !== undefined && by !== link.id && this.answered(link.shadow[name]) !== undefined ? this.links[by] : undefined;
	},

	// Where what stands was set, if by no person; what is put together was set nowhere.
	machine(name) {
		const { shown, versions, made } = this.fields[name];
		return versions.length > 0 && !made && shown.kind !== 3 && shown.link !== 0 ? shown.link : undefined;
	},

	// So many within the window, and nothing more of it is written there; who is to be told is told once of the record's field.
	reversed(link, name) {
		const shadow = link.shadow[name];
		shadow.turned = [...(shadow.turned || []).filter((at) => this.now - at <= this.world.breaker.window), this.now];
		if (shadow.stopped || shadow.turned.length < this.world.breaker.limit)
			return;
		if (!Object.values(this.links).some((other) => other.shadow[name].stopped))
			this.note('alert', 'loop');
		shadow.stopped = true;
		this.note('loop', name);
	},
};
