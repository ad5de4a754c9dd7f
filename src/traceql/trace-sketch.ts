/** Test support: a trace drawn as text. */
import type { Intrinsic, SpansetFilter, Static } from './ast.ts';
import { matches } from './evaluate.ts';
import type { FieldSource } from './evaluate.ts';
import type { TraceSpans } from './spanset.ts';
import { TraceStructure, linkSpans } from './structure.ts';

interface SketchedSpan {
  readonly name: string;
  /** Index of the parent; -1 for a root, and -2 - n for the n-th parent that never came. */
  readonly parent: number;
  readonly attributes: ReadonlyMap<string, Static>;
}

export class SketchedTrace implements TraceSpans {
  readonly structure: TraceStructure;

  constructor(
    readonly spans: readonly SketchedSpan[],
    readonly outside: ReadonlySet<number> = new Set(),
  ) {
    const ids = Uint32Array.from(spans.flatMap((_, i) => [7, i + 1]));
    const parents = Uint32Array.from(
      spans.flatMap(({ parent }) => (parent >= 0 ? [7, parent + 1] : parent === -1 ? [0, 0] : [8, -parent])),
    );
    this.structure = new TraceStructure(linkSpans(ids, parents));
  }

  get count(): number {
    return this.spans.length;
  }

  inRange(span: number): boolean {
    return !this.outside.has(span);
  }

  matches({ condition }: SpansetFilter, span: number): boolean {
    return matches(condition, this.fields(span));
  }

  fields(span: number): FieldSource {
    const { name, attributes } = this.spans[span];
    return {
      attribute: (_, key) => {
        const value = attributes.get(key);
        return value ? [value] : [];
      },
      intrinsic: (intrinsic: Intrinsic): readonly Static[] => {
        if (intrinsic === 'span:name') return [{ type: 'string', value: name }];
        const value = attributes.get(intrinsic);
        return value ? [value] : [];
      },
    };
  }
}

/**
 * A span a line, its name first, two spaces deeper than its parent; `key=1`, `key=2.5`, `key=text` or `key=3ns`
 * behind it are attributes (`span:duration=3ns` the intrinsic), `^` says that its parent never came, `-` that it
 * is outside of the range.
 */
export function sketch(text: string): SketchedTrace {
  const spans: SketchedSpan[] = [];
  const outside = new Set<number>();
  const path: number[] = [];
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const margin = Math.min(...lines.map(indentOf));
  for (const line of lines) {
    const depth = (indentOf(line) - margin) / 2;
    const [name, ...words] = line.trim().split(/\s+/);
    if (words.includes('-')) outside.add(spans.length);
    const parent = words.includes('^') ? -2 : depth === 0 ? -1 : path[depth - 1];
    const pairs = words.filter((word) => word.includes('=')).map((word) => word.split('='));
    path[depth] = spans.length;
    spans.push({ name, parent, attributes: new Map(pairs.map(([key, value]) => [key, staticOf(value)])) });
  }
  return new SketchedTrace(spans, outside);
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

function staticOf(text: string): Static {
  if (/^-?\d+$/.test(text)) return { type: 'int', value: BigInt(text) };
  if (/^-?\d+ns$/.test(text)) return { type: 'duration', value: BigInt(text.slice(0, -2)) };
  if (/^-?\d+\.\d+$/.test(text)) return { type: 'float', value: Number(text) };
  return { type: 'string', value: text };
}
