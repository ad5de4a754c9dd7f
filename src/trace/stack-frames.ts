/**
 * Stack traces as frames, by the formats in which Java, JavaScript, .NET, Python, Go, Ruby, PHP and Rust print
 * them. A line that is none of them stays text: nothing that was sent is left out.
 */

export interface StackFrame {
  /** '' where a language prints none. */
  readonly functionName: string;
  readonly file: string;
  /** 0 where it is not told. */
  readonly line: number;
  /** Of the language or its runtime, not of anybody's program. */
  readonly isRuntime: boolean;
}

export interface StackLine {
  readonly text: string;
  /** Undefined for messages, causes and lines of source. */
  readonly frame: StackFrame | undefined;
}

/** Deeper stacks are recursion; their lines all look alike. */
const MAX_LINES = 1_000;
/** A longer line is data, and no pattern should walk over it. */
const MAX_LINE_CHARS = 2_000;

export function parseStack(text: string): StackLine[] {
  const lines = text.split(/\r?\n/, MAX_LINES);
  const parsed: StackLine[] = [];
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i].slice(0, MAX_LINE_CHARS);
    const two = twoLineFrame(line, lines[i + 1]);
    if (two !== undefined) {
      parsed.push({ text: `${line}\n${lines[i + 1].slice(0, MAX_LINE_CHARS)}`, frame: two });
      i++;
    } else {
      parsed.push({ text: line, frame: oneLineFrame(line) });
    }
  }
  return parsed;
}

/** The frame in which it was thrown, in the program itself where that can be told. */
export function topFrame(text: string): StackFrame | undefined {
  const lines = parseStack(text);
  const frames = lines.flatMap(({ frame }) => (frame === undefined ? [] : [frame]));
  // Python prints the oldest call first, and the exception after the last.
  if (/^\s*Traceback \(most recent call last\)/m.test(text)) frames.reverse();
  return frames.find(({ isRuntime }) => !isRuntime) ?? frames[0];
}

/** Without the line, which changes with each release: `charge (payment.ts)`. */
export function frameText({ functionName, file, line }: StackFrame): string {
  const name = steady(functionName);
  const place = file.slice(Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1);
  if (name === '') return line === 0 ? place : `${place}:${line}`;
  return place === '' ? name : `${name} (${place})`;
}

/** What compilers number anew each time: lambdas, anonymous classes, addresses. */
function steady(name: string): string {
  return name.replace(/0x[0-9a-f]+/gi, '0x…').replace(/(\$|lambda_|func)\d+/g, '$1…');
}

function frame(functionName = '', file = '', line = '0'): StackFrame {
  const where = file.trim();
  const isRuntime =
    /^(?:node:|internal\/|<frozen |native$|<internal:|\[internal)/.test(where) ||
    /^(?:runtime[./]|panic$|java\.|jdk\.|sun\.|System\.|std::|core::|\{main\})/.test(functionName);
  return { functionName: functionName.trim(), file: where, line: Number(line), isRuntime };
}

function oneLineFrame(line: string): StackFrame | undefined {
  return pythonFrame(line) ?? atFrame(line) ?? phpFrame(line) ?? rubyFrame(line);
}

function pythonFrame(line: string): StackFrame | undefined {
  const match = /^\s*File "([^"]*)", line (\d+)(?:, in (.*))?$/.exec(line);
  return match ? frame(match[3], match[1], match[2]) : undefined;
}

/** Java, .NET and JavaScript begin alike. */
function atFrame(line: string): StackFrame | undefined {
  const match = /^\s*at (.*)$/.exec(line);
  if (!match) return undefined;
  const body = match[1].trim();
  const dotnet = /^(.*?)(?:\(.*\))? in (.*):line (\d+)$/.exec(body);
  if (dotnet) return frame(dotnet[1], dotnet[2], dotnet[3]);
  const script = /^(?:async )?(?:new )?(.*?) \((.*?)(?::(\d+))?(?::\d+)?\)$/.exec(body);
  if (script) return frame(script[1], script[2], script[3]);
  const java = /^(?:[\w.@-]+\/\/?)?([\w.$<>/-]+)\(([^:()]*)(?::(\d+))?\)$/.exec(body);
  if (java) return frame(java[1], java[2].replace(/^(Native Method|Unknown Source)$/, ''), java[3]);
  const bare = /^(?:async )?(\S+?):(\d+)(?::\d+)?$/.exec(body);
  if (bare) return frame('', bare[1], bare[2]);
  const called = /^([\w.`<>[\],+$ ]+)\(.*\)$/.exec(body);
  return called ? frame(called[1]) : undefined;
}

function phpFrame(line: string): StackFrame | undefined {
  const match = /^#\d+ (?:(.*?)\((\d+)\)|\[internal function\]): (.*?)(?:\(.*\))?$/.exec(line);
  if (match) return frame(match[3], match[1] ?? '[internal function]', match[2]);
  return /^#\d+ \{main\}/.test(line) ? frame('{main}') : undefined;
}

function rubyFrame(line: string): StackFrame | undefined {
  const match = /^\s*(?:from )?([^\s:]+\.(?:rb|erb|rake)):(\d+)(?::in [`'](.*)')?/.exec(line);
  return match ? frame(match[3], match[1], match[2]) : undefined;
}

/** Go and Rust print the place on a line of its own, below the function. */
function twoLineFrame(line: string, next: string | undefined): StackFrame | undefined {
  if (next === undefined) return undefined;
  const rustPlace = /^\s+at (\S+?):(\d+)(?::\d+)?$/.exec(next);
  const rustName = /^\s+(?:\d+: )?(?:0x[0-9a-f]+ - )?([\w:<>{}.&# -]+)$/.exec(line);
  if (rustPlace && rustName && !/^\s*at /.test(line)) return frame(rustName[1], rustPlace[1], rustPlace[2]);
  const goPlace = /^\s+(\S+\.(?:go|s)):(\d+)(?: \+0x[0-9a-f]+)?$/.exec(next);
  const goName = /^(?:created by )?(\S.*?)(?:\([^()]*\))?(?: in goroutine \d+)?$/.exec(line);
  return goPlace && goName ? frame(goName[1], goPlace[1], goPlace[2]) : undefined;
}
