import type { SearchOutcome } from './search.tsx';

/** True of what has spans that can be counted, drawn and compared. */
export function hasSpans(outcome: SearchOutcome): boolean {
  switch (outcome.kind) {
    case 'traces':
      return outcome.page.traces.length > 0 || outcome.page.nextCursor !== undefined;
    case 'spans':
      return outcome.page.spans.length > 0 || outcome.page.nextCursor !== undefined;
    case 'metrics':
    case 'refused':
      return false;
  }
}
