/** `spanlake demo`: lifelike traffic for a server that is already running. */
import type { Flag } from '../command-line.ts';
import { parseDurationMs } from '../config.ts';
import { runDemo } from '../demo/main.ts';
import { DemoError } from '../demo/sender.ts';
import { CommandError } from './command.ts';
import type { Command, Output } from './command.ts';
import { listenForStop } from './signals.ts';

/** 200 visits a second are some 4,000 spans: beyond that this is a load test, which `npm run bench` does. */
const MOST_TRACES_PER_SECOND = 200;
/** Older spans may fall to the server's retention. */
const LONGEST_HISTORY_MS = 7 * 24 * 3600 * 1000;

const flags = {
  endpoint: {
    placeholder: 'URL',
    fallback: 'http://127.0.0.1:4318',
    help: 'server to send to',
    parse: (text: string) => text,
  },
  token: {
    placeholder: 'TOKEN',
    fallback: '',
    help: 'ingest token, where the server wants one',
    parse: (text: string) => (text === '' ? undefined : text),
  },
  rate: {
    placeholder: 'N',
    fallback: '5',
    help: 'visits a second while live; each is a trace of some 20 spans',
    argumentOnly: true,
    parse: parseRate,
  },
  duration: {
    placeholder: 'TIME|forever',
    fallback: '60s',
    help: 'how long to go on live; 0s sends only the past',
    argumentOnly: true,
    parse: (text: string) => (text === 'forever' ? Infinity : parseDurationMs(text)),
  },
  history: {
    placeholder: 'TIME',
    fallback: '15m',
    help: 'how much of the past to fill first; 0s fills none',
    argumentOnly: true,
    parse: parseHistory,
  },
  seed: {
    placeholder: 'N',
    fallback: '',
    help: 'same choices at every run; left out, they differ',
    argumentOnly: true,
    parse: parseSeed,
  },
} as const satisfies Readonly<Record<string, Flag<unknown>>>;

export const demoCommand: Command<typeof flags> = {
  flags,
  notes: 'Example: spanlake demo --rate 20 --duration 5m',
  async run({ endpoint, token, rate, duration, history, seed }, _positionals, output) {
    const stop = new AbortController();
    const listening = listenForStop(() => process.exit(1));
    void listening.stopped.then(() => stop.abort());
    try {
      await runDemo({
        endpoint,
        ...(token === undefined ? {} : { token }),
        ...(seed === undefined ? {} : { seed }),
        tracesPerSecond: rate,
        durationMs: duration,
        historyMs: history,
        signal: stop.signal,
        print: printer(output),
      });
      return 0;
    } catch (error) {
      throw error instanceof DemoError ? new CommandError(error.message) : error;
    } finally {
      listening.release();
    }
  },
};

/** Progress overwrites itself on a terminal, and is left out of a file. */
function printer(output: Output): (line: string, progress: boolean) => void {
  const terminal = process.stderr.isTTY;
  return (line, progress) => {
    if (terminal) process.stderr.write('\r\u001b[2K');
    if (!progress) output.out(line);
    else if (terminal) process.stderr.write(line);
  };
}

function parseRate(text: string): number {
  const rate = Number(text);
  if (text.trim() === '' || !(rate > 0 && rate <= MOST_TRACES_PER_SECOND)) {
    throw new Error(`is not a number above 0, up to ${MOST_TRACES_PER_SECOND}`);
  }
  return rate;
}

function parseHistory(text: string): number {
  const ms = parseDurationMs(text);
  if (ms > LONGEST_HISTORY_MS) throw new Error('is longer than 7d');
  return ms;
}

function parseSeed(text: string): number | undefined {
  if (text === '') return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new Error('is not a whole number of up to 9 digits');
  return Number(text);
}
