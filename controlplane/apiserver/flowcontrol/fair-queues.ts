import { dealHand } from "./shuffle-sharding.ts";

/** The seats of one priority level and the queues before them: Kubernetes' fair queueing for server requests. Time is handed
 *  in, chance comes as the flows' hashes; nothing here waits.
 *
 *  Each flow may use a few of the queues (its hand), so that a flow that floods fills only those. Seats go to the queue
 *  whose next request would finish first if all queues that have work advanced at the same speed: `virtual` is how far such a
 *  queue has come, in seat-seconds.
 *  Invariant: seats in use are at most `seatsMax`, but for one request alone that needs more than there are. */
export class FairQueues {
  #shape: QueueShape;
  #seatsMax: number;
  #queues: Queue[] = [];
  #lastMs: number;
  #virtual = 0;
  #arrivals = 0;
  #robin = 0;
  #executing = 0;
  #seatsInUse = 0;
  #waiting = 0;
  #seatsWaiting = 0;

  constructor(shape: QueueShape, seatsMax: number, nowMs: number) {
    this.#shape = shape;
    this.#seatsMax = seatsMax;
    this.#lastMs = nowMs;
    this.#growQueues();
  }

  get seatsMax(): number {
    return this.#seatsMax;
  }
  get seatsInUse(): number {
    return this.#seatsInUse;
  }
  get seatsWaiting(): number {
    return this.#seatsWaiting;
  }
  get executing(): number {
    return this.#executing;
  }
  get waiting(): number {
    return this.#waiting;
  }
  get virtual(): number {
    return this.#virtual;
  }
  get isIdle(): boolean {
    return this.#waiting === 0 && this.#executing === 0;
  }

  /** Another number of seats, or of queues. Queues that are too many go when they are empty. */
  reshape(shape: QueueShape, seatsMax: number, nowMs: number): void {
    this.#advance(nowMs);
    this.#shape = shape;
    this.#seatsMax = seatsMax;
    this.#growQueues();
    this.#dispatch(nowMs);
  }

