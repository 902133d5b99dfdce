import type { KeyUsage } from "../../../base/certificate-parts.ts";
import { type CertificateRequestInfo, readCertificateRequest } from "../../../base/os/certificate-request.ts";
import type { SigningTerms } from "../../../base/os/sign-certificate.ts";
import { ownField } from "../../../base/own-field.ts";
import type { CertificateSigningRequest } from "../../../client/types.ts";
import { apiClientProblem, kubeletClientProblem, kubeletServingProblem } from "./kubelet-requests.ts";
import { hasFailed, isApproved, isIssued, pemOf } from "./request-state.ts";

const minuteMs = 60_000;
const backdateMs = 5 * minuteMs;
const durationMsMin = 10 * minuteMs;
/** What is valid for less has its whole time from now on. */
const shortMs = 8 * 60 * minuteMs;

type Judge = (request: CertificateRequestInfo, usages: readonly string[]) => string | undefined;

/** The signers that are the cluster's own. */
const judges: Readonly<Record<string, Judge>> = {
  "kubernetes.io/kubelet-serving": kubeletServingProblem,
  "kubernetes.io/kube-apiserver-client-kubelet": kubeletClientProblem,
  "kubernetes.io/kube-apiserver-client": (_, usages) => apiClientProblem(usages),
  // Nothing is promised of it, as of old.
  "kubernetes.io/legacy-unknown": () => undefined,
};

export type SigningAction =
  | { readonly action: "none" }
  | { readonly action: "fail"; readonly message: string }
  | { readonly action: "sign"; readonly request: CertificateRequestInfo; readonly terms: SigningTerms };

export interface Signing {
  readonly nowMs: number;
  readonly durationMsMax: number;
  readonly authorityNotAfterMs: number;
  /** It begins no earlier; absent: it may. */
  readonly notBeforeMsMin?: number | undefined;
}

/** It was approved, and nothing came of it yet. */
export const mayBeSigned = (request: CertificateSigningRequest): boolean =>
  isApproved(request) && !hasFailed(request) && !isIssued(request);

/** What the cluster's own authority does about a request that was approved. Throws where it cannot be read. Pure. */
export function planSigning(request: CertificateSigningRequest, signing: Signing): SigningAction {
  const judge = ownField(judges, request.spec.signerName);
  if (judge === undefined || !mayBeSigned(request)) return { action: "none" };
  const { usages = [], expirationSeconds } = request.spec;
  const info = readCertificateRequest(pemOf(request.spec.request));
  const message = judge(info, usages);
  if (message !== undefined) return { action: "fail", message };
  return {
    action: "sign",
    request: info,
    terms: { ...validity(expirationSeconds, signing), ...knownUsages(usages) },
  };
}

function validity(
  seconds: number | undefined,
  { nowMs, durationMsMax, authorityNotAfterMs, notBeforeMsMin = Number.NEGATIVE_INFINITY }: Signing,
) {
  const askedMs = seconds === undefined ? durationMsMax : seconds * 1000;
  const durationMs = Math.min(durationMsMax, Math.max(durationMsMin, askedMs));
  const endMs = nowMs + durationMs - (durationMs < shortMs ? 0 : backdateMs);
  if (nowMs >= authorityNotAfterMs)
    throw new Error(
      `refusing to sign a certificate that expired in the past: NotAfter=${new Date(authorityNotAfterMs).toISOString()}`,
    );
  return {
    notBeforeMs: Math.max(nowMs - backdateMs, notBeforeMsMin),
    notAfterMs: Math.min(endMs, authorityNotAfterMs),
  };
}

const keyUsages: Readonly<Record<string, KeyUsage>> = {
  signing: "digitalSignature",
  "digital signature": "digitalSignature",
  "content commitment": "nonRepudiation",
  "key encipherment": "keyEncipherment",
  "key agreement": "keyAgreement",
  "data encipherment": "dataEncipherment",
  "cert sign": "keyCertSign",
  "crl sign": "cRLSign",
  "encipher only": "encipherOnly",
  "decipher only": "decipherOnly",
};

/** In the order in which Kubernetes puts them into a certificate. */
const extendedKeyUsages: Readonly<Record<string, string>> = {
  any: "2.5.29.37.0",
  "server auth": "1.3.6.1.5.5.7.3.1",
  "client auth": "1.3.6.1.5.5.7.3.2",
  "code signing": "1.3.6.1.5.5.7.3.3",
  "email protection": "1.3.6.1.5.5.7.3.4",
  "s/mime": "1.3.6.1.5.5.7.3.4",
  "ipsec end system": "1.3.6.1.5.5.7.3.5",
  "ipsec tunnel": "1.3.6.1.5.5.7.3.6",
  "ipsec user": "1.3.6.1.5.5.7.3.7",
  timestamping: "1.3.6.1.5.5.7.3.8",
  "ocsp signing": "1.3.6.1.5.5.7.3.9",
  "microsoft sgc": "1.3.6.1.4.1.311.10.3.3",
  "netscape sgc": "2.16.840.1.113730.4.1",
};

function knownUsages(usages: readonly string[]): Pick<SigningTerms, "keyUsages" | "extendedKeyUsages"> {
  const unknown = usages.filter(
    (usage) => !Object.hasOwn(keyUsages, usage) && !Object.hasOwn(extendedKeyUsages, usage),
  );
  if (unknown.length > 0)
    throw new Error(`unrecognized usage values: [${unknown.map((one) => JSON.stringify(one)).join(" ")}]`);
  const extended = Object.entries(extendedKeyUsages).flatMap(([usage, oid]) =>
    usages.includes(usage) ? [oid] : [],
  );
  return {
    keyUsages: [...new Set(usages.flatMap((usage) => keyUsages[usage] ?? []))],
    extendedKeyUsages: [...new Set(extended)],
  };
}
