import { type RangeRequest, rangeResponse } from "../../../proto/etcd.ts";
import type { Requester } from "../../auth/auth-state.ts";
import type { RangeAnswer } from "../../mvcc/range.ts";
import type { Reader } from "../../propose/linearizable-reads.ts";
import { rangeText, type SlowRequest } from "../../slow-applies.ts";
import type { Call, UnaryAnswer } from "../handler.ts";
import type { MemberParts } from "../member.ts";
import { checkRange } from "./checks.ts";
import { joinedAnswer, largeAnswer } from "./repeated-answer.ts";

export function range(request: RangeRequest, parts: MemberParts, call: Call, out: UnaryAnswer): void {
  checkRange(request);
  const read = new RangeCall(request, parts, call, out);
  if (request.serializable) read.ready();
  else parts.reads.whenReady(read);
}

/** A range on its way to its answer. Most get there in the turn in which they may be read. */
class RangeCall implements Reader {
  readonly #request: RangeRequest;
  readonly #parts: MemberParts;
  readonly #call: Call;
  readonly #out: UnaryAnswer;
  /** Undefined: authentication was off when the read began. */
  #who: Requester | undefined;
  /** Of a call that nobody measures. */
  readonly #beganMs: number;

  constructor(request: RangeRequest, parts: MemberParts, call: Call, out: UnaryAnswer) {
    this.#request = request;
    this.#parts = parts;
    this.#call = call;
    this.#out = out;
    this.#beganMs = call.tookMs === undefined ? parts.clock.monotonicMs() : 0;
  }

  ready(): void {
    const room = this.#call.roomForAnswer?.();
    if (room === undefined) this.#begin();
    else room.then(() => this.#begin()).catch((error: unknown) => this.failed(error));
  }

  failed(error: unknown): void {
    const tookMs = this.#tookMs();
    this.#parts.metrics.ranges.failed.observe(tookMs / 1_000);
    if (tookMs > this.#parts.slowApplies.warningMs) this.#tellSlow(tookMs, { error });
    this.#out.fail(error);
  }

  #tookMs(): number {
    return this.#call.tookMs?.() ?? this.#parts.clock.monotonicMs() - this.#beganMs;
  }

  #tellSlow(tookMs: number, outcome: Pick<SlowRequest, "response" | "error">): void {
    const request = rangeText(this.#request);
    this.#parts.slowApplies.tell(tookMs, { prefix: "read-only range ", request, ...outcome });
  }

  #begin(): void {
    if (!this.#parts.access.isOn) this.#read();
    else this.#readAsAsker().catch((error: unknown) => this.failed(error));
  }

  /** Rights are looked at in the turn in which the read begins, and once more when it is over. */
  async #readAsAsker(): Promise<void> {
    const { access } = this.#parts;
    const who = await access.askerOf(this.#call);
    access.rights.range(this.#request, who);
    this.#who = who;
    this.#read();
  }

  #read(): void {
    const call = this.#call;
    const request = this.#request;
    const roomForLarge = request.countOnly ? undefined : () => call.roomForLargeAnswer?.();
    try {
      const answer = this.#parts.state.storedRange(request, roomForLarge);
      if (!(answer instanceof Promise)) this.#answer(answer);
      else answer.then((late) => this.#answer(late)).catch((error: unknown) => this.failed(error));
    } catch (error) {
      this.failed(error);
    }
  }

  #answer({ header, kvs, packed, more, count }: RangeAnswer): void {
    const tookMs = this.#tookMs();
    this.#parts.metrics.ranges.succeeded.observe(tookMs / 1_000);
    if (tookMs > this.#parts.slowApplies.warningMs)
      this.#tellSlow(tookMs, { response: `range_response_count:${kvs.length}` });
    const fields = {
      head: this.#parts.headerBytes.at(header.revision),
      ...(packed === undefined ? { field: 2, values: kvs } : { field: undefined, values: packed }),
      tail: rangeResponse.encode({ more, count }),
    };
    const large = largeAnswer(fields);
    if (large === undefined) this.#tell(joinedAnswer(fields));
    else
      this.#parts.turns.run(large).then(
        (bytes) => this.#tell(bytes),
        (error: unknown) => this.#out.fail(error),
      );
  }

  #tell(answer: Uint8Array): void {
    try {
      this.#parts.access.requireCurrent(this.#who);
    } catch (error) {
      this.#out.fail(error);
      return;
    }
    this.#out.succeed(answer);
  }
}