  /** A request comes. It starts (within this call, or later), or is refused for the reason given. */
  arrive(request: Arriving, nowMs: number): Arrival {
    this.#advance(nowMs);
    const ticket = new Ticket(request, nowMs, this.#virtual);
    if (this.#shape.type !== "queue") {
      if (this.#shape.type === "reject" && !this.#hasSeats(ticket.seats))
        return { refused: "concurrency-limit" };
      this.#start(ticket, undefined, nowMs);
      return { ticket, queueLength: 0 };
    }
    const { handSize, lengthMax } = this.#shape;
    const queue = this.#queueFor(request.hash, handSize);
    if (this.#seatsInUse >= this.#seatsMax && queue.waiting.length >= lengthMax) {
      boundNext(queue);
      return { refused: "queue-full" };
    }
    if (queue.waiting.length === 0 && queue.executing === 0) queue.nextVirtual = this.#virtual;
    ticket.queue = queue;
    queue.waiting.push(ticket);
    queue.workWaiting += ticket.work;
    queue.seatsWaiting += ticket.seats;
    this.#waiting++;
    this.#seatsWaiting += ticket.seats;
    const queueLength = queue.waiting.length;
    boundNext(queue);
    this.#dispatch(nowMs);
    return { ticket, queueLength };
  }

  /** A request gives up waiting. False: it does not wait any more. */
  cancel(ticket: Ticket, nowMs: number): boolean {
    if (ticket.state !== "waiting") return false;
    this.#advance(nowMs);
    const queue = ticket.queue;
    this.#leaveQueue(ticket);
    ticket.state = "gone";
    if (queue !== undefined) {
      boundNext(queue);
      this.#dropIfSpare(queue);
    }
    this.#dispatch(nowMs);
    return true;
  }

  /** A request is answered. What it set going may keep seats a while longer: then `release` must be called so many
   *  milliseconds later. */
  finish(ticket: Ticket, nowMs: number): number {
    if (ticket.state !== "executing") return 0;
    this.#advance(nowMs);
    this.#executing--;
    const { queue } = ticket;
    if (queue !== undefined) {
      queue.executing--;
      // What was charged in advance becomes what it really took.
      const tookSeconds = (nowMs - ticket.startedMs) / 1000;
      queue.nextVirtual -= ticket.estimate.initialSeats * (expectedServiceSeconds - tookSeconds);
      boundNext(queue);
    }
    ticket.state = "lingering";
    if (ticket.lingerMs === 0) {
      this.release(ticket, nowMs);
      return 0;
    }
    this.#dispatch(nowMs);
    return ticket.lingerMs;
  }

  release(ticket: Ticket, nowMs: number): void {
    if (ticket.state !== "lingering") return;
    this.#advance(nowMs);
    ticket.state = "gone";
    this.#seatsInUse -= ticket.seats;
    if (ticket.queue !== undefined) {
      ticket.queue.seatsInUse -= ticket.seats;
      this.#dropIfSpare(ticket.queue);
    }
    this.#dispatch(nowMs);
  }

  /** For those who look: each queue, and its requests if wanted. */
  dump(): readonly QueueDump[] {
    return this.#queues.map(({ waiting, executing, seatsInUse, nextVirtual, workWaiting, seatsWaiting }) => ({
      waiting: [...waiting],
      executing,
      seatsInUse,
      nextVirtual,
      workWaiting,
      seatsWaiting,
    }));
  }

  /** Since the last look all queues with work have advanced at one speed: their part of the seats. */
  #advance(nowMs: number): void {
    const seconds = Math.max(0, nowMs - this.#lastMs) / 1000;
    this.#lastMs = Math.max(nowMs, this.#lastMs);
    let active = 0;
    let wanted = 0;
    for (const queue of this.#queues) {
      wanted += queue.seatsInUse + queue.seatsWaiting;
      if (queue.waiting.length > 0 || queue.executing > 0) active++;
    }
    if (active > 0) this.#virtual += (seconds * Math.min(wanted, this.#seatsMax)) / active;
  }

  #growQueues(): void {
    if (this.#shape.type !== "queue") return;
    while (this.#queues.length < this.#shape.queues) this.#queues.push(newQueue());
  }

  #dropIfSpare(queue: Queue): void {
    const wanted = this.#shape.type === "queue" ? this.#shape.queues : 0;
    if (this.#queues.length <= wanted || queue.waiting.length > 0 || queue.executing > 0) return;
    const at = this.#queues.indexOf(queue);
    if (at < 0) return;
    this.#queues.splice(at, 1);
    if (this.#robin >= at) this.#robin--;
  }

  /** The queue of the hand with the least work waiting; the first look moves on, so that equals take turns. */
  #queueFor(hash: bigint, handSize: number): Queue {
    const decked = this.#shape.type === "queue" ? this.#shape.queues : 0;
    const hand = dealHand(hash, decked, handSize);
    const offset = this.#arrivals++ % hand.length;
    let best: Queue | undefined;
    for (let at = 0; at < hand.length; at++) {
      const queue = this.#queues[hand[(offset + at) % hand.length] ?? 0];
      if (queue !== undefined && (best === undefined || queue.workWaiting < best.workWaiting)) best = queue;
    }
    if (best === undefined) throw new Error("a hand holds a queue that is not there");
    return best;
  }

  #hasSeats(seats: number): boolean {
    if (this.#shape.type === "exempt") return true;
    // What needs more than there is runs alone.
    if (seats > this.#seatsMax) return this.#executing === 0;
    return this.#seatsInUse + seats <= this.#seatsMax;
  }

  #dispatch(nowMs: number): void {
    while (this.#waiting > 0 && this.#seatsInUse < this.#seatsMax) {
      const queue = this.#nextQueue();
      const ticket = queue?.waiting[0];
      if (queue === undefined || ticket === undefined || !this.#hasSeats(ticket.seats)) return;
      this.#robin = this.#queues.indexOf(queue);
      this.#leaveQueue(ticket);
      ticket.narrow(this.#seatsMax);
      queue.nextVirtual += ticket.work;
      this.#start(ticket, queue, nowMs);
      boundNext(queue);
    }
  }

  /** The queue whose oldest request would finish first; of equals the first after the one that was served last. */
  #nextQueue(): Queue | undefined {
    let best: Queue | undefined;
    let bestFinish = Number.POSITIVE_INFINITY;
    const count = this.#queues.length;
    for (let step = 1; step <= count; step++) {
      const queue = this.#queues[(this.#robin + step) % count];
      const oldest = queue?.waiting[0];
      if (queue === undefined || oldest === undefined) continue;
      const finish = queue.nextVirtual + oldest.work;
      if (finish < bestFinish) [best, bestFinish] = [queue, finish];
    }
    return best;
  }

  #leaveQueue(ticket: Ticket): void {
    const { queue } = ticket;
    if (queue === undefined) return;
    const at = queue.waiting.indexOf(ticket);
    if (at < 0) return;
    queue.waiting.splice(at, 1);
    queue.workWaiting = queue.waiting.length === 0 ? 0 : queue.workWaiting - ticket.work;
    queue.seatsWaiting -= ticket.seats;
    this.#waiting--;
    this.#seatsWaiting -= ticket.seats;
  }

  #start(ticket: Ticket, queue: Queue | undefined, nowMs: number): void {
    ticket.state = "executing";
    ticket.startedMs = nowMs;
    this.#executing++;
    this.#seatsInUse += ticket.seats;
    if (queue !== undefined) {
      queue.executing++;
      queue.seatsInUse += ticket.seats;
    }
    ticket.onStart();
  }
}

