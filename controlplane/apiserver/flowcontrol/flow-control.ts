import { createHash } from "node:crypto";
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
  #schemas: readonly SchemaObject[] = [];
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
  }

  /** When, by the clock on the wall, something was. */
  readonly wallMsOf = (monotonicMs: number): number =>
    this.#deps.clock.wallMs() - (this.#now() - monotonicMs);

  /** Lends and borrows seats anew. */
  adjust(): void {
    this.#adjustedMs = this.#now();
    this.levels.adjust(this.#now());
  }

  async enter(asking: Asking): Promise<Seat> {
    const { user, info } = asking;
    const schema = schemaOf(this.#schemas, user, info);
    const level = this.levels.get(schema?.spec.priorityLevelConfiguration.name ?? "");
    if (schema === undefined || level === undefined)
      throw new Error("a request belongs to no priority level");
    asking.setHeader("X-Kubernetes-PF-FlowSchema-UID", schema.uid);
    asking.setHeader("X-Kubernetes-PF-PriorityLevel-UID", level.uid);
    const flow: Flow = { schema, level, name: distinguisher(schema, user, info) };
    const ticket = await this.#admitted(flow, asking);
    level.dispatched++;
    const leave = this.#seated(flow, ticket, asking);
    const forgetWatch = info.resource?.verb === "watch" ? this.#watches.add(info) : () => {};
    const end = () => {
      leave();
      forgetWatch();
    };
    return { leave, end };
  }

  /** The returned function gives the seat back. */
  #seated({ schema, level, name }: Flow, ticket: Ticket, asking: Asking): () => void {
    const { info } = asking;
    const kind = requestKind(info);
    const { clock, metrics } = this.#deps;
    const labels = { priority_level: level.name, flow_schema: schema.name };
    const request = { schema: schema.name, level: level.name, flow: name, ticket, asking };
    this.requests.add(request);
    this.counts.executing[kind]++;
    metrics.dispatched.of(labels).count++;
    const executing = metrics.executing.of(labels);
    const executingSeats = metrics.executingSeats.of(labels);
    executing.count++;
    executingSeats.count += ticket.seats;
    let inside = true;
    return () => {
      if (!inside) return;
      inside = false;
      this.requests.delete(request);
      this.counts.executing[kind]--;
      executing.count--;
      const type = info.resource?.verb === "watch" ? "watch" : "regular";
      metrics.executionSeconds.of({ ...labels, type }).observe((this.#now() - ticket.startedMs) / 1000);
      const released = () => {
        executingSeats.count -= ticket.seats;
        this.#noteDemand(level);
      };
      const lingerMs = level.queues.finish(ticket, this.#now());
      if (lingerMs === 0) return released();
      clock.after(lingerMs, () => {
        level.queues.release(ticket, this.#now());
        released();
      });
    };
  }

  /** Waits for a seat. */
  #admitted(flow: Flow, asking: Asking): Promise<Ticket> {
    const { level, schema } = flow;
    const { info, signal } = asking;
    const { metrics, clock } = this.#deps;
    const labels = { priority_level: level.name, flow_schema: schema.name };
    const estimate = this.#estimate(flow, asking);
    metrics.estimatedSeats.of(labels).observe(Math.max(estimate.initialSeats, estimate.finalSeats));
    return new Promise((resolve, reject) => {
      const arrivedMs = this.#now();
      let ticket: Ticket | undefined;
      let started = false;
      let stopWaiting = () => {};
      const waited = (execute: boolean) => {
        if (level.spec.type !== "Exempt")
          metrics.waitSeconds
            .of({ ...labels, execute: String(execute) })
            .observe((this.#now() - arrivedMs) / 1000);
        this.#noteDemand(level);
      };
      const refuse = (reason: string, error: unknown = this.#tooMany(level)) => {
        level.rejected++;
        if (reason === "time-out") level.cancelled++;
        metrics.rejected.of({ ...labels, reason }).count++;
        waited(false);
        reject(error);
      };
      const onStart = () => {
        started = true;
        stopWaiting();
        // Within `arrive` the ticket is not known yet.
        if (ticket !== undefined) {
          waited(true);
          resolve(ticket);
        }
      };
      if (signal.aborted) return reject(signal.reason);
      const arrival = level.queues.arrive({ hash: hashOf(flow), estimate, onStart }, arrivedMs);
      if ("refused" in arrival) return refuse(arrival.refused);
      ticket = arrival.ticket;
      if (level.spec.limited?.limitResponse?.queuing !== undefined)
        metrics.queueLength.of(labels).observe(arrival.queueLength);
      if (started) {
        waited(true);
        return resolve(ticket);
      }
      const waiting = { schema: schema.name, level: level.name, flow: flow.name, ticket, asking };
      const kind = requestKind(info);
      this.requests.add(waiting);
      this.counts.waiting[kind]++;
      metrics.waiting.of(labels).count++;
      metrics.waitingSeats.of(labels).count += ticket.seats;
      const giveUp = (error?: unknown) => {
        if (!level.queues.cancel(waiting.ticket, this.#now())) return;
        stopWaiting();
        refuse("time-out", error);
      };
      const onAbort = () => giveUp(signal.reason);
      const cancelTimer = clock.after(waitMsMax, () => giveUp());
      signal.addEventListener("abort", onAbort, { once: true });
      stopWaiting = () => {
        cancelTimer();
        signal.removeEventListener("abort", onAbort);
        this.requests.delete(waiting);
        this.counts.waiting[kind]--;
        metrics.waiting.of(labels).count--;
        metrics.waitingSeats.of(labels).count -= waiting.ticket.seats;
      };
      this.#noteDemand(level);
      if (level.queues.seatsMax === 0) this.#adjustSoon();
    });
  }

  /** A level that has lent all its seats gets some as soon as it wants any. */
  #adjustSoon(): void {
    if (this.#now() - this.#adjustedMs >= adjustSoonMs) this.adjust();
  }

  #estimate({ level, schema }: Flow, { info }: Asking) {
    const { resource } = info;
    if (resource === undefined) return estimateWork(info, noFacts);
    const writes = requestKind(info) === "mutating";
    const watchers = writes ? this.#watches.concerned(resource) : 0;
    if (writes)
      this.#deps.metrics.watchCount
        .of({ priority_level: level.name, flow_schema: schema.name })
        .observe(watchers);
    return estimateWork(info, {
      size: writes ? undefined : this.#deps.sizeOf(resource.group, resource.version, resource.plural),
      watchers,
      seatsMax: level.requestSeatsMax,
    });
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
}

export interface FlowRequest {
  readonly schema: string;
  readonly level: string;
  readonly flow: string;
  readonly ticket: Ticket;
  readonly asking: Asking;
}

/** Exempt requests and those that nobody queues need none. */
function hashOf({ schema, level, name }: Flow): bigint {
  if (level.spec.limited?.limitResponse?.queuing === undefined) return 0n;
  return createHash("sha256").update(`${schema.name}\0${name}`).digest().readBigUInt64LE(0);
}
