import { below, chance, type Random } from "../../../base/os/random.ts";
import type { Encodable } from "../../../base/protobuf.ts";
import { methods } from "../../../proto/etcd-methods.ts";
import type { Calls } from "../calls.ts";
import type { Access, AuthChange } from "../checkers/access.ts";
import type { EventLog } from "../event-log.ts";
import type { Machine } from "../machine.ts";
import type { AnyMethod } from "../operation.ts";
import type { SimClock } from "../sim-clock.ts";
import type { KnownPasswords } from "./session.ts";

const patienceMs = 12_000;
const retryMs = 300;
const restMs = 2_000;

export interface AdministratorParts {
  readonly clock: SimClock;
  readonly calls: Calls;
  /** Those that belong to the cluster at the time. */
  readonly machines: readonly Machine[];
  readonly events: EventLog;
  readonly random: Random;
  readonly access: Pick<Access, "changed">;
  readonly floor: () => number;
  /** The users that are not root. */
  readonly users: readonly string[];
  readonly passwords: KnownPasswords;
  /** Mean time between two changes. */
  readonly everyMs: number;
  readonly isOver: () => boolean;
}

const latin1 = (text: string): Uint8Array => Buffer.from(text, "latin1");
/** Of which none is the whole of what clients ask for. */
const ranges = [
  ["k", "l"],
  ["k00", ""],
  ["k00", "k02"],
  ["k02", "k05"],
  ["k05", "\0"],
] as const;

/** Makes users and roles, turns authentication on, and goes on changing who may do what. */
export class Administrator {
  readonly #parts: AdministratorParts;
  #changes = 0;
  #isOff = false;

  constructor(parts: AdministratorParts) {
    this.#parts = parts;
  }

  async run(): Promise<void> {
    const { random, everyMs, isOver } = this.#parts;
    await this.#setUp();
    while (!isOver()) {
      await this.#rest(2 * everyMs * (random.uint32() / 2 ** 32));
      if (!isOver()) await this.#change();
    }
  }

  /** No longer than the storm lasts, or a little. */
  async #rest(forMs: number): Promise<void> {
    const { clock, isOver } = this.#parts;
    for (let leftMs = forMs; leftMs > 0 && !isOver(); leftMs -= restMs)
      await new Promise<void>((resolve) => clock.after(Math.min(leftMs, restMs), resolve));
  }

  async #setUp(): Promise<void> {
    await this.#must("userAdd", { name: "root", password: this.#newPassword("root") });
    await this.#must("userGrantRole", { user: "root", role: "root" });
    for (const user of this.#parts.users) {
      await this.#must("roleAdd", { name: `r-${user}` });
      await this.#must("roleGrantPermission", this.#permission(user, "READWRITE"));
      await this.#newUser(user);
    }
    await this.#must("authEnable", {});
  }

  async #newUser(user: string): Promise<void> {
    await this.#must("userAdd", { name: user, password: this.#newPassword(user) });
    await this.#must("userGrantRole", { user, role: `r-${user}` });
  }

  async #change(): Promise<void> {
    const { random, users } = this.#parts;
    const user = users[below(random, users.length)] as string;
    const roll = below(random, 20);
    if (this.#isOff) {
      this.#isOff = false;
      await this.#must("authEnable", {});
    } else if (roll < 6) await this.#ask("roleGrantPermission", this.#permission(user));
    else if (roll < 11) {
      const [key, rangeEnd] = ranges[chance(random, 0.5) ? 0 : below(random, ranges.length)] ?? ranges[0];
      await this.#ask("roleRevokePermission", {
        role: `r-${user}`,
        key: latin1(key),
        rangeEnd: latin1(rangeEnd),
      });
    } else if (roll < 13) await this.#ask("userRevokeRole", { name: user, role: this.#anyRole() });
    else if (roll < 15) await this.#ask("userGrantRole", { user, role: this.#anyRole() });
    else if (roll < 17)
      await this.#ask("userChangePassword", { name: user, password: this.#newPassword(user) });
    else if (roll < 19) {
      await this.#must("userDelete", { name: user });
      await this.#newUser(user);
    } else {
      this.#isOff = true;
      await this.#must("authDisable", {});
    }
  }

  #anyRole(): string {
    const { random, users } = this.#parts;
    return chance(random, 0.2) ? "root" : `r-${users[below(random, users.length)]}`;
  }

  #permission(user: string, permType?: "READWRITE") {
    const { random } = this.#parts;
    const [key, rangeEnd] =
      permType === undefined ? (ranges[below(random, ranges.length)] ?? ranges[0]) : ranges[0];
    const drawn = (["READ", "WRITE", "READWRITE"] as const)[below(random, 3)];
    const perm = { permType: permType ?? drawn, key: latin1(key), rangeEnd: latin1(rangeEnd) };
    return { name: `r-${user}`, perm };
  }

  /** Known from now on, though it may never count. */
  #newPassword(user: string): string {
    const { passwords } = this.#parts;
    const password = `${user}-${++this.#changes}`;
    passwords.set(user, [...(passwords.get(user) ?? []).slice(-2), password]);
    return password;
  }

  /** Again and again until it is done, or was done before. */
  async #must(change: AuthChange, request: Encodable<object>): Promise<void> {
    const { clock, isOver } = this.#parts;
    while (!isOver() && !(await this.#ask(change, request)))
      await new Promise<void>((resolve) => clock.after(retryMs, resolve));
  }

  /** False: nobody knows what became of it. */
  async #ask(change: AuthChange, request: Encodable<object>): Promise<boolean> {
    const { calls, machines, random, events, access, floor } = this.#parts;
    const machine = machines[below(random, machines.length)];
    if (machine === undefined) return false;
    const method = methods[change] as AnyMethod;
    const before = floor();
    const { outcome } = await calls.unary(machine, method, method.request.encode(request), patienceMs);
    events.add(
      `the administrator asks ${machine.name} ${change}: ${outcome.kind === "error" ? outcome.code : outcome.kind}`,
    );
    if (outcome.kind === "answer")
      access.changed(change, method.request.decode(method.request.encode(request)), before);
    return outcome.kind === "answer" || (outcome.kind === "error" && settled.test(outcome.code));
  }
}

/** Errors that say that the change has no place any more. */
const settled = /^(USER_EXISTS|ROLE_EXISTS|USER_NOT_FOUND|ROLE_NOT_GRANTED|PERMISSION_NOT_GRANTED)$/;
