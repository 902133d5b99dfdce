import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { dataFrame, resetFrame, synStreamFrame } from "../spdy/frames.ts";
import { HeaderBlockWriter } from "../spdy/header-block.ts";

interface Heard {
  readonly type: number | "data";
  readonly id: number;
  readonly flags: number;
  readonly body: Buffer;
}

/** The side of a SPDY connection that opens streams, spoken frame by frame. */
export class SpdyTestClient {
  readonly socket: Socket;
  readonly heard: Heard[] = [];
  readonly #writer = new HeaderBlockWriter();
  #rest: Buffer = Buffer.alloc(0);
  #wakers: (() => void)[] = [];
  isClosed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.isClosed = true;
      this.#wake();
    });
    socket.on("data", (chunk) => {
      this.#rest = Buffer.concat([this.#rest, chunk]);
      while (this.#rest.length >= 8) {
        const length = this.#rest.readUIntBE(5, 3);
        if (this.#rest.length < 8 + length) break;
        const first = this.#rest.readUInt32BE(0);
        const body = this.#rest.subarray(8, 8 + length);
        const isControl = first >= 0x8000_0000;
        this.heard.push({
          type: isControl ? first & 0xffff : "data",
          id: isControl ? body.readUInt32BE(0) : first,
          flags: this.#rest.readUInt8(4),
          body,
        });
        this.#rest = this.#rest.subarray(8 + length);
      }
      this.#wake();
    });
  }

  #wake(): void {
    for (const wake of this.#wakers.splice(0)) wake();
  }

  open(id: number, headers: Readonly<Record<string, string>>): void {
    this.socket.write(synStreamFrame(id, Object.entries(headers), this.#writer));
  }
  say(id: number, text: string | Buffer, fin = false): void {
    this.socket.write(dataFrame(id, Buffer.from(text), fin));
  }
  reset(id: number): void {
    this.socket.write(resetFrame(id, 5));
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (this.isClosed) throw new Error("the connection is closed");
      await new Promise<void>((resolve) => this.#wakers.push(resolve));
    }
  }
  async closed(): Promise<void> {
    while (!this.isClosed) await new Promise<void>((resolve) => this.#wakers.push(resolve));
  }
  /** All that a stream said. */
  said(id: number): string {
    const pieces = this.heard.filter((one) => one.type === "data" && one.id === id).map(({ body }) => body);
    return Buffer.concat(pieces).toString();
  }
  hasEnded(id: number): boolean {
    return this.heard.some((one) => one.type === "data" && one.id === id && (one.flags & 1) !== 0);
  }
  /** The status that a stream was reset with. */
  resetOf(id: number): number | undefined {
    return this.heard.find((one) => one.type === 3 && one.id === id)?.body.readUInt32BE(4);
  }
}

/** Both ends of a connection. */
export async function spdyPair(): Promise<{ readonly near: Socket; readonly client: SpdyTestClient }> {
  const server = createServer({ allowHalfOpen: true });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const far = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [near] = (await once(server, "connection")) as [Socket];
  server.close();
  return { near, client: new SpdyTestClient(far) };
}
