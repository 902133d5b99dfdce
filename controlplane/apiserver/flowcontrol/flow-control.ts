import type { Clock } from "../../../base/os/clock.ts";
import { serverBusy } from "../api-error.ts";
import {
  type Asking,
  noCounts,
  requestKind,
  type Seat,
  type SeatCounts,
  type Seats,
} from "../filters/seats.ts";
import { distinguisher, inOrder, type SchemaObject, schemaOf } from "./classify.ts";
import type { Ticket } from "./fair-queues.ts";
import { FlowFigures } from "./flow-figures.ts";
import { FlowHashes } from "./flow-hashes.ts";
import type { FlowMetrics } from "./flow-metrics.ts";
import { type Level, type LevelObject, PriorityLevels } from "./priority-levels.ts";
import { RetryAfter } from "./retry-after.ts";
import { WatchCounts } from "./watch-counts.ts";
import { estimateWork, type KindSize } from "./work-estimate.ts";

export interface FlowControlDeps {
  readonly clock: Clock;
  /** Seats of the whole server. */
  readonly serverSeats: number;
  readonly metrics: FlowMetrics;
  /** What is known of the objects of a resource. */
  readonly sizeOf: (group: string, version: string, plural: string) => KindSize | undefined;
}

/** How long a request waits for a seat at most: Kubernetes' quarter of a request's time. */
export const waitMsMax = 15_000;

/** Seats are not lent anew more often than this, whoever wants some. */
const adjustSoonMs = 1000;

/** Priority and fairness for one server: classifies requests and lets them in by their level's queues. This is the thin shell; who
 *  is next is decided in `fair-queues.ts`, how many seats a level has in `priority-levels.ts`. */
export class FlowControl implements Seats {
  readonly counts: SeatCounts = noCounts();
  readonly levels: PriorityLevels;
  /** Those that wait or hold a seat. */
  readonly requests = new Set<FlowRequest>();
  readonly #deps: FlowControlDeps;
  readonly #watches = new WatchCounts();
  readonly #retryAfter = new RetryAfter();
  readonly #hashes = new FlowHashes();
  #schemas: readonly SchemaObject[] = [];
  /** Of each schema in use. */
  readonly #figures = new Map<SchemaObject, FlowFigures>();
  #adjustedMs = Number.NEGATIVE_INFINITY;

  constructor(deps: FlowControlDeps) {
    this.#deps = deps;
    this.levels = new PriorityLevels(deps.serverSeats, deps.clock.monotonicMs());
    this.configure([], []);
  }

  get schemas(): readonly SchemaObject[] {
    return this.#schemas;
  }

