import { backoffMs } from "../../base/backoff.ts";
import { sleep } from "../../base/os/clock.ts";
import { UsageError } from "../../base/os/flags.ts";
import type { Os } from "../../base/os/os.ts";
import { ApiError } from "../../client/api-error.ts";
import type { RestConfig } from "../../client/kubeconfig.ts";
import { resources } from "../../client/resources.ts";
import { RestClient } from "../../client/rest.ts";
import { clusterInfo, joining, nodesGroup, nodeUserPrefix } from "../../client/rules/joining-nodes.ts";
import { pinnedCertificates } from "../../client/rules/public-key-pin.ts";
import { readClusterInfo } from "./cluster-info.ts";
import { type Discovered, DiscoveryError, discover } from "./discover.ts";
import type { JoinConfig } from "./flags.ts";
import { IdentityFolder, type KeptCertificate, type KeptCluster } from "./identity-folder.ts";
import { RequestRefused, requestCertificate } from "./request-certificate.ts";

/** A node of a cluster, as far as the machine knows. */
export interface Membership {
  readonly nodeName: string;
  readonly folder: IdentityFolder;
  readonly cluster: KeptCluster;
  readonly rest: RestConfig;
}

export const joinLimits = {
  /** How long a server that does not answer, or a decision that does not come, is waited for. */
  joinWithinMs: 300_000,
  /** A node that has been one already does not wait longer for what may have changed. */
  lookMs: 5_000,
  retry: { firstMs: 500, mostMs: 5_000 },
} as const;

type JoinOs = Pick<Os, "clock" | "log" | "random">;

/** Makes this machine a node, or finds that it is one. Rejects with UsageError where it cannot become one as it was asked. */
export async function becomeMember(
  config: JoinConfig,
  os: JoinOs,
  signal: AbortSignal = new AbortController().signal,
): Promise<Membership> {
  const folder = new IdentityFolder(config.folder);
  await folder.prepare();
  const kept = await memberBefore(config, folder, os, signal);
  if (kept !== undefined) return kept;
  const { token } = config;
  if (token === undefined)
    throw new UsageError(
      "--token: needed, as this machine has no certificate of the cluster's that holds; `pintle token create` makes one, on a server",
    );
  const limit = new AbortController();
  const cancel = os.clock.after(joinLimits.joinWithinMs, () => limit.abort(new Error("took too long")));
  try {
    return await join({ ...config, token }, folder, os, AbortSignal.any([signal, limit.signal]));
  } catch (error) {
    if (limit.signal.aborted)
      throw new Error(
        `--server: ${config.server} did not let this machine in within ${joinLimits.joinWithinMs / 1000} s; the log says what it waited for`,
      );
    throw error;
  } finally {
    cancel();
  }
}

/** What a machine that joined earlier has, if the cluster still takes it. */
async function memberBefore(
  config: JoinConfig,
  folder: IdentityFolder,
  os: JoinOs,
  signal: AbortSignal,
): Promise<Membership | undefined> {
  const [cluster, certificate] = await Promise.all([folder.cluster(), folder.certificate("client")]);
  if (cluster === undefined || certificate === undefined) return undefined;
  const before = certificate.commonName.slice(nodeUserPrefix.length);
  if (before !== config.nodeName)
    throw new UsageError(
      `--node-name: this machine joined as ${before}; remove ${folder.path} to join as ${config.nodeName}`,
    );
  const known = pinnedCertificates(cluster.caPem).map(({ pin }) => pin);
  if (config.pins.length > 0 && !config.pins.some((pin) => known.includes(pin)))
    throw new UsageError(
      `--discovery-token-ca-cert-hash: this machine joined the cluster of ${known.join(", ")}; remove ${folder.path} to join another`,
    );
  if (certificate.notAfterMs <= os.clock.wallMs()) {
    os.log.warn("the node's certificate has run out", {
      until: new Date(certificate.notAfterMs).toISOString(),
    });
    return undefined;
  }
  // The server that is named now is asked first.
  const servers = [...new Set([config.server, ...cluster.servers])];
  const member = membership(config.nodeName, folder, { ...cluster, servers }, certificate);
  const client = new RestClient(member.rest, { userAgent: "pintle-agent" });
  try {
    const { data } = await client.get(resources.configmaps, clusterInfo, {
      signal,
      timeoutMs: joinLimits.lookMs,
    });
    const { podRange, serviceRange, servers: others } = readClusterInfo(data);
    const now = { ...cluster, podRange, serviceRange, servers: [...new Set([config.server, ...others])] };
    await folder.saveCluster(now);
    return membership(config.nodeName, folder, now, certificate);
  } catch (error) {
    if (error instanceof ApiError && error.code === 401) {
      if (config.token !== undefined) return undefined;
      throw new UsageError(
        `node ${config.nodeName} was removed from the cluster, which does not take its certificate any more; to join again: --token`,
      );
    }
    if (signal.aborted) throw error;
    os.log.warn("cannot ask the cluster what has changed; going on with what was known", {
      server: config.server,
      error,
    });
    return member;
  } finally {
    client.close();
  }
}

