import { connect, createServer, type Server, type Socket } from "node:net";

/** `cut`: connections break, and new ones are refused. `delay`: bytes come late. `swallow`: bytes never come. `hold`: bytes come
 *  once that ends, even those whose sender is gone by then. */
export type LinkFault = "none" | "cut" | "delay" | "swallow" | "hold";

const delayMs = 150;

/** Stands before a member's peer port and spoils what passes in either direction. */
export class FaultyLink {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #fault: LinkFault = "none";
  /** What is still to come of what was held, in order. */
  readonly #held: (() => void)[] = [];

  private constructor(targetPort: number) {
    this.#server = createServer({ noDelay: true }, (incoming) => {
      if (this.#fault === "cut") {
        incoming.destroy();
        return;
      }
      const outgoing = connect({ port: targetPort, host: "127.0.0.1", noDelay: true });
      this.#carry(incoming, outgoing);
      this.#carry(outgoing, incoming);
    });
  }

  static async open(targetPort: number): Promise<FaultyLink> {
    const link = new FaultyLink(targetPort);
    await new Promise<void>((resolve) => link.#server.listen(0, "127.0.0.1", resolve));
    return link;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the link is not open");
    return address.port;
  }

  /** What was swallowed leaves a hole, so connections break when that ends, as they would in the end. */
  set fault(fault: LinkFault) {
    if (fault === "cut" || this.#fault === "swallow") for (const socket of this.#sockets) socket.destroy();
    this.#fault = fault;
    if (fault !== "hold") for (const happen of this.#held.splice(0)) happen();
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #carry(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.on("data", (bytes: Buffer) => {
      if (this.#fault === "swallow") return;
      if (this.#fault === "hold") this.#held.push(() => to.write(bytes));
      else if (this.#fault === "delay") setTimeout(() => to.write(bytes), delayMs);
      else to.write(bytes);
    });
    from.on("error", () => undefined); // it closes then
    from.on("close", () => {
      this.#sockets.delete(from);
      if (this.#fault === "hold") this.#held.push(() => to.end());
      else to.destroy();
    });
  }
}
