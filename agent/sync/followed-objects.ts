import type { TaskScope } from "../../base/os/task-scope.ts";
import { resources } from "../../client/resources.ts";
import { podReferences } from "../../client/rules/pod-references.ts";
import type { ConfigMap, Pod, Secret } from "../../client/types.ts";
import type { PayloadSources } from "../volumes/payload.ts";
import { type FollowDeps, FollowedKind } from "./followed-kind.ts";
import { TrustBundles, type TrustProjection } from "./trust-bundles.ts";

/** Config maps and secrets that pods of this node refer to, each followed by one watch of its own while any does: the
 *  node sees nothing else of their namespaces. Immutable ones are kept, not watched. Bundles of certificates, which are the whole
 *  cluster's, are followed together. */
export class FollowedObjects implements PayloadSources {
  readonly #configMaps: FollowedKind<ConfigMap>;
  readonly #secrets: FollowedKind<Secret>;
  readonly #trust: TrustBundles;

  /** `onChange` hears the uid of every pod that refers to an object that came, changed or went. */
  constructor(deps: FollowDeps, tasks: TaskScope, onChange: (podUid: string) => void) {
    this.#configMaps = new FollowedKind(resources.configmaps, deps, { tasks, onChange });
    this.#secrets = new FollowedKind(resources.secrets, deps, { tasks, onChange });
    this.#trust = new TrustBundles(deps, tasks, onChange);
  }

  /** Follows what the pod refers to; again is fine: while a pod lives, that only grows (by ephemeral containers). */
  follow(pod: Pod): void {
    const { uid, name: podName, namespace = "" } = pod.metadata;
    const { configMaps, secrets } = podReferences(pod.spec, podName);
    for (const name of configMaps) this.#configMaps.add(uid, namespace, name);
    for (const name of secrets) this.#secrets.add(uid, namespace, name);
    this.#trust.follow(pod);
  }

  /** The pod is gone. */
  forget(podUid: string): void {
    this.#configMaps.forget(podUid);
    this.#secrets.forget(podUid);
    this.#trust.forget(podUid);
  }

  configMap = (namespace: string, name: string): Promise<ConfigMap | undefined> =>
    this.#configMaps.read(namespace, name);

  secret = (namespace: string, name: string): Promise<Secret | undefined> =>
    this.#secrets.read(namespace, name);

  trustAnchors = (projection: TrustProjection): Promise<string> => this.#trust.anchors(projection);

  /** How many watches there are. */
  get watching(): number {
    return this.#configMaps.watching + this.#secrets.watching + this.#trust.watching;
  }
}
