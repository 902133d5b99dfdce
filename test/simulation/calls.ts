import { StoreError } from "../../store/errors.ts";
import { joinsParts } from "../../store/rpc/handler.ts";
import { answerOf } from "../../store/rpc/promised-answer.ts";
import type { Life, Machine } from "./machine.ts";
import type { AnyMethod, Outcome } from "./operation.ts";
import type { SimClock } from "./sim-clock.ts";
import type { SimNetwork } from "./sim-network.ts";

const call = { requireLeader: false };
/** The connection broke. */
const lost: Outcome = { kind: "lost" };

/** How clients reach members: the handlers are called as a transport would, with bytes, after a delay. */
export class Calls {
  readonly #clock: SimClock;
  readonly #network: SimNetwork;

  constructor(clock: SimClock, network: SimNetwork) {
    this.#clock = clock;
    this.#network = network;
  }

  /** Never rejects. What gets no answer in `timeoutMs` is lost. */
  unary(
    machine: Machine,
    method: AnyMethod,
    bytes: Uint8Array,
    timeoutMs: number,
  ): Promise<{ readonly outcome: Outcome; readonly life: Life | undefined }> {
    return new Promise((resolve) => {
      let life: Life | undefined;
      let over = false;
      const finish = (outcome: Outcome) => {
        if (over) return;
        over = true;
        stopTimer();
        life?.onDeath.delete(onDeath);
        resolve({ outcome, life });
      };
      const back = (outcome: Outcome) => {
        const told = this.#network.isLost() ? lost : outcome;
        this.#clock.after(this.#network.delay(), () => finish(told));
      };
      const onDeath = () => back(lost);
      const stopTimer = this.#clock.after(timeoutMs, () => finish(lost));
      if (this.#network.isLost()) {
        back(lost);
        return;
      }
      this.#clock.after(this.#network.delay(), () => {
        life = machine.life;
        if (over) return;
        if (life?.member === undefined) {
          back({ kind: "refused" });
          return;
        }
        const { clock } = life;
        // A member that dies in the middle of a turn runs on to the turn's end, but says nothing any more.
        const say = (outcome: Outcome) => {
          if (clock.isAlive) back(outcome);
        };
        life.onDeath.add(onDeath);
        clock.after(0, () => {
          serve(life, method, bytes).then(
            (answer) => say({ kind: "answer", response: method.response.decode(answer) }),
            (error: unknown) => {
              if (!(error instanceof StoreError)) throw error;
              say({ kind: "error", code: error.code });
            },
          );
        });
      });
    });
  }

  /** Opens a stream: bytes there and back in order. `onEnd` is called once, whoever ended it. */
  stream(
    machine: Machine,
    method: AnyMethod,
    on: { readonly message: (response: object) => void; readonly end: () => void },
  ): SimStream {
    const stream = new SimStream(machine, method, on, { clock: this.#clock, network: this.#network });
    stream.open();
    return stream;
  }
}

async function serve(life: Life | undefined, method: AnyMethod, bytes: Uint8Array): Promise<Uint8Array> {
  const handler = life?.member?.handlers.unary.get(method.path);
  if (handler === undefined) throw new Error(`${method.path} is not served`);
  return answerOf(handler, bytes, call);
}

type Server = ReturnType<
  NonNullable<ReturnType<NonNullable<Life["member"]>["handlers"]["streams"]["get"]>>["handler"]
>;

/** One stream of a client. What is under way when it breaks is lost. */
export class SimStream {
  readonly machine: Machine;
  readonly #method: AnyMethod;
  readonly #on: { readonly message: (response: object) => void; readonly end: () => void };
  readonly #clock: SimClock;
  readonly #network: SimNetwork;
  #life: Life | undefined;
  #server: Server | undefined;
  readonly #messages: Uint8Array[] = [];
  #isServing = false;
  #there = 0;
  #back = 0;
  #over = false;
  readonly #onDeath = () => this.#later("back", () => this.#end());

  constructor(
    machine: Machine,
    method: AnyMethod,
    on: SimStream["on"],
    parts: { clock: SimClock; network: SimNetwork },
  ) {
    this.machine = machine;
    this.#method = method;
    this.#on = on;
    this.#clock = parts.clock;
    this.#network = parts.network;
  }

  get on() {
    return this.#on;
  }

  get life(): Life | undefined {
    return this.#life;
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
        const send = (bytes: Uint8Array) => {
          const copy = Uint8Array.from(bytes);
          this.#later("back", () => this.#on.message(this.#method.response.decode(copy)));
          return true;
        };
        this.#server = entry.handler(
          {
            send,
            sendParts: joinsParts(send),
            end: () => this.#later("back", () => this.#end()),
          },
          call,
        );
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
        if (!this.#isServing) this.#serve();
      });
    });
  }

  /** The service gets a message when it has dealt with the one before, as a transport has it. */
  #serve(): void {
    for (let bytes = this.#messages.shift(); bytes !== undefined; bytes = this.#messages.shift()) {
      const working = this.#server?.message(bytes);
      if (working === undefined) continue;
      this.#isServing = true;
      working.then(
        () => {
          this.#isServing = false;
          this.#serve();
        },
        (error: unknown) => {
          if (!(error instanceof StoreError)) throw error;
          this.#server?.closed();
          this.#server = undefined;
          this.#later("back", () => this.#end());
        },
      );
      return;
    }
  }

  /** The connection breaks. */
  abort(): void {
    if (this.#over) return;
    this.#end();
    const life = this.#life;
    if (life === undefined) return;
    this.#clock.after(this.#network.delay(), () => {
      life.clock.after(0, () => {
        this.#server?.closed();
        this.#server = undefined;
      });
    });
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#life?.onDeath.delete(this.#onDeath);
    this.#on.end();
  }

  #later(way: "there" | "back", act: () => void): void {
    const nowMs = this.#clock.monotonicMs();
    const atMs = Math.max(nowMs + this.#network.delay(), way === "there" ? this.#there : this.#back);
    if (way === "there") this.#there = atMs;
    else this.#back = atMs;
    this.#clock.after(atMs - nowMs, () => {
      if (!this.#over) act();
    });
  }
}
