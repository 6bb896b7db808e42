'use strict';
// Level 2 once more, with products whose own automations fight our writes (R20: the loop breaker), and with records that
// cannot be read for so long that what waits is decided without the outcome of a write (R3).
const { chance } = require('./chance');
const decide = require('./decide');

const WAYS = ['back', 'set', 'answer'];

function drawWorld(seed) {
	const dice = chance(Math.floor(seed / decide.PER_WORLD) * 2 + 1);
	const world = { ...decide.drawWorld(seed), automations: [null] };
	world.kinds = { severity: 'rank', title: 'plain' };
	world.policy = world.policy.filter((one) => one.rule !== 'union' && one.rule !== 'append');
	for (let id = 1; id <= world.n; id++)
		world.automations.push(dice.once(3) ? null : { field: dice.of(['severity', 'title']), way: dice.of(WAYS), choice: dice.below(4) });
	world.breaker = { ...world.breaker, limit: dice.of([2, 3, 3, 4]) };
	return world;
}

class Troubled extends decide.Play {
	constructor(world) {
		super(world);
		this.dark = new Set();
		this.pace = 200;
	}

	choices(product, name) {
		const map = this.world.maps[product.id];
		return name === 'title' ? ['a', 'b', 'c', 'd'] : map ? Object.keys(map.up) : this.world.allowed;
	}

	// What the product's own automation makes of our write: it puts the field back, sets it as it likes, or changes another.
	land(product, call) {
		const before = { ...product.values };
		const own = this.world.automations[product.id];
		super.land(product, call);
		if (own === null || before[own.field] === product.values[own.field])
			return;
		const other = own.field === 'title' ? 'severity' : 'title';
		const all = this.choices(product, own.way === 'answer' ? other : own.field);
		if (own.way === 'answer')
			product.reacts = { name: other, value: all[(all.indexOf(product.values[other].toLowerCase()) + 1) % all.length] };
		else
			product.reacts = { name: own.field, value: own.way === 'back' ? before[own.field] : all[own.choice % all.length] };
	}

	turn(product) {
		const { call, reacts } = product;
		if (reacts && (call === null || call.stage !== 'sent')) {
			product.reacts = null;
			this.move(product, reacts.name, reacts.value, { kind: 2, us: false });
			return true;
		}
		if (this.dark.has(product.id) && call !== null && call.stage === 'reading') {
			this.fail(product, false);
			return true;
		}
		return super.turn(product);
	}

	// The read that was to tell of a lost write is not tried again by itself.
	giveUp(product) {
		if (product.call === null || product.call.stage !== 'reading')
			return;
		product.call = null;
		this.model.now = this.now;
		this.model.fail(product.id, false, true);
		this.step(`U,${product.id}`, this.model.ends());
	}

	// The answer of a write is lost, and then nothing is to be had of the record.
	strike(product, one) {
		if (product.call === null && !this.turn(product))
			return;
		if (one.c % 3 === 0 && product.call !== null && product.call.stage === 'sent')
			this.turn(product);
		this.lose(product, one.b % 2 === 0);
		this.dark.add(product.id);
	}

	// Time goes by; what cannot be read has been tried.
	leap(ms) {
		this.now += ms;
		for (const id of this.dark)
			for (let i = 0; i < 2; i++)
				this.turn(this.products[id]);
	}

	act(one) {
		const product = this.products[1 + one.a % this.world.n];
		switch (one.what) {
			case 'light':
				this.dark.delete(product.id);
				break;
			case 'leap':
				this.leap(1000 * (one.b + 5));
				break;
			case 'abandon':
				if (this.dark.has(product.id))
					this.giveUp(product);
				break;
			case 'strike':
				this.now += one.ms;
				this.strike(product, one);
				break;
			case 'murmur': {
				const id = [...this.dark][one.a % Math.max(this.dark.size, 1)];
				super.act({ ...one, what: 'edit', a: id === undefined ? one.a : id - 1 });
				break;
			}
			default:
				super.act(one);
		}
	}

	rest() {
		this.dark.clear();
		return super.rest();
	}
}

// Half of them with a fight from the start, half with a record that goes dark.
function drawActs(dice) {
	const acts = [];
	const words = dice.once(2) ? ['edit', 'hear', 'hear', 'hear', 'turn', 'turn', 'turn', 'turn', 'turn', 'turn']
		: ['edit', 'edit', 'murmur', 'murmur', 'hear', 'hear', 'hear', 'hear', 'turn', 'turn', 'turn', 'strike', 'strike', 'leap', 'light', 'abandon', 'again'];
	for (let n = 6 + dice.below(40); n > 0; n--)
		acts.push({ what: dice.of(words), a: dice.below(60), b: dice.below(60), c: dice.below(60), ms: 1 + dice.below(900) });
	return acts;
}

function make(acts, seed, world) {
	const play = new Troubled(world);
	for (const one of acts)
		play.act(one);
	const endless = play.rest();
	play.repeat();
	return { seed, acts, program: play.steps.join(' '), steps: play.steps, expected: play.expected, wrong: endless || play.disagreement() };
}

const draw = (seed, world) => make(drawActs(chance(seed)), seed, world);

function tell(history, world, answer) {
	const own = world.automations.map((one, id) => one && `p${id} has an automation: ${one.field} ${one.way} ${one.choice}`).filter((one) => one);
	return [`breaker ${world.breaker.limit}`, ...own, decide.tell(history, world, answer)].join('\n');
}

module.exports = { ...decide, drawWorld, draw, make, tell, smaller: (history, world) => decide.without(history.acts, (acts) => make(acts, history.seed, world)) };
