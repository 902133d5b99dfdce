import type { Log } from "../../../base/os/log.ts";
import type { TaskScope } from "../../../base/os/task-scope.ts";
import {
  type ClusterPolicy,
  clusterPolicyDefinition,
  clusterPolicyKinds,
  clusterPolicyResource,
} from "../../../client/cluster-policies.ts";
import { DefinedKind } from "../../../client/defined-kind.ts";
import type { InformerFactory } from "../../../client/informer.ts";

export interface ClusterPolicyFeedParts {
  readonly informers: Pick<InformerFactory, "ownInformer">;
  readonly log: Log;
  readonly onPut: (policy: ClusterPolicy) => void;
  readonly onRemove: (policy: ClusterPolicy) => void;
  readonly onChange: () => void;
}

/** Follows the policies of the whole cluster, of those kinds that it has. */
export class ClusterPolicyFeed {
  readonly #kinds: readonly DefinedKind<ClusterPolicy>[];

  constructor(parts: ClusterPolicyFeedParts) {
    this.#kinds = clusterPolicyKinds.map(
      (kind) =>
        new DefinedKind<ClusterPolicy>({
          ...parts,
          definition: clusterPolicyDefinition(kind),
          versions: kind.versions,
          resource: (version) => clusterPolicyResource(kind, version),
        }),
    );
  }

  /** False while what there is, is being read. */
  get isRead(): boolean {
    return this.#kinds.every(({ isRead }) => isRead);
  }

  run(tasks: TaskScope): void {
    for (const kind of this.#kinds) tasks.run("policies of the cluster", (signal) => kind.run(signal));
  }
}
