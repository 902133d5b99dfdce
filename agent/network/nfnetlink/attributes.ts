/** Bytes as nfnetlink has them: messages of attributes, each padded to four bytes. Numbers are in the network's order, what the
 *  kernel keeps in registers in this machine's. Grows as it is written to. */
export class AttributeWriter {
  #bytes = new Uint8Array(4096);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** What was written; good until more is. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Answers where the message begins, for `end`. */
  begin(type: number, { flags, sequence, family, resource = 0 }: MessageHead): number {
    const at = this.#take(20);
    this.#view.setUint16(at + 4, type, littleEndian);
    this.#view.setUint16(at + 6, flags, littleEndian);
    this.#view.setUint32(at + 8, sequence, littleEndian);
    this.#view.setUint8(at + 16, family);
    this.#view.setUint16(at + 18, resource);
    return at;
  }

  end(message: number): void {
    this.#view.setUint32(message, this.#length - message, littleEndian);
  }

  addFlags(message: number, flags: number): void {
    this.#view.setUint16(message + 6, this.#view.getUint16(message + 6, littleEndian) | flags, littleEndian);
  }

  /** Answers where the attribute begins, for `close`. */
  open(type: number): number {
    const at = this.#take(4);
    this.#view.setUint16(at + 2, type | nestedFlag, littleEndian);
    return at;
  }

  close(attribute: number): void {
    this.#view.setUint16(attribute, this.#length - attribute, littleEndian);
  }

  text(type: number, text: string): void {
    const at = this.#attribute(type, text.length + 1);
    for (let i = 0; i < text.length; i++) this.#bytes[at + i] = text.charCodeAt(i);
  }

  number(type: number, value: number): void {
    const at = this.#attribute(type, 4); // may move the bytes
    this.#view.setUint32(at, value);
  }

  data(type: number, bytes: Uint8Array): void {
    const at = this.#attribute(type, bytes.length);
    this.#bytes.set(bytes, at);
  }

  #attribute(type: number, length: number): number {
    const at = this.#take(4 + ((length + 3) & ~3));
    this.#view.setUint16(at, 4 + length, littleEndian);
    this.#view.setUint16(at + 2, type, littleEndian);
    return at + 4;
  }

  #take(length: number): number {
    const at = this.#length;
    this.#length += length;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length));
      grown.set(this.#bytes.subarray(0, at));
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return at;
  }
}

export interface MessageHead {
  readonly flags: number;
  readonly sequence: number;
  readonly family: number;
  readonly resource?: number;
}

const nestedFlag = 0x8000;

/** The order of bytes in this machine's registers, and so in the kernel's. */
export const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** Of a register: what rules compute with, in this machine's order. */
export function registerBytes(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, littleEndian);
  return bytes;
}

/** Of an address's number, in the network's order. */
export function addressBytes(value: bigint, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = length - 1, rest = value; at >= 0; at--, rest >>= 8n) bytes[at] = Number(rest & 0xffn);
  return bytes;
}
