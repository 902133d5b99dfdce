import type { IncomingMessage } from "node:http";
import type { Os } from "../../base/os/os.ts";
import type { Pod } from "../../client/types.ts";
import type { NodeSearches } from "../logs/node-searches.ts";
import type { Runtime } from "../runtime/seam.ts";
import type { NodeStats } from "../stats/serve-stats.ts";
import type { NodeAccess } from "./access/node-access.ts";

export interface ServerDeps {
  readonly os: Os;
  readonly runtime: Runtime;
  readonly pods: () => readonly Pod[];
  readonly nodeIp: string;
  readonly stats: NodeStats;
  readonly searches: NodeSearches;
}

/** What the server needs from the start, and what it gets once the runtime is open: until then it answers 503. */
export interface LateDeps {
  readonly os: Os;
  readonly refusal: NodeAccess;
  /** The node's settings, as the kubelet would say them. */
  readonly settings: object;
  readonly deps: () => ServerDeps | undefined;
}

/** Why somebody is not served. */
export interface Refusal {
  readonly code: number;
  readonly missing: string;
}

/** What a caller who may ask is served with, or why it is not served. */
export async function admitted(request: IncomingMessage, late: LateDeps): Promise<ServerDeps | Refusal> {
  const refused = await late.refusal(request);
  return refused ?? late.deps() ?? { code: 503, missing: "the agent is starting" };
}

/** What connections that are HTTP's no more are served with. */
export interface SessionDeps extends Pick<ServerDeps, "pods"> {
  readonly os: Pick<Os, "clock" | "log">;
  readonly runtime: Pick<
    Runtime,
    | "attach"
    | "connectPort"
    | "containerStatus"
    | "exec"
    | "listContainers"
    | "listPodSandboxes"
    | "subscribe"
  >;
}

export function knownBy({
  pods,
  runtime,
}: Pick<SessionDeps, "pods"> & { readonly runtime: Pick<Runtime, "listContainers"> }) {
  return { pods: pods(), containers: runtime.listContainers() };
}
