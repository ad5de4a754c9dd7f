/**
 * What a client or producer span says of whom it calls, for calls whose other side sends no spans. As the
 * Collector's service graph has it, a database comes before all else; names are the semantic conventions' of
 * today and before.
 */
import { TYPE_TAGS } from '../../../../span/value.ts';
import { NULL_CODE } from '../../../../span/vector.ts';
import type { AttributesVector, Block, TextVector } from '../../../../span/vector.ts';
import type { Dependency } from '../../../span-store.ts';
import { attributesRange } from '../scan/cells.ts';
import type { ColumnsAvailable } from '../scan/fields.ts';
import { Texts, codesOfText } from '../scan/texts.ts';

export interface Peer {
  readonly connectionType: Dependency['connectionType'];
  readonly name: string;
}

/** Numbers of peers that many blocks share. */
interface PeerNumbers {
  peer(peer: Peer): number;
}

interface PeerKey {
  readonly key: string;
  readonly connectionType: Dependency['connectionType'];
}

/**
 * The first that a span has names its peer. A namespace that is a number (Redis') names no database; a
 * producer without any of messaging's is named by the last three.
 */
const PEER_KEYS: readonly PeerKey[] = [
  { key: 'db.namespace', connectionType: 'database' },
  { key: 'db.name', connectionType: 'database' },
  { key: 'db.system.name', connectionType: 'database' },
  { key: 'db.system', connectionType: 'database' },
  { key: 'messaging.destination.name', connectionType: 'messaging_system' },
  { key: 'messaging.system', connectionType: 'messaging_system' },
  { key: 'peer.service', connectionType: 'virtual_node' },
  { key: 'server.address', connectionType: 'virtual_node' },
  { key: 'net.peer.name', connectionType: 'virtual_node' },
];

/** The columns in which a file has them. */
export function peerColumns({ promoted, keys }: ColumnsAvailable): string[] {
  const columns = PEER_KEYS.map(({ key }) => key)
    .filter((key) => keys === undefined || keys.has(`span ${key}`))
    .map((key) => (promoted.has(`span.${key}`) ? `span.${key}` : 'span_attributes'));
  return [...new Set(columns)];
}

/** A name that a peer can have; undefined where the value is passed over. */
function nameOf({ connectionType, key }: PeerKey, text: string): string | undefined {
  if (text === '') return undefined;
  const isIndex = connectionType === 'database' && key !== 'db.system' && /^\d+$/.test(text);
  return isIndex ? undefined : text;
}

const UNKNOWN = -2;
const NONE = -1;

/** The peers of a block's rows, each distinct value looked at once. */
export class PeerReader {
  readonly #columns: readonly TextPeers[];
  readonly #map: AttributesVector | undefined;
  /** By code of a key in the map: number in PEER_KEYS + 1. */
  readonly #mapKeys: Uint8Array;
  readonly #mapPeers: readonly TextPeers[];

  constructor(block: Block, numbers: PeerNumbers) {
    const columns: TextPeers[] = [];
    PEER_KEYS.forEach((peer, rank) => {
      const own = block.columns.get(`span.${peer.key}`);
      // A column of numbers names nobody.
      if (own?.kind === 'text') columns.push(new TextPeers(own, peer, rank, numbers));
    });
    this.#columns = columns;
    const map = block.columns.get('span_attributes');
    this.#map = map?.kind === 'attributes' ? map : undefined;
    this.#mapKeys = new Uint8Array(this.#map?.keyDictionary.count ?? 0);
    this.#mapPeers = PEER_KEYS.map((peer, rank) => {
      const hits = this.#map ? codesOfText(this.#map.keyDictionary, peer.key) : [];
      hits.forEach((hit, code) => {
        if (hit === 1) this.#mapKeys[code] = rank + 1;
      });
      const dictionary = this.#map?.valueDictionary ?? {
        count: 0,
        offsets: new Uint32Array(1),
        bytes: NO_BYTES,
      };
      return new TextPeers({ kind: 'text', codes: NO_CODES, dictionary }, peer, rank, numbers);
    });
  }

  /** -1: none. */
  peer(row: number): number {
    let best = NONE;
    let bestRank = PEER_KEYS.length;
    for (const column of this.#columns) {
      const number = column.ofCode(column.codes[row]);
      if (number < 0) continue;
      best = number;
      bestRank = column.rank;
      break;
    }
    const map = this.#map;
    if (map === undefined) return best;
    const { from, to } = attributesRange(map, row);
    for (let entry = from; entry < to; entry++) {
      const index = map.pairs ? map.pairs[entry] : entry;
      const rank = this.#mapKeys[map.keys[index]] - 1;
      if (rank < 0 || rank >= bestRank || map.types[index] !== TYPE_TAGS.string) continue;
      const number = this.#mapPeers[rank].ofCode(map.values[index]);
      if (number < 0) continue;
      best = number;
      bestRank = rank;
    }
    return best;
  }
}

const NO_BYTES = new Uint8Array(0);
const NO_CODES = new Uint32Array(0);

/** The peers that the texts of a dictionary name under one key. */
class TextPeers {
  readonly codes: Uint32Array;
  readonly #texts: Texts;
  readonly #known: Int32Array;

  constructor(
    { codes, dictionary }: TextVector,
    readonly peer: PeerKey,
    readonly rank: number,
    readonly numbers: PeerNumbers,
  ) {
    this.codes = codes;
    this.#texts = new Texts(dictionary);
    this.#known = new Int32Array(dictionary.count).fill(UNKNOWN);
  }

  ofCode(code: number): number {
    if (code === NULL_CODE) return NONE;
    const known = this.#known[code];
    return known === UNKNOWN ? (this.#known[code] = this.#learn(code)) : known;
  }

  #learn(code: number): number {
    const name = nameOf(this.peer, this.#texts.get(code));
    return name === undefined ? NONE : this.numbers.peer({ connectionType: this.peer.connectionType, name });
  }
}
