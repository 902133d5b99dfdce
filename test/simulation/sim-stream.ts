import { StoreError } from "../../store/errors.ts";
import { type Call, type Incoming, joinsParts } from "../../store/rpc/handler.ts";
import type { Life, Machine } from "./machine.ts";
import type { AnyMethod } from "./operation.ts";
import { ownCall } from "./own-call.ts";
import type { SimClock } from "./sim-clock.ts";
import type { SimNetwork } from "./sim-network.ts";

/** Messages that lie between a member and its client before the member is told to wait. */
const unreadMax = 4;
/** Between two messages: more than what rounding may make of a moment, so that they keep their order. */
const apartMs = 1e-6;

export interface StreamClient {
  readonly message: (response: object) => void;
  /** Called once, whoever ended it. */
  readonly end: () => void;
  /** How long the client takes to read a message, at the time; absent: no time. */
  readonly readMs?: () => number;
  /** Absent: in the member's own name. */
  readonly call?: Call;
}

/** One stream of a client: bytes there and back in order. What is under way when it breaks is lost. */
export class SimStream {
  readonly machine: Machine;
  readonly #method: AnyMethod;
  readonly #on: StreamClient;
  readonly #clock: SimClock;
  readonly #network: SimNetwork;
  #life: Life | undefined;
  #server: Incoming | undefined;
  readonly #messages: Uint8Array[] = [];
  #isServing = false;
  #unread = 0;
  #isHeld = false;
  #thereMs = 0;
  #backMs = 0;
  #over = false;
  readonly #onDeath = () => this.#later("back", () => this.#end());

  constructor(
    machine: Machine,
    method: AnyMethod,
    on: StreamClient,
    parts: { clock: SimClock; network: SimNetwork },
  ) {
    this.machine = machine;
    this.#method = method;
    this.#on = on;
    this.#clock = parts.clock;
    this.#network = parts.network;
  }

  open(): void {
    this.#later("there", () => {
      const { life } = this.machine;
      const entry = life?.member?.handlers.streams.get(this.#method.path);
      if (life === undefined || entry === undefined) {
        this.#later("back", () => this.#end());
        return;
      }
      this.#life = life;
      life.onDeath.add(this.#onDeath);
      life.clock.after(0, () => {
        const send = (bytes: Uint8Array) => this.#send(bytes);
        const end = () => this.#later("back", () => this.#end());
        try {
          this.#server = entry.handler({ send, sendParts: joinsParts(send), end }, this.#on.call ?? ownCall);
        } catch (error) {
          if (!(error instanceof StoreError)) throw error;
          end(); // a learner, for one, serves no watches
        }
      });
    });
  }

  send(request: object): void {
    const bytes = this.#method.request.encode(request);
    this.#later("there", () => {
      const { life } = this.machine;
      if (life === undefined || life !== this.#life) return;
      life.clock.after(0, () => {
        this.#messages.push(bytes);
        this.#serve();
      });
    });
  }

  /** The client sends no more. */
  halfClose(): void {
    this.#later("there", () => this.#life?.clock.after(0, () => this.#server?.halfClose()));
  }

  /** From the member: it is told to wait while the client has too much to read. */
  #send(bytes: Uint8Array): boolean {
    const copy = Uint8Array.from(bytes);
    const saidMs = this.#clock.monotonicMs();
    this.#unread++;
    this.#later("back", () => {
      if (this.#life?.clock.gotOut(saidMs) === false) return;
      this.#on.message(this.#method.response.decode(copy));
      this.#read();
    });
    this.#isHeld ||= this.#unread > unreadMax;
    return !this.#isHeld;
  }

  #read(): void {
    this.#unread--;
    const readMs = this.#on.readMs?.() ?? 0;
    // What is under way already stays in front of what comes later.
    if (readMs > 0) this.#backMs = Math.max(this.#backMs, this.#clock.monotonicMs() + readMs);
    if (!this.#isHeld || this.#unread > unreadMax / 2) return;
    this.#later("there", () => {
      this.#life?.clock.after(0, () => {
        this.#isHeld = false;
        this.#server?.drained();
        this.#serve();
      });
    });
  }

  /** The service gets a message when it has dealt with the one before, and not while it has to wait. */
  #serve(): void {
    while (!this.#isServing && !this.#isHeld) {
      const bytes = this.#messages.shift();
      if (bytes === undefined) return;
      const working = this.#server?.message(bytes);
      if (working === undefined) continue;
      this.#isServing = true;
      working.then(
        () => {
          this.#isServing = false;
          this.#serve();
        },
        (error: unknown) => {
          if (this.#life?.clock.isAlive !== true) return;
          if (!(error instanceof StoreError) && this.machine.damage === undefined) throw error;
          this.#close();
          this.#later("back", () => this.#end());
        },
      );
    }
  }

  /** The connection breaks. */
  abort(): void {
    if (this.#over) return;
    this.#end();
    const life = this.#life;
    if (life === undefined) return;
    this.#clock.after(this.#network.delay(), () => {
      life.clock.after(0, () => this.#close());
    });
  }

  #close(): void {
    this.#server?.closed();
    this.#server = undefined;
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#life?.onDeath.delete(this.#onDeath);
    this.#on.end();
  }

  #later(way: "there" | "back", act: () => void): void {
    const nowMs = this.#clock.monotonicMs();
    const beforeMs = way === "there" ? this.#thereMs : this.#backMs;
    const atMs = Math.max(nowMs + this.#network.delay(), beforeMs + apartMs);
    if (way === "there") this.#thereMs = atMs;
    else this.#backMs = atMs;
    this.#clock.after(atMs - nowMs, () => {
      if (!this.#over) act();
    });
  }
}
