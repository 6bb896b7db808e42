'use strict';
// Numbers that look drawn by chance and depend on the seed alone.

// seed: any whole number up to 2^53.  Two seeds that are neighbours have nothing in common.
function chance(seed) {
	let a = (seed >>> 0) ^ 0x9e3779b9;
	let b = (Math.floor(seed / 4294967296) >>> 0) ^ 0x85ebca6b;
	function next() {
		a = (a + 0x6d2b79f5) | 0;
		let t = Math.imul(a ^ (a >>> 15), 1 | a) ^ b;
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		b = (b + t) | 0;
		return (t ^ (t >>> 14)) >>> 0;
	}
	next();
	next();
	return {
		// 0 … n-1
		below: (n) => next() % n,
		// true once in n
		once: (n) => next() % n === 0,
		of: (list) => list[next() % list.length],
	};
}

module.exports = { chance };
