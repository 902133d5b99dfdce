import type { IncomingMessage } from "node:http";
import type { TLSSocket } from "node:tls";
import type { Os } from "../../base/os/os.ts";
import type { Pod } from "../../client/types.ts";
import type { Runtime } from "../runtime/seam.ts";
import type { NodeStats } from "../stats/serve-stats.ts";

export interface ServerDeps {
  readonly os: Os;
  readonly runtime: Runtime;
  readonly pods: () => readonly Pod[];
  readonly nodeIp: string;
  readonly stats: NodeStats;
}

/** What the server needs from the start, and what it gets once the runtime is open: until then it answers 503. */
export interface LateDeps {
  readonly os: Os;
  readonly deps: () => ServerDeps | undefined;
}

/** Why somebody is not served. */
export interface Refusal {
  readonly code: number;
  readonly missing: string;
}

/** A status line if the caller may not ask. */
export function refusal(request: IncomingMessage): string | undefined {
  const socket = request.socket as TLSSocket; // this server speaks nothing else
  if (!socket.authorized) return "401 Unauthorized";
  const { subject } = socket.getPeerCertificate();
  const groups = ([] as string[]).concat(subject?.O ?? []);
  return subject?.CN === "system:apiserver" || groups.includes("system:masters")
    ? undefined
    : "403 Forbidden";
}

/** What a caller who may ask is served with, or why it is not served. */
export function admitted(request: IncomingMessage, late: LateDeps): ServerDeps | Refusal {
  const denied = refusal(request);
  if (denied !== undefined) return { code: Number(denied.slice(0, 3)), missing: denied.slice(4) };
  return late.deps() ?? { code: 503, missing: "the agent is starting" };
}

export function knownBy({ pods, runtime }: ServerDeps) {
  return { pods: pods(), containers: runtime.listContainers() };
}
