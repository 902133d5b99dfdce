import { type Deferred, deferred } from "../deferred.ts";

/** Answers of one kind that are kept for one client until it takes them, and what may still be begun. All numbers are bytes.
 *  Invariant: what is held and what is reserved for answers under way exceed `most` by one answer at most. */
export class AnswerLane {
  readonly #most: number;
  readonly #reserved: number;
  readonly #waiting = new Set<Deferred<void>>();
  #held = 0;
  #underWay = 0;

  /** `reserved`: what an answer counts for while nobody knows how long it gets. */
  constructor(options: { readonly most: number; readonly reserved: number }) {
    this.#most = options.most;
    this.#reserved = options.reserved;
  }

  /** More is held than should be. */
  get isFull(): boolean {
    return this.#held > this.#most;
  }

  /** Takes a place; in the order of asking when there is none. Undefined: it is taken. `leave` gives it back. */
  enter(): { readonly entered: Promise<void>; readonly giveUp: (reason: Error) => void } | undefined {
    if (this.#waiting.size === 0 && this.#hasRoom) {
      this.#underWay += 1;
      return undefined;
    }
    const place = deferred<void>();
    this.#waiting.add(place);
    const giveUp = (reason: Error) => {
      if (this.#waiting.delete(place)) place.reject(reason);
    };
    return { entered: place.promise, giveUp };
  }

  /** The answer is worked out: by now what there is of it is held. */
  leave(): void {
    this.#underWay -= 1;
    this.#admit();
  }

  hold(bytes: number): void {
    this.#held += bytes;
  }

  /** The client took so much, or will not have it any more. */
  release(bytes: number): void {
    this.#held -= bytes;
    this.#admit();
  }

  get #hasRoom(): boolean {
    return this.#held + this.#underWay * this.#reserved < this.#most;
  }

  #admit(): void {
    if (this.#waiting.size === 0) return;
    for (const place of this.#waiting) {
      if (!this.#hasRoom) return;
      this.#waiting.delete(place);
      this.#underWay += 1;
      place.resolve();
    }
  }
}

const MiB = 1 << 20;
export const answerLimits = {
  /** A read that is done at one stretch gives about so much at most. */
  smallReserved: 2 * MiB,
  /** Beyond so much that waits for the client, reads wait. */
  smallMost: 64 * MiB,
  /** Larger answers are worked out one after the other, and none while so much of them waits for the client. */
  largeMost: 64 * MiB,
  /** While so much of parts of answers waits for the client, no further part is begun. */
  partsMost: 64 * MiB,
  /** The first part of a range is ten values, however long they are. */
  partReserved: 8 * MiB,
  /** Answers that come when they come, as those of writes; a client that leaves more of them unread is given up. */
  otherMost: 256 * MiB,
} as const;

/** What is kept of answers to the calls of one connection. */
export class UnreadAnswers {
  readonly small = new AnswerLane({ most: answerLimits.smallMost, reserved: answerLimits.smallReserved });
  readonly large = new AnswerLane({ most: answerLimits.largeMost, reserved: answerLimits.largeMost });
  /** Parts of answers that come in parts. */
  readonly streamed = new AnswerLane({ most: answerLimits.partsMost, reserved: answerLimits.partReserved });
  readonly other = new AnswerLane({ most: answerLimits.otherMost, reserved: 0 });
}
