import { type Demand, DemandMeter, smoothedDemand } from "./demand.ts";
import { FairQueues, type QueueShape } from "./fair-queues.ts";
import { type Allocation, allocateSeats } from "./seat-allocation.ts";
import { type PriorityLevelSpec, suggestedLevels } from "./suggested-objects.ts";

/** The priority levels of one server: each has its part of the server's seats, lends what it may and borrows what is lent. Time
 *  is handed in. */

export interface LevelObject {
  readonly name: string;
  readonly uid: string;
  readonly spec: PriorityLevelSpec;
}

export interface Level {
  readonly name: string;
  uid: string;
  spec: PriorityLevelSpec;
  readonly queues: FairQueues;
  readonly demandMeter: DemandMeter;
  /** What its shares are worth, */
  nominalSeats: number;
  /** less what it lends at most, */
  lowerSeats: number;
  /** and with what it borrows at most. */
  upperSeats: number;
  /** The most that one request may be thought to take; absent: no level's own bound. */
  requestSeatsMax: number | undefined;
  demand: Demand;
  smoothed: number;
  targetSeats: number;
  /** Its object is gone: it goes when it is idle. */
  isLeaving: boolean;
  /** What became of requests since the level came. */
  dispatched: number;
  rejected: number;
  cancelled: number;
}

/** How much of its nominal seats one request may take. */
const requestPart = 0.15;
const noDemand: Demand = { seconds: 0, mean: 0, deviation: 0, max: 0 };

export class PriorityLevels {
  readonly #serverSeats: number;
  #levels = new Map<string, Level>();
  #fairPart = 0;

  /** Begins with the mandatory levels. */
  constructor(serverSeats: number, nowMs: number) {
    this.#serverSeats = serverSeats;
    this.configure([], nowMs);
  }

  get all(): Iterable<Level> {
    return this.#levels.values();
  }
  get fairPart(): number {
    return this.#fairPart;
  }
  get(name: string): Level | undefined {
    return this.#levels.get(name);
  }

