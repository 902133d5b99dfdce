import type { MessagePort } from "node:worker_threads";
import { type Packet, packed } from "./packets.ts";

/** So many wait for each other at most: the other thread begins while this one makes more. */
const togetherMax = 8;

/** Sends packets to another thread, those of one turn of the event loop together: a message costs more than a packet. */
export class Outbox {
  readonly #port: MessagePort;
  #packets: Packet[] = [];
  #isScheduled = false;

  constructor(port: MessagePort) {
    this.#port = port;
  }

  post(packet: Packet): void {
    this.#packets.push(packet);
    if (this.#packets.length >= togetherMax) this.#flush();
    else if (!this.#isScheduled) this.#schedule();
  }

  #schedule(): void {
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#packets.length === 0) return;
    const buffer = packed(this.#packets);
    this.#packets = [];
    this.#port.postMessage(buffer, [buffer]);
  }
}
