/** Parquet's offset index: where each page of a column chunk is, and with which row it begins. */
import type { ByteWriter } from './bytes.ts';
import type { ThriftReader } from './thrift-reader.ts';
import { THRIFT, ThriftWriter } from './thrift.ts';

export interface PageLocation {
  /** From the file's begin. */
  readonly offset: number;
  /** With its header. */
  readonly bytes: number;
  /** Of the row group. */
  readonly firstRow: number;
}

export function writeOffsetIndex(out: ByteWriter, pages: readonly PageLocation[]): void {
  const thrift = new ThriftWriter(out);
  thrift.struct(() => {
    thrift.listField(1, THRIFT.struct, pages, ({ offset, bytes, firstRow }) =>
      thrift.struct(() => {
        thrift.int64Field(1, offset);
        thrift.int32Field(2, bytes);
        thrift.int64Field(3, firstRow);
      }),
    );
  });
}

/** Throws RangeError unless there is a page, and the pages follow each other with ascending rows from 0. */
export function readOffsetIndex(thrift: ThriftReader): PageLocation[] {
  const pages: PageLocation[] = [];
  thrift.struct((id, type) => {
    if (id !== 1 || type !== THRIFT.list) thrift.skip(type);
    else thrift.list(() => pages.push(readLocation(thrift)));
  });
  let end = 0;
  for (const [i, { offset, bytes, firstRow }] of pages.entries()) {
    const isNext = i === 0 ? firstRow === 0 : offset === end && firstRow > pages[i - 1].firstRow;
    if (!isNext) throw new RangeError(`page ${i} at ${offset} with row ${firstRow} behind ${end}`);
    end = offset + bytes;
  }
  if (end === 0) throw new RangeError('a column chunk without pages');
  return pages;
}

function readLocation(thrift: ThriftReader): PageLocation {
  let [offset, bytes, firstRow] = [0, 0, 0];
  thrift.struct((id, type) => {
    if (id === 1) offset = thrift.size();
    else if (id === 2) bytes = thrift.size();
    else if (id === 3) firstRow = thrift.size();
    else thrift.skip(type);
  });
  return { offset, bytes, firstRow };
}
