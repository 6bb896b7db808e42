'use strict';
// Level 2 once more, with three to five systems that are cut off from us for a while, alone or several at once: nothing
// that they say is heard, no call reaches them, and the answer of one that has just landed is lost.  Then they are back.
// People go on editing on both sides.  At rest all agree, after no more writes than edits account for (VC-13, EL-12; I1, I6).
const { chance } = require('./chance');
const decide = require('./decide');

const RANKS = [10, 20, 30, 40, 50];

function drawWorld(seed) {
	const dice = chance(Math.floor(seed / decide.PER_WORLD) * 2 + 1);
	const world = { ...decide.drawWorld(seed), n: 3 + dice.below(3), grades: [null], full: [null], loud: [null], ranks: [0] };
	const left = [...RANKS];
	for (let id = 1; id <= world.n; id++) {
		world.grades.push(dice.of(['counter', 'fine', 'coarse']));
		world.full.push(dice.once(3));
		world.loud.push(dice.once(3) && world.kinds.title !== 'set');
		world.ranks.push(left.splice(dice.below(left.length), 1)[0]);
	}
	return world;
}

class Parted extends decide.Play {
	constructor(world) {
		super(world);
		this.away = new Set();
		this.edits = 0;
		this.failed = 0;
		this.partings = 0;
	}

	move(product, name, value, who) {
		this.edits += product.values[name] !== value ? 1 : 0;
		super.move(product, name, value, who);
	}

	fail(product, moved) {
		this.failed++;
		super.fail(product, moved);
	}

	// What leaves for a system that is away, or was on its way there.
	cutOff(product) {
		if (product.call !== null && product.call.stage === 'reading')
			this.fail(product, false);
		else if (product.call !== null && product.call.stage !== 'read')
			this.lose(product, false);
	}

	act(one) {
		const product = this.products[1 + one.a % this.world.n];
		const near = this.news.filter((said) => !this.away.has(said.link));
		switch (one.what) {
			case 'part':
				this.partings++;
				for (let id = 1; id <= this.world.n; id++)
					if ((one.b >> (id - 1)) % 2 === 1) {
						this.away.add(id);
						this.cutOff(this.products[id]);
					}
				break;
			case 'heal':
				this.away.clear();
				break;
			case 'hear':
				this.now += one.ms;
				if (near.length > 0)
					this.hear(this.news.splice(this.news.indexOf(near[one.b % near.length]), 1)[0]);
				break;
			default:
				super.act(one);
				if (one.what === 'turn' && this.away.has(product.id))
					this.cutOff(product);
		}
	}

	// Each edit is sent to each system once; what was lost or refused, again: both fields, and what landed late once more.
	bound() {
		return this.edits * this.world.n + (this.lost + this.failed) * 4;
	}
}

function drawActs(dice) {
	const acts = [];
	for (let n = 8 + dice.below(30); n > 0; n--)
		acts.push({ what: dice.of(['edit', 'edit', 'edit', 'hear', 'hear', 'hear', 'turn', 'turn', 'turn', 'turn', 'lose', 'part', 'heal', 'again']),
			a: dice.below(60), b: dice.below(60), c: dice.below(60), ms: 1 + dice.below(900) });
	return acts;
}

function make(acts, seed, world) {
	const play = new Parted(world);
	for (const one of acts)
		play.act(one);
	play.act({ what: 'heal' });
	const endless = play.rest();
	const many = play.sent > play.bound() ? `I6: ${play.sent} writes after ${play.edits} edits at ${world.n} systems, ${play.lost} calls lost, ${play.failed} failed` : null;
	play.repeat();
	return { seed, acts, program: play.steps.join(' '), steps: play.steps, expected: play.expected, partings: play.partings, writes: play.sent,
		wrong: endless || many || play.disagreement() };
}

const draw = (seed, world) => make(drawActs(chance(seed)), seed, world);

module.exports = { ...decide, drawWorld, draw, make, smaller: (history, world) => decide.without(history.acts, (acts) => make(acts, history.seed, world)) };
