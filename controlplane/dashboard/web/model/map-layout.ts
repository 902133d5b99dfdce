import { type Layer, layers, type MapEdge, type MapNode, type Topology } from "./topology.ts";

/** Where the boxes and lines of a map are drawn. Pure. */
export interface Placed extends MapNode {
  readonly x: number;
  readonly y: number;
}
export interface Line extends MapEdge {
  /** An SVG path. */
  readonly path: string;
}
export interface MapLayout {
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly Placed[];
  readonly lines: readonly Line[];
  readonly columns: readonly { readonly layer: Layer; readonly x: number }[];
}

export const box = { width: 200, height: 46, gapX: 52, gapY: 12, head: 28, edge: 8 } as const;
const sweeps = 4;

/** In columns from left to right by layer. In a column, each stands near what it is joined to, so that few lines cross; all is the
 *  same for the same map. Columns that would be empty are left out. */
export function layoutOf({ nodes, edges }: Topology): MapLayout {
  const columns = layers
    .map((layer) => ({ layer, nodes: nodes.filter((one) => one.layer === layer) }))
    .filter(({ nodes: own }) => own.length > 0);
  const at = new Map<string, number>();
  const number = (own: readonly MapNode[]) => {
    for (const [place, { id }] of own.entries()) at.set(id, place / Math.max(1, own.length - 1));
  };
  for (const { nodes: own } of columns) number(own);
  const joined = new Map<string, string[]>();
  for (const { from, to } of edges)
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const)
      joined.set(one, [...(joined.get(one) ?? []), other]);
  const mean = (id: string) => {
    const others = (joined.get(id) ?? []).flatMap((one) => at.get(one) ?? []);
    return others.length === 0
      ? (at.get(id) ?? 0)
      : others.reduce((sum, one) => sum + one, 0) / others.length;
  };
  for (let sweep = 0; sweep < sweeps; sweep++)
    for (const column of sweep % 2 === 0 ? columns : [...columns].reverse()) {
      const means = new Map(column.nodes.map(({ id }) => [id, mean(id)]));
      // A stable sort keeps those that nothing tells apart in their order.
      column.nodes = [...column.nodes].sort((a, b) => (means.get(a.id) ?? 0) - (means.get(b.id) ?? 0));
      number(column.nodes);
    }
  const tallest = Math.max(0, ...columns.map(({ nodes: own }) => own.length));
  const step = box.height + box.gapY;
  const boxes = columns.flatMap(({ nodes: own }, column) => {
    const top = box.head + ((tallest - own.length) * step) / 2;
    return own.map((node, row): Placed => ({ ...node, x: xOf(column), y: Math.round(top + row * step) }));
  });
  const byId = new Map(boxes.map((one) => [one.id, one]));
  const lines = edges.flatMap((edge): Line[] => {
    const [from, to] = [byId.get(edge.from), byId.get(edge.to)];
    return from === undefined || to === undefined ? [] : [{ ...edge, path: pathOf(from, to) }];
  });
  return {
    width: columns.length === 0 ? 0 : xOf(columns.length - 1) + box.width + box.edge,
    height: box.head + Math.max(0, tallest * step - box.gapY) + box.edge,
    boxes,
    lines,
    columns: columns.map(({ layer }, column) => ({ layer, x: xOf(column) })),
  };
}

const xOf = (column: number) => box.edge + column * (box.width + box.gapX);

function pathOf(from: Placed, to: Placed): string {
  const [x1, y1] = [from.x + box.width, from.y + box.height / 2];
  const [x2, y2] = [to.x, to.y + box.height / 2];
  const half = (x2 - x1) / 2;
  return `M${x1} ${y1}C${x1 + half} ${y1} ${x2 - half} ${y2} ${x2} ${y2}`;
}

/** A text that has room in a box; the whole of it stands in its title. */
export const shortText = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most - 1)}…`;
