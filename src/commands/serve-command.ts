/** `spanlake [serve]` as the help shows it: its flags, without store and servers. */
import { serveFlags, toConfig } from '../config.ts';
import type { Command } from './command.ts';

export const serveCommand: Command<typeof serveFlags> = {
  flags: serveFlags,
  notes:
    'SIGTERM and Ctrl-C write what is buffered and end; a second one ends at once, and loses nothing either.',
  run: async (values, _positionals, output) => {
    const { serve } = await import('./serve.ts');
    return serve(toConfig(values), output);
  },
};
