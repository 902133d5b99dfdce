import { below, chance, type Random } from "../../base/os/random.ts";
import type { Peers } from "../../store/create-member.ts";
import { StoreError } from "../../store/errors.ts";
import type { MemberId, Message } from "../../store/raft/types.ts";
import { decodeMessage, encodeMessage } from "../../store/transport/peer/message-codec.ts";
import type { EventLog } from "./event-log.ts";
import type { Life, Machine } from "./machine.ts";
import type { SimOptions } from "./options.ts";
import type { SimClock } from "./sim-clock.ts";
import type { Faults } from "./simulate.ts";

/** A question, or a link that stands still, is given up after so long. */
const patienceMs = 3_000;
/** Heartbeats between two looks whether the others still take a member's connections. */
const heartbeatsBetweenDials = 10;

interface Link {
  /** Messages of one connection arrive in their order. */
  arrivesMs: number;
  connection: number;
}

/** The wires between machines: each direction of each pair can be cut. A connection keeps order; after it broke, what it
 *  still carried may arrive late, among what the next one carries, or never. */
export class SimNetwork {
  readonly #clock: SimClock;
  readonly #random: Random;
  readonly #options: SimOptions;
  readonly #events: EventLog;
  readonly #machines = new Map<MemberId, Machine>();
  readonly #cut = new Set<string>();
  readonly #links = new Map<string, Link>();
  /** Hears of every message before it leaves. */
  onSend: (life: Life, message: Message) => void = () => undefined;
  calm = false;

  readonly #faults: Faults;

  constructor(parts: {
    clock: SimClock;
    random: Random;
    options: SimOptions;
    events: EventLog;
    faults: Faults;
  }) {
    this.#faults = parts.faults;
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#options = parts.options;
    this.#events = parts.events;
  }

  /** Under its member's id, which is another one each time it joins. */
  add(machine: Machine): void {
    this.#machines.set(machine.id, machine);
  }

  remove(machine: Machine): void {
    this.#machines.delete(machine.id);
  }

  delay(): number {
    const { delayMs } = this.#options;
    const usual = delayMs * (0.5 + this.#random.uint32() / 2 ** 32);
    return !this.calm && chance(this.#random, 0.02) ? usual * 10 : usual;
  }

  /** Whether something is lost on the way, cuts apart. */
  isLost(): boolean {
    return !this.calm && chance(this.#random, this.#options.lossChance);
  }

  cut(from: Machine, to: Machine): void {
    this.#cut.add(`${from.index}>${to.index}`);
  }

  mend(from: Machine, to: Machine): void {
    this.#cut.delete(`${from.index}>${to.index}`);
  }

  mendAll(): void {
    this.#cut.clear();
  }

  isCut(from: Machine, to: Machine): boolean {
    return this.#cut.has(`${from.index}>${to.index}`);
  }

  /** Every connection between the two breaks: both learn of it. */
  breakConnections(a: Machine, b: Machine): void {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      this.#link(from, to).connection++;
      this.#link(from, to).arrivesMs = 0;
      from.life?.member?.unreachable(to.id);
    }
  }

  peersOf(life: Life): Peers {
    this.#dialAgain(life);
    return {
      send: (messages) => {
        for (const message of messages) this.#send(life, message);
      },
      sendSnapshot: (message, chunks) => this.#sendSnapshot(life, message, chunks),
      setPeers: (peers) => {
        life.peers = peers.map(({ id }) => id);
      },
      ask: (to, kind, id, withinMs = patienceMs) => this.#ask(life, to, { kind, id, withinMs }),
      connectedForMs: () => 60_000,
    };
  }

  /** A member connects with the others though it has nothing to say, and is told where it belongs to them no more. */
  #dialAgain(life: Life): void {
    life.clock.after(heartbeatsBetweenDials * this.#options.heartbeatMs, () => {
      for (const id of life.peers) {
        const other = this.#machines.get(id);
        if (other?.life?.id !== id || this.isCut(life.machine, other) || this.isCut(other, life.machine))
          continue;
        if (other.life.clock.isPaused || !other.life.member?.fromPeers.isRemoved(life.id)) continue;
        life.member?.removed();
        return;
      }
      this.#dialAgain(life);
    });
  }

