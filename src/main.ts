/** The program's entry: arguments in, exit code out. The commands are in `commands/`. */
import { ByteSink, ClosedPipeError } from './commands/byte-sink.ts';
import { runCommandLine } from './commands/run.ts';
import { processInput } from './config.ts';

const { words, env } = processInput();
const encoder = new TextEncoder();
const out = ByteSink.open(undefined);
let code = await runCommandLine(words, env, {
  out: (line) => out.write(encoder.encode(`${line}\n`)),
  err: (line) => process.stderr.write(`${line}\n`),
  drained: () => out.drained(),
  width: process.stdout.isTTY ? process.stdout.columns : undefined,
});
try {
  // What a slow reader has not taken yet would be lost at exit.
  await out.drained();
} catch (error) {
  if (!(error instanceof ClosedPipeError)) code = 1;
}
process.exit(code);
