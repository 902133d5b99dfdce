import { goQuoted } from "../../base/go-text.ts";
import { type HeldLease, heldLeaseReason } from "../../client/held-lease.ts";
import type { Lease } from "../../client/types.ts";
import type { FieldError } from "./registry/kind.ts";

/** Every refusal the API answers with, as Kubernetes' `Status` object. Made by the functions below, which hold the
 *  texts and codes of k8s.io/apimachinery's `api/errors`; turned into bytes once, at the edge. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: number;
  readonly reason: string;
  readonly details: StatusDetails | undefined;
  /** Of the Status' ListMeta. */
  readonly metadata: StatusObject["metadata"];
  /** Set where the answer is plain text in place of a Status. */
  readonly text: string | undefined;

  constructor(
    code: number,
    reason: string,
    message: string,
    details?: StatusDetails,
    metadata: StatusObject["metadata"] = {},
    text?: string,
  ) {
    super(message);
    this.text = text;
    this.code = code;
    this.reason = reason;
    this.details = details;
    this.metadata = metadata;
  }

  status(): StatusObject {
    return {
      kind: "Status",
      apiVersion: "v1",
      metadata: this.metadata,
      status: "Failure",
      message: this.message,
      ...(this.reason !== "" && { reason: this.reason }),
      ...(this.details && { details: this.details }),
      code: this.code,
    };
  }
}

export interface StatusCause {
  readonly reason?: string;
  readonly message: string;
  readonly field?: string;
}
export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  /** The resource's plural, or the kind where the error is about a manifest. */
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}
export interface StatusObject {
  readonly kind: "Status";
  readonly apiVersion: "v1";
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly status: "Failure" | "Success";
  readonly message?: string;
  readonly reason?: string;
  readonly details?: StatusDetails;
  readonly code?: number;
}

/** A resource as error texts name it: `deployments.apps`. */
export interface GroupResource {
  readonly group: string;
  readonly plural: string;
}
export interface GroupKind {
  readonly group: string;
  readonly kind: string;
}

const resourceText = (r: GroupResource) => (r.group === "" ? r.plural : `${r.plural}.${r.group}`);
const kindText = (k: GroupKind) => (k.group === "" ? k.kind : `${k.kind}.${k.group}`);
const about = (r: GroupResource, name: string): StatusDetails => ({
  ...(name !== "" && { name }),
  ...(r.group !== "" && { group: r.group }),
  ...(r.plural !== "" && { kind: r.plural }),
});

export function notFound(resource: GroupResource, name: string): ApiError {
  return new ApiError(
    404,
    "NotFound",
    `${resourceText(resource)} ${goQuoted(name)} not found`,
    about(resource, name),
  );
}
/** For a resource or subresource that a served group and version does not have. */
export function resourceNotFound(): ApiError {
  return new ApiError(404, "NotFound", "the server could not find the requested resource", {});
}
/** Go's own words for a path that nobody serves. */
export const notFoundText = "404 page not found\n";

/** For a path that leads nowhere. Plain text: clients that get a Status here look for its details, and crash. */
export function pathNotFound(): ApiError {
  const message = "the server could not find the requested resource";
  return new ApiError(404, "NotFound", message, undefined, {}, notFoundText);
}
export function alreadyExists(resource: GroupResource, name: string, isGoing = false): ApiError {
  const text = `${isGoing ? "object is being deleted: " : ""}${resourceText(resource)} ${goQuoted(name)} already exists`;
  return new ApiError(409, "AlreadyExists", text, about(resource, name));
}
export function generateNameConflict(resource: GroupResource, name: string): ApiError {
  const text = `${resourceText(resource)} ${goQuoted(name)} already exists, the server was not able to generate a unique name for the object`;
  return new ApiError(409, "AlreadyExists", text, { ...about(resource, name), retryAfterSeconds: 1 });
}
export function conflict(resource: GroupResource, name: string, why: string): ApiError {
  const text = `Operation cannot be fulfilled on ${resourceText(resource)} ${goQuoted(name)}: ${why}`;
  return new ApiError(409, "Conflict", text, about(resource, name));
}
/** A write was decided under a Lease that is not held so any more; undefined: there is none. */
export function leaseNotHeld(said: HeldLease, found: Lease | undefined): ApiError {
  const { namespace, name, holder, transitions, uid } = said;
  const { holderIdentity: by, leaseTransitions: now = 0 } = found?.spec ?? {};
  const is =
    found === undefined
      ? "is not there"
      : uid !== undefined && uid !== found.metadata.uid
        ? `has the uid ${found.metadata.uid}, not ${uid}`
        : `is held by ${by ? goQuoted(by) : "nobody"} in transition ${now}, not by ${goQuoted(holder)} in transition ${transitions}`;
  return new ApiError(
    412,
    heldLeaseReason,
    `decided under a Lease that is not held any more: ${namespace}/${name} ${is}`,
    { name, group: "coordination.k8s.io", kind: "leases" },
  );
}
export const modifiedMeanwhile =
  "the object has been modified; please apply your changes to the latest version and try again";

