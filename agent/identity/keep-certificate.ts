import { backoffMs } from "../../base/backoff.ts";
import { sleep } from "../../base/os/clock.ts";
import type { Os } from "../../base/os/os.ts";
import type { ApiClient } from "../../client/api.ts";
import { ApiError } from "../../client/api-error.ts";
import { joining, nodesGroup, nodeUserPrefix } from "../../client/rules/joining-nodes.ts";
import type { IdentityFolder, KeptCertificate, Purpose } from "./identity-folder.ts";
import { renewalMs } from "./plan-renewal.ts";
import { RequestRefused, requestCertificate } from "./request-certificate.ts";

export interface CertificateKeeper {
  readonly purpose: Purpose;
  readonly nodeName: string;
  /** Where the node serves; of no account for its client certificate. */
  readonly addresses: readonly string[];
  readonly folder: IdentityFolder;
  readonly client: Pick<ApiClient, "create" | "get">;
  readonly os: Pick<Os, "clock" | "log" | "random">;
  /** Told of each new certificate, which counts from then on. */
  readonly onCertificate: (certificate: KeptCertificate) => void;
  /** Told of each attempt that failed. */
  readonly onFailure: () => void;
}

const retry = { firstMs: 1_000, mostMs: 60_000 } as const;

/** Renews a certificate before it ends, again and again; gets the first where there is none that fits. */
export async function keepCertificate(keeper: CertificateKeeper, signal: AbortSignal): Promise<void> {
  const { purpose, folder, os, onCertificate } = keeper;
  let current = await folder.certificate(purpose);
  if (current !== undefined && !fits(keeper, current)) current = undefined;
  for (let failures = 0; ; ) {
    if (failures === 0 && current !== undefined) {
      const dueMs = renewalMs(current, os.random.uint32() / 2 ** 32);
      await sleep(os.clock, Math.max(0, dueMs - os.clock.wallMs()), signal);
    }
    try {
      current = await renewed(keeper, signal);
      failures = 0;
      const until = new Date(current.notAfterMs).toISOString();
      os.log.info("has a new certificate", { purpose, until });
      onCertificate(current);
    } catch (error) {
      signal.throwIfAborted();
      failures++;
      keeper.onFailure();
      // Another key is another request: who was refused by mistake is not refused for ever.
      if (error instanceof RequestRefused) await folder.dropNextKey(purpose);
      tell(keeper, current, error);
      await sleep(os.clock, backoffMs(retry, failures, os.random), signal);
    }
  }
}

function tell(
  { purpose, os }: CertificateKeeper,
  current: KeptCertificate | undefined,
  error: unknown,
): void {
  const until = current === undefined ? "none" : new Date(current.notAfterMs).toISOString();
  if (error instanceof ApiError && error.code === 401)
    os.log.error(
      "the cluster does not take this node's certificate: the node was removed, or its certificate ran out; join again with a token",
      { purpose, until },
    );
  else os.log.warn("cannot renew a certificate", { purpose, until, error });
}

async function renewed(keeper: CertificateKeeper, signal: AbortSignal): Promise<KeptCertificate> {
  const { purpose, nodeName, addresses, folder, client, os } = keeper;
  const isServing = purpose === "serving";
  const certificate = await requestCertificate(
    {
      names: {
        commonName: `${nodeUserPrefix}${nodeName}`,
        organizations: [nodesGroup],
        ...(isServing && { dnsNames: [nodeName], addresses }),
      },
      signerName: isServing ? joining.servingSigner : joining.clientSigner,
      usage: isServing ? "server auth" : "client auth",
      privateKeyPem: await folder.nextKey(purpose),
    },
    {
      client,
      clock: os.clock,
      onWait: ({ request, seconds }) =>
        seconds >= 5 &&
        os.log.warn("waiting for a certificate", {
          purpose,
          request,
          seconds,
          hint: `kubectl certificate approve ${request}`,
        }),
    },
    signal,
  );
  await folder.saveCertificate(purpose, certificate);
  return certificate;
}

/** One that the node serves with is for its addresses as they are now. */
export function fits(
  { purpose, addresses, os }: Pick<CertificateKeeper, "purpose" | "addresses" | "os">,
  certificate: KeptCertificate,
): boolean {
  if (certificate.notAfterMs <= os.clock.wallMs()) return false;
  return purpose === "client" || addresses.every((one) => certificate.addresses.includes(one));
}
