import { below, chance, type Random } from "../../../base/os/random.ts";
import type { WatchResponse } from "../../../proto/etcd.ts";
import { methods } from "../../../proto/etcd-methods.ts";
import type { Calls } from "../calls.ts";
import type { Access, Shown } from "../checkers/access.ts";
import type { AppliedOnce } from "../checkers/applied-once.ts";
import type { Watches, WatchPosition } from "../checkers/watches.ts";
import type { EventLog } from "../event-log.ts";
import type { Life, Machine } from "../machine.ts";
import type { AnyMethod } from "../operation.ts";
import type { SimClock } from "../sim-clock.ts";
import type { SimStream } from "../sim-stream.ts";
import { callOf, type Session } from "./session.ts";

const latin1 = (text: string): Uint8Array => Buffer.from(text, "latin1");

/** Watches one range for the whole run: cancels, breaks its stream, moves to other members, and goes on where it was. */
export class WatchClient {
  readonly #parts: {
    readonly name: string;
    readonly clock: SimClock;
    readonly calls: Calls;
    readonly machines: readonly Machine[];
    readonly random: Random;
    readonly watches: Watches;
    readonly access: Access;
    readonly appliedOnce: AppliedOnce;
    readonly events: EventLog;
    /** How long it takes to read a message in the storm. */
    readonly readMs: number;
    /** How many times longer than usual it keeps still. */
    readonly stretch: number;
    /** As whom it watches in the storm; undefined: in the members' own name. */
    readonly session: Session | undefined;
  };
  readonly #fragment: boolean;
  /** Of a response that comes in pieces, those that are there. */
  #pieces: WatchResponse["events"] = [];
  readonly #position: WatchPosition;
  #stream: SimStream | undefined;
  #isCreated = false;
  /** As whom, and of which process, when it had applied how much. */
  #asked: { readonly shown: Shown | undefined; readonly life: Life | undefined; readonly applied: number } = {
    shown: undefined,
    life: undefined,
    applied: 0,
  };
  /** No more restlessness, and it reads at once; only resumes when the stream ends. */
  calm = false;

  constructor(parts: WatchClient["parts"]) {
    this.#parts = parts;
    const { random, name } = parts;
    const [key, rangeEnd] = (
      [
        ["k", "l"],
        ["\0", "\0"],
        ["k00", ""],
        ["k01", "k04"],
      ] as const
    )[below(random, 4)] ?? ["k", "l"];
    const filters = chance(random, 0.1) ? (["NODELETE"] as const) : [];
    this.#fragment = chance(random, 0.4);
    const range = { client: name, key: latin1(key), rangeEnd: latin1(rangeEnd), prevKv: chance(random, 0.5) };
    this.#position = { range: { ...range, filters }, next: chance(random, 0.5) ? 0 : 1 + below(random, 8) };
  }

  get parts() {
    return this.#parts;
  }

  get position(): WatchPosition {
    return this.#position;
  }

  start(): void {
    this.#open();
    this.#beRestless();
  }

  #open(): void {
    const { machines, random, session } = this.#parts;
    const machine = machines[below(random, machines.length)];
    if (machine === undefined) return;
    if (this.calm || session === undefined) this.#watch(machine, undefined);
    else session.ready(machine).then(() => this.#watch(machine, this.calm ? undefined : session.shown));
  }

  #watch(machine: Machine, shown: Shown | undefined): void {
    const { calls } = this.#parts;
    this.#isCreated = false;
    this.#pieces = [];
    this.#asked = { shown, life: machine.life, applied: machine.life?.member?.state.appliedIndex ?? 0 };
    const stream: SimStream = calls.stream(machine, methods.watch as AnyMethod, {
      message: (response) => this.#received(stream, response as WatchResponse),
      end: () => this.#ended(stream),
      readMs: () => (this.calm ? 0 : this.#parts.readMs),
      call: callOf(shown),
    });
    this.#stream = stream;
    const { range, next } = this.#position;
    const { key, rangeEnd, prevKv, filters } = range;
    const more = { startRevision: next, progressNotify: true, fragment: this.#fragment };
    const createRequest = { key, rangeEnd, prevKv, filters, ...more };
    stream.send({ createRequest });
  }

  #received(stream: SimStream, response: WatchResponse): void {
    if (stream !== this.#stream) return;
    const { name, watches, events, appliedOnce, access, session } = this.#parts;
    const revision = response.header?.revision ?? 0;
    events.add(
      `${name} hears ${stream.machine.name} r${revision} events=${response.events.length}${response.created ? " created" : ""}${response.canceled ? " canceled" : ""}`,
    );
    for (const { kv, prevKv } of response.events) {
      appliedOnce.saw(kv, name);
      appliedOnce.saw(prevKv, name);
    }
    if (response.canceled && /user name is empty|invalid auth token/.test(response.cancelReason))
      session?.told({ kind: "error", code: "INVALID_AUTH_TOKEN" });
    if (response.created && response.canceled) stream.abort();
    else if (response.created) {
      const { shown, life, applied } = this.#asked;
      access.watching(this.#position.range, shown, life === stream.machine.life ? applied : 0);
      this.#isCreated = true;
      if (this.#position.next === 0) this.#position.next = revision + 1;
    } else if (response.compactRevision > 0) {
      watches.compacted(this.#position, response.compactRevision);
      this.#position.next = response.compactRevision;
      stream.abort();
    } else if (response.canceled) stream.abort();
    else if (this.#isCreated) this.#takeEvents(response);
  }

  /** A revision's events may come in pieces, and count when the last one is there. */
  #takeEvents(response: WatchResponse): void {
    const { watches } = this.#parts;
    const events = [...this.#pieces, ...response.events];
    if (response.fragment) {
      watches.inPieces(this.#position, this.#fragment);
      this.#pieces = events;
      return;
    }
    this.#pieces = [];
    watches.received(this.#position, { ...response, events });
  }

  #ended(stream: SimStream): void {
    if (stream !== this.#stream) return;
    const { clock, random } = this.#parts;
    this.#stream = undefined;
    clock.after(10 + below(random, 200), () => this.#open());
  }

  #beRestless(): void {
    const { clock, random, stretch } = this.#parts;
    clock.after(stretch * (100 + below(random, 2_000)), () => {
      if (this.calm) return;
      const stream = this.#stream;
      const roll = below(random, 10);
      if (roll < 2) stream?.abort();
      else if (roll < 4) stream?.send({ cancelRequest: { watchId: 0n } });
      else if (roll < 7) stream?.send({ progressRequest: {} });
      this.#beRestless();
    });
  }
}
