import { readFile } from "node:fs/promises";
import { UsageError } from "../../base/os/flags.ts";
import type { Os } from "../../base/os/os.ts";
import { createAuthority, issueCertificate } from "../../base/os/pki.ts";
import type { RestClient } from "../../client/rest.ts";
import type { AgentConfig } from "../flags.ts";
import type { Membership } from "../identity/join.ts";
import { openNodeAccess } from "./access/node-access.ts";
import { reviewsBy } from "./access/reviews.ts";
import type { ServerDeps } from "./callers.ts";
import { type AgentServer, startServer } from "./server.ts";

export interface ListenParts {
  readonly config: AgentConfig;
  readonly os: Os;
  /** Asks API servers who callers are and what they may. */
  readonly client: Pick<RestClient, "raw">;
  /** The kubeconfig's authority. */
  readonly caPem: string | undefined;
  /** Of the cluster that the node joined, which has its certificate. */
  readonly member?: Membership | undefined;
}

/** Listens before anything else is known, so that a port in use is told at once; until then it answers 503. */
export async function listen(
  { config, os, client, caPem, member }: ListenParts,
  late: { readonly deps?: ServerDeps },
): Promise<AgentServer> {
  const given = config.tlsCertFile !== undefined && config.tlsPrivateKeyFile !== undefined;
  const own = given
    ? {
        certificatePem: await readNamed("--tls-cert-file", config.tlsCertFile),
        privateKeyPem: await readNamed("--tls-private-key-file", config.tlsPrivateKeyFile),
      }
    : ((await member?.folder.certificate("serving")) ??
      (await issueCertificate(await createAuthority({ name: `${config.nodeName}-agent` }), {
        commonName: `system:node:${config.nodeName}`,
        dnsNames: [config.nodeName],
        addresses: [config.nodeIp],
        usage: "server",
      })));
  const clientCaPem =
    config.clientCaFile === undefined ? caPem : await readNamed("--client-ca-file", config.clientCaFile);
  if (clientCaPem === undefined)
    throw new UsageError("--client-ca-file: needed, as the kubeconfig names no certificate authority");
  try {
    return await startServer(
      { address: config.address, port: config.port, ...own, clientCaPem },
      {
        os,
        refusal: openNodeAccess(reviewsBy(client, config.nodeName), os),
        settings: config.kubelet,
        deps: () => late.deps,
      },
    );
  } catch (error) {
    if (
      error instanceof Error &&
      "code" in error &&
      (error.code === "EADDRINUSE" || error.code === "EADDRNOTAVAIL")
    )
      throw new UsageError(
        `--port: cannot listen on ${config.address}:${config.port} (${error.code}); choose another with --port`,
      );
    throw error;
  }
}

async function readNamed(flag: string, path: string | undefined): Promise<string> {
  return readFile(path ?? "", "utf8").catch((error: Error) => {
    throw new UsageError(`${flag}: cannot read ${path}: ${error.message}`);
  });
}
