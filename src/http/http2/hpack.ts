/** Headers of HTTP/2 (HPACK, RFC 7541): decoded with the table that a connection keeps, encoded without one. */
import { decodeHuffman } from './huffman.ts';

/** Broken headers: the connection can't go on, since its table is lost. */
export class HpackError extends Error {
  override readonly name = 'HpackError';
}

type Field = readonly [name: string, value: string];

const STATIC: readonly Field[] = [
  [':authority', ''],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  [':status', '200'],
  [':status', '204'],
  [':status', '206'],
  [':status', '304'],
  [':status', '400'],
  [':status', '404'],
  [':status', '500'],
  ...(
    'accept-charset|accept-encoding: gzip, deflate|accept-language|accept-ranges|accept|' +
    'access-control-allow-origin|age|allow|authorization|cache-control|content-disposition|content-encoding|' +
    'content-language|content-length|content-location|content-range|content-type|cookie|date|etag|expect|expires|' +
    'from|host|if-match|if-modified-since|if-none-match|if-range|if-unmodified-since|last-modified|link|location|' +
    'max-forwards|proxy-authenticate|proxy-authorization|range|referer|refresh|retry-after|server|set-cookie|' +
    'strict-transport-security|transfer-encoding|user-agent|vary|via|www-authenticate'
  )
    .split('|')
    .map((text): Field => {
      const [name, value = ''] = text.split(': ');
      return [name, value];
    }),
];

/** RFC 7541: what a field counts besides its characters. */
const FIELD_BYTES = 32;
/** What HTTP/2 lets a sender's table have unless told otherwise, and we tell nothing. */
export const TABLE_BYTES = 4096;

export class HpackDecoder {
  /** Newest first. */
  readonly #table: Field[] = [];
  #tableBytes = 0;
  #limit = TABLE_BYTES;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;

  /** Names in lower case; of a name that comes twice, all values, comma-separated. Throws HpackError. */
  decode(block: Uint8Array, mostBytes: number): Map<string, string> {
    this.#bytes = block;
    this.#at = 0;
    const fields = new Map<string, string>();
    let size = 0;
    while (this.#at < block.length) {
      const field = this.#field(block[this.#at]);
      if (field === undefined) continue;
      const [name, value] = field;
      size += name.length + value.length + FIELD_BYTES;
      // A block of some KB may name the same long field a thousand times.
      if (size > mostBytes) throw new HpackError('the headers are too long');
      const known = fields.get(name);
      fields.set(name, known === undefined ? value : `${known},${value}`);
    }
    this.#bytes = new Uint8Array(0);
    return fields;
  }

  /** Undefined: it was no field, but a new size of the table. */
  #field(first: number): Field | undefined {
    if (first >= 0x80) return this.#indexed(this.#integer(0x7f));
    if (first >= 0x40) {
      const field = this.#literal(0x3f);
      this.#remember(field);
      return field;
    }
    if (first < 0x20) return this.#literal(0x0f);
    const limit = this.#integer(0x1f);
    if (limit > TABLE_BYTES) throw new HpackError('the table is larger than allowed');
    this.#limit = limit;
    this.#evict();
    return undefined;
  }

  #indexed(index: number): Field {
    const field = index <= STATIC.length ? STATIC[index - 1] : this.#table[index - STATIC.length - 1];
    if (field === undefined) throw new HpackError(`no header field ${index}`);
    return field;
  }

  #literal(mask: number): Field {
    const index = this.#integer(mask);
    const name = index === 0 ? this.#string() : this.#indexed(index)[0];
    return [name, this.#string()];
  }

  #remember(field: Field): void {
    this.#table.unshift(field);
    this.#tableBytes += field[0].length + field[1].length + FIELD_BYTES;
    this.#evict();
  }

  #evict(): void {
    while (this.#tableBytes > this.#limit) {
      const field = this.#table.pop();
      if (field === undefined) break;
      this.#tableBytes -= field[0].length + field[1].length + FIELD_BYTES;
    }
  }

  /** In the low bits of this byte, and of those behind it when they are all ones. */
  #integer(mask: number): number {
    let value = this.#byte() & mask;
    if (value < mask) return value;
    for (let shift = 1; ; shift *= 128) {
      const byte = this.#byte();
      value += (byte & 0x7f) * shift;
      if (value > 0xff_ff_ff) throw new HpackError('a number is too large');
      if (byte < 0x80) return value;
    }
  }

  #string(): string {
    const isHuffman = this.#bytes[this.#at] >= 0x80;
    const length = this.#integer(0x7f);
    const start = this.#at;
    const end = start + length;
    if (end > this.#bytes.length) throw new HpackError('the headers end in a text');
    this.#at = end;
    if (!isHuffman)
      return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + start, length).toString('latin1');
    const text = decodeHuffman(this.#bytes, start, end);
    if (text === undefined) throw new HpackError('a text is no Huffman code');
    return text;
  }

  #byte(): number {
    if (this.#at >= this.#bytes.length) throw new HpackError('the headers end in a number');
    return this.#bytes[this.#at++];
  }
}

/** A block that leaves the receiver's table alone. Values are ASCII. */
export function encodeHeaders(fields: readonly Field[]): Buffer {
  const parts: Buffer[] = [];
  for (const [name, value] of fields) {
    const index = STATIC.findIndex((field) => field[0] === name && field[1] === value);
    if (index >= 0 && value !== '') parts.push(Buffer.from([0x80 | (index + 1)]));
    else parts.push(Buffer.from([0]), encodeText(name), encodeText(value));
  }
  return Buffer.concat(parts);
}

function encodeText(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  if (bytes.length < 0x7f) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const rest = bytes.length - 0x7f;
  const length = [0x7f];
  let left = rest;
  for (; left >= 128; left = Math.floor(left / 128)) length.push((left % 128) | 0x80);
  return Buffer.concat([Buffer.from([...length, left]), bytes]);
}
