import type { Header } from "./header.ts";
import { headerCost } from "./header.ts";
import type { HeaderDecoder } from "./header-decoder.ts";

/** The headers of a block. Blocks that say the same are the same list, if the one before is still known. */
export class HeaderList<Found> {
  readonly headers: readonly Header[];
  /** What the reader of the list found out of it, for when it comes again. */
  found: Found | undefined;

  constructor(headers: readonly Header[]) {
    this.headers = headers;
  }
}

/** So many lists are known of a connection, and none that is longer. */
const listsMost = 8;
const listBytesMost = 4096;
const blockBytesMost = 512;

interface Known<Found> {
  readonly list: HeaderList<Found>;
  apart: string | undefined;
  /** A block that said so when the table had changed so many times. */
  block: Buffer | undefined;
  changes: number;
}

/** Decodes a connection's header blocks, and knows those that came before: clients say the same over and over.
 *  Invariant: a block is passed over by its bytes only if it does not change the table, which has not changed meanwhile. */
export class KnownBlocks<Found> {
  readonly #decoder: HeaderDecoder;
  readonly #apartName: string | undefined;
  readonly #known: Known<Found>[] = [];
  #next = 0;
  /** The value of the header that is kept apart, in the block that was read last. */
  apart: string | undefined;

  /** @param apart The name of a header that is different each time, and therefore not in the lists. */
  constructor(decoder: HeaderDecoder, options: { readonly apart?: string | undefined } = {}) {
    this.#decoder = decoder;
    this.#apartName = options.apart;
  }

  read(bytes: Buffer, start: number, end: number): HeaderList<Found> | "tooLarge" {
    const same = this.#sameBytes(bytes, start, end);
    if (same !== undefined) {
      this.apart = same.apart;
      return same.list;
    }
    this.apart = undefined;
    const { changes } = this.#decoder;
    const decoded = this.#decoder.decode(bytes.subarray(start, end));
    if (decoded === "tooLarge") return decoded;
    const headers = this.#apartName === undefined ? decoded : this.#without(decoded, this.#apartName);
    const known = this.#sameHeaders(headers) ?? this.#remember(headers);
    if (this.#decoder.changes === changes && end - start <= blockBytesMost) {
      known.block = Buffer.from(bytes.subarray(start, end));
      known.changes = changes;
      known.apart = this.apart;
    }
    return known.list;
  }

  #sameBytes(bytes: Buffer, start: number, end: number): Known<Found> | undefined {
    const { changes } = this.#decoder;
    for (const known of this.#known) {
      const { block } = known;
      if (block === undefined || known.changes !== changes || block.length !== end - start) continue;
      let at = 0;
      while (at < block.length && block[at] === bytes[start + at]) at += 1;
      if (at === block.length) return known;
    }
    return undefined;
  }

  #sameHeaders(headers: readonly Header[]): Known<Found> | undefined {
    return this.#known.find(({ list }) => areSame(list.headers, headers));
  }

  #remember(headers: readonly Header[]): Known<Found> {
    const known = { list: new HeaderList<Found>(headers), apart: undefined, block: undefined, changes: 0 };
    let listBytes = 0;
    for (const header of headers) listBytes += headerCost(header);
    if (listBytes > listBytesMost) return known;
    this.#known[this.#next] = known;
    this.#next = (this.#next + 1) % listsMost;
    return known;
  }

  /** One before a pseudo-header stays: whoever checks the list must see that. */
  #without(headers: readonly Header[], name: string): readonly Header[] {
    const at = headers.findIndex((header) => header.name === name);
    if (at === -1 || headers.some((header, behind) => behind > at && header.name.startsWith(":")))
      return headers;
    this.apart = headers[at]?.value;
    return headers.filter((_, other) => other !== at);
  }
}

function areSame(some: readonly Header[], others: readonly Header[]): boolean {
  if (some.length !== others.length) return false;
  for (let at = 0; at < some.length; at++) {
    const one = some[at] as Header;
    const other = others[at] as Header;
    if (one !== other && (one.name !== other.name || one.value !== other.value)) return false;
  }
  return true;
}
