/** The program's entry: arguments in, exit code out. The commands are in `commands/`. */
import { runCommandLine } from './commands/run.ts';
import { processInput } from './config.ts';

const { words, env } = processInput();
const code = await runCommandLine(words, env, {
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
});
process.exit(code);