/** `exempt`: nobody waits, nobody is refused. `reject`: nobody waits. */
export type QueueShape =
  | { readonly type: "exempt" }
  | { readonly type: "reject" }
  | {
      readonly type: "queue";
      readonly queues: number;
      readonly handSize: number;
      /** The most requests that wait in one queue while no seat is free. */
      readonly lengthMax: number;
    };

/** How much a request is thought to be. */
export interface WorkEstimate {
  /** While it is answered. */
  readonly initialSeats: number;
  /** Afterwards, for what it set going, */
  readonly finalSeats: number;
  /** so long. */
  readonly lingerMs: number;
}

export interface Arriving {
  /** The flow's. */
  readonly hash: bigint;
  readonly estimate: WorkEstimate;
  /** Called once, when the request may start. */
  readonly onStart: () => void;
}

export type Arrival =
  | { readonly refused: "concurrency-limit" | "queue-full" }
  | { readonly ticket: Ticket; readonly queueLength: number };

export interface QueueDump {
  readonly waiting: readonly Ticket[];
  readonly executing: number;
  readonly seatsInUse: number;
  readonly nextVirtual: number;
  readonly workWaiting: number;
  readonly seatsWaiting: number;
}

/** What a request is taken to last before anybody knows. */
const expectedServiceSeconds = 0.003;

interface Queue {
  readonly waiting: Ticket[];
  executing: number;
  seatsInUse: number;
  seatsWaiting: number;
  /** In seat-seconds, of those that wait. */
  workWaiting: number;
  /** Where in virtual time its next request starts. */
  nextVirtual: number;
}

const newQueue = (): Queue => ({
  waiting: [],
  executing: 0,
  seatsInUse: 0,
  seatsWaiting: 0,
  workWaiting: 0,
  nextVirtual: 0,
});

/** A queue that could not use its part must not save it up: nothing starts, in virtual time, before it came. */
function boundNext(queue: Queue): void {
  const oldest = queue.waiting[0];
  if (oldest !== undefined) queue.nextVirtual = Math.max(queue.nextVirtual, oldest.arrivedVirtual);
}

/** One request on its way: waiting -> executing -> lingering -> gone, or waiting -> gone. */
export class Ticket {
  state: "waiting" | "executing" | "lingering" | "gone" = "waiting";
  readonly estimate: WorkEstimate;
  readonly arrivedMs: number;
  readonly arrivedVirtual: number;
  readonly onStart: () => void;
  queue: Queue | undefined;
  startedMs = 0;
  #finalSeats: number;
  #lingerMs: number;

  constructor({ estimate, onStart }: Arriving, nowMs: number, virtual: number) {
    this.estimate = estimate;
    this.onStart = onStart;
    this.arrivedMs = nowMs;
    this.arrivedVirtual = virtual;
    this.#finalSeats = estimate.finalSeats;
    this.#lingerMs = estimate.lingerMs;
  }

  get seats(): number {
    return Math.max(this.estimate.initialSeats, this.#finalSeats);
  }
  get lingerMs(): number {
    return this.#lingerMs;
  }
  /** In seat-seconds. */
  get work(): number {
    const { initialSeats, finalSeats, lingerMs } = this.estimate;
    return initialSeats * expectedServiceSeconds + (finalSeats * lingerMs) / 1000;
  }

  /** What comes afterwards takes no more seats than there are, and longer instead. */
  narrow(seatsMax: number): void {
    if (this.#finalSeats <= seatsMax) return;
    this.#lingerMs = (this.#finalSeats * this.#lingerMs) / seatsMax;
    this.#finalSeats = seatsMax;
  }
}
