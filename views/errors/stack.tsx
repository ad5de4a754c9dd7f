/** A stack trace, a line a frame: the program's own stand out, runtimes' stand back. */
import { Html } from '@elysiajs/html';
import { parseStack } from '../../src/trace/stack-frames.ts';
import type { StackLine } from '../../src/trace/stack-frames.ts';
import { CopyButton } from '../layout.tsx';

/** More go behind a click: deep stacks are frameworks. */
const SHOWN = 40;

export function StackTrace({ text }: { text: string }): JSX.Element {
  if (text === '') return <p class="none">The sender recorded none.</p>;
  const lines = parseStack(text);
  return (
    <div class="stack">
      <div class="stack-tools">
        <CopyButton text={text} label="Copy the stack trace" />
      </div>
      <Lines lines={lines.slice(0, SHOWN)} label="Frames" />
      {lines.length > SHOWN ? (
        <details>
          <summary safe>{`${lines.length - SHOWN} more lines`}</summary>
          <Lines lines={lines.slice(SHOWN)} label="Rest of the stack trace" />
        </details>
      ) : (
        ''
      )}
    </div>
  );
}

function Lines({ lines, label }: { lines: readonly StackLine[]; label: string }): JSX.Element {
  return (
    <pre class="stack-lines" tabindex="0" role="region" aria-label={label}>
      {lines.map((line) => (
        <Line line={line} />
      ))}
    </pre>
  );
}

function Line({ line: { text, frame } }: { line: StackLine }): JSX.Element {
  if (frame === undefined) {
    return (
      <span class="stack-line stack-words" safe>
        {`${text}\n`}
      </span>
    );
  }
  const place = frame.line === 0 ? frame.file : `${frame.file}:${frame.line}`;
  return (
    <span class={`stack-line ${frame.isRuntime ? 'stack-runtime' : 'stack-own'}`}>
      <span class="stack-function" safe>
        {frame.functionName || 'anonymous'}
      </span>{' '}
      <span class="stack-place" safe>
        {place}
      </span>
      {'\n'}
    </span>
  );
}
