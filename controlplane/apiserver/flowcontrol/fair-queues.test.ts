import assert from "node:assert/strict";
import fc from "fast-check";
import { FairQueues, type QueueShape, type Ticket } from "./fair-queues.ts";
import { dealHand, requiredEntropyBits } from "./shuffle-sharding.ts";

const oneSeat = { initialSeats: 1, finalSeats: 0, lingerMs: 0 };
const queued: QueueShape = { type: "queue", queues: 8, handSize: 2, lengthMax: 5 };

/** A level on which requests of flows come and go at times of its own. */
class World {
  readonly queues: FairQueues;
  readonly executing: { readonly flow: number; readonly ticket: Ticket }[] = [];
  readonly started: number[] = [];
  readonly waiting = new Set<Ticket>();
  nowMs = 0;

  constructor(shape: QueueShape, seats: number) {
    this.queues = new FairQueues(shape, seats, 0);
  }

  /** Undefined: it was let in or waits. */
  arrive(flow: number, estimate = oneSeat): string | undefined {
    let ticket: Ticket | undefined;
    let early = false;
    const onStart = () => {
      this.started.push(flow);
      if (ticket === undefined) early = true;
      else this.#run(flow, ticket);
    };
    const hash = (BigInt(flow) * 0x9e3779b97f4a7c15n) % 2n ** 64n;
    const arrival = this.queues.arrive({ hash, estimate, onStart }, this.nowMs);
    if ("refused" in arrival) return arrival.refused;
    ticket = arrival.ticket;
    if (early) this.#run(flow, ticket);
    else this.waiting.add(ticket);
    return undefined;
  }

  #run(flow: number, ticket: Ticket): void {
    this.waiting.delete(ticket);
    this.executing.push({ flow, ticket });
  }

  finishOldest(): number {
    const { ticket } = this.executing.shift() ?? {};
    if (ticket === undefined) return 0;
    const lingerMs = this.queues.finish(ticket, this.nowMs);
    if (lingerMs > 0) {
      this.nowMs += lingerMs;
      this.queues.release(ticket, this.nowMs);
    }
    return lingerMs;
  }
}

