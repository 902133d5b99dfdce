import { rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Os } from "../../base/os/os.ts";
import { randomBytes } from "../../base/os/random.ts";
import { loadKubeconfig } from "../../client/kubeconfig.ts";
import { isAddressInUse } from "./address-in-use.ts";
import type { Layout } from "./layout.ts";

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
  { port, isInsisted }: { readonly port: number; readonly isInsisted: boolean },
  os: Os,
): Promise<LocalDashboard> {
  const { Assets } = await import("../../controlplane/dashboard/server/assets.ts");
  const { serveDashboard } = await import("../../controlplane/dashboard/server/serve-dashboard.ts");
  const cluster = loadKubeconfig(layout.kubeconfig);
  const secret = Buffer.from(randomBytes(os.random, 32)).toString("base64url");
  const assets = await Assets.open();
  const serve = (at: number) =>
    serveDashboard(
      { address: "127.0.0.1", port: at, allowedHosts: [], cluster, tokens: true, linkSecret: secret },
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
