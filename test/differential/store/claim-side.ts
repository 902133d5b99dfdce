import { text, utf8 } from "../../../base/wire.ts";
import { methods } from "../../../proto/etcd-methods.ts";
import type { Side } from "./beside.ts";
import { type ClaimStep, keyOf } from "./claim-steps.ts";
import type { HeardStream } from "./heard-stream.ts";
import type { Told } from "./raw-client.ts";
import { type Asked, methodOf } from "./requests.ts";

interface KeyValue {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly createRevision: number;
  readonly modRevision: number;
}
interface Claim {
  readonly name: string;
  readonly key: string;
  readonly ended: Promise<unknown>;
  readonly giveUp: () => void;
  /** When its key was made. */
  since: number;
  told: Told | "waits" | "given up";
}

/** The locks and elections of one store. After each step every claim that can have its name has been told so: its key is the first
 *  of those below the name, or those before it are gone. */
export class ClaimSide {
  readonly #side: Side;
  readonly #claims: Claim[] = [];
  readonly #observers: { readonly name: string; readonly stream: HeardStream }[] = [];

  constructor(side: Side) {
    this.#side = side;
  }

  async take(step: ClaimStep): Promise<unknown> {
    const told = await this.#do(step);
    for (const claim of this.#waiting) if (await this.#isFirst(claim)) await claim.ended;
    for (const observer of this.#observers) await this.#hears(observer);
    return { told, claims: this.#claims.map((claim) => claim.told), heard: this.#observers.map(newsOf) };
  }

  /** All that waits has given up, and its keys are gone. */
  async end(): Promise<void> {
    while (this.#waiting.length > 0) await this.#giveUp();
    for (const { stream } of this.#observers) stream.cancel();
  }

  get #waiting(): readonly Claim[] {
    return this.#claims.filter(({ told }) => told === "waits");
  }

  async #do(step: ClaimStep): Promise<Told | undefined> {
    switch (step.do) {
      case "claim":
        return void (await this.#claim(step));
      case "giveUp":
        return void (await this.#giveUp());
      case "observe": {
        const { name } = step;
        const stream = this.#side.client.listen(methods.observe, { name: utf8(name) });
        return void this.#observers.push({ name, stream });
      }
      case "ask":
        return this.#side.client.call(methodOf(step.asked), await this.#filledIn(step.asked));
    }
  }

  /** Until its key is there, with its value, or it has ended. */
  async #claim({ asked, name, lease }: Extract<ClaimStep, { do: "claim" }>): Promise<void> {
    const leaving = new AbortController();
    const calling = this.#side.client.call(methodOf(asked), asked.request, undefined, leaving.signal);
    const claim: Claim = {
      name,
      key: keyOf(name, lease),
      ended: calling.then((told) => {
        if (claim.told === "waits") claim.told = told;
      }),
      giveUp: () => leaving.abort(),
      since: 0,
      told: "waits",
    };
    this.#claims.push(claim);
    const { value = new Uint8Array(0) } = asked.request as { readonly value?: Uint8Array };
    while (claim.told === "waits" && claim.since === 0) {
      const kv = await this.#kv(claim.key);
      if (kv !== undefined && text(kv.value) === text(value)) claim.since = kv.createRevision;
    }
  }

  async #giveUp(): Promise<void> {
    const claim = this.#waiting[0];
    if (claim === undefined) return;
    claim.told = "given up";
    claim.giveUp();
    while ((await this.#kv(claim.key))?.createRevision === claim.since);
  }

  async #isFirst({ name, since }: Claim): Promise<boolean> {
    const first = await this.#firstOf(name);
    return first === undefined || first.createRevision >= since;
  }

  /** A leader's last word has reached who observes. */
  async #hears({ name, stream }: { readonly name: string; readonly stream: HeardStream }): Promise<void> {
    const leader = await this.#firstOf(name);
    if (leader === undefined) return;
    const revisionIn = (told: Told | undefined) =>
      told !== undefined && "answer" in told ? (told.answer as { kv: KeyValue }).kv.modRevision : undefined;
    await stream.until((told) => revisionIn(told.at(-1)) === leader.modRevision);
  }

  async #filledIn({ request }: Asked): Promise<object> {
    const { leader } = request as { readonly leader?: { readonly key: Uint8Array; readonly rev: number } };
    if (leader === undefined || leader.rev !== 0) return request;
    const kv = await this.#kv(text(leader.key));
    return { ...request, leader: { ...leader, rev: kv?.createRevision ?? 1 } };
  }

  async #kv(key: string): Promise<KeyValue | undefined> {
    return (await this.#range({ key: utf8(key) }))[0];
  }

  /** The oldest of the keys below the name. */
  async #firstOf(name: string): Promise<KeyValue | undefined> {
    const below = { key: utf8(`${name}/`), rangeEnd: utf8(`${name}0`) };
    return (await this.#range({ ...below, sortTarget: "CREATE", sortOrder: "ASCEND", limit: 1 }))[0];
  }

  async #range(request: object): Promise<readonly KeyValue[]> {
    const told = await this.#side.client.call(methods.range, request);
    return "answer" in told ? (told.answer as { readonly kvs: readonly KeyValue[] }).kvs : [];
  }
}

const newsOf = ({ stream }: { readonly stream: HeardStream }) => stream.told.slice();