/** `problems` is not empty. */
export function invalid(kind: GroupKind, name: string, problems: readonly FieldError[]): ApiError {
  const texts = [...new Set(problems.map((p) => `${p.field}: ${p.message}`))];
  const text = texts.length === 1 ? texts[0] : `[${texts.join(", ")}]`;
  return new ApiError(422, "Invalid", `${kindText(kind)} ${goQuoted(name)} is invalid: ${text}`, {
    ...(name !== "" && { name }),
    ...(kind.group !== "" && { group: kind.group }),
    ...(kind.kind !== "" && { kind: kind.kind }),
    causes: problems.map((p) => ({ reason: p.reason, message: p.message, field: p.field })),
  });
}
export function badRequest(message: string): ApiError {
  return new ApiError(400, "BadRequest", message);
}
/** An answer of a node that is none of the usual: k8s.io/apimachinery's NewGenericServerResponse without a verb. */
export function nodeAnswered(code: number, resource: GroupResource, name: string): ApiError {
  const known: Readonly<Record<number, readonly [reason: string, text: string]>> = {
    401: ["Unauthorized", "the server has asked for the client to provide credentials"],
    404: ["NotFound", "the server could not find the requested resource"],
    503: ["ServiceUnavailable", "the server is currently unable to handle the request"],
  };
  const other = `the server responded with the status code ${code} but did not return more information`;
  const [reason, text] = known[code] ?? ["Unknown", other];
  return new ApiError(code, reason, `${text} ( ${resourceText(resource)} ${name})`, about(resource, name));
}
export function unauthorized(): ApiError {
  return new ApiError(401, "Unauthorized", "Unauthorized");
}
export function forbidden(
  resource: GroupResource,
  name: string,
  why: string,
  causes?: StatusCause[],
): ApiError {
  const what =
    resource.plural === ""
      ? "forbidden"
      : `${resourceText(resource)}${name === "" ? "" : ` ${goQuoted(name)}`} is forbidden`;
  const details = { ...about(resource, name), ...(causes && { causes }) };
  return new ApiError(403, "Forbidden", `${what}: ${why}`, details);
}
export function methodNotAllowed(): ApiError {
  const text = "the server does not allow this method on the requested resource";
  return new ApiError(405, "MethodNotAllowed", text, {});
}
/** As Kubernetes' server of custom resources says it. `verb` is empty for a method that is none of the API's. */
export function verbNotSupported(verb: string, { group, plural }: GroupResource): ApiError {
  const text = `${verb} is not supported on resources of kind ${JSON.stringify(resourceText({ group, plural }))}`;
  return new ApiError(405, "MethodNotAllowed", text, { ...(group !== "" && { group }), kind: plural });
}
export function notAcceptable(accepted: readonly string[]): ApiError {
  const text = `only the following media types are accepted: ${accepted.join(", ")}`;
  return new ApiError(406, "NotAcceptable", text);
}
/** Nothing that the path's routes give was asked for. */
export function unroutable(produced: readonly string[]): ApiError {
  const text = `406: Not Acceptable\n\nAvailable representations: ${produced.join(", ")}`;
  return new ApiError(406, "NotAcceptable", text, {});
}
/** A form of meta.k8s.io was asked for that the answer cannot take. `type` is the answer's, as Kubernetes names it. */
export function unfitForm(form: string, what: "a list" | "not a list", type: string): ApiError {
  const text = `you requested ${form}, but the requested object is ${what} (${type})`;
  return new ApiError(406, "NotAcceptable", text);
}
export function unsupportedMediaType(accepted: readonly string[]): ApiError {
  const text = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}`;
  return new ApiError(415, "UnsupportedMediaType", text);
}
/** No route of the path takes such bodies. */
export function unroutableMediaType(): ApiError {
  return new ApiError(415, "UnsupportedMediaType", "415: Unsupported Media Type", {});
}
export function bodyTooLarge(limitBytes: number): ApiError {
  return new ApiError(413, "RequestEntityTooLarge", `Request entity too large: limit is ${limitBytes}`);
}
/** A revision that history no longer holds: list anew. */
export function expired(message: string, metadata: StatusObject["metadata"] = {}): ApiError {
  return new ApiError(410, "Expired", message, undefined, metadata);
}
export function tooManyRequests(
  message: string,
  retryAfterSeconds: number,
  causes?: StatusCause[],
): ApiError {
  return new ApiError(429, "TooManyRequests", message, {
    ...(causes && { causes }),
    ...(retryAfterSeconds > 0 && { retryAfterSeconds }),
  });
}
const busy = "Too many requests, please try again later.";
/** Said before anybody has looked at what is asked; plain text, as in Kubernetes. */
export function serverBusy(retryAfterSeconds = 1): ApiError {
  return new ApiError(429, "TooManyRequests", busy, { retryAfterSeconds }, {}, `${busy}\n`);
}
/** A revision that the store, or this server's view of it, has not reached. */
export function revisionTooLarge(
  wanted: bigint | number,
  current: number,
  retryAfterSeconds: number,
): ApiError {
  const message = `Timeout: Too large resource version: ${wanted}, current: ${current}`;
  return new ApiError(504, "Timeout", message, {
    causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
    ...(retryAfterSeconds > 0 && { retryAfterSeconds }),
  });
}
export function timedOut(message: string): ApiError {
  return new ApiError(504, "Timeout", `Timeout: ${message}`, {});
}
export function serviceUnavailable(message: string): ApiError {
  return new ApiError(503, "ServiceUnavailable", message, { retryAfterSeconds: 1 });
}
/** A failure that Kubernetes gives no reason for. */
export function unknownError(message: string): ApiError {
  return new ApiError(500, "", message);
}
export function internalError(message: string): ApiError {
  return new ApiError(500, "InternalError", `Internal error occurred: ${message}`, {
    causes: [{ message }],
  });
}
