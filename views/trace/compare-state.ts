/** What the address of a comparison holds. */

/** Rendered in some 15 ms. */
export const COMPARE_ROWS = 200;

export interface CompareState {
  /** '' where the address has none that reads. */
  readonly a: string;
  readonly b: string;
  readonly order: 'contribution' | 'structure';
  readonly row: number;
}

export function readCompareState(params: URLSearchParams): CompareState {
  const row = Number(params.get('row') ?? 0);
  return {
    a: idOf(params.get('a')),
    b: idOf(params.get('b')),
    order: params.get('order') === 'structure' ? 'structure' : 'contribution',
    row: Number.isSafeInteger(row) && row > 0 ? row : 0,
  };
}

function idOf(text: string | null): string {
  // Somebody may have pasted the address of a trace's page.
  const id = /(?:^|\/traces\/)([0-9a-f]{16,32})(?:$|[/?#])/.exec((text ?? '').trim().toLowerCase())?.[1];
  return id === undefined ? '' : id.padStart(32, '0');
}

export function compareHref(state: CompareState, change: Partial<CompareState> = {}): string {
  const { a, b, order, row } = { ...state, ...change };
  const rest = `${order === 'structure' ? '&order=structure' : ''}${row > 0 ? `&row=${row}` : ''}`;
  return `/compare?a=${a}&b=${b}${rest}`;
}
