import { TimeoutError } from "../base/os/within.ts";
import { shown } from "../base/shown.ts";
import type { Kind } from "../client/kube/define-kind.ts";
import type { KubeClient } from "../client/kube/kube-client.ts";
import type { AnyManifest } from "../client/kube/manifest.ts";
import type { Stored } from "../client/object-cache.ts";
import { isReady } from "../client/rules/readiness.ts";
import type { KubeObject } from "../client/types.ts";
import type { EventRecord } from "./events.ts";
import { type Manifests, manifestList } from "./manifests.ts";
import { eventsAround, thereAre } from "./told-state.ts";
import { type UntilDeps, type UntilOptions, until } from "./until.ts";
import type { Warnings } from "./warnings.ts";

export interface WaitsDeps extends UntilDeps {
  readonly client: Pick<KubeClient, "kindOf">;
  readonly events: EventRecord;
  readonly warnings: Warnings;
}

type Timeout = Pick<UntilOptions, "timeout">;

/** What a test waits for, and what it is told where that was in vain. */
export class Waits {
  readonly #deps: WaitsDeps;

  constructor(deps: WaitsDeps) {
    this.#deps = deps;
  }

  async until<T extends Stored, R>(
    kind: Kind<T>,
    find: (objects: readonly T[]) => R | undefined | false | null,
    options: UntilOptions,
  ): Promise<R> {
    if (typeof find !== "function") throw new TypeError(`find: ${shown(find)} must be a function`);
    let seen: readonly T[] = [];
    const look = (objects: readonly T[]) => {
      seen = objects;
      return find(objects);
    };
    try {
      return await until(kind, look, options, this.#deps);
    } catch (error) {
      throw this.#late(error, "", thereAre(kind, seen));
    }
  }

  async untilReady(objects: Manifests, options: Timeout): Promise<KubeObject | readonly KubeObject[]> {
    const all = manifestList(objects);
    const ready: KubeObject[] = [];
    for (const one of all) ready.push(await this.oneReady(one, options));
    return all[0] === objects && ready[0] !== undefined ? ready[0] : ready;
  }

  async oneReady(object: AnyManifest, { timeout = "30s" }: Timeout): Promise<KubeObject> {
    const { kind, name, scope } = await this.#placeOf(object);
    let seen: KubeObject | undefined;
    const find = (all: readonly KubeObject[]) => {
      seen = all.find(({ metadata }) => metadata.name === name);
      return seen !== undefined && isReady(seen, kind) ? seen : undefined;
    };
    const what = `${object.kind} ${name} is ready`;
    try {
      return await until(kind, find, { timeout, what, ...scope }, this.#deps);
    } catch (error) {
      throw this.#late(error, stateOf(seen), seen === undefined ? [] : eventsAround(this.#deps.events, seen));
    }
  }

  async untilGone(objects: Manifests, { timeout = "30s" }: Timeout): Promise<void> {
    for (const object of manifestList(objects)) {
      const { kind, name, scope } = await this.#placeOf(object);
      const uid = "uid" in object.metadata ? object.metadata.uid : undefined;
      let seen: KubeObject | undefined;
      const isGone = (all: readonly KubeObject[]) => {
        seen = all.find(
          ({ metadata }) => metadata.name === name && (uid === undefined || metadata.uid === uid),
        );
        return seen === undefined;
      };
      try {
        const what = `${object.kind} ${name} is gone`;
        await until(kind, isGone, { timeout, what, ...scope }, this.#deps);
      } catch (error) {
        throw this.#late(error, seen === undefined ? "" : whatHolds(seen));
      }
    }
  }

  /** Of a wait that was in vain: also why, as far as that is known. */
  #late(error: unknown, why: string, told: readonly string[] = []): unknown {
    if (!(error instanceof TimeoutError)) return error;
    const first = why === "" ? error.message : `${error.message}; ${why}`;
    return new TimeoutError([first, ...told, ...this.#deps.warnings.told()].join("\n"));
  }

  async #placeOf(object: AnyManifest) {
    const kind = await this.#deps.client.kindOf(object);
    const namespace = kind.namespaced ? (object.metadata.namespace ?? "default") : undefined;
    return {
      kind,
      name: object.metadata.name ?? "",
      scope: namespace === undefined ? {} : { namespace },
    };
  }
}

function stateOf(object: KubeObject | undefined): string {
  if (object === undefined) return "it is not there";
  if (object.status === undefined) return "nobody has written its status";
  return `its status: ${JSON.stringify(object.status)}`;
}

function whatHolds({ metadata: { deletionTimestamp, finalizers = [] } }: KubeObject): string {
  if (deletionTimestamp === undefined) return "nobody has deleted it";
  return finalizers.length > 0 ? `held by the finalizers ${finalizers.join(", ")}` : "it is being deleted";
}
