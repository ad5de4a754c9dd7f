/**
 * The small tables that every row points into: resources and instrumentation scopes. Each distinct
 * run of raw bytes, as one encoding wrote it, is one entry; texts are codes in the shared `strings`.
 */
import { AttributeLists } from './attribute-lists.ts';
import type { PairTable } from './attribute-lists.ts';
import { grown } from './grow.ts';
import { Interner } from './interner.ts';
import { addDropped } from './losses.ts';

const FIRST_ENTRIES = 16;

/** In the place of a resource's code: its spans are to be rejected. */
export const REFUSED = -1;

class OriginTable {
  count = 0;
  readonly attributes: AttributeLists;
  droppedAttributes: Uint32Array = new Uint32Array(FIRST_ENTRIES);
  schemaUrlCodes: Uint32Array = new Uint32Array(FIRST_ENTRIES);
  readonly raw = new Interner();
  #entryOfRaw = new Uint32Array(FIRST_ENTRIES);

  constructor(protected readonly pairs: PairTable) {
    this.attributes = new AttributeLists(pairs);
  }

  /** The raw bytes of entries from `count` on have no meaning from now on; rows that have such an entry keep it. */
  forget(count: number): void {
    for (let code = 0; code < this.raw.count; code++) {
      if (this.entryPlusOne(code) > count) this.#entryOfRaw[code] = 0;
    }
  }

  /** Entry + 1 of a code of `raw`; 0 for bytes that are new, or that nobody could parse so far. */
  entryPlusOne(code: number): number {
    return code < this.#entryOfRaw.length ? this.#entryOfRaw[code] : 0;
  }

  /** Readies the open entry `count`: nothing set, whatever an attempt before left there. */
  protected reset(): void {
    const entry = this.count;
    if (entry === this.schemaUrlCodes.length) {
      this.droppedAttributes = grown(this.droppedAttributes, entry + 1);
      this.schemaUrlCodes = grown(this.schemaUrlCodes, entry + 1);
    }
    this.attributes.truncate(entry);
    this.pairs.losses.discard();
    this.droppedAttributes[entry] = 0;
    this.schemaUrlCodes[entry] = 0;
  }

  /** Keeps the open entry as the meaning of the raw bytes with that code. */
  protected keep(rawCode: number): number {
    if (rawCode >= this.#entryOfRaw.length) this.#entryOfRaw = grown(this.#entryOfRaw, rawCode + 1);
    const { dropped } = this.attributes;
    this.droppedAttributes[this.count] = addDropped(this.droppedAttributes[this.count], dropped);
    this.attributes.close();
    this.pairs.losses.keep();
    this.#entryOfRaw[rawCode] = ++this.count;
    return this.count - 1;
  }
}

export class ResourceTable extends OriginTable {
  /** The text of `service.name`, a code in `strings`; 0, the empty text, where it is no string. */
  serviceNameCodes: Uint32Array = new Uint32Array(FIRST_ENTRIES);
  /** Codes of the services that count against the limit, as they came: those with a name. */
  readonly services = new Set<number>();

  get byteLength(): number {
    return this.raw.byteLength + this.attributes.byteLength + this.count * 16;
  }

  open(): number {
    this.reset();
    if (this.count === this.serviceNameCodes.length) {
      this.serviceNameCodes = grown(this.serviceNameCodes, this.count + 1);
    }
    return this.count;
  }

  /** The code of the resource, or REFUSED: its service is one too many. */
  close(rawCode: number, serviceNameCode: number): number {
    if (serviceNameCode !== 0 && !this.services.has(serviceNameCode)) {
      if (this.services.size >= this.pairs.limits.services) return REFUSED;
      this.services.add(serviceNameCode);
    }
    this.serviceNameCodes[this.count] = serviceNameCode;
    return this.keep(rawCode);
  }

  /** Keeps the first `count` services; true when there were others. */
  takeBackServices(count: number): boolean {
    if (this.services.size === count) return false;
    for (const service of [...this.services].slice(count)) this.services.delete(service);
    return true;
  }
}

export class ScopeTable extends OriginTable {
  nameCodes: Uint32Array = new Uint32Array(FIRST_ENTRIES);
  versionCodes: Uint32Array = new Uint32Array(FIRST_ENTRIES);

  get byteLength(): number {
    return this.raw.byteLength + this.attributes.byteLength + this.count * 20;
  }

  open(): number {
    this.reset();
    if (this.count === this.nameCodes.length) {
      this.nameCodes = grown(this.nameCodes, this.count + 1);
      this.versionCodes = grown(this.versionCodes, this.count + 1);
    }
    this.nameCodes[this.count] = 0;
    this.versionCodes[this.count] = 0;
    return this.count;
  }

  close(rawCode: number): number {
    return this.keep(rawCode);
  }
}