async function join(
  config: JoinConfig & { readonly token: NonNullable<JoinConfig["token"]> },
  folder: IdentityFolder,
  os: JoinOs,
  signal: AbortSignal,
): Promise<Membership> {
  const { server, nodeName, token } = config;
  const found = await discovered(config, os, signal);
  os.log.info("joining the cluster", { server, node: nodeName, token: token.id });
  const cluster: KeptCluster = {
    servers: [...new Set([server, ...found.servers])],
    caPem: found.caPem,
    podRange: found.podRange,
    serviceRange: found.serviceRange,
    nodeIp: found.localAddress,
  };
  await folder.saveCluster(cluster);
  const client = new RestClient(
    {
      servers: [server],
      caPem: found.caPem,
      token: `${token.id}.${token.secret}`,
      namespace: "default",
    },
    { userAgent: "pintle-agent" },
  );
  try {
    const certificate = await requestCertificate(
      {
        names: { commonName: `${nodeUserPrefix}${nodeName}`, organizations: [nodesGroup] },
        signerName: joining.clientSigner,
        usage: "client auth",
        privateKeyPem: await folder.nextKey("client"),
      },
      {
        client,
        clock: os.clock,
        onWait: ({ request, seconds }) =>
          os.log.warn("waiting for the certificate", {
            request,
            seconds,
            hint: `kubectl certificate approve ${request}`,
          }),
      },
      signal,
    );
    await folder.saveCertificate("client", certificate);
    os.log.info("joined the cluster", { server, node: nodeName });
    return membership(nodeName, folder, cluster, certificate);
  } catch (error) {
    if (error instanceof RequestRefused) {
      await folder.dropNextKey("client");
      throw new UsageError(`the cluster does not take node ${nodeName}: ${error.message}`);
    }
    if (error instanceof ApiError && error.code === 401)
      throw new UsageError(
        `--token: the cluster does not know token ${token.id}, or it has run out; make another with pintle token create`,
      );
    if (error instanceof ApiError && error.code === 403)
      throw new UsageError(`--token: token ${token.id} is not for joining: ${error.message}`);
    throw error;
  } finally {
    client.close();
  }
}

/** Tries until the server answers. */
async function discovered(
  { server, pins }: JoinConfig,
  os: JoinOs,
  signal: AbortSignal,
): Promise<Discovered> {
  for (let failures = 1; ; failures++) {
    try {
      return await discover(server, pins, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof DiscoveryError) throw new UsageError(error.message);
      os.log.warn("the server does not answer; trying again", { server, failures, error });
      await sleep(os.clock, backoffMs(joinLimits.retry, failures, os.random), signal);
    }
  }
}

function membership(
  nodeName: string,
  folder: IdentityFolder,
  cluster: KeptCluster,
  certificate: KeptCertificate,
): Membership {
  return { nodeName, folder, cluster, rest: restOf(cluster, certificate) };
}

/** How the node asks the cluster with that certificate. */
export function restOf({ servers, caPem }: KeptCluster, certificate: KeptCertificate): RestConfig {
  const { certificatePem, privateKeyPem } = certificate;
  return { servers, caPem, certificatePem, privateKeyPem, namespace: "default" };
}
