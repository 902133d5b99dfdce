import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import { UsageError } from "../base/os/flags.ts";
import { Assets } from "../controlplane/dashboard/server/assets.ts";
import { serveDashboard } from "../controlplane/dashboard/server/serve-dashboard.ts";
import { chartSource, prometheusFlags } from "./chart-source.ts";
import { command, OperatorError } from "./command.ts";
import { connectionFlags } from "./kubectl/flags.ts";
import { oidcFlags, oidcOptions } from "./oidc-options.ts";
import { systemOs } from "./run-component.ts";
import { isAddressInUse } from "./up/address-in-use.ts";
import { linkOfRunning } from "./up/dashboard.ts";
import { clusterLayout, defaultFolder } from "./up/layout.ts";

const flags = {
  ...connectionFlags,
  address: {
    kind: "string",
    default: "127.0.0.1",
    value: "IP",
    help: "address to listen on; others than this machine's loopback only with a certificate",
  },
  port: { kind: "integer", default: 8001, value: "PORT", help: "port to listen on; 0 picks a free one" },
  "allowed-hosts": {
    kind: "list",
    default: [],
    value: "HOST:PORT,…",
    help: "names under which people reach it, beside the address itself",
  },
  "tls-cert-file": { kind: "string", value: "FILE", help: "certificate to serve HTTPS with, PEM" },
  "tls-private-key-file": { kind: "string", value: "FILE", help: "its key, PEM" },
  tokens: { kind: "boolean", default: true, help: "let people in by tokens of their own" },
  ...prometheusFlags,
  ...oidcFlags,
} as const;

export const dashboardCommand = command({
  name: "dashboard",
  summary: "serve the dashboard of a cluster, until Ctrl-C; that of a running `pintle up` is linked to",
  flags,
  envPrefix: "PINTLE_",
  examples: [
    "pintle dashboard                    # prints a link that signs you in",
    "pintle dashboard --port 0 --context production",
  ],
  async run({ flags: given, words, given: names }, io) {
    if (words.length > 0) throw new UsageError(`unexpected word "${words[0]}"`);
    const { address } = given;
    const tls = await tlsOf(given["tls-cert-file"], given["tls-private-key-file"]);
    if (isIP(address) === 0) throw new UsageError(`--address: "${address}" must be an IP address`);
    if (!/^(127\.|::1$)/.test(address) && tls === undefined)
      throw new UsageError(
        `--address: ${address} is reached from other machines, so that --tls-cert-file and --tls-private-key-file must be given`,
      );
    const os = systemOs("warn", "text");
    const oidc = await oidcOptions(given, names);
    const usageSource = await chartSource(given, os);
    const client = io.client(given);
    const aboutCluster = new Set(Object.keys(connectionFlags));
    if ([...names].every((flag) => aboutCluster.has(flag))) {
      const layout = clusterLayout(defaultFolder(undefined, io.env));
      const link = await linkOfRunning(layout, client.config.servers);
      if (link !== undefined) {
        client.close();
        io.stdout(
          `\`pintle up\` serves the dashboard. This link signs you in, once and within an hour:\n  ${link}\n`,
        );
        return 0;
      }
    }
    const dashboard = await serveDashboard(
      {
        address,
        port: given.port,
        allowedHosts: given["allowed-hosts"],
        tls,
        cluster: client.config,
        tokens: given.tokens,
        usageSource,
        oidc,
      },
      { ...os, assets: await Assets.open() },
    ).catch((error: unknown) => {
      if (!isAddressInUse(error)) throw error;
      throw new OperatorError(
        `--port: somebody listens on ${address}:${given.port} already; --port 0 picks a free one`,
      );
    });
    client.close();
    io.stdout(
      `The dashboard is at ${dashboard.url}. This link signs you in, once and within an hour:\n  ${dashboard.link()}\n`,
    );
    await new Promise<void>((resolve) => {
      if (io.signal.aborted) resolve();
      else io.signal.addEventListener("abort", () => resolve(), { once: true });
    });
    await dashboard.close();
    return 0;
  },
});

async function tlsOf(
  certFile: string | undefined,
  keyFile: string | undefined,
): Promise<{ readonly cert: string; readonly key: string } | undefined> {
  if (certFile === undefined && keyFile === undefined) return undefined;
  if (certFile === undefined || keyFile === undefined)
    throw new UsageError("--tls-cert-file and --tls-private-key-file: give both or none");
  const read = async (flag: string, file: string) => {
    try {
      return await readFile(file, "utf8");
    } catch (error) {
      throw new UsageError(
        `--${flag}: cannot read ${file}: ${error instanceof Error ? error.message : error}`,
      );
    }
  };
  return {
    cert: await read("tls-cert-file", certFile),
    key: await read("tls-private-key-file", keyFile),
  };
}