describe("fair queues", () => {
  it("never have more seats in use than there are, lose nothing and refuse only where a queue is full", () => {
    const step = fc.record({
      flow: fc.nat(20),
      seats: fc.integer({ min: 1, max: 6 }),
      does: fc.constantFrom("arrive", "arrive", "finish", "cancel", "reshape"),
      ms: fc.nat(50),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 1, max: 6 }), (steps, seats) => {
        const world = new World(queued, seats);
        let limit = seats;
        let let_in = 0;
        for (const { flow, does, ms, seats: wanted } of steps) {
          world.nowMs += ms;
          if (does === "finish") world.finishOldest();
          else if (does === "reshape") {
            limit = wanted;
            world.queues.reshape(queued, limit, world.nowMs);
          } else if (does === "cancel") {
            const [ticket] = world.waiting;
            if (ticket !== undefined) {
              world.waiting.delete(ticket);
              assert.ok(world.queues.cancel(ticket, world.nowMs));
              let_in--;
            }
          } else {
            const before = world.queues.seatsInUse;
            const refused = world.arrive(flow, { ...oneSeat, initialSeats: wanted });
            if (refused === undefined) let_in++;
            else assert.ok(refused === "queue-full" && before >= limit);
          }
          // Who alone needs more than there is runs alone; a smaller number of seats takes none from those who have them.
          const alone = world.queues.executing === 1;
          if (does !== "reshape" && world.started.length > 0 && !alone)
            assert.ok(
              world.queues.seatsInUse <= Math.max(...steps.map((one) => one.seats), seats),
              `${world.queues.seatsInUse} of ${limit}`,
            );
          assert.equal(world.queues.executing, world.executing.length);
          assert.equal(world.queues.waiting, world.waiting.size);
          if (world.queues.seatsInUse === 0)
            assert.equal(world.queues.waiting, 0, "nobody waits before free seats");
        }
        while (world.executing.length > 0) {
          world.nowMs += 1;
          world.finishOldest();
        }
        assert.equal(world.started.length, let_in, "whoever was let in has started");
        assert.deepEqual([world.queues.seatsInUse, world.queues.waiting, world.queues.isIdle], [0, 0, true]);
      }),
      { numRuns: 200 },
    );
  });

  it("exceed no fixed number of seats", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10 }),
        fc.array(fc.record({ flow: fc.nat(9), seats: fc.integer({ min: 1, max: 10 }), finishes: fc.nat(3) })),
        (seats, steps) => {
          const world = new World(queued, seats);
          for (const { flow, seats: wanted, finishes } of steps) {
            world.nowMs += 1;
            world.arrive(flow, { ...oneSeat, initialSeats: wanted });
            for (let n = 0; n < finishes; n++) world.finishOldest();
            assert.ok(world.queues.seatsInUse <= seats || world.queues.executing === 1);
          }
        },
      ),
    );
  });

  it("starve no flow: one that asks now and then is served soon, however much others ask", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 40 }), (seats, serviceMs) => {
        const world = new World({ type: "queue", queues: 64, handSize: 6, lengthMax: 50 }, seats);
        // Twenty floods have filled what they may before the quiet flow comes.
        for (let n = 0; n < 4000; n++) world.arrive(n % 20);
        const ofQuiet = 777;
        assert.equal(
          world.arrive(ofQuiet),
          undefined,
          "it is let in: the floods fill their hands, not its own",
        );
        const startedBefore = world.started.length;
        while (!world.started.includes(ofQuiet)) {
          world.nowMs += serviceMs;
          world.finishOldest();
          world.arrive(world.started.length % 20);
        }
        // Everybody's queue is served once before anybody's twice, or nearly so.
        assert.ok(world.started.length - startedBefore <= 2 * 64, `${world.started.length - startedBefore}`);
      }),
      { numRuns: 20 },
    );
  });

  it("share seats by what requests take: a flow of wide ones gets no more than one of narrow ones", () => {
    const world = new World({ type: "queue", queues: 2, handSize: 1, lengthMax: 1000 }, 10);
    const [narrow, wide] = [0, 1].map((queue) => {
      // Flow numbers whose single card is this queue.
      let flow = 0;
      while (dealHand((BigInt(flow) * 0x9e3779b97f4a7c15n) % 2n ** 64n, 2, 1)[0] !== queue) flow++;
      return flow;
    });
    assert.ok(narrow !== undefined && wide !== undefined);
    for (let n = 0; n < 500; n++) {
      world.arrive(narrow);
      world.arrive(wide, { ...oneSeat, initialSeats: 5 });
    }
    for (let n = 0; n < 300; n++) {
      world.nowMs += 1;
      world.finishOldest();
    }
    const narrowSeats = world.started.filter((flow) => flow === narrow).length;
    const wideSeats = 5 * world.started.filter((flow) => flow === wide).length;
    assert.ok(Math.abs(narrowSeats - wideSeats) <= 0.2 * wideSeats, `${narrowSeats} to ${wideSeats}`);
  });

  it("let nobody wait at a level that only refuses, and refuse nobody at the exempt one", () => {
    const refusing = new World({ type: "reject" }, 2);
    assert.deepEqual(
      [1, 2, 3].map((flow) => refusing.arrive(flow)),
      [undefined, undefined, "concurrency-limit"],
    );
    const exempt = new World({ type: "exempt" }, 0);
    for (let n = 0; n < 100; n++) assert.equal(exempt.arrive(n), undefined);
    assert.equal(exempt.started.length, 100);
  });

  it("hold requests of a level without seats until it gets some", () => {
    const jail = new World(queued, 0);
    for (let n = 0; n < 5; n++) assert.equal(jail.arrive(1), undefined);
    assert.equal(jail.started.length, 0);
    jail.queues.reshape(queued, 3, 1);
    assert.equal(jail.started.length, 3);
  });

  it("keep seats for what a write sets going, narrower and longer where there are few", () => {
    const world = new World(queued, 2);
    world.arrive(1, { initialSeats: 1, finalSeats: 4, lingerMs: 10 });
    assert.equal(world.finishOldest(), 20);
    assert.equal(world.queues.seatsInUse, 0);
  });

  it("drop queues that are too many once they are empty", () => {
    const world = new World(queued, 1);
    for (let flow = 0; flow < 12; flow++) world.arrive(flow);
    const smaller: QueueShape = { type: "queue", queues: 2, handSize: 1, lengthMax: 5 };
    world.queues.reshape(smaller, 1, world.nowMs);
    assert.equal(world.queues.dump().length, 8);
    while (world.executing.length > 0) world.finishOldest();
    assert.ok(world.queues.dump().length < 8);
    for (let flow = 0; flow < 6; flow++) assert.equal(world.arrive(flow), undefined);
    while (world.executing.length > 0) world.finishOldest();
    assert.equal(world.started.length, 12 + 6, "whoever waited in one of them was served");
  });
});

describe("shuffle sharding", () => {
  it("deals distinct queues, the same to the same flow, and each about equally often", () => {
    const counts = new Array<number>(16).fill(0);
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (hash) => {
        const hand = dealHand(hash, 16, 4);
        assert.equal(new Set(hand).size, 4);
        assert.deepEqual(dealHand(hash, 16, 4), hand);
        for (const card of hand) {
          assert.ok(card >= 0 && card < 16);
          counts[card] = (counts[card] ?? 0) + 1;
        }
      }),
      { numRuns: 4000, seed: 1 },
    );
    for (const count of counts) assert.ok(count > 500, counts.join());
  });

  it("takes as many bits as Kubernetes says", () => {
    assert.deepEqual(
      [requiredEntropyBits(64, 6), requiredEntropyBits(128, 6), requiredEntropyBits(1000, 9)],
      [36, 42, 90],
    );
  });
});
