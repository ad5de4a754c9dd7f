/** The Huffman code of HPACK (RFC 7541, appendix B): canonical, so the lengths of its codes tell all of it. */

/** Bits of the code of each byte; 30 for the end of a string, which never stands in one. */
const LENGTHS = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28,
  28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7,
  8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19,
  13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13,
  28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21,
  22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23,
  22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25,
  25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
] as const;

const END_OF_STRING = 256;
const NONE = -1;

/** A binary tree in one array: node n has its branches at 2n and 2n+1; a branch is a node, or ~byte at a leaf. */
function buildTree(): Int16Array {
  const tree = new Int16Array(2 * LENGTHS.length);
  let nodes = 1;
  let code = 0;
  for (let length = 1; length <= 30; length++, code *= 2) {
    for (let symbol = 0; symbol < LENGTHS.length; symbol++) {
      if (LENGTHS[symbol] !== length) continue;
      let at = 0;
      for (let bit = length - 1; bit > 0; bit--) {
        const branch = at * 2 + ((code >>> bit) & 1);
        if (tree[branch] === 0) tree[branch] = nodes++;
        at = tree[branch];
      }
      tree[at * 2 + (code & 1)] = ~symbol;
      code += 1;
    }
  }
  return tree;
}

let tree: Int16Array | undefined;

/** The text of these bytes, a character a byte; undefined when they are no Huffman code. */
export function decodeHuffman(bytes: Uint8Array, start: number, end: number): string | undefined {
  tree ??= buildTree();
  let text = '';
  let node = 0;
  let depth = 0;
  let ones = true;
  for (let at = start; at < end; at++) {
    for (let bit = 7; bit >= 0; bit--) {
      const one = (bytes[at] >>> bit) & 1;
      const next = tree[node * 2 + one];
      depth += 1;
      ones = ones && one === 1;
      if (next > 0) {
        node = next;
        continue;
      }
      const symbol = next === 0 ? NONE : ~next;
      if (symbol === NONE || symbol === END_OF_STRING) return undefined;
      text += String.fromCharCode(symbol);
      node = 0;
      depth = 0;
      ones = true;
    }
  }
  // Filled up with the begin of the end of string: ones, fewer than a byte.
  return depth < 8 && ones ? text : undefined;
}
