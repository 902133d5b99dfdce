import { latin1 } from "../../base/wire.ts";
import type { Row } from "../backend/backend.ts";
import { bucketFlag, elementBytes, flag, pageHeadBytes } from "./bolt-pages.ts";

/** What a page says of itself. */
export interface PageHead {
  readonly id: number;
  readonly flags: number;
  readonly elements: number;
  /** So many pages after it are its own, too. */
  readonly overflow: number;
}
export interface LeafRow extends Row {
  readonly isBucket: boolean;
}
export interface Child {
  /** The first key that may be in it, a byte string. */
  readonly from: string;
  readonly page: number;
}
export type PageContent =
  | { readonly kind: "leaf"; readonly rows: readonly LeafRow[] }
  | { readonly kind: "branch"; readonly children: readonly Child[] };

export function readPageHead(bytes: Buffer): PageHead {
  return {
    id: Number(bytes.readBigUInt64LE(0)),
    flags: bytes.readUInt16LE(8),
    elements: bytes.readUInt16LE(10),
    overflow: bytes.readUInt32LE(12),
  };
}

/** The elements of a leaf or branch page, all of whose bytes are here; or what is wrong with them. Values are views. */
export function readElements(bytes: Buffer): PageContent | string {
  const { flags, elements } = readPageHead(bytes);
  if (flags !== flag.leaf && flags !== flag.branch) return `is neither leaf nor branch (flags ${flags})`;
  if (pageHeadBytes + elements * elementBytes > bytes.length) return `claims ${elements} elements`;
  if (flags === flag.leaf) {
    const rows = listOf(bytes, elements, leafRow);
    return typeof rows === "string"
      ? rows
      : (outOfOrder(rows.map(({ key }) => key)) ?? { kind: "leaf", rows });
  }
  if (elements === 0) return "is a branch without children";
  const children = listOf(bytes, elements, child);
  if (typeof children === "string") return children;
  return outOfOrder(children.map(({ from }) => from)) ?? { kind: "branch", children };
}

function listOf<T>(
  bytes: Buffer,
  count: number,
  read: (bytes: Buffer, head: number) => T | undefined,
): T[] | string {
  const list: T[] = [];
  for (let at = 0; at < count; at++) {
    const element = read(bytes, pageHeadBytes + at * elementBytes);
    if (element === undefined) return `has an element (${at}) that reaches beyond it`;
    list.push(element);
  }
  return list;
}

function outOfOrder(keys: readonly string[]): string | undefined {
  const at = keys.findIndex((key, i) => i > 0 && key <= (keys[i - 1] as string));
  return at < 0 ? undefined : `has an element (${at}) whose key is not behind the one before it`;
}

function leafRow(bytes: Buffer, head: number): LeafRow | undefined {
  const start = head + bytes.readUInt32LE(head + 4);
  const keyEnd = start + bytes.readUInt32LE(head + 8);
  const end = keyEnd + bytes.readUInt32LE(head + 12);
  if (end > bytes.length) return undefined;
  const isBucket = (bytes.readUInt32LE(head) & bucketFlag) !== 0;
  return { key: latin1(bytes.subarray(start, keyEnd)), value: bytes.subarray(keyEnd, end), isBucket };
}

function child(bytes: Buffer, head: number): Child | undefined {
  const start = head + bytes.readUInt32LE(head);
  const end = start + bytes.readUInt32LE(head + 4);
  if (end > bytes.length) return undefined;
  return { from: latin1(bytes.subarray(start, end)), page: Number(bytes.readBigUInt64LE(head + 8)) };
}