  /** Serves these levels, and the mandatory ones. Those that are not among them any more go on until they are idle. Whatever
   *  the objects say, seats in use stay in use. */
  configure(objects: readonly LevelObject[], nowMs: number): void {
    const wanted = new Map(
      objects.filter(({ spec }) => shapeOf(spec) !== undefined).map((one) => [one.name, one]),
    );
    for (const { name, spec, isMandatory } of suggestedLevels)
      if (isMandatory && !wanted.has(name)) wanted.set(name, { name, uid: "", spec });
    const next = new Map<string, Level>();
    for (const { name, uid, spec } of wanted.values()) {
      const level = this.#levels.get(name) ?? newLevel({ name, uid, spec }, nowMs);
      Object.assign(level, { uid, spec, isLeaving: false });
      next.set(name, level);
    }
    for (const level of this.#levels.values())
      if (!next.has(level.name) && !level.queues.isIdle)
        next.set(level.name, Object.assign(level, { isLeaving: true }));
    this.#levels = next;
    this.#divide();
    this.#reshape(nowMs);
  }

  /** Lends and borrows anew by what was wanted since the last time. */
  adjust(nowMs: number): void {
    for (const level of this.#levels.values()) {
      level.demand = level.demandMeter.take(nowMs);
      level.smoothed = smoothedDemand(level.smoothed, level.demand);
    }
    this.#reshape(nowMs);
  }

  /** By shares, rounded up: together they may be a little more than the server's. */
  #divide(): void {
    const shares = ({ spec }: Level) => (spec.limited ?? spec.exempt)?.nominalConcurrencyShares ?? 0;
    const all = [...this.#levels.values()];
    const sum = all.reduce((total, level) => total + shares(level), 0);
    for (const level of all) {
      const { limited, exempt } = level.spec;
      const nominal = sum === 0 ? 0 : Math.ceil((this.#serverSeats * shares(level)) / sum);
      const lendable = Math.round((nominal * ((limited ?? exempt)?.lendablePercent ?? 0)) / 100);
      const limit = limited?.borrowingLimitPercent;
      const borrowable = limit === undefined ? this.#serverSeats : Math.round((nominal * limit) / 100);
      level.nominalSeats = nominal;
      level.lowerSeats = nominal - lendable;
      level.upperSeats = nominal + borrowable;
      const handSize = limited?.limitResponse?.queuing?.handSize;
      level.requestSeatsMax =
        handSize === undefined
          ? undefined
          : Math.max(1, Math.min(Math.ceil(nominal * requestPart), Math.floor(nominal / handSize)));
    }
  }

  #reshape(nowMs: number): void {
    const { seats, fairPart } = currentSeats([...this.#levels.values()]);
    this.#fairPart = fairPart;
    for (const level of this.#levels.values()) {
      const { target, now } = seats.get(level.name) ?? { target: 0, now: 0 };
      level.targetSeats = target;
      level.queues.reshape(shapeOf(level.spec) ?? { type: "reject" }, now, nowMs);
    }
  }
}

/** What each level has for now. A level keeps what it used lately, up to its nominal seats; the rest is divided by demand. */
function currentSeats(levels: readonly Level[]): {
  readonly seats: ReadonlyMap<string, { readonly target: number; readonly now: number }>;
  readonly fairPart: number;
} {
  const nominalSum = levels.reduce((sum, { nominalSeats }) => sum + nominalSeats, 0);
  const used = ({ demand }: Level) => Math.round(demand.max);
  const exempt = levels.filter(({ spec }) => spec.type === "Exempt");
  const limited = levels.filter(({ spec }) => spec.type !== "Exempt");
  const exemptSeats = (level: Level) => Math.max(level.lowerSeats, used(level));
  const leastNow = (level: Level) => Math.max(level.lowerSeats, Math.min(level.nominalSeats, used(level)));
  const remaining = nominalSum - exempt.reduce((sum, level) => sum + exemptSeats(level), 0);
  const leastSum = limited.reduce((sum, { lowerSeats }) => sum + lowerSeats, 0);
  const leastNowSum = limited.reduce((sum, level) => sum + leastNow(level), 0);
  const target = (level: Level) => Math.max(leastNow(level), level.smoothed);
  let allocation: Allocation | undefined;
  if (remaining > leastNowSum)
    allocation = allocateSeats(
      nominalSum,
      limited.map((level) => ({ target: target(level), lower: leastNow(level), upper: level.upperSeats })),
    );
  const part = leastNowSum === leastSum ? 0 : (remaining - leastSum) / (leastNowSum - leastSum);
  const now = (level: Level, at: number): number => {
    if (remaining <= leastSum) return level.lowerSeats;
    if (remaining <= leastNowSum)
      return level.lowerSeats + Math.round((leastNow(level) - level.lowerSeats) * part);
    return allocation === undefined ? level.queues.seatsMax : Math.round(allocation.seats[at] ?? 0);
  };
  return {
    seats: new Map([
      ...exempt.map(
        (level) => [level.name, { target: exemptSeats(level), now: exemptSeats(level) }] as const,
      ),
      ...limited.map((level, at) => [level.name, { target: target(level), now: now(level, at) }] as const),
    ]),
    fairPart: allocation?.fairPart ?? 0,
  };
}

/** `undefined` for a spec that contradicts itself, which is treated as if it were not there. */
function shapeOf({ type, limited, exempt }: PriorityLevelSpec): QueueShape | undefined {
  if (type === "Exempt")
    return exempt === undefined || limited !== undefined ? undefined : { type: "exempt" };
  if (type !== "Limited" || limited === undefined) return undefined;
  const { queuing } = limited.limitResponse ?? {};
  if (queuing === undefined) return { type: "reject" };
  const { queues = 0, handSize = 0, queueLengthLimit = 0 } = queuing;
  return { type: "queue", queues, handSize, lengthMax: queueLengthLimit };
}

function newLevel({ name, uid, spec }: LevelObject, nowMs: number): Level {
  return {
    name,
    uid,
    spec,
    queues: new FairQueues(shapeOf(spec) ?? { type: "reject" }, 0, nowMs),
    demandMeter: new DemandMeter(nowMs),
    nominalSeats: 0,
    lowerSeats: 0,
    upperSeats: 0,
    requestSeatsMax: undefined,
    demand: noDemand,
    smoothed: 0,
    targetSeats: 0,
    isLeaving: false,
    dispatched: 0,
    rejected: 0,
    cancelled: 0,
  };
}
