import type { Informer } from "../../../client/informer.ts";
import { resources } from "../../../client/resources.ts";
import type { QuotaEvaluator } from "../../../client/rules/quota-evaluator.ts";
import type { KubeObject, Resource } from "../../../client/types.ts";
import type { ControllerContext } from "../controller.ts";

/** Kinds of which more counts than how many there are: they are followed as a whole, the others by their metadata. */
const known = [
  resources.pods,
  resources.services,
  resources.persistentvolumeclaims,
  resources.configmaps,
  resources.secrets,
  resources.replicationcontrollers,
  resources.resourcequotas,
].map((one) => one as Resource<unknown> as Resource<KubeObject>);

/** A deleted or changed object of a kind, of which a quota may be free again. */
export type OnFreed = (evaluator: QuotaEvaluator, namespace: string) => void;

/** The kinds that quotas name, each followed from the first time on. */
export class CountedKinds {
  readonly #context: ControllerContext;
  readonly #onFreed: OnFreed;
  readonly #followed = new Map<string, Informer<KubeObject>>();

  constructor(context: ControllerContext, onFreed: OnFreed) {
    this.#context = context;
    this.#onFreed = onFreed;
  }

  /** The kind as it is served, once whatever is deleted from now on will be heard of; undefined: it is not served. */
  async follow(evaluator: QuotaEvaluator, signal: AbortSignal): Promise<Resource<KubeObject> | undefined> {
    const resource = find(known, evaluator) ?? (await this.#discovered(evaluator, signal));
    if (resource === undefined) return undefined;
    const key = `${resource.plural}.${resource.group}`;
    const informer = this.#followed.get(key) ?? this.#start(resource, evaluator);
    this.#followed.set(key, informer);
    await informer.synced(signal);
    return resource;
  }

  async #discovered(
    evaluator: QuotaEvaluator,
    signal: AbortSignal,
  ): Promise<Resource<KubeObject> | undefined> {
    const served = await this.#context.served.current(signal);
    const countable = served.filter(
      ({ namespaced, verbs }) =>
        namespaced && ["create", "list", "watch", "delete"].every((verb) => verbs.includes(verb)),
    );
    const found = find(countable, evaluator);
    if (found === undefined) return undefined;
    const { group, version, kind, plural, namespaced } = found;
    return { group, version, kind, plural, namespaced };
  }

  #start(resource: Resource<KubeObject>, evaluator: QuotaEvaluator): Informer<KubeObject> {
    const { informers, metadataInformers, clock } = this.#context;
    const { changes } = evaluator;
    const informer = (changes === undefined ? metadataInformers : informers).informer(resource);
    const freed = ({ metadata }: KubeObject) => this.#onFreed(evaluator, metadata.namespace ?? "");
    informer.subscribe({
      onDelete: freed,
      ...(changes !== undefined && {
        onUpdate: (next: KubeObject, before: KubeObject) => {
          if (changes(next, before, clock.wallMs())) freed(next);
        },
      }),
    });
    return informer;
  }
}

function find<T extends Resource<KubeObject>>(
  resources: readonly T[],
  { group, plural }: QuotaEvaluator,
): T | undefined {
  return resources.find((one) => one.group === group && one.plural === plural);
}
