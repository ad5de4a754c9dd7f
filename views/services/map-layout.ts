/**
 * Where the map's nodes and edges lie: columns from callers to callees, left to right, in the manner of Sugiyama.
 * Cycles are broken, nodes stand one column right of the farthest that calls them, rows are ordered so that few
 * edges cross, and each node is drawn towards its neighbours. The same graph gives the same picture whatever the
 * order of its parts.
 *
 * A general library of graph layout took 200 ms for 100 nodes and 200 edges, and others wait meanwhile; this takes
 * 20 ms for 200 and 600.
 */
import { columnsOf } from './map-columns.ts';
import type { LaidEdge, LayoutEdge } from './map-columns.ts';
import { orderRows } from './map-rows.ts';

export interface Size {
  readonly nodeWidth: number;
  readonly nodeHeight: number;
  readonly columnGap: number;
  readonly rowGap: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  /** Of a node's upper left corner. */
  readonly nodes: ReadonlyMap<string, Point>;
  /** By the key of the edge: from the client's side to the server's, through the columns between. */
  readonly edges: ReadonlyMap<string, readonly Point[]>;
}

export function layOut(keys: readonly string[], edges: readonly LayoutEdge[], size: Size): Layout {
  const columns = columnsOf(keys, edges);
  const { rows, heights } = orderRows(columns, size);
  const place = new Map<string, Point>();
  const pitch = size.nodeWidth + size.columnGap;
  for (const [column, items] of rows.entries()) {
    for (const item of items) {
      place.set(item, { x: column * pitch, y: heights.get(item) ?? 0 });
    }
  }
  const nodes = new Map<string, Point>();
  let height = size.nodeHeight;
  for (const key of keys) {
    const point = place.get(key) ?? { x: 0, y: 0 };
    nodes.set(key, point);
    height = Math.max(height, point.y + size.nodeHeight);
  }
  const lines = new Map<string, readonly Point[]>();
  for (const edge of columns.edges) lines.set(edge.key, line(edge, place, size));
  return { width: Math.max(rows.length * pitch - size.columnGap, 0), height, nodes, edges: lines };
}

/** Through the middle of what stands for it in the columns between; a reversed edge runs from right to left. */
function line(
  { path, way }: LaidEdge,
  place: ReadonlyMap<string, Point>,
  { nodeWidth, nodeHeight }: Size,
): Point[] {
  if (way === 'within') {
    // Out to the right, and back in from there.
    return path.map((item) => {
      const { x, y } = place.get(item) ?? { x: 0, y: 0 };
      return { x: x + nodeWidth, y: y + nodeHeight / 2 };
    });
  }
  const points = path.flatMap((item, i) => {
    const { x, y } = place.get(item) ?? { x: 0, y: 0 };
    const middle = y + nodeHeight / 2;
    if (i === 0) return [{ x: x + nodeWidth, y: middle }];
    if (i === path.length - 1) return [{ x, y: middle }];
    return [
      { x, y: middle },
      { x: x + nodeWidth, y: middle },
    ];
  });
  return way === 'back' ? points.reverse() : points;
}
