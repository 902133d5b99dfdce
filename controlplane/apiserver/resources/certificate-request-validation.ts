import { X509Certificate } from "node:crypto";
import {
  CertificateRequestError,
  checkRequestSignature,
  readCertificateRequest,
} from "../../../base/os/certificate-request.ts";
import { readPem } from "../../../base/pem.ts";
import type { CertificateSigningRequest } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { sameValue } from "../schema/same-value.ts";
import { duplicate, forbidden, invalid, notSupported, required } from "./field-errors.ts";
import { signerNameProblems } from "./signer-names.ts";

type Request = CertificateSigningRequest;
type Condition = NonNullable<NonNullable<Request["status"]>["conditions"]>[number];

const legacySigner = "kubernetes.io/legacy-unknown";
const expirationSecondsMin = 600;
const usages = [
  "any",
  "cert sign",
  "client auth",
  "code signing",
  "content commitment",
  "crl sign",
  "data encipherment",
  "decipher only",
  "digital signature",
  "email protection",
  "encipher only",
  "ipsec end system",
  "ipsec tunnel",
  "ipsec user",
  "key agreement",
  "key encipherment",
  "microsoft sgc",
  "netscape sgc",
  "ocsp signing",
  "s/mime",
  "server auth",
  "signing",
  "timestamping",
];

const decisions = ["Approved", "Denied"];
/** Conditions that are there or not, and never go. */
const marks = [...decisions, "Failed"];
const conditionsField = "status.conditions";
const certificateField = "status.certificate";

const conditionsOf = ({ status }: Request): readonly Condition[] => status?.conditions ?? [];
const certificateOf = ({ status }: Request): string => status?.certificate ?? "";
const decoded = (base64: string): string => Buffer.from(base64, "base64").toString("latin1");
const repeats = (all: readonly string[]) => new Set(all).size < all.length;

/** What a kube-apiserver refuses of a request and what came of it. What is stored already is left alone. */
export function validateRequest(request: Request, current: Request | undefined): readonly FieldError[] {
  const { spec } = request;
  const { usages: wanted = [], signerName = "", expirationSeconds: seconds } = spec;
  const before: readonly string[] = current?.spec.usages ?? [];
  const problems: FieldError[] = [];
  const why = requestProblem(spec.request);
  if (why !== undefined) problems.push(invalid("spec.request", spec.request, why));
  if (wanted.length === 0) problems.push(required("spec.usages"));
  if (before.every((usage) => usages.includes(usage)))
    wanted.forEach((usage, index) => {
      if (!usages.includes(usage)) problems.push(notSupported(`spec.usages[${index}]`, usage, usages));
    });
  if (!repeats(before))
    wanted.forEach((usage, index) => {
      if (wanted.indexOf(usage) < index) problems.push(duplicate(`spec.usages[${index}]`, usage));
    });
  if (signerName === legacySigner && current?.spec.signerName !== legacySigner)
    problems.push(
      invalid("spec.signerName", signerName, "the legacy signerName is not allowed via this API version"),
    );
  else problems.push(...signerNameProblems(signerName, "spec.signerName"));
  if (seconds !== undefined && seconds < expirationSecondsMin)
    problems.push(
      invalid(
        "spec.expirationSeconds",
        seconds,
        "may not specify a duration less than 600 seconds (10 minutes)",
      ),
    );
  return [...problems, ...validateConditions(request, current), ...validateCertificate(request, current)];
}

function requestProblem(base64: string | undefined): string | undefined {
  try {
    checkRequestSignature(readCertificateRequest(decoded(base64 ?? "")));
    return undefined;
  } catch (error) {
    if (error instanceof CertificateRequestError) return error.message;
    throw error;
  }
}

function validateConditions(request: Request, current: Request | undefined): readonly FieldError[] {
  const before = (current === undefined ? [] : conditionsOf(current)).map(({ type }) => type);
  const bothBefore = decisions.every((type) => before.includes(type));
  const problems: FieldError[] = [];
  const seen: string[] = [];
  conditionsOf(request).forEach(({ type = "", status = "" }, index) => {
    const at = `${conditionsField}[${index}]`;
    if (type === "" && !before.includes("")) problems.push(required(`${at}.type`));
    const allowed = marks.includes(type) ? ["True"] : ["False", "True", "Unknown"];
    if (status === "") problems.push(required(`${at}.status`));
    else if (!allowed.includes(status)) problems.push(notSupported(`${at}.status`, status, allowed));
    if (
      !bothBefore &&
      decisions.includes(type) &&
      decisions.some((one) => one !== type && seen.includes(one))
    )
      problems.push(invalid(conditionsField, type, "Approved and Denied conditions are mutually exclusive"));
    if (seen.includes(type) && !repeats(before)) problems.push(duplicate(`${at}.type`, type));
    seen.push(type);
  });
  return problems;
}

function validateCertificate(request: Request, current: Request | undefined): readonly FieldError[] {
  const certificate = certificateOf(request);
  if (current !== undefined) {
    const before = certificateOf(current);
    if (before === certificate || certificateProblem(before) !== undefined) return [];
  }
  const why = certificateProblem(certificate);
  return why === undefined ? [] : [invalid(certificateField, "<certificate data>", why)];
}

function certificateProblem(base64: string): string | undefined {
  if (base64 === "") return undefined;
  const blocks = readPem(decoded(base64));
  for (const { type, hasHeaders, bytes } of blocks) {
    if (type !== "CERTIFICATE")
      return `only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(type)}`;
    if (hasHeaders) return "no PEM block headers are permitted";
    try {
      new X509Certificate(bytes);
    } catch {
      return "x509: malformed certificate";
    }
  }
  return blocks.length === 0 ? "must contain at least one CERTIFICATE PEM block" : undefined;
}

interface Door {
  /** Approved and Denied may come. */
  readonly decides?: true;
  /** A certificate may come. */
  readonly signs?: true;
}

/** What an update through one of the doors may not do. */
export function validateRequestUpdate(next: Request, current: Request, door: Door): readonly FieldError[] {
  const problems: FieldError[] = [];
  const [after, before] = [conditionsOf(next), conditionsOf(current)];
  const among = (all: readonly Condition[], type: string) => all.filter((one) => one.type === type);
  for (const type of marks)
    if (among(after, type).length < among(before, type).length)
      problems.push(forbidden(conditionsField, `updates may not remove a condition of type "${type}"`));
  for (const type of door.decides ? [] : decisions) {
    const [now, then] = [among(after, type), among(before, type)];
    if (now.length > then.length)
      problems.push(forbidden(conditionsField, `updates may not add a condition of type "${type}"`));
    else if (now.length === then.length && !sameValue(now, then))
      problems.push(forbidden(conditionsField, `updates may not modify a condition of type "${type}"`));
  }
  if (certificateOf(next) === certificateOf(current)) return problems;
  if (!door.signs) problems.push(forbidden(certificateField, "updates may not set certificate content"));
  else if (certificateOf(current) !== "")
    problems.push(forbidden(certificateField, "updates may not modify existing certificate content"));
  return problems;
}
