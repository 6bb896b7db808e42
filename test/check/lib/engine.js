'use strict';
// The real code of deciding, behind one SQL function in a backend (play.c): batches of histories in, answers out.
const { spawn } = require('node:child_process');

class Engine {
	// module: path of the shared library, without .so
	constructor(module) {
		this.psql = spawn('psql', ['-XAtq', '-v', 'ON_ERROR_STOP=1'], { stdio: ['pipe', 'pipe', 'pipe'] });
		this.waiting = [];
		this.text = '';
		this.errors = '';
		this.psql.stdout.setEncoding('utf8');
		this.psql.stdout.on('data', (text) => this.take(text));
		this.psql.stderr.on('data', (text) => { this.errors += text; });
		this.psql.on('close', () => {
			for (const one of this.waiting.splice(0))
				one.fail(new Error('the server ended the session: ' + this.errors));
		});
		this.psql.stdin.on('error', () => {});
		this.psql.stdin.write("SET synchronous_commit = off;\nCREATE FUNCTION pg_temp.play(world jsonb, histories text) RETURNS text AS '"
			+ module.replace(/'/g, "''") + "', 'check_play' LANGUAGE C STRICT;\n");
	}

	// One answer for each history, in their order.
	play(world, histories) {
		return new Promise((done, fail) => {
			this.waiting.push({ done, fail, n: histories.length });
			this.psql.stdin.write('SELECT pg_temp.play($w$' + JSON.stringify(world) + '$w$, $h$' + histories.join('\n') + '\n$h$);\n\\echo ;\n');
		});
	}

	take(text) {
		let end;
		this.text += text;
		while ((end = this.text.indexOf('\n;\n')) >= 0) {
			const lines = this.text.slice(0, end).split('\n');
			const one = this.waiting.shift();
			this.text = this.text.slice(end + 3);
			if (lines[lines.length - 1] === '')
				lines.pop();
			if (lines.length === one.n)
				one.done(lines);
			else
				one.fail(new Error(`${lines.length} answers to ${one.n} histories: ${this.errors}`));
		}
	}

	end() {
		this.psql.stdin.end();
	}
}

module.exports = { Engine };
