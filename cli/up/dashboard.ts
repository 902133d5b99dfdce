import { rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { FlagValues } from "../../base/os/flags.ts";
import type { Os } from "../../base/os/os.ts";
import { randomBytes } from "../../base/os/random.ts";
import { loadKubeconfig } from "../../client/kubeconfig.ts";
import type { UsageSource } from "../../controlplane/dashboard/server/usage/usage.ts";
import { chartSource, prometheusFlags } from "../chart-source.ts";
import { isAddressInUse } from "./address-in-use.ts";
import type { Layout } from "./layout.ts";

export const dashboardFlags = {
  dashboard: {
    kind: "boolean",
    default: true,
    help: "serve the dashboard on this machine's loopback; =false does not",
  },
  "dashboard-port": {
    kind: "integer",
    default: 8001,
    help: "its port; 0, or a taken one that nobody gave, picks a free one",
    value: "PORT",
  },
  "dashboard-prometheus-url": prometheusFlags["prometheus-url"],
  "dashboard-prometheus-ca-file": prometheusFlags["prometheus-ca-file"],
  "dashboard-prometheus-token-file": prometheusFlags["prometheus-token-file"],
} as const;

export interface DashboardWanted {
  readonly port: number;
  /** Whether no other port will do. */
  readonly isInsisted: boolean;
  readonly usageSource: UsageSource | undefined;
}

/** The dashboard that flags ask for; undefined: none. */
export async function dashboardOf(
  given: FlagValues<typeof dashboardFlags>,
  { isInsisted, os }: { readonly isInsisted: boolean; readonly os: Os },
): Promise<DashboardWanted | undefined> {
  if (!given.dashboard) return undefined;
  const prometheus = {
    "prometheus-url": given["dashboard-prometheus-url"],
    "prometheus-ca-file": given["dashboard-prometheus-ca-file"],
    "prometheus-token-file": given["dashboard-prometheus-token-file"],
  };
  const usageSource = await chartSource(prometheus, { clock: os.clock, prefix: "dashboard-" });
  return { port: given["dashboard-port"], isInsisted, usageSource };
}

/** Where the dashboard of a running `pintle up` is, and what proves that one may read its folder. */
interface DashboardFile {
  readonly url: string;
  readonly secret: string;
  readonly servers: readonly string[];
}

const fileOf = (layout: Layout): string => join(layout.folder, "dashboard.json");
const askMs = 5_000;

export interface LocalDashboard {
  /** Signs one person in, once and within an hour. */
  readonly link: string;
  close(): Promise<void>;
}

/** Serves the dashboard of a local cluster in this process. Where the port is taken that nobody insisted on, another will do. */
export async function startDashboard(
  layout: Layout,
  { port, isInsisted, usageSource }: DashboardWanted,
  os: Os,
): Promise<LocalDashboard> {
  const { Assets } = await import("../../controlplane/dashboard/server/assets.ts");
  const { serveDashboard } = await import("../../controlplane/dashboard/server/serve-dashboard.ts");
  const cluster = loadKubeconfig(layout.kubeconfig);
  const secret = Buffer.from(randomBytes(os.random, 32)).toString("base64url");
  const assets = await Assets.open();
  const serve = (at: number) =>
    serveDashboard(
      {
        ...{ address: "127.0.0.1", port: at, allowedHosts: [], cluster, tokens: true },
        ...{ linkSecret: secret, usageSource },
      },
      { ...os, assets },
    );
  const dashboard = await serve(port).catch((error: unknown) => {
    if (isInsisted || !isAddressInUse(error)) throw error;
    return serve(0);
  });
  const file: DashboardFile = { url: dashboard.url, secret, servers: cluster.servers };
  writeFileSync(fileOf(layout), JSON.stringify(file), { mode: 0o600 });
  return {
    link: dashboard.link(),
    async close() {
      rmSync(fileOf(layout), { force: true });
      await dashboard.close();
    },
  };
}

/** A new link to the dashboard that `pintle up` serves for the cluster behind these servers; undefined where it serves none. */
export async function linkOfRunning(layout: Layout, servers: readonly string[]): Promise<string | undefined> {
  try {
    const file = JSON.parse(await readFile(fileOf(layout), "utf8")) as DashboardFile;
    if (file.servers.join(" ") !== servers.join(" ")) return undefined;
    const answer = await fetch(`${file.url}/links`, {
      method: "POST",
      headers: { authorization: `Bearer ${file.secret}` },
      signal: AbortSignal.timeout(askMs),
    });
    const { link } = (await answer.json()) as { readonly link?: string };
    return link;
  } catch {
    // No file, a file of a cluster that was killed, or nobody there: there is no such dashboard.
    return undefined;
  }
}
