import hpack from "hpack.js";

/** As much of HTTP/2's framing (RFC 9113) and header compression (RFC 7541) as it takes to look into requests' headers. */
export const frameTypes = { DATA: 0, HEADERS: 1, SETTINGS: 4, PING: 6, CONTINUATION: 9 } as const;
export const frameFlags = { ACK: 0x1, END_HEADERS: 0x4, PADDED: 0x8, PRIORITY: 0x20 } as const;
export const prefaceBytes = 24;
const frameHeaderBytes = 9;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
  /** The frame as it came. */
  readonly raw: Buffer;
}

/** Cuts bytes into frames; what is not yet whole waits. */
export class FrameCutter {
  #rest: Buffer = Buffer.alloc(0);

  push(bytes: Buffer): Frame[] {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const frames: Frame[] = [];
    while (this.#rest.length >= frameHeaderBytes) {
      const size = frameHeaderBytes + this.#rest.readUIntBE(0, 3);
      if (this.#rest.length < size) break;
      const raw = this.#rest.subarray(0, size);
      frames.push({
        type: raw[3] ?? 0,
        flags: raw[4] ?? 0,
        streamId: raw.readUInt32BE(5) & 0x7fffffff,
        payload: raw.subarray(frameHeaderBytes),
        raw,
      });
      this.#rest = this.#rest.subarray(size);
    }
    return frames;
  }

  /** Bytes of a frame that is not whole yet. */
  get rest(): Buffer {
    return this.#rest;
  }
}

/** The compressed headers in a HEADERS frame, without padding and priority. */
export function headerBlock({ payload, flags }: Frame): Buffer {
  const padding = flags & frameFlags.PADDED ? (payload[0] ?? 0) : 0;
  const start = (flags & frameFlags.PADDED ? 1 : 0) + (flags & frameFlags.PRIORITY ? 5 : 0);
  return payload.subarray(start, payload.length - padding);
}

export type Headers = readonly { readonly name: string; readonly value: string }[];

/** Decompresses one connection's header blocks, in order. Throws on malformed ones. */
export class HeaderReader {
  readonly #decompressor = hpack.decompressor.create({ table: { size: 4096 } });
  #failure: Error | undefined;

  constructor() {
    this.#decompressor.on("error", (error) => {
      this.#failure = error;
    });
  }

  read(block: Buffer): Headers {
    this.#decompressor.write(block);
    this.#decompressor.execute();
    if (this.#failure !== undefined) throw this.#failure;
    const headers: { name: string; value: string }[] = [];
    for (let next = this.#decompressor.read(); next !== null; next = this.#decompressor.read())
      headers.push({ name: next.name, value: next.value });
    return headers;
  }
}

/** A HEADERS frame with these headers as plain literals, which touch no table. */
export function headersFrame(streamId: number, flags: number, headers: Headers): Buffer {
  const parts = headers.flatMap(({ name, value }) => [Buffer.from([0]), literal(name), literal(value)]);
  const block = Buffer.concat(parts);
  const head = Buffer.alloc(frameHeaderBytes);
  head.writeUIntBE(block.length, 0, 3);
  head[3] = frameTypes.HEADERS;
  head[4] = (flags & ~(frameFlags.PADDED | frameFlags.PRIORITY)) | frameFlags.END_HEADERS;
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, block]);
}

/** A string without Huffman coding, after its length as an integer with a 7-bit prefix. */
function literal(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const length = [127];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest >>>= 7) length.push((rest & 0x7f) | 0x80);
  length.push(rest);
  return Buffer.concat([Buffer.from(length), bytes]);
}
