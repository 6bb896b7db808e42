#!/usr/bin/env node
'use strict';
// Histories against the model: draws them, has the real code play them, says which ended otherwise, and shrinks those.
//
//   check.js merge [from=1] [count=50000]        level 1: dots and contexts given, every order of arrival; plays=N: N orders
//   check.js orders [events=6] [rounds=1]        level 1: every structure of causes up to so many events
//   check.js decide [from=1] [count=50000]       level 2: systems, webhooks, calls (lib/decide.js)
//   check.js partition [from=1] [count=50000]    level 2 with systems that are cut off for a while (lib/partition.js)
//   check.js trouble [from=1] [count=50000]      level 2 with automations that fight us, and records that cannot be read (lib/trouble.js)
//   check.js create [from=1] [count=50000]       records that are made, entities that are joined (lib/create.js)
//   check.js replay LEVEL SEED                   one history again, with all that happened
//
// module=PATH names another build of the engine; first=1 ends with the first batch that has a broken one; tell=N tells
// of so many (3).  Ends with 1 if a history broke a promise.
const path = require('node:path');
const { Engine } = require('./lib/engine');
const { chance } = require('./lib/chance');
const { shrink } = require('./lib/shrink');

const levels = { merge: () => require('./lib/merge'), decide: () => require('./lib/decide'), partition: () => require('./lib/partition'), trouble: () => require('./lib/trouble'), create: () => require('./lib/create') };

// "a b key=value" as {_: [a, b], key: value}
function read(words) {
	const given = { _: [] };
	for (const word of words) {
		const [key, value] = word.split('=');
		if (value === undefined)
			given._.push(word);
		else
			given[key] = value;
	}
	return given;
}

const given = read(process.argv.slice(2));
const engine = new Engine(given.module || path.join(__dirname, 'syncore_check'));

// Histories of one world at once; the next batch is made while the server plays this one.
async function run(level, batches) {
	const sum = { histories: 0, plays: 0, partings: 0, broken: [], started: Date.now() };
	let before = Promise.resolve();
	for (const { world, histories } of batches) {
		const answers = engine.play(level.document(world), histories.map((one) => one.program));
		answers.catch(() => {});
		await before;
		before = answers.then((lines) => judge(level, world, histories, lines, sum));
		before.catch(() => {});
		if (given.first && sum.broken.length > 0)
			break;
	}
	await before;
	return sum;
}

function judge(level, world, histories, answers, sum) {
	answers.forEach((answer, i) => {
		const wrong = level.judge(answer, histories[i], world);
		sum.histories++;
		sum.partings += histories[i].partings || 0;
		sum.plays += histories[i].orders ? histories[i].orders.length : 1;
		if (wrong !== null && sum.broken.push({ history: histories[i], world, wrong }) > 1000)
			throw new Error('more than a thousand histories broke a promise');
	});
}

function* drawn(level, from, count) {
	for (let seed = from; seed < from + count;) {
		const world = level.drawWorld(seed);
		const histories = [];
		do
			histories.push(level.draw(seed++, world, given.plays && Number(given.plays)));
		while (seed % level.PER_WORLD !== 0 && seed < from + count);
		yield { world, histories };
	}
}

// Structures of causes, each with values of its own; a world for so many of them.
function* structures(level, most, rounds) {
	let seed = 0;
	let world;
	let histories = [];
	for (let round = 0; round < rounds; round++)
		for (let n = 1; n <= most; n++)
			for (const versions of level.all(n)) {
				if (histories.length === 64) {
					yield { world, histories };
					histories = [];
				}
				seed++;
				if (histories.length === 0)
					world = level.drawWorld(seed * level.PER_WORLD);
				histories.push(level.make(level.fill(chance(seed), versions, world), seed, world));
			}
	yield { world, histories };
}

async function replay(level, seed) {
	const world = level.drawWorld(seed);
	const history = level.draw(seed, world);
	const [answer] = await engine.play(level.document(world), [history.program]);
	const wrong = level.judge(answer, history, world);
	console.log(level.tell(history, world, answer));
	console.log(wrong === null ? 'kept' : wrong);
	return wrong === null;
}

async function report(name, level, sum) {
	const seconds = (Date.now() - sum.started) / 1000;
	for (const one of sum.broken.slice(0, Number(given.tell ?? 3))) {
		const small = await shrink(engine, level, one);
		console.log(`seed ${one.history.seed}: ${small.wrong}\n${level.tell(small.history, small.world, small.answer).replace(/^/gm, '    ')}`);
		console.log(`    again: node test/check/check.js replay ${name} ${one.history.seed}`);
	}
	console.log(`${sum.broken.length} of ${sum.histories} histories (${sum.plays} plays${sum.partings > 0 ? `, ${sum.partings} partings` : ''}) broke a promise; ${seconds.toFixed(1)} s, ${Math.round(60 * sum.histories / seconds)} histories and ${Math.round(60 * sum.plays / seconds)} plays a minute`);
	return sum.broken.length === 0;
}

async function main() {
	const [what, name, seed] = given._;
	if (what === 'replay')
		return replay(levels[name](), Number(seed));
	if (what === 'orders')
		return report('merge', levels.merge(), await run(levels.merge(), structures(levels.merge(), Number(given.events || 6), Number(given.rounds || 1))));
	const level = levels[what]();
	return report(what, level, await run(level, drawn(level, Number(given.from || 1), Number(given.count || 50000))));
}

main().then((kept) => { process.exitCode = kept ? 0 : 1; }, (error) => { console.error(error.message); process.exitCode = 2; }).finally(() => engine.end());