  #link(from: Machine, to: Machine): Link {
    const name = `${from.index}>${to.index}`;
    let link = this.#links.get(name);
    if (link === undefined) {
      link = { arrivesMs: 0, connection: 0 };
      this.#links.set(name, link);
    }
    return link;
  }

  #send(life: Life, message: Message): void {
    this.onSend(life, message);
    if (!life.clock.isAlive) return; // the listener killed it
    const from = life.machine;
    const to = this.#machines.get(message.to);
    if (to === undefined) return;
    const bytes = from.isOtherVersion ? encodedElsewhere(message) : encodeMessage(message);
    if (this.isLost()) return;
    const link = this.#link(from, to);
    const { connection } = link;
    const nowMs = this.#clock.monotonicMs();
    link.arrivesMs = Math.max(link.arrivesMs, nowMs + this.delay());
    this.#arrive({ life, to, bytes, message, connection }, link.arrivesMs - nowMs);
    // A forwarded proposal must not be repeated: nothing in the protocol tells the two apart.
    if (this.calm || (message.type === "propose" && !this.#faults.repeatProposals)) return;
    if (chance(this.#random, this.#options.duplicateChance))
      this.#arrive({ life, to, bytes, message, connection }, link.arrivesMs - nowMs + this.delay());
  }

  #arrive(
    packet: { life: Life; to: Machine; bytes: Uint8Array; message: Message; connection: number },
    afterMs: number,
  ): void {
    const { life, to, bytes, message } = packet;
    this.#clock.after(afterMs, () => {
      const from = life.machine;
      if (this.isCut(from, to)) return;
      const broke = this.#link(from, to).connection !== packet.connection;
      if (broke && chance(this.#random, 0.7)) return;
      const target = to.life;
      if (target?.member === undefined || target.id !== message.to) {
        // Refused: the sender hears of it.
        life.clock.after(this.delay(), () => life.member?.unreachable(message.to));
        return;
      }
      if (target.member.fromPeers.isRemoved(life.id)) {
        life.clock.after(this.delay(), () => life.member?.removed());
        return;
      }
      target.clock.after(0, () => {
        const { type, term, index, commit, reject } = message;
        this.#events.add(
          `${from.name}>${to.name} ${type} t${term} i${index} n${message.entries.length} c${commit}${reject ? " rejected" : ""}`,
        );
        target.member?.fromPeers.onMessage(decodeMessage(bytes));
      });
    });
  }

  async #sendSnapshot(life: Life, message: Message, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const from = life.machine;
    const to = this.#machines.get(message.to);
    await this.#travel(life, 1);
    const target = to?.life;
    if (to === undefined || target?.member === undefined || target.id !== message.to || this.isCut(from, to))
      throw new Error("no connection");
    // Its clock told the time, and it died before it could act: nobody would ever end what it began now.
    if (!life.clock.isAlive) throw new Error("the process is gone");
    this.onSend(life, message);
    this.#events.add(`${from.name}>${to.name} snapshot i${message.snapshot?.index}`);
    target.snapshots.add(message.snapshot?.index ?? 0);
    const inbox = new Inbox(() => target.clock.woken());
    const fail = () => inbox.put({ error: new Error("the connection broke") });
    life.onDeath.add(fail);
    target.installs++;
    const installed = target.member.fromPeers.onSnapshot(
      decodeMessage(encodeMessage(message)),
      inbox.chunks(),
    );
    let outcome: { readonly error?: unknown } | undefined;
    installed.then(
      () => {
        outcome = {};
      },
      (error: unknown) => {
        outcome = { error };
      },
    );
    const broken = () =>
      !target.clock.isAlive || this.isCut(from, to) || this.isCut(to, from) || this.isLost();
    try {
      for await (const chunk of chunks) {
        await this.#travel(life, 1);
        if (broken()) throw new Error("the connection broke");
        inbox.put({ chunk: Uint8Array.from(chunk) });
      }
      inbox.put({});
      const startMs = this.#clock.monotonicMs();
      while (outcome === undefined) {
        await this.#travel(life, 2);
        if (broken() || this.#clock.monotonicMs() - startMs > patienceMs) throw new Error("no answer");
      }
      if (outcome.error !== undefined) throw outcome.error;
    } catch (error) {
      fail();
      throw error;
    } finally {
      life.onDeath.delete(fail);
      target.installs--;
    }
  }

  async #ask(
    life: Life,
    to: MemberId,
    question: { readonly kind: string; readonly id: bigint; readonly withinMs: number },
  ): Promise<Uint8Array> {
    const from = life.machine;
    const machine = this.#machines.get(to);
    if (machine === undefined) throw new StoreError("NO_LEADER");
    return new Promise((resolve, reject) => {
      const after = life.clock.after(question.withinMs, () => reject(new StoreError("TIMEOUT")));
      const settle = (sender: Machine, act: () => void) => {
        if (this.isCut(sender, from) || this.isLost()) return;
        life.clock.after(this.delay(), () => {
          after();
          act();
        });
      };
      if (this.isCut(from, machine) || this.isLost()) return;
      this.#clock.after(this.delay(), () => {
        const target = machine.life;
        if (target?.member === undefined || target.id !== to) {
          settle(machine, () => reject(new StoreError("TIMEOUT_CONNECTION_LOST")));
          return;
        }
        target.clock.after(0, () => {
          target.member?.fromPeers.onQuestion(question.kind, question.id).then(
            (answer) => settle(machine, () => resolve(answer)),
            (error: unknown) => settle(machine, () => reject(error)),
          );
        });
      });
    });
  }

  #travel(life: Life, trips: number): Promise<void> {
    return new Promise((resolve) => life.clock.after(trips * this.delay(), resolve));
  }

  pick<T>(from: readonly T[]): T | undefined {
    return from[below(this.#random, from.length)];
  }
}

/** As another version may write it: with a field that this one does not know, and without the hint where a log may agree, which
 *  only saves rounds. */
function encodedElsewhere(message: Message): Uint8Array {
  const plain = { ...message, rejectHint: message.reject ? 0 : message.rejectHint };
  return Buffer.concat([unknownField, encodeMessage(plain)]);
}

const unknownField = Uint8Array.of(0xf8, 0x3e, 1); // number 1007, a varint

type Item = { readonly chunk: Uint8Array } | { readonly error: Error } | { readonly [key: string]: never };

/** The receiving end of a stream. */
class Inbox {
  readonly #items: Item[] = [];
  readonly #onItem: () => void;
  #wake: (() => void) | undefined;
  #closed = false;

  constructor(onItem: () => void) {
    this.#onItem = onItem;
  }

  put(item: Item): void {
    if (this.#closed) return;
    this.#onItem();
    if (!("chunk" in item)) this.#closed = true;
    this.#items.push(item);
    this.#wake?.();
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const item = this.#items.shift();
      if (item === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
      } else if ("chunk" in item) yield item.chunk as Uint8Array;
      else if ("error" in item) throw item.error;
      else return;
    }
  }
}
