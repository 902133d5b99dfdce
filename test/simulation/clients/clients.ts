import { below, chance, Prng, type Random } from "../../../base/os/random.ts";
import type { Calls } from "../calls.ts";
import type { Access } from "../checkers/access.ts";
import type { AppliedOnce } from "../checkers/applied-once.ts";
import type { Leases } from "../checkers/leases.ts";
import type { Watches } from "../checkers/watches.ts";
import type { EventLog } from "../event-log.ts";
import type { Machine } from "../machine.ts";
import type { Operations } from "../operations.ts";
import type { SimOptions } from "../options.ts";
import type { SimClock } from "../sim-clock.ts";
import { Administrator } from "./administrator.ts";
import { runKeyClient } from "./key-client.ts";
import { runLeaseholder } from "./leaseholder.ts";
import { type KnownPasswords, Session } from "./session.ts";
import { WatchClient } from "./watch-client.ts";
import { Workload } from "./workload.ts";

/** Beside root. */
const users = ["u1", "u2"] as const;
/** Leases that keys may be hung on. */
const knownLeasesMax = 6;

export interface ClientsParts {
  readonly clock: SimClock;
  readonly calls: Calls;
  readonly events: EventLog;
  readonly random: Random;
  /** Those that belong to the cluster at the time. */
  readonly machines: readonly Machine[];
  readonly operations: Operations;
  readonly access: Access;
  readonly appliedOnce: AppliedOnce;
  readonly watches: Watches;
  readonly leases: Leases;
  readonly knowledge: { revision: number; readonly leases: bigint[] };
  /** The furthest place in the log that was answered. */
  readonly floor: () => number;
  readonly isOver: () => boolean;
  /** Hears of each client that began, and must look after what becomes of it. */
  readonly watched: (running: Promise<void>) => void;
}

/** Everybody who uses the cluster, each with chances of its own. */
export class Clients {
  readonly #options: SimOptions;
  readonly #parts: ClientsParts;
  readonly #passwords: KnownPasswords = new Map();
  #lastLease = 0n;
  readonly watchers: WatchClient[] = [];
  /** Clients that have not come to their end. */
  running = 0;

  constructor(options: SimOptions, parts: ClientsParts) {
    this.#options = options;
    this.#parts = parts;
  }

  start(): void {
    const { clients, watchers, leaseholders, authChangeEveryMs } = this.#options;
    for (let i = 1; i <= clients; i++) this.#startKeyClient(i);
    for (let i = 1; i <= watchers; i++) this.#startWatcher(i);
    for (let i = 1; i <= leaseholders; i++) this.#startLeaseholder(i);
    if (authChangeEveryMs > 0) this.#startAdministrator();
  }

  #startKeyClient(number: number): void {
    const { keys, thinkMs, valueBytesMax } = this.#options;
    const { knowledge } = this.#parts;
    const random = this.#fork();
    const name = `c${number}`;
    const workload = new Workload(name, random, { keys, valueBytesMax, knowledge });
    const session = this.#sessionOf(number);
    this.#own(runKeyClient(name, workload, { ...this.#parts, random, thinkMs, session }));
  }

  #startWatcher(number: number): void {
    const { slowWatchers, stretch } = this.#options;
    const random = this.#fork();
    const readMs = chance(random, slowWatchers) ? 50 + below(random, 500) : 0;
    const session = this.#sessionOf(number);
    const watcher = new WatchClient({ ...this.#parts, name: `w${number}`, random, readMs, stretch, session });
    this.watchers.push(watcher);
    watcher.start();
  }

  #startLeaseholder(number: number): void {
    const { stretch, leaseTtlMaxS: ttlMaxS } = this.#options;
    const { leases: checker, knowledge } = this.#parts;
    const newLease = () => ++this.#lastLease;
    const granted = (id: bigint) => {
      knowledge.leases.push(id);
      if (knowledge.leases.length > knownLeasesMax) knowledge.leases.shift();
    };
    const own = { name: `l${number}`, random: this.#fork(), checker, newLease, granted, stretch, ttlMaxS };
    this.#own(runLeaseholder({ ...this.#parts, ...own }));
  }

  #startAdministrator(): void {
    const { authChangeEveryMs: everyMs } = this.#options;
    const own = { random: this.#fork(), users, passwords: this.#passwords, everyMs };
    this.#own(new Administrator({ ...this.#parts, ...own }).run());
  }

  /** Where there are users, every third client is root, and the others share two. */
  #sessionOf(number: number): Session | undefined {
    if (this.#options.authChangeEveryMs === 0) return undefined;
    const user = number % 3 === 0 ? "root" : (users[number % users.length] as string);
    return new Session(user, { ...this.#parts, passwords: this.#passwords });
  }

  #fork(): Prng {
    return new Prng(this.#parts.random.uint32());
  }

  #own(client: Promise<void>): void {
    this.running++;
    this.#parts.watched(
      client.then(() => {
        this.running--;
      }),
    );
  }
}
