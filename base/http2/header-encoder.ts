import { defaultTableBytes } from "./frames.ts";
import { type Header, headerCost } from "./header.ts";
import { indexed, literal, sizeUpdate, staticIndex } from "./header-block.ts";
import { staticTable } from "./static-table.ts";

/** A block that is said often: its headers go into the tables of those who read them, and are then a byte each. */
export class CommonBlock {
  readonly headers: readonly Header[];

  constructor(headers: readonly Header[]) {
    this.headers = headers;
  }
}

/** A block as it is, or one that is written as the connection's table allows. */
export type Block = Buffer | CommonBlock;

/** Writes a connection's header blocks, and knows the table that its peer makes of them (RFC 7541, section 2.3.2). Common blocks
 *  are few, so nothing that is in the table is ever put out for something new.
 *  Invariant: what a block refers to is in the peer's table when it reads the block; so blocks are written in the order in
 *  which they are sent. */
export class HeaderEncoder {
  /** Oldest first. */
  readonly #table: Header[] = [];
  /** Common blocks of which every header is in the table. */
  readonly #known = new Map<CommonBlock, Buffer>();
  #tableBytes = 0;
  #bytesMost = defaultTableBytes;
  #isResized = false;

  /** To be called in the moment of sending. */
  bytes(block: Block): Buffer {
    const known = block instanceof CommonBlock ? this.#known.get(block) : undefined;
    if (known !== undefined && !this.#isResized) return known;
    const bytes = block instanceof CommonBlock ? this.#written(block) : block;
    if (!this.#isResized) return bytes;
    this.#isResized = false;
    return Buffer.concat([sizeUpdate(this.#bytesMost), bytes]);
  }

  /** The peer keeps a table so large at most. It must be told that a smaller one will do, and a larger one is not needed. */
  resize(bytesMost: number): void {
    if (bytesMost >= this.#bytesMost) return;
    this.#bytesMost = bytesMost;
    this.#isResized = true;
    this.#known.clear();
    while (this.#tableBytes > bytesMost) this.#tableBytes -= headerCost(this.#table.shift() as Header);
  }

  #written(block: CommonBlock): Buffer {
    const { headers } = block;
    let isNew = false;
    const written = headers.map((header) => {
      const index = this.#index(header);
      if (index !== undefined) return indexed(index);
      const cost = headerCost(header);
      if (this.#tableBytes + cost > this.#bytesMost) return literal(header, "passing");
      this.#table.push(header);
      this.#tableBytes += cost;
      isNew = true;
      return literal(header, "kept");
    });
    const bytes = Buffer.concat(written);
    // What is new has moved the indices of all that is older.
    if (isNew) this.#known.clear();
    else this.#known.set(block, bytes);
    return bytes;
  }

  #index(header: Header): number | undefined {
    const place = this.#table.findIndex(({ name, value }) => name === header.name && value === header.value);
    return place === -1 ? staticIndex(header) : staticTable.length + this.#table.length - place;
  }
}
