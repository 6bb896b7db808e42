#!/usr/bin/env node
'use strict';
// Builds each variant of mutants.js and lets the checker look at it.
//   mutate.js DIR [names]     DIR: where the variants are built.  Ends with 1 if one was not flagged.
const fs = require('node:fs');
const path = require('node:path');
const { execFileSync, spawnSync } = require('node:child_process');
const mutants = require('./mutants');

const top = path.join(__dirname, '../..');
const core = path.join(top, 'extension/src/core');
const [dir, ...names] = process.argv.slice(2);
const flags = execFileSync('make', ['-s', '-f', 'test/lint/flags.mk', 'flags'], { cwd: top, encoding: 'utf8' }).trim().split(/\s+/)
	.filter((flag) => flag !== '-Werror' && !flag.startsWith('-W'));

// The module with one file of core changed; a path without .so, as LANGUAGE C wants it.
function build(mutant) {
	const text = fs.readFileSync(path.join(core, mutant.file), 'utf8');
	const base = path.join(dir, mutant.name);
	if (text.split(mutant.from).length !== 2)
		throw new Error(`${mutant.name}: its text is not (or not only once) in ${mutant.file}: adapt mutants.js`);
	fs.writeFileSync(base + '.c', text.replace(mutant.from, () => mutant.to));
	execFileSync('gcc', [...flags, '-w', '-O1', '-fPIC', '-fvisibility=hidden', '-DPGDLLEXPORT=__attribute__((visibility("default")))',
		'-c', base + '.c', '-o', base + '.o'], { cwd: top });
	const objects = (folder, all) => fs.readdirSync(path.join(top, folder)).filter((name) => name.endsWith('.o') && all(name)).map((name) => path.join(top, folder, name));
	execFileSync('gcc', ['-shared', '-o', base + '.so', base + '.o',
		...objects('extension/src/core', (name) => name !== mutant.file.replace(/c$/, 'o')
			&& fs.existsSync(path.join(core, name.replace(/o$/, 'c')))),
		...objects('test/check', () => true), path.join(top, 'test/core/world.o'), '-lcrypto']);
	return base;
}

// What the checker says of it: how many histories it looked at before one broke a promise; 0 = none did.
function look(mutant, module) {
	const done = spawnSync('node', [path.join(__dirname, 'check.js'), mutant.level, `module=${module}`, 'first=1', 'tell=0', `from=${mutant.seed ?? 1}`, 'count=60000'], { encoding: 'utf8' });
	if (done.status === 2)
		throw new Error(`${mutant.name}: ${done.stderr}`);
	return done.status === 1 ? /of (\d+) histories/.exec(done.stdout)[1] : 0;
}

fs.mkdirSync(dir, { recursive: true });
let missed = 0;
for (const mutant of mutants.filter((one) => names.length === 0 || names.includes(one.name))) {
	let flagged;
	try {
		flagged = look(mutant, build(mutant));
	} catch (error) {
		console.log(error.message);
		flagged = 0;
	}
	missed += flagged > 0 ? 0 : 1;
	console.log(flagged > 0 ? `${mutant.name} (${mutant.why}): flagged within ${flagged} histories` : `${mutant.name} (${mutant.why}): NOT FLAGGED`);
}
console.log(`${missed} of ${names.length || mutants.length} variants were not flagged`);
process.exitCode = missed === 0 ? 0 : 1;
