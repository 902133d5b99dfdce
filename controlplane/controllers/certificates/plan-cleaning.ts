import { X509Certificate } from "node:crypto";
import type { CertificateSigningRequest } from "../../../client/types.ts";
import { isIssued, pemOf, saidAtMs } from "./request-state.ts";

const hourMs = 3_600_000;
const decidedMs = hourMs;
const pendingMs = 24 * hourMs;

/** Is a request of no more use? Those that were answered go after an hour, those that nobody answers after a day, and a
 *  certificate that has run out at once. Pure. */
export function isOutdated(request: CertificateSigningRequest, nowMs: number): boolean {
  const { metadata, status } = request;
  const isOlder = (sinceMs: number | undefined, ageMs: number) =>
    sinceMs !== undefined && nowMs - sinceMs > ageMs;
  if ((status?.conditions ?? []).length === 0 && isOlder(Date.parse(metadata.creationTimestamp), pendingMs))
    return true;
  if (["Denied", "Failed"].some((type) => isOlder(saidAtMs(request, type), decidedMs))) return true;
  const approvedMs = saidAtMs(request, "Approved");
  if (!isIssued(request)) return isOlder(approvedMs, pendingMs);
  const isApproved = status?.conditions?.some(({ type }) => type === "Approved") === true;
  return isOlder(approvedMs, decidedMs) || (isApproved && isExpired(status?.certificate ?? "", nowMs));
}

function isExpired(certificate: string, nowMs: number): boolean {
  try {
    return nowMs > Date.parse(new X509Certificate(pemOf(certificate)).validTo);
  } catch {
    return false; // what is no certificate has no end
  }
}
