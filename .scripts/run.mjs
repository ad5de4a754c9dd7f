// Runs a program in this one's place: its output, its signals, its exit code.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';

/**
 * Ends with the program. On Ctrl-C the terminal signals the whole group and npm passes the signal on once
 * more; Spanlake takes signals that come together as one.
 *
 * @param {string} program
 * @param {readonly string[]} words
 * @param {string} [cwd]
 */
export function runInPlace(program, words, cwd) {
  const child = spawn(program, words, { stdio: 'inherit', ...(cwd === undefined ? {} : { cwd }) });
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
    process.on(signal, () => child.kill(signal));
  }
  child.on('error', (error) => {
    process.stderr.write(`spanlake: ${program} does not start: ${error.message}\n`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal ?? 'SIGKILL']));
}
