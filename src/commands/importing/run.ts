/** The files of an import, one after the other: what they hold to the sink, and the account of it. */
import { existsSync } from 'node:fs';
import { OtlpDecodeError } from '../../otlp/errors.ts';
import type { AppendResult, ExportRequest } from '../../store/span-store.ts';
import { InputError, openInput } from './bytes.ts';
import type { ByteStream } from './bytes.ts';
import { formOf, itemsOf } from './items.ts';
import { parquetSpans, viaFile } from './parquet.ts';
import { requestsOf, requestsOfSpans } from './requests.ts';
import type { Sink } from './sinks.ts';

export interface ImportAccount {
  spans: number;
  rejected: number;
  /** Requests that the store had taken before. */
  repeated: number;
  /** Lines, messages and files that could not be used. */
  broken: number;
}

/** Requests under way at once: one fdatasync commits all that wait. */
const IN_FLIGHT = 8;

export class Import {
  readonly account: ImportAccount = { spans: 0, rejected: 0, repeated: 0, broken: 0 };
  readonly #underWay = new Set<Promise<void>>();
  #failure: unknown;

  constructor(
    private readonly sink: Sink,
    /** Told of each thing that could not be used. */
    private readonly tell: (problem: string) => void,
    private readonly progress: (spans: number) => void,
  ) {}

  /** Throws what keeps the sink from taking anything. */
  async file(path: string): Promise<void> {
    const name = path === '-' ? 'standard input' : path;
    try {
      await this.#read(path, name);
    } catch (error) {
      const system = error instanceof Error && 'code' in error && 'syscall' in error;
      if (!(error instanceof InputError) && !system) throw error;
      this.#broken(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
    await Promise.all(this.#underWay);
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #read(path: string, name: string): Promise<void> {
    if (path !== '-' && !existsSync(path)) throw new InputError('there is no such file');
    const bytes = await openInput(path);
    const form = await formOf(bytes);
    if (form === 'parquet') return this.#parquet(bytes, name);
    for await (const item of itemsOf(bytes, form)) {
      const place = `${name}: ${item.place}`;
      if ('problem' in item) {
        this.#broken(`${place}: ${item.problem}`);
        continue;
      }
      try {
        const { requests, rejected, message } = requestsOf(item);
        if (rejected > 0) this.#reject(place, rejected, message);
        for (const request of requests) await this.#send(request, place);
      } catch (error) {
        if (!(error instanceof OtlpDecodeError)) throw error;
        this.#broken(`${place}: ${error.message}`);
      }
    }
  }

  async #parquet(bytes: ByteStream, name: string): Promise<void> {
    let row = 0;
    for await (const spans of viaFile(bytes, parquetSpans)) {
      for (const request of requestsOfSpans(spans)) await this.#send(request, `${name}: rows from ${row}`);
      row += spans.length;
    }
  }

  /** Resolves when another may be given. */
  async #send(request: ExportRequest, place: string): Promise<void> {
    while (this.#underWay.size >= IN_FLIGHT) await Promise.race(this.#underWay);
    if (this.#failure !== undefined) throw this.#failure;
    const sent = this.#sendNow(request, place).finally(() => this.#underWay.delete(sent));
    this.#underWay.add(sent);
  }

  async #sendNow(request: ExportRequest, place: string): Promise<void> {
    try {
      this.#count(await this.sink.send(request), place);
    } catch (error) {
      if (error instanceof OtlpDecodeError) this.#broken(`${place}: ${error.message}`);
      else this.#failure ??= error;
    }
  }

  #count({ accepted, rejected, duplicate, message }: AppendResult, place: string): void {
    this.account.spans += accepted;
    if (duplicate === true) this.account.repeated++;
    if (rejected > 0) this.#reject(place, rejected, message);
    this.progress(this.account.spans);
  }

  #reject(place: string, rejected: number, message: string): void {
    this.account.rejected += rejected;
    this.tell(`${place}: ${rejected} spans rejected: ${message}`);
  }

  #broken(problem: string): void {
    this.account.broken++;
    this.tell(problem);
  }
}
