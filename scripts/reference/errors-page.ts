import { status as grpcNumbers } from "@grpc/grpc-js";
import * as answers from "../../controlplane/apiserver/api-error.ts";
import { storeErrors } from "../../store/errors.ts";
import { code, pageOf, plain, tableOf } from "./markdown.ts";

const deployments = { group: "apps", plural: "deployments" };
const pods = { group: "", plural: "pods" };

/** An answer of each function of api-error.ts. A test sees to it that none is missing. */
export const sampleAnswers: Readonly<Record<string, answers.ApiError>> = {
  badRequest: answers.badRequest("…"),
  unauthorized: answers.unauthorized(),
  forbidden: answers.forbidden(pods, "web", "…"),
  notFound: answers.notFound(deployments, "web"),
  resourceNotFound: answers.resourceNotFound(),
  pathNotFound: answers.pathNotFound(),
  methodNotAllowed: answers.methodNotAllowed(),
  verbNotSupported: answers.verbNotSupported("update", { group: "example.com", plural: "gadgets" }),
  notAcceptable: answers.notAcceptable(["application/json"]),
  unroutable: answers.unroutable(["application/json"]),
  unfitForm: answers.unfitForm("Table", "not a list", "v1.Status"),
  alreadyExists: answers.alreadyExists(deployments, "web"),
  generateNameConflict: answers.generateNameConflict(pods, "web-x7k2p"),
  conflict: answers.conflict(deployments, "web", answers.modifiedMeanwhile),
  leaseNotHeld: answers.leaseNotHeld({ namespace: "default", name: "web", holder: "web-1", transitions: 3 }, {
    spec: { holderIdentity: "web-2", leaseTransitions: 4 },
  } as Parameters<typeof answers.leaseNotHeld>[1]),
  expired: answers.expired("The resourceVersion for the provided watch is too old."),
  bodyTooLarge: answers.bodyTooLarge(3 * 1024 * 1024),
  unsupportedMediaType: answers.unsupportedMediaType(["application/json"]),
  unroutableMediaType: answers.unroutableMediaType(),
  invalid: answers.invalid({ group: "apps", kind: "Deployment" }, "web", [
    {
      field: "spec.replicas",
      reason: "FieldValueInvalid",
      message: "Invalid value: -1: must be greater than or equal to 0",
    },
  ] as Parameters<typeof answers.invalid>[2]),
  tooManyRequests: answers.tooManyRequests("…", 1),
  serverBusy: answers.serverBusy(),
  unknownError: answers.unknownError("…"),
  internalError: answers.internalError("…"),
  serviceUnavailable: answers.serviceUnavailable("…"),
  timedOut: answers.timedOut("…"),
  revisionTooLarge: answers.revisionTooLarge(12, 10, 1),
  nodeAnswered: answers.nodeAnswered(503, pods, "web"),
};

/** docs/reference/errors.md. */
export function errorsPage(): string {
  return pageOf(
    "Errors",
    "What the servers answer where they refuse something. The texts are etcd's and Kubernetes' own, since clients and tools match on them; names and numbers in them are examples.",
    "## Store",
    `Answers of the gRPC API, from one table (\`store/errors.ts\`), with etcd's codes and texts. The JSON gateway has the same under \`code\` and
\`message\`. A client may send again what ended with \`UNAVAILABLE\`: a read always, a write only where it may be done twice, since nobody
knows whether it was done once.`,
    tableOf(
      ["code", "number", "text"],
      Object.values(storeErrors)
        .map(({ status, message }) => [
          status,
          String(grpcNumbers[status as keyof typeof grpcNumbers]),
          code(message),
        ])
        .sort((a, b) => Number(a[1]) - Number(b[1])),
    ),
    "## API server",
    `Answers are a \`Status\` (\`kind: Status\`), from one file (\`controlplane/apiserver/api-error.ts\`). \`details\` names the object and, where a
field is wrong, each of them under \`causes\`; with \`retryAfterSeconds\` the header \`Retry-After\` is sent.`,
    tableOf(
      ["code", "reason", "message", "again later"],
      Object.values(sampleAnswers)
        .map(({ code: number, reason, message, details }) => [
          String(number),
          reason,
          plain(message),
          details?.retryAfterSeconds === undefined ? "" : `after ${details.retryAfterSeconds} s`,
        ])
        .sort((a, b) => Number(a[0]) - Number(b[0])),
    ),
    "Where no Status can be read – a path that nobody serves, a server that takes no more requests – the answer is Go's plain text: `404 page not found`, `Too many requests, please try again later.`",
    "## Command line",
    `Errors go to standard error, a line that says what is wrong and, where there is something to do about it, what: \`pintle COMMAND: …\`. What each
exit status means stands with the [commands](./commands.md#exit-status). With \`PINTLE_DEBUG\` set, unexpected errors show where they come from.`,
  );
}
