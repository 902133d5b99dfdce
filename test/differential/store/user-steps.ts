import { below, chance, type Random } from "../../../base/os/random.ts";
import { latin1, latin1Bytes } from "../../../base/wire.ts";
import { forger, type Step } from "./conversation.ts";
import type { Asked, StoreRequests } from "./requests.ts";

const users = ["ann", "bob", "eve"] as const;
const roles = ["r1", "r2", "none"] as const;
/** No two on the same key: of those etcd keeps copies (docs/reference/differences.md). */
const grantable = [
  ["a", ""],
  ["a\0", "b"],
  ["ab", "c"],
  ["b", "\0"],
  ["b\xff", ""],
  ["c", "\xff\xff"],
] as const;

const step = (by: string, method: Asked["method"], request: object = {}): Step => ({
  by,
  asked: { method, request },
});
const permission = (permType: string, [key, end]: readonly [string, string]) => ({
  permType,
  key: latin1Bytes(key),
  rangeEnd: latin1Bytes(end),
});

/** Root and two more, each with a role of their own; eve has none. */
const beginning: readonly Step[] = [
  ...["root", ...users].map((name) => step("", "userAdd", { name, password: "pw" })),
  ...["root", "r1", "r2"].map((name) => step("", "roleAdd", { name })),
  step("", "roleGrantPermission", { name: "r1", perm: permission("READWRITE", ["a", ""]) }),
  step("", "roleGrantPermission", { name: "r1", perm: permission("READ", ["ab", "c"]) }),
  step("", "roleGrantPermission", { name: "r2", perm: permission("WRITE", ["b", "\0"]) }),
  step("", "userGrantRole", { user: "root", role: "root" }),
  step("", "userGrantRole", { user: "ann", role: "r1" }),
  step("", "userGrantRole", { user: "bob", role: "r2" }),
];
const turnedOn: readonly Step[] = [
  step("", "authEnable"),
  ...["root", ...users].map((name) => step("", "authenticate", { name, password: "pw" })),
];

/** Requests by everybody, some of them about users and roles, which are on, off, and changed meanwhile. */
export class UserSteps {
  readonly #random: Random;
  readonly #requests: StoreRequests;
  readonly #due: Step[] = [...beginning];
  readonly #isCompared: (step: Step) => boolean;
  readonly #onAfter: number;
  #count = 0;

  constructor(random: Random, requests: StoreRequests, isCompared: (step: Step) => boolean) {
    this.#random = random;
    this.#requests = requests;
    this.#isCompared = isCompared;
    this.#onAfter = below(random, 15);
  }

  next(revision: number): Step {
    const due = this.#due.shift();
    if (due !== undefined) return due;
    if (this.#count++ === this.#onAfter) this.#due.push(...turnedOn);
    for (;;) {
      const one = this.#any(revision);
      if (this.#isCompared(one)) return one;
    }
  }

  #any(revision: number): Step {
    const roll = below(this.#random, 100);
    if (roll < 60) return { by: this.#anybody(), asked: inOrder(this.#requests.next(revision)) };
    if (roll < 70) return this.#stream(revision);
    if (roll < 82) return this.#change();
    if (roll < 90) return this.#logIn();
    if (roll < 92) return this.#onOff();
    return this.#look();
  }

  #stream(revision: number): Step {
    const by = this.#anybody();
    const [key, end] = this.#of(grantable);
    const range = { key: latin1Bytes(key), rangeEnd: latin1Bytes(end) };
    const startRevision = this.#of([0, 0, revision + 1]);
    const id = BigInt(below(this.#random, 5));
    return this.#of([
      step(by, "watch", { createRequest: { ...range, startRevision } }),
      step(by, "watch", { createRequest: { ...range, startRevision } }),
      step(by, "leaseKeepAlive", { id }),
    ]);
  }

  #change(): Step {
    const by = this.#of(["root", "root", "root", "root", "ann", ""]);
    const [name, role] = [this.#of(users), this.#of(roles)];
    const range = this.#of(grantable);
    const perm = permission(this.#of(["READ", "WRITE", "READWRITE"]), range);
    const { key, rangeEnd } = perm;
    return this.#of([
      step(by, "userAdd", { name, password: "pw" }),
      step(by, "userDelete", { name: this.#of([...users, "root"]) }),
      step(by, "userChangePassword", { name, password: "pw" }),
      step(by, "userGrantRole", { user: name, role }),
      step(by, "userGrantRole", { user: name, role }),
      step(by, "userRevokeRole", { name, role }),
      step(by, "roleAdd", { name: role }),
      step(by, "roleDelete", { role: this.#of(["r1", "r2", "root"]) }),
      step(by, "roleGrantPermission", { name: role, perm }),
      step(by, "roleGrantPermission", { name: role, perm }),
      step(by, "roleRevokePermission", { role, key, rangeEnd }),
    ]);
  }

  #logIn(): Step {
    const password = chance(this.#random, 0.85) ? "pw" : "wrong";
    return step("", "authenticate", { name: this.#of(["root", "root", ...users]), password });
  }

  #onOff(): Step {
    if (chance(this.#random, 0.6)) return step(this.#of(["root", "ann", "", ""]), "authEnable");
    return step(this.#of(["root", "root", "ann", ""]), "authDisable");
  }

  #look(): Step {
    const by = this.#anybody();
    const [name, role] = [this.#of([...users, "root"]), this.#of([...roles, "root"])];
    return this.#of([
      step(by, "authStatus"),
      step(by, "userList"),
      step(by, "roleList"),
      step(by, "userGet", { name }),
      step(by, "roleGet", { role }),
      step(by, "alarm", { action: "GET" }),
      step(by, "leaseTimeToLive", { id: BigInt(below(this.#random, 5)), keys: true }),
    ]);
  }

  #anybody = () => this.#of(["root", "root", "ann", "ann", "bob", "bob", "eve", "", forger]);

  #of<T>(some: readonly T[]): T {
    return some[below(this.#random, some.length)] as T;
  }
}

/** Without ranges that end before they begin: whether etcd lets those pass hangs on the shape of its tree of permissions. */
function inOrder(asked: Asked): Asked {
  return { ...asked, request: ordered(asked.request) as object };
}

function ordered(value: unknown): unknown {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(ordered);
  const message = Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, ordered(inner)]));
  const { key, rangeEnd } = message as { key?: Uint8Array; rangeEnd?: Uint8Array };
  const isOdd =
    key !== undefined &&
    rangeEnd !== undefined &&
    latin1(rangeEnd) !== "\0" &&
    latin1(rangeEnd) <= latin1(key);
  return isOdd ? { ...message, rangeEnd: new Uint8Array(0) } : message;
}
