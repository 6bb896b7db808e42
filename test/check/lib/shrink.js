'use strict';
// A failing history, made smaller while it still fails: without one thing after the other.

async function shrink(engine, level, failing) {
	let best = failing;
	for (let found = true; found;) {
		found = false;
		const smaller = level.smaller(best.history, best.world);
		if (smaller.length === 0)
			break;
		const answers = await engine.play(level.document(best.world), smaller.map((one) => one.program));
		for (let i = 0; i < smaller.length && !found; i++) {
			const wrong = level.judge(answers[i], smaller[i], best.world);
			if (wrong === null)
				continue;
			best = { history: smaller[i], world: best.world, wrong, answer: answers[i] };
			found = true;
		}
	}
	if (best.answer === undefined)
		[best.answer] = await engine.play(level.document(best.world), [best.history.program]);
	return best;
}

module.exports = { shrink };
