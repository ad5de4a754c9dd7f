/** What becomes of the spans of one request: taken, or rejected with a reason. */
import type { SpanColumns } from '../span/columns.ts';
import type { Findings } from '../span/findings.ts';
import type { SpanLimits } from '../span/span-limits.ts';

export interface DecodeResult {
  readonly accepted: number;
  readonly rejected: number;
  /** Why spans were rejected, and what of the others was dropped or cut; '' when there is nothing to say. */
  readonly message: string;
  /** Where they were asked for. */
  readonly findings?: Findings;
}

export class Tally {
  accepted = 0;
  rejected = 0;
  readonly #reasons = new Map<string, number>();

  reject(reason: string, spans = 1): void {
    if (spans === 0) return;
    this.rejected += spans;
    this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + spans);
  }

  get rejections(): Findings['rejections'] {
    return [...this.#reasons].map(([reason, spans]) => ({ reason, spans }));
  }

  /** Of rejected spans; '' when none was. */
  get message(): string {
    if (this.rejected === 0) return '';
    const reasons = this.rejections.map(({ reason, spans }) => `${spans} because ${reason}`);
    const noun = this.rejected === 1 ? 'span' : 'spans';
    return `rejected ${this.rejected} ${noun}: ${reasons.join(', ')}`;
  }
}

/** Why spans of a service are not taken. */
export function tooManyServices({ services }: SpanLimits): string {
  return `their service.name is new behind ${services.toLocaleString('en')} others of late (--max-services)`;
}

/** Why a span with these ids can't be taken, or '' when it can. */
export function idProblem(
  traceIdBytes: number,
  traceIdBits: number,
  spanIdBytes: number,
  spanIdBits: number,
  parentIdBytes: number,
): string {
  if (traceIdBytes !== 16) return 'the trace id is not 16 bytes long';
  if (traceIdBits === 0) return 'the trace id is all zeros';
  if (spanIdBytes !== 8) return 'the span id is not 8 bytes long';
  if (spanIdBits === 0) return 'the span id is all zeros';
  if (parentIdBytes !== 0 && parentIdBytes !== 8) return 'the parent span id is not 8 bytes long';
  return '';
}

export const NOT_GEN_AI =
  'this address takes gen-AI spans only: no attribute key begins with gen_ai., ai., traceloop., pydantic_ai. or llm.';

const GEN_AI_KEY = /^(gen_ai|ai|traceloop|pydantic_ai|llm)\./;

/** Tells by its attributes whether the open row is a gen-AI span. Asks each key once. */
export class GenAiKeys {
  readonly #known = new Map<number, boolean>();

  constructor(readonly columns: SpanColumns) {}

  isGenAi(): boolean {
    const { attributes, pairs } = this.columns;
    for (let entry = attributes.offsets[attributes.count]; entry < attributes.entries; entry++) {
      if (this.#isGenAiKey(pairs.pairKeys[attributes.pairs[entry]])) return true;
    }
    return false;
  }

  #isGenAiKey(key: number): boolean {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const answer = GEN_AI_KEY.test(this.columns.pairs.keys.text(key));
    this.#known.set(key, answer);
    return answer;
  }
}
