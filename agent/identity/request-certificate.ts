import { createHash, createPublicKey } from "node:crypto";
import { type Clock, sleep } from "../../base/os/clock.ts";
import { makeCertificateRequest, type RequestedNames } from "../../base/os/make-certificate-request.ts";
import type { ApiClient } from "../../client/api.ts";
import { isAlreadyExists, isNotFound } from "../../client/api-error.ts";
import { resources } from "../../client/resources.ts";
import type { CertificateSigningRequest } from "../../client/types.ts";
import { type KeptCertificate, readCertificate } from "./identity-folder.ts";

/** It was decided against: to wait longer changes nothing. */
export class RequestRefused extends Error {
  override readonly name = "RequestRefused";
}

export interface WantedCertificate {
  readonly names: RequestedNames;
  readonly signerName: string;
  readonly usage: "client auth" | "server auth";
  readonly privateKeyPem: string;
}

export interface WaitDeps {
  readonly client: Pick<ApiClient, "create" | "get">;
  readonly clock: Clock;
  /** Told now and then that the answer is not there yet. */
  readonly onWait: (waited: { readonly request: string; readonly seconds: number }) => void;
}

const poll = { firstMs: 200, mostMs: 5_000, tellFirstMs: 1_000, tellEveryMs: 30_000 } as const;

/** Asks for a certificate, and waits until it is there. The request is named after the key, so that who asks again for the same key
 *  finds the same request. Rejects with RequestRefused, or as the API does. */
export async function requestCertificate(
  wanted: WantedCertificate,
  { client, clock, onWait }: WaitDeps,
  signal: AbortSignal,
): Promise<KeptCertificate> {
  const { privateKeyPem, signerName, usage } = wanted;
  const name = requestName(wanted);
  const pem = makeCertificateRequest(wanted.names, privateKeyPem);
  const spec = {
    request: Buffer.from(pem).toString("base64"),
    signerName,
    usages: ["digital signature", usage],
  };
  const startedMs = clock.monotonicMs();
  let toldMs = startedMs + poll.tellFirstMs - poll.tellEveryMs;
  let isMade = false;
  for (let waitMs: number = poll.firstMs; ; waitMs = Math.min(poll.mostMs, waitMs * 1.3)) {
    if (!isMade)
      await client
        .create(resources.certificatesigningrequests, { metadata: { name }, spec }, { signal })
        .catch((error: unknown) => {
          if (!isAlreadyExists(error)) throw error;
        });
    isMade = true;
    const found = await client
      .get(resources.certificatesigningrequests, { name }, { signal })
      .catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
        isMade = false; // nobody answered for so long that it was taken away
        return undefined;
      });
    const certificatePem = found && issued(found);
    if (certificatePem !== undefined) return own(name, certificatePem, privateKeyPem, clock.wallMs());
    const nowMs = clock.monotonicMs();
    if (nowMs - toldMs >= poll.tellEveryMs) {
      toldMs = nowMs;
      onWait({ request: name, seconds: Math.round((nowMs - startedMs) / 1000) });
    }
    await sleep(clock, waitMs, signal);
  }
}

function issued({ metadata, status }: CertificateSigningRequest): string | undefined {
  for (const type of ["Denied", "Failed"]) {
    const said = status?.conditions?.find((one) => one.type === type);
    if (said !== undefined)
      throw new RequestRefused(said.message || said.reason || `request ${metadata.name}: ${type}`);
  }
  return status?.certificate ? Buffer.from(status.certificate, "base64").toString("latin1") : undefined;
}

function own(name: string, certificatePem: string, privateKeyPem: string, nowMs: number): KeptCertificate {
  const found = readCertificate(`${certificatePem.trimEnd()}\n${privateKeyPem}`, nowMs);
  if (found === undefined) throw new RequestRefused(`what was signed for request ${name} is not for our key`);
  return found;
}

function requestName({ privateKeyPem, signerName }: WantedCertificate): string {
  const key = createPublicKey(privateKeyPem).export({ type: "spki", format: "der" });
  return `node-csr-${createHash("sha256").update(signerName).update(key).digest("hex").slice(0, 40)}`;
}
