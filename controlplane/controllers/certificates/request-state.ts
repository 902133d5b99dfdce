import type { CertificateSigningRequest } from "../../../client/types.ts";

/** Where a request for a certificate stands. Pure. */
type Request = CertificateSigningRequest;

const condition = ({ status }: Request, wanted: string) =>
  status?.conditions?.find(({ type }) => type === wanted);

export const isApproved = (request: Request) =>
  condition(request, "Approved") !== undefined && condition(request, "Denied") === undefined;
export const isDecided = (request: Request) =>
  ["Approved", "Denied"].some((type) => condition(request, type) !== undefined);
export const isIssued = ({ status }: Request) => (status?.certificate ?? "") !== "";

export function hasFailed(request: Request): boolean {
  const failed = condition(request, "Failed");
  return failed !== undefined && (failed.status === "" || failed.status === "True");
}

/** When the condition was last said, as milliseconds; undefined where it was not. */
export function saidAtMs(request: Request, type: string): number | undefined {
  const text = condition(request, type)?.lastUpdateTime;
  return text === undefined ? undefined : Date.parse(text);
}

export const pemOf = (base64: string) => Buffer.from(base64, "base64").toString("latin1");
