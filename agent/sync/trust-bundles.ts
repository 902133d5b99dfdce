import { matchesLabels, selectorFromLabelSelector } from "../../base/label-selector.ts";
import { randomBytes } from "../../base/os/random.ts";
import type { TaskScope } from "../../base/os/task-scope.ts";
import { Informer } from "../../client/informer.ts";
import { resources } from "../../client/resources.ts";
import type { ClusterTrustBundle, Pod, Volume } from "../../client/types.ts";
import { trustAnchors } from "../volumes/trust-anchors.ts";
import { ConfigError } from "./environment.ts";
import { firstRead } from "./first-read.ts";
import type { FollowDeps } from "./followed-kind.ts";

type Projection = NonNullable<NonNullable<Volume["projected"]>["sources"]>[number]["clusterTrustBundle"];
export type TrustProjection = NonNullable<Projection>;

/** ClusterTrustBundles, all followed by one watch while a pod of this node has some among its files. */
export class TrustBundles {
  readonly #deps: FollowDeps;
  readonly #tasks: TaskScope;
  readonly #onChange: (podUid: string) => void;
  readonly #owners = new Set<string>();
  /** Anchors are in an order that changes with each start, so that nobody comes to rely on it. */
  readonly #seed: string;
  #followed: { readonly informer: Informer<ClusterTrustBundle>; readonly stop: AbortController } | undefined;

  constructor(deps: FollowDeps, tasks: TaskScope, onChange: (podUid: string) => void) {
    this.#deps = deps;
    this.#tasks = tasks;
    this.#onChange = onChange;
    this.#seed = Buffer.from(randomBytes(deps.random, 16)).toString("hex");
  }

  get watching(): number {
    return this.#followed === undefined ? 0 : 1;
  }

  follow({ metadata, spec }: Pod): void {
    const sources = (spec.volumes ?? []).flatMap(({ projected }) => projected?.sources ?? []);
    if (sources.every(({ clusterTrustBundle }) => clusterTrustBundle === undefined)) return;
    this.#owners.add(metadata.uid);
    this.#followed ??= this.#start();
  }

  forget(podUid: string): void {
    if (!this.#owners.delete(podUid) || this.#owners.size > 0) return;
    this.#followed?.stop.abort(new Error("nobody refers to them any more"));
    this.#followed = undefined;
  }

  /** PEM. Rejects with ConfigError where there is none and the pod does not take that. */
  async anchors({ name, signerName, labelSelector, optional }: TrustProjection): Promise<string> {
    const all = await this.#all();
    const chosen = all.filter(({ metadata, spec }) =>
      name === undefined
        ? spec.signerName === signerName &&
          matchesLabels(selectorFromLabelSelector(labelSelector), metadata.labels)
        : metadata.name === name,
    );
    if (chosen.length === 0 && optional !== true)
      throw new ConfigError(
        name === undefined
          ? "combination of signerName and labelSelector matched zero ClusterTrustBundles"
          : `clustertrustbundle ${JSON.stringify(name)} not found`,
      );
    return trustAnchors(chosen, this.#seed);
  }

  async #all(): Promise<readonly ClusterTrustBundle[]> {
    if (this.#followed === undefined) return [];
    const { informer, stop } = this.#followed;
    const { clock } = this.#deps;
    await firstRead(informer, "clustertrustbundles", { clock, signal: stop.signal });
    return informer.list();
  }

  #start() {
    const informer = new Informer<ClusterTrustBundle>(resources.clustertrustbundles, {}, this.#deps);
    const stop = new AbortController();
    const changed = () => {
      if (!informer.hasSynced) return; // the first state is what readers wait for
      for (const owner of [...this.#owners]) this.#onChange(owner);
    };
    informer.subscribe({ onAdd: changed, onUpdate: changed, onDelete: changed });
    this.#tasks.run("watch of clustertrustbundles", async (signal) => {
      const either = AbortSignal.any([signal, stop.signal]);
      try {
        await informer.run(either);
      } catch (error) {
        if (!either.aborted) throw error;
      }
    });
    return { informer, stop };
  }
}
