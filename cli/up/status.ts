import { readFile } from "node:fs/promises";
import { loadKubeconfig } from "../../client/kubeconfig.ts";
import { resources } from "../../client/resources.ts";
import { RestClient } from "../../client/rest.ts";
import { command } from "../command.ts";
import { type ClusterState, isAlive, requireClusterState } from "./cluster-state.ts";
import { clusterLayout, defaultFolder, type Layout } from "./layout.ts";
import { leaders, storeMember } from "./leaders.ts";

const flags = {
  "data-dir": {
    kind: "string",
    help: "the cluster's folder (default $PINTLE_HOME or ~/.pintle)",
    value: "DIR",
  },
  output: {
    kind: "string",
    default: "table",
    short: "o",
    value: "FORMAT",
    choices: ["table", "json"],
    help: "table or json",
  },
} as const;

interface Row {
  readonly component: string;
  readonly state: "running" | "down";
  readonly role: string;
  readonly pid: number | null;
  readonly restarts: number;
  readonly uptimeSeconds: number;
  /** Resident, and the share of it that no other process shares. */
  readonly residentMb: number;
  readonly ownMb: number;
  readonly detail: string;
}

export const statusCommand = command({
  name: "status",
  summary: "show who runs, who leads, health, versions and memory",
  flags,
  envPrefix: "PINTLE_",
  examples: ["pintle status", "pintle status -o json | jq '.components[] | select(.role == \"leader\")'"],
  async run({ flags: given }, io) {
    const layout = clusterLayout(defaultFolder(given["data-dir"], io.env));
    const state = requireClusterState(layout);
    const [whoLeads, version, nodes] = await Promise.all([
      leaders(layout, state),
      serverVersion(layout),
      nodeStates(layout),
    ]);
    const rows = await Promise.all(
      state.components.map((component) => rowOf(state, component, whoLeads, nodes)),
    );
    const supervisor = isAlive(state.supervisorPid);
    const own = { pid: state.supervisorPid, ...(await memory(state.supervisorPid)) };
    if (given.output === "json") {
      io.stdout(
        `${JSON.stringify({ folder: layout.folder, version, runtime: state.plan.runtime, supervisor: own, components: rows }, undefined, 2)}\n`,
      );
    } else {
      io.stdout(
        `${layout.folder}: ${supervisor ? `running (process ${state.supervisorPid})` : 'not running ("pintle up" continues it)'}, API ${version ?? "does not answer"}, pods as ${state.plan.runtime === "oci" ? "containers" : "processes"}\n\n`,
      );
      io.stdout(table(rows));
      const totalMb = rows.reduce((sum, row) => sum + row.ownMb, own.ownMb);
      io.stdout(
        `\nmemory in all ${Math.round(totalMb)} MB (proportional), ${Math.round(own.ownMb)} MB of it the supervisor\n`,
      );
    }
    return supervisor && rows.every((row) => row.state === "running") ? 0 : 1;
  },
});

async function rowOf(
  state: ClusterState,
  component: ClusterState["components"][number],
  whoLeads: ReadonlyMap<string, string>,
  nodes: ReadonlyMap<string, string>,
): Promise<Row> {
  const alive = isAlive(component.pid);
  const replicated = ["store", "scheduler", "controller-manager"].includes(component.kind);
  const role = replicated ? (whoLeads.get(component.kind) === component.name ? "leader" : "standby") : "";
  const number = Number(component.name.split("-").at(-1));
  let detail = nodes.get(component.name) ?? "";
  if (component.kind === "store" && alive) {
    const figures = await storeMember(state, number);
    detail =
      figures === undefined
        ? "does not answer"
        : `revision ${figures.etcd_debugging_mvcc_current_revision ?? "?"}`;
  }
  return {
    component: component.name,
    state: alive ? "running" : "down",
    role: component.kind === "store" && role === "standby" ? "follower" : role,
    pid: component.pid,
    restarts: component.restarts,
    uptimeSeconds: alive ? Math.round((Date.now() - component.startedMs) / 1000) : 0,
    ...(await memory(component.pid)),
    detail,
  };
}

function table(rows: readonly Row[]): string {
  const header = ["COMPONENT", "STATE", "ROLE", "PID", "RESTARTS", "UPTIME", "RESIDENT", "OWN", ""];
  const cells = rows.map((row) => [
    row.component,
    row.state,
    row.role,
    row.pid === null ? "-" : String(row.pid),
    String(row.restarts),
    `${row.uptimeSeconds}s`,
    `${Math.round(row.residentMb)} MB`,
    `${Math.round(row.ownMb)} MB`,
    row.detail,
  ]);
  const widths = header.map((title, i) =>
    Math.max(title.length, ...cells.map((line) => line[i]?.length ?? 0)),
  );
  return [header, ...cells]
    .map(
      (line) =>
        `${line
          .map((cell, i) => cell.padEnd(widths[i] ?? 0))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}

/** Resident and proportional memory of a process, from the kernel's own books. */
async function memory(pid: number | null): Promise<{ residentMb: number; ownMb: number }> {
  if (pid === null) return { residentMb: 0, ownMb: 0 };
  try {
    const text = await readFile(`/proc/${pid}/smaps_rollup`, "utf8");
    const kb = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? 0);
    return { residentMb: kb("Rss") / 1024, ownMb: kb("Pss") / 1024 };
  } catch (error) {
    if (error instanceof Error) return { residentMb: 0, ownMb: 0 }; // it ended meanwhile
    throw error;
  }
}

async function serverVersion(layout: Layout): Promise<string | undefined> {
  return await asking(layout, async (client) => {
    const answer = await client.raw("GET", "/version", undefined, { timeoutMs: 3000 });
    return (JSON.parse(answer) as { gitVersion?: string }).gitVersion;
  });
}

async function nodeStates(layout: Layout): Promise<ReadonlyMap<string, string>> {
  const found = await asking(layout, async (client) => {
    const { items } = await client.list(resources.nodes, { timeoutMs: 3000 });
    return new Map(
      items.map((node) => {
        const ready =
          node.status?.conditions?.find((condition) => condition.type === "Ready")?.status === "True";
        return [
          node.metadata.name,
          `${ready ? "Ready" : "NotReady"}, ${node.status?.nodeInfo?.containerRuntimeVersion ?? ""}`,
        ] as const;
      }),
    );
  });
  return found ?? new Map();
}

async function asking<T>(layout: Layout, ask: (client: RestClient) => Promise<T>): Promise<T | undefined> {
  const client = new RestClient(loadKubeconfig(layout.kubeconfig));
  try {
    return await ask(client);
  } catch (error) {
    if (error instanceof Error) return undefined; // shown as "does not answer"
    throw error;
  } finally {
    client.close();
  }
}
