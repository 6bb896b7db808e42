'use strict';
// Clocks, positions and values of the model, compared.

const LATE = 30000;        // ms in which a write may still land

const join = (a, b) => {
	const both = { ...a };
	for (const link of Object.keys(b))
		both[link] = Math.max(both[link] || 0, b[link]);
	return both;
};
const same = (a, b) => a !== null && b !== null && a === b;
const folded = (text) => text.replace(/\^/g, '').toLowerCase();
const loosely = (a, b) => a !== null && b !== null && folded(a) === folded(b);
const known = (p) => p !== null;
const later = (a, b) => !known(a) ? b : !known(b) ? a : Math.max(a, b);

module.exports = { LATE, join, same, loosely, known, later };
