import { failpoint } from "../../../base/failpoints/failpoint.ts";
import type { Clock } from "../../../base/os/clock.ts";
import type { Outgoing } from "../handler.ts";

const beforeSend = failpoint("beforeSendWatchResponse");

/** One stream's answers, which a failpoint may hold back: they then wait in their order, and the stream has no room until they are
 *  sent. Other streams go on meanwhile, as in etcd, where one goroutine sends those of one stream. */
export class DelayedAnswers implements Pick<Outgoing, "send" | "sendParts"> {
  readonly #out: Outgoing;
  readonly #clock: Pick<Clock, "after">;
  readonly #onRoom: () => void;
  /** What waits, while anything does. */
  #held: (() => boolean)[] | undefined;
  #stop: (() => void) | undefined;

  /** `onRoom`: there is room again after what was held back is sent. */
  constructor(out: Outgoing, clock: Pick<Clock, "after">, onRoom: () => void) {
    this.#out = out;
    this.#clock = clock;
    this.#onRoom = onRoom;
  }

  send(message: Uint8Array): boolean {
    if (this.#held === undefined) return this.#out.send(message);
    this.#held.push(() => this.#out.send(message));
    return false;
  }

  sendParts(head: Uint8Array, rest: Uint8Array): boolean {
    if (this.#held === undefined) return this.#out.sendParts(head, rest);
    this.#held.push(() => this.#out.sendParts(head, rest));
    return false;
  }

  /** To be called before events are sent. */
  passFailpoint(): void {
    if (!beforeSend.armed) return;
    const ms = beforeSend.delayMs();
    if (ms <= 0 || this.#held !== undefined) return;
    this.#held = [];
    this.#stop = this.#clock.after(ms, () => this.#release());
  }

  #release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    let hasRoom = true;
    for (const send of held) hasRoom = send();
    if (hasRoom) this.#onRoom();
  }

  /** Nothing is sent any more. */
  closed(): void {
    this.#stop?.();
    this.#held = undefined;
  }
}