  /** Uses these objects from now on. */
  configure(schemas: readonly SchemaObject[], levels: readonly LevelObject[]): void {
    this.levels.configure(levels, this.#now());
    this.#schemas = inOrder(schemas, (name) => this.levels.get(name)?.isLeaving === false);
    this.#figures.clear();
  }

  /** When, by the clock on the wall, something was. */
  readonly wallMsOf = (monotonicMs: number): number =>
    this.#deps.clock.wallMs() - (this.#now() - monotonicMs);

  /** Lends and borrows seats anew. */
  adjust(): void {
    this.#adjustedMs = this.#now();
    this.levels.adjust(this.#now());
  }

  enter(asking: Asking): Seat | Promise<Seat> {
    const { user, info } = asking;
    const schema = schemaOf(this.#schemas, user, info);
    const level = this.levels.get(schema?.spec.priorityLevelConfiguration.name ?? "");
    if (schema === undefined || level === undefined)
      throw new Error("a request belongs to no priority level");
    asking.setHeader("X-Kubernetes-PF-FlowSchema-UID", schema.uid);
    asking.setHeader("X-Kubernetes-PF-PriorityLevel-UID", level.uid);
    const flow: Flow = {
      schema,
      level,
      name: distinguisher(schema, user, info),
      figures: this.#figuresOf(schema, level),
    };
    const ticket = this.#admitted(flow, asking);
    return ticket instanceof Promise
      ? ticket.then((given) => this.#seated(flow, given, asking))
      : this.#seated(flow, ticket, asking);
  }

  #seated(flow: Flow, ticket: Ticket, asking: Asking): Seat {
    flow.level.dispatched++;
    const leave = this.#occupied(flow, ticket, asking);
    const { info } = asking;
    if (info.resource?.verb !== "watch") return { leave, end: leave };
    const forgetWatch = this.#watches.add(info);
    const end = () => {
      leave();
      forgetWatch();
    };
    return { leave, end };
  }

  /** The returned function gives the seat back. */
  #occupied({ schema, level, name, figures }: Flow, ticket: Ticket, asking: Asking): () => void {
    const { info } = asking;
    const kind = requestKind(info);
    const { clock } = this.#deps;
    const request = { schema: schema.name, level: level.name, flow: name, ticket, asking };
    this.requests.add(request);
    this.counts.executing[kind]++;
    figures.dispatched.count++;
    figures.executing.count++;
    figures.executingSeats.count += ticket.seats;
    let inside = true;
    return () => {
      if (!inside) return;
      inside = false;
      this.requests.delete(request);
      this.counts.executing[kind]--;
      figures.executing.count--;
      const nowMs = this.#now();
      const type = info.resource?.verb === "watch" ? "watch" : "regular";
      figures.executionSeconds(type).observe((nowMs - ticket.startedMs) / 1000);
      const released = () => {
        figures.executingSeats.count -= ticket.seats;
        this.#noteDemand(level);
      };
      const lingerMs = level.queues.finish(ticket, nowMs);
      if (lingerMs === 0) return released();
      clock.after(lingerMs, () => {
        level.queues.release(ticket, this.#now());
        released();
      });
    };
  }

  /** The right to go on: at once where a seat is free, else by `#waits`. */
  #admitted(flow: Flow, asking: Asking): Ticket | Promise<Ticket> {
    const { level, figures } = flow;
    const { cancellation } = asking;
    const estimate = this.#estimate(flow, asking);
    figures.estimatedSeats.observe(Math.max(estimate.initialSeats, estimate.finalSeats));
    if (cancellation.isCancelled) throw cancellation.reason;
    const arrivedMs = this.#now();
    const starting: Starting = { begin: () => {} };
    const onStart = () => starting.begin();
    const arrival = level.queues.arrive({ hash: this.#hashOf(flow), estimate, onStart }, arrivedMs);
    if ("refused" in arrival) throw this.#refused(flow, arrival.refused, arrivedMs);
    const { ticket, queueLength } = arrival;
    if (level.spec.limited?.limitResponse?.queuing !== undefined) figures.queueLength.observe(queueLength);
    if (ticket.state === "waiting") return this.#waits(flow, asking, { ticket, starting });
    this.#waited(flow, arrivedMs, true);
    return ticket;
  }

  /** Resolves when the ticket's turn comes. */
  #waits(
    flow: Flow,
    asking: Asking,
    { ticket, starting }: { readonly ticket: Ticket; readonly starting: Starting },
  ): Promise<Ticket> {
    const { level, schema, figures } = flow;
    const { signal } = asking.cancellation;
    return new Promise((resolve, reject) => {
      const waiting = { schema: schema.name, level: level.name, flow: flow.name, ticket, asking };
      const kind = requestKind(asking.info);
      this.requests.add(waiting);
      this.counts.waiting[kind]++;
      figures.waiting.count++;
      figures.waitingSeats.count += ticket.seats;
      const giveUp = (error?: unknown) => {
        if (!level.queues.cancel(ticket, this.#now())) return;
        stopWaiting();
        reject(this.#refused(flow, "time-out", ticket.arrivedMs, error));
      };
      const onAbort = () => giveUp(signal.reason);
      const cancelTimer = this.#deps.clock.after(waitMsMax, () => giveUp());
      signal.addEventListener("abort", onAbort, { once: true });
      const stopWaiting = () => {
        cancelTimer();
        signal.removeEventListener("abort", onAbort);
        this.requests.delete(waiting);
        this.counts.waiting[kind]--;
        figures.waiting.count--;
        figures.waitingSeats.count -= ticket.seats;
      };
      starting.begin = () => {
        stopWaiting();
        this.#waited(flow, ticket.arrivedMs, true);
        resolve(ticket);
      };
      this.#noteDemand(level);
      if (level.queues.seatsMax === 0) this.#adjustSoon();
    });
  }

  #waited({ level, figures }: Flow, arrivedMs: number, executes: boolean): void {
    if (level.spec.type !== "Exempt") figures.waitSeconds(executes).observe((this.#now() - arrivedMs) / 1000);
    this.#noteDemand(level);
  }

  /** Counts a request that gets no seat; what is returned is to be thrown. */
  #refused(flow: Flow, reason: string, arrivedMs: number, error?: unknown): unknown {
    const { level, figures } = flow;
    level.rejected++;
    if (reason === "time-out") level.cancelled++;
    figures.rejected(reason).count++;
    this.#waited(flow, arrivedMs, false);
    return error ?? this.#tooMany(level);
  }

  /** A level that has lent all its seats gets some as soon as it wants any. */
  #adjustSoon(): void {
    if (this.#now() - this.#adjustedMs >= adjustSoonMs) this.adjust();
  }

  #estimate({ level, figures }: Flow, { info }: Asking) {
    const { resource } = info;
    if (resource === undefined) return estimateWork(info, noFacts);
    const writes = requestKind(info) === "mutating";
    const watchers = writes ? this.#watches.concerned(resource) : 0;
    if (writes) figures.watchCount.observe(watchers);
    return estimateWork(info, {
      size: writes ? undefined : this.#deps.sizeOf(resource.group, resource.version, resource.plural),
      watchers,
      seatsMax: level.requestSeatsMax,
    });
  }

  #figuresOf(schema: SchemaObject, level: Level): FlowFigures {
    let figures = this.#figures.get(schema);
    if (figures === undefined) {
      const labels = { priority_level: level.name, flow_schema: schema.name };
      figures = new FlowFigures(this.#deps.metrics, labels);
      this.#figures.set(schema, figures);
    }
    return figures;
  }

  /** Exempt requests and those that nobody queues need none. */
  #hashOf({ schema, level, name }: Flow): bigint {
    if (level.spec.limited?.limitResponse?.queuing === undefined) return 0n;
    return this.#hashes.of(schema.name, name);
  }

  #tooMany(level: Level): Error {
    const seconds = this.#retryAfter.refused(level.name, Math.floor(this.#now() / 1000));
    return serverBusy(seconds);
  }

  #noteDemand(level: Level): void {
    level.demandMeter.set(level.queues.seatsInUse + level.queues.seatsWaiting, this.#now());
  }

  #now(): number {
    return this.#deps.clock.monotonicMs();
  }
}

const noFacts = { size: undefined, watchers: 0, seatsMax: undefined };

interface Flow {
  readonly schema: SchemaObject;
  readonly level: Level;
  readonly name: string;
  readonly figures: FlowFigures;
}

/** What happens when a ticket's turn comes; nothing while it is not known to wait. */
interface Starting {
  begin: () => void;
}

export interface FlowRequest {
  readonly schema: string;
  readonly level: string;
  readonly flow: string;
  readonly ticket: Ticket;
  readonly asking: Asking;
}
