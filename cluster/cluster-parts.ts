import type { PodBehaviours } from "../agent/simulate/pod-behaviour.ts";
import type { MovableClock } from "../base/os/movable-clock.ts";
import type { Os, Running } from "../base/os/os.ts";
import type { RestClient } from "../client/rest.ts";
import type { User } from "../controlplane/apiserver/filters/authentication.ts";
import type { ApiServer } from "./api-server.ts";
import type { NodesParts } from "./cluster-nodes.ts";
import type { ClusterCredentials } from "./credentials.ts";
import type { PlacedFaults } from "./faults.ts";
import type { LocalServer } from "./local/local-server.ts";
import type { RequestRecord } from "./requests.ts";
import type { ClusterStore } from "./store/cluster-store.ts";
import type { HookTable } from "./webhooks/hook-table.ts";

/** A part of the control plane that can crash and come back. */
export interface Component {
  /** What all its replicas are called together. */
  readonly group: string;
  readonly start: (client: RestClient) => Running;
  readonly user: User;
}

/** What a cluster is made of. */
export interface ClusterParts {
  readonly os: (name: string) => Os;
  readonly clock: MovableClock;
  readonly isManual: boolean;
  readonly store: ClusterStore;
  readonly credentials: ClusterCredentials;
  readonly local: LocalServer;
  readonly apiServer: ApiServer;
  readonly faults: PlacedFaults;
  readonly requests: RequestRecord;
  readonly hooks: HookTable;
  readonly behaviours: PodBehaviours;
  readonly components: ReadonlyMap<string, Component>;
  readonly nodes: NodesParts;
}
