import { describe, expect, test } from 'bun:test';
import {
  UsageError,
  describeFlags,
  parseFlags,
  suggestion,
  switchFlag,
  variableName,
} from './command-line.ts';

const FLAGS = {
  grpcListen: { placeholder: 'HOST', fallback: 'here', help: 'where', parse: (text: string) => text },
  count: { placeholder: 'N', help: 'how many', argumentOnly: true, parse: Number },
  insecure: switchFlag('no tokens'),
};

function parse(words: readonly string[], env: Record<string, string> = {}) {
  return parseFlags(FLAGS, words, env);
}

function refusal(words: readonly string[], env: Record<string, string> = {}): string {
  try {
    parse(words, env);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return 'accepted';
}

describe('values', () => {
  test.each([
    [['--count', '3'], {}, { grpcListen: 'here', count: 3, insecure: false }],
    [['--count=3', '--grpc-listen=a=b'], {}, { grpcListen: 'a=b', count: 3, insecure: false }],
    [['--count', '-3', '--insecure'], {}, { grpcListen: 'here', count: -3, insecure: true }],
    [
      ['--count', '3', '--insecure=false'],
      { SPANLAKE_INSECURE: '1' },
      { grpcListen: 'here', count: 3, insecure: false },
    ],
    [
      ['--count', '3'],
      { SPANLAKE_GRPC_LISTEN: 'env', SPANLAKE_INSECURE: 'yes' },
      { grpcListen: 'env', count: 3, insecure: true },
    ],
    [
      ['--count', '3', '--grpc-listen', 'arg'],
      { SPANLAKE_GRPC_LISTEN: 'env' },
      { grpcListen: 'arg', count: 3, insecure: false },
    ],
  ])('%j with %j', (words, env, values) => {
    expect(parse(words, env as Record<string, string>).values).toEqual(values);
  });

  test('are frozen', () => {
    expect(Object.isFrozen(parse(['--count', '1']).values)).toBe(true);
  });

  test('positionals stand anywhere, and after -- whatever they look like', () => {
    expect(parse(['a', '--count', '1', 'b', '--', '--insecure']).positionals).toEqual([
      'a',
      'b',
      '--insecure',
    ]);
  });
});

test.each([
  [['--cuont', '3'], 'unknown flag --cuont; did you mean --count?'],
  [['--zzz'], 'unknown flag --zzz'],
  [['-x'], 'unknown flag -x'],
  [[], '--count N is needed'],
  [['--count'], '--count needs a value: --count N'],
  [['--count', '--insecure'], '--count needs a value: --count N'],
  [['--count', '1', '--insecure=maybe'], '--insecure "maybe": is true or false'],
])('%j is refused: %s', (words, message) => {
  expect(refusal(words)).toBe(message);
});

test('a wrong variable is named as such', () => {
  expect(refusal(['--count', '1'], { SPANLAKE_INSECURE: 'maybe' })).toBe(
    'SPANLAKE_INSECURE "maybe": is true or false',
  );
});

test('a flag about what to do has no variable', () => {
  expect(refusal([], { SPANLAKE_COUNT: '5' })).toBe('--count N is needed');
});

test('names', () => {
  expect(variableName('grpcListen')).toBe('SPANLAKE_GRPC_LISTEN');
  expect(suggestion('lisen', ['list', 'listen'])).toBe('; did you mean listen?');
});

test('help shows every flag with its default and variable', () => {
  expect(describeFlags(FLAGS)).toBe(
    '  --grpc-listen HOST  where [default here, SPANLAKE_GRPC_LISTEN]\n' +
      '  --count N           how many\n' +
      '  --insecure          no tokens [SPANLAKE_INSECURE]\n',
  );
});
