/** Rows of traces with what a trace's summary needs: some 80 bytes a span instead of a whole one. */
import { joinBytes, joinWords } from '../../../../span/join.ts';
import type { Block } from '../../../../span/vector.ts';
import { columnOf } from '../scan/cells.ts';
import { Selection } from '../scan/scan.ts';
import type { Filter } from '../scan/scan.ts';
import { Texts } from '../scan/texts.ts';

/** Typed arrays by row; texts by code. Times as words, low first. */
export interface SlimRows {
  readonly count: number;
  readonly traceIds: Uint8Array;
  readonly spanIds: Uint8Array;
  readonly parentSpanIds: Uint8Array;
  readonly kinds: Uint8Array;
  readonly statuses: Uint8Array;
  readonly starts: Uint32Array;
  readonly durations: Uint32Array;
  readonly names: readonly string[];
  readonly nameCodes: Uint32Array;
  readonly services: readonly string[];
  readonly serviceCodes: Uint32Array;
  readonly matched: Uint8Array;
  readonly rowGroups: Uint32Array;
  readonly rows: Uint32Array;
}

export const SLIM_COLUMNS: readonly string[] = [
  'trace_id',
  'span_id',
  'parent_span_id',
  'name',
  'kind',
  'start_time_unix_nano',
  'duration_nano',
  'status_code',
  'service_name',
];

/** Which row group a block is of, and from which row of it. */
interface BlockPlace {
  readonly rowGroup: number;
  readonly from: number;
}

/** The given rows of a block, ascending, copied. */
export function slimRows(block: Block, filter: Filter, rows: Uint32Array, place: BlockPlace): SlimRows {
  const bytesOf = (name: string, width: number): Uint8Array => {
    const { bytes } = columnOf(block, name, 'fixed');
    const out = new Uint8Array(rows.length * width);
    rows.forEach((row, i) => out.set(bytes.subarray(row * width, row * width + width), i * width));
    return out;
  };
  const wordsOf = (name: string): Uint32Array => {
    const { words } = columnOf(block, name, 'int64');
    const out = new Uint32Array(rows.length * 2);
    rows.forEach((row, i) => {
      out[i * 2] = words[row * 2];
      out[i * 2 + 1] = words[row * 2 + 1];
    });
    return out;
  };
  const bytes8Of = (name: string): Uint8Array => {
    const { values } = columnOf(block, name, 'uint8');
    return Uint8Array.from(rows, (row) => values[row]);
  };
  const names = textsOf(block, 'name', rows);
  const services = textsOf(block, 'service_name', rows);
  return {
    count: rows.length,
    traceIds: bytesOf('trace_id', 16),
    spanIds: bytesOf('span_id', 8),
    parentSpanIds: bytesOf('parent_span_id', 8),
    kinds: bytes8Of('kind'),
    statuses: bytes8Of('status_code'),
    starts: wordsOf('start_time_unix_nano'),
    durations: wordsOf('duration_nano'),
    names: names.texts,
    nameCodes: names.codes,
    services: services.texts,
    serviceCodes: services.codes,
    matched: matchedOf(block, filter, rows),
    rowGroups: new Uint32Array(rows.length).fill(place.rowGroup),
    rows: rows.map((row) => row + place.from),
  };
}

/** The texts of these rows alone, numbered anew. */
function textsOf(block: Block, name: string, rows: Uint32Array): { texts: string[]; codes: Uint32Array } {
  const { codes, dictionary } = columnOf(block, name, 'text');
  const known = new Texts(dictionary);
  const renamed = new Map<number, number>();
  const texts: string[] = [];
  const own = Uint32Array.from(rows, (row) => {
    let code = renamed.get(codes[row]);
    if (code === undefined) {
      renamed.set(codes[row], (code = texts.length));
      texts.push(known.orEmpty(codes[row]));
    }
    return code;
  });
  return { texts, codes: own };
}

/** Runs of neighbouring rows are filtered as one. */
function matchedOf(block: Block, filter: Filter, rows: Uint32Array): Uint8Array {
  const selection = new Selection(block, filter);
  const matched = new Uint8Array(rows.length);
  for (let i = 0; i < rows.length;) {
    let end = i + 1;
    while (end < rows.length && rows[end] === rows[end - 1] + 1) end++;
    const selected = selection.select(rows[i], rows[end - 1] + 1);
    for (; i < end; i++) matched[i] = selected[rows[i]];
  }
  return matched;
}

export function concatSlim(parts: readonly SlimRows[]): SlimRows {
  const names = mergeTexts(parts.map((part) => ({ texts: part.names, codes: part.nameCodes })));
  const services = mergeTexts(parts.map((part) => ({ texts: part.services, codes: part.serviceCodes })));
  return {
    count: parts.reduce((sum, part) => sum + part.count, 0),
    traceIds: joinBytes(parts.map((part) => part.traceIds)),
    spanIds: joinBytes(parts.map((part) => part.spanIds)),
    parentSpanIds: joinBytes(parts.map((part) => part.parentSpanIds)),
    kinds: joinBytes(parts.map((part) => part.kinds)),
    statuses: joinBytes(parts.map((part) => part.statuses)),
    starts: joinWords(parts.map((part) => part.starts)),
    durations: joinWords(parts.map((part) => part.durations)),
    names: names.texts,
    nameCodes: names.codes,
    services: services.texts,
    serviceCodes: services.codes,
    matched: joinBytes(parts.map((part) => part.matched)),
    rowGroups: joinWords(parts.map((part) => part.rowGroups)),
    rows: joinWords(parts.map((part) => part.rows)),
  };
}

function mergeTexts(parts: readonly { texts: readonly string[]; codes: Uint32Array }[]): {
  texts: string[];
  codes: Uint32Array;
} {
  const numbers = new Map<string, number>();
  const codes = parts.map((part) => {
    const renamed = part.texts.map((text) => {
      let number = numbers.get(text);
      if (number === undefined) numbers.set(text, (number = numbers.size));
      return number;
    });
    return part.codes.map((code) => renamed[code]);
  });
  return { texts: [...numbers.keys()], codes: joinWords(codes) };
}
