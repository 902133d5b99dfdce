import { StoreError } from "../../store/errors.ts";
import type { Call } from "../../store/rpc/handler.ts";
import { answerOf } from "../../store/rpc/promised-answer.ts";
import type { Life, Machine } from "./machine.ts";
import type { AnyMethod, Outcome } from "./operation.ts";
import { ownCall } from "./own-call.ts";
import type { SimClock } from "./sim-clock.ts";
import type { SimNetwork } from "./sim-network.ts";
import { SimStream, type StreamClient } from "./sim-stream.ts";
import type { Faults } from "./simulate.ts";

/** What came of a call, and who served it. */
export interface Served {
  readonly outcome: Outcome;
  readonly life: Life | undefined;
}

/** The connection broke. */
const lost: Outcome = { kind: "lost" };

/** How clients reach members: the handlers are called as a transport would, with bytes, after a delay. */
export class Calls {
  readonly #clock: SimClock;
  readonly #network: SimNetwork;

  readonly #faults: Faults;
  #writes = 0;

  constructor(clock: SimClock, network: SimNetwork, faults: Faults) {
    this.#faults = faults;
    this.#clock = clock;
    this.#network = network;
  }

  /** Never rejects. What gets no answer in `timeoutMs` is lost. */
  unary(
    machine: Machine,
    method: AnyMethod,
    bytes: Uint8Array,
    timeoutMs: number,
    call: Call = ownCall,
  ): Promise<Served> {
    const isKept = () =>
      this.#faults.loseAnswers === true && method.path.endsWith("/Put") && ++this.#writes % 20 === 0;
    return this.#reach(machine, timeoutMs, {
      isKept,
      serve: async (life) => method.response.decode(await serve(life, method, bytes, call)),
    });
  }

  /** The same of what only members ask each other. */
  question(
    machine: Machine,
    { kind, id }: { readonly kind: string; readonly id: number },
    timeoutMs: number,
  ): Promise<Served> {
    return this.#reach(machine, timeoutMs, {
      isKept: () => false,
      serve: ({ member }) =>
        member?.fromPeers.onQuestion(kind, BigInt(id)) ?? Promise.reject(new StoreError("STOPPED")),
    });
  }

  #reach(
    machine: Machine,
    timeoutMs: number,
    { serve, isKept }: { readonly serve: (life: Life) => Promise<object>; readonly isKept: () => boolean },
  ): Promise<Served> {
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
        const saidMs = this.#clock.monotonicMs();
        this.#clock.after(this.#network.delay(), () =>
          finish(life?.clock.gotOut(saidMs) === false ? lost : told),
        );
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
        const reached = life;
        const isUnsaid = isKept();
        // A member that dies in the middle of a turn runs on to the turn's end, but says nothing any more.
        const say = (outcome: Outcome) => {
          if (clock.isAlive && !isUnsaid) back(outcome);
        };
        life.onDeath.add(onDeath);
        clock.after(0, () => {
          serve(reached).then(
            (response) => say({ kind: "answer", response }),
            (error: unknown) => {
              // Whatever became of it in a process that is dead, and whose machine may have another disk by now.
              if (!clock.isAlive) return;
              if (error instanceof StoreError) say({ kind: "error", code: error.code });
              else if (life?.diskFailure !== undefined || machine.damage !== undefined) say(lost);
              else throw error;
            },
          );
        });
      });
    });
  }

  /** Opens a stream: bytes there and back in order. `onEnd` is called once, whoever ended it. */
  stream(machine: Machine, method: AnyMethod, on: StreamClient): SimStream {
    const stream = new SimStream(machine, method, on, { clock: this.#clock, network: this.#network });
    stream.open();
    return stream;
  }
}

async function serve(
  life: Life | undefined,
  method: AnyMethod,
  bytes: Uint8Array,
  call: Call,
): Promise<Uint8Array> {
  const handler = life?.member?.handlers.unary.get(method.path);
  if (handler === undefined) throw new Error(`${method.path} is not served`);
  return answerOf(handler, bytes, call);
}
