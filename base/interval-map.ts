/** Values by half-open ranges of texts: finds those whose range holds a text in steps proportional to the logarithm of all of
 *  them, for each that is found. A balanced tree (AVL) sorted by where ranges begin; each node knows how far its subtree
 *  reaches. */
export interface Interval {
  readonly from: string;
  /** The range ends before it; undefined: nowhere. */
  readonly to: string | undefined;
}

interface Node<V> extends Interval {
  readonly value: V;
  left: Node<V> | undefined;
  right: Node<V> | undefined;
  height: number;
  /** The greatest `to` of the subtree. */
  reach: string | undefined;
}

export class IntervalMap<V> {
  #root: Node<V> | undefined;

  get isEmpty(): boolean {
    return this.#root === undefined;
  }

  get(interval: Interval): V | undefined {
    let node = this.#root;
    while (node !== undefined) {
      const order = compare(interval, node);
      if (order === 0) return node.value;
      node = order < 0 ? node.left : node.right;
    }
    return undefined;
  }

  /** The interval must not be there yet. */
  add({ from, to }: Interval, value: V): void {
    const node = { from, to, value, left: undefined, right: undefined, height: 1, reach: to };
    this.#root = withNode(this.#root, node);
  }

  delete(interval: Interval): void {
    this.#root = without(this.#root, interval);
  }

  /** Visits the values of all intervals that `text` lies in. The map must not change meanwhile. */
  visit(text: string, visit: (value: V) => void): void {
    visitWithin(this.#root, text, visit);
  }
}

/** Whether a range that ends at `to` (undefined: nowhere) reaches past the text. */
export function reachesPast(to: string | undefined, text: string): boolean {
  return to === undefined || text < to;
}

function visitWithin<V>(node: Node<V> | undefined, text: string, visit: (value: V) => void): void {
  if (node === undefined || !reachesPast(node.reach, text)) return;
  visitWithin(node.left, text, visit);
  if (node.from > text) return;
  if (reachesPast(node.to, text)) visit(node.value);
  visitWithin(node.right, text, visit);
}

function compare(a: Interval, b: Interval): number {
  if (a.from !== b.from) return a.from < b.from ? -1 : 1;
  if (a.to === b.to) return 0;
  return endsBefore(a.to, b.to) ? -1 : 1;
}

function endsBefore(a: string | undefined, b: string | undefined): boolean {
  return a !== undefined && (b === undefined || a < b);
}

function withNode<V>(node: Node<V> | undefined, added: Node<V>): Node<V> {
  if (node === undefined) return added;
  if (compare(added, node) < 0) node.left = withNode(node.left, added);
  else node.right = withNode(node.right, added);
  return balanced(node);
}

function without<V>(node: Node<V> | undefined, interval: Interval): Node<V> | undefined {
  if (node === undefined) return undefined;
  const order = compare(interval, node);
  if (order < 0) node.left = without(node.left, interval);
  else if (order > 0) node.right = without(node.right, interval);
  else {
    if (node.left === undefined) return node.right;
    if (node.right === undefined) return node.left;
    const next = first(node.right);
    next.right = without(node.right, next);
    next.left = node.left;
    return balanced(next);
  }
  return balanced(node);
}

function first<V>(node: Node<V>): Node<V> {
  let found = node;
  while (found.left !== undefined) found = found.left;
  return found;
}

function balanced<V>(node: Node<V>): Node<V> {
  const { left, right } = node;
  if (left !== undefined && left.height > heightOf(right) + 1) {
    if (heightOf(left.right) > heightOf(left.left)) node.left = turnedLeft(left);
    return turnedRight(node);
  }
  if (right !== undefined && right.height > heightOf(left) + 1) {
    if (heightOf(right.left) > heightOf(right.right)) node.right = turnedRight(right);
    return turnedLeft(node);
  }
  return refreshed(node);
}

/** The right child becomes the root, or the node as it is where there is none. */
function turnedLeft<V>(node: Node<V>): Node<V> {
  const root = node.right;
  if (root === undefined) return node;
  node.right = root.left;
  root.left = refreshed(node);
  return refreshed(root);
}

/** The left child becomes the root, or the node as it is where there is none. */
function turnedRight<V>(node: Node<V>): Node<V> {
  const root = node.left;
  if (root === undefined) return node;
  node.left = root.right;
  root.right = refreshed(node);
  return refreshed(root);
}

function heightOf(node: Node<unknown> | undefined): number {
  return node?.height ?? 0;
}

function refreshed<V>(node: Node<V>): Node<V> {
  const { left, right } = node;
  node.height = 1 + Math.max(heightOf(left), heightOf(right));
  let reach = node.to;
  if (left !== undefined && endsBefore(reach, left.reach)) reach = left.reach;
  if (right !== undefined && endsBefore(reach, right.reach)) reach = right.reach;
  node.reach = reach;
  return node;
}
