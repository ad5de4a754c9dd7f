/** Which spans are meant: by text, by what they are, with those above them so that they can be shown in their place. */
import type { AttributeValue, Span } from '../span/span.ts';
import { valueText } from '../span/value.ts';
import type { Steps } from './steps.ts';
import type { Timing } from './timing.ts';
import type { TraceNode, TraceTree } from './tree.ts';

/** By a node's index, 1 for a span that is meant. */
export type Marks = Uint8Array;

/** 10 attributes of 20 characters take 1 µs: a step takes some 2 ms. */
const STEP = 2_000;

export function* marksSteps(tree: TraceTree, isMeant: (node: TraceNode) => boolean): Steps<Marks> {
  const marks = new Uint8Array(tree.nodes.length);
  for (let i = 0; i < marks.length; i++) {
    if (i % STEP === STEP - 1) yield;
    if (isMeant(tree.nodes[i])) marks[i] = 1;
  }
  return marks;
}

/** Looks for a text in name, service, ids, status message, attributes, events and resource; case counts for nothing. */
export function textFinder(text: string): (node: TraceNode) => boolean {
  const wanted = text.toLowerCase();
  // Spans of one process share their resource: each is looked at once.
  const resources = new Map<object, boolean>();
  const has = (some: string): boolean => some.toLowerCase().includes(wanted);
  const inAttributes = (attributes: Span['attributes']): boolean =>
    attributes.some(({ key, value }) => has(key) || hasValue(value, has));
  return ({ span }) => {
    if (has(span.name) || has(span.serviceName) || has(span.statusMessage)) return true;
    if (span.spanId === wanted || inAttributes(span.attributes)) return true;
    if (span.events.some((event) => has(event.name) || inAttributes(event.attributes))) return true;
    let found = resources.get(span.resource);
    if (found === undefined) resources.set(span.resource, (found = inAttributes(span.resource.attributes)));
    return found;
  };
}

function hasValue(value: AttributeValue, has: (text: string) => boolean): boolean {
  return value.type === 'string' ? has(value.value) : value.type !== 'bytes' && has(valueText(value));
}

/** A span that its parent did not make in the same service: where a service is entered. */
export function isEntry({ parent, span }: TraceNode): boolean {
  return parent === null || parent.span.serviceName !== span.serviceName;
}

/** True for spans that run at some time of `from .. to`. */
export function runsWithin({ starts, ends }: Timing, from: number, to: number): (node: TraceNode) => boolean {
  return ({ index }) => starts[index] <= to && ends[index] >= from;
}

/** The same and all above them. */
export function withAncestors(tree: TraceTree, marks: Marks): Marks {
  const kept = marks.slice();
  for (let i = kept.length - 1; i >= 0; i--) {
    const parent = tree.nodes[i].parent;
    if (kept[i] === 1 && parent) kept[parent.index] = 1;
  }
  return kept;
}

export function countMarks(marks: Marks): number {
  let count = 0;
  for (const mark of marks) count += mark;
  return count;
}

/** The marked one before and after a place, around the end; and how many stand up to the place. -1: there is none. */
export function neighbours(
  marks: Marks,
  at: number,
): { readonly previous: number; readonly next: number; readonly rank: number } {
  const after = marks.indexOf(1, at + 1);
  const before = at > 0 ? marks.lastIndexOf(1, at - 1) : -1;
  const isOne = at >= 0 && marks[at] === 1;
  return {
    previous: before >= 0 ? before : marks.lastIndexOf(1),
    next: after >= 0 ? after : marks.indexOf(1),
    rank: isOne ? countMarks(marks.subarray(0, at + 1)) : 0,
  };
}
