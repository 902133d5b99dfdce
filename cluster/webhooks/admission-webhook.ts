import { shown } from "../../base/shown.ts";
import type { AnyManifest } from "../../client/kube/manifest.ts";
import type { KubeObject } from "../../client/types.ts";
import type { AnswerReview } from "./hook-table.ts";

type LabelSelector = {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly object[];
};

/** What a webhook is asked: the `request` of an AdmissionReview of `admission.k8s.io/v1`. */
export interface AdmissionRequest<T = KubeObject> {
  readonly uid: string;
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string };
  readonly resource: { readonly group: string; readonly version: string; readonly resource: string };
  readonly subResource?: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly operation: "CREATE" | "UPDATE" | "DELETE" | "CONNECT";
  readonly userInfo: { readonly username: string; readonly groups?: readonly string[] };
  /** As it is to be; null of what is deleted. */
  readonly object: T | null;
  /** As it was; null of what is created. */
  readonly oldObject: T | null;
  readonly dryRun?: boolean;
  readonly options?: object | null;
}

/** Which requests a webhook is asked about; all operations that are not named are left out. */
export interface WebhookRule {
  /** Such as `["pods", "pods/status"]`; `"*"` for all. */
  readonly resources: readonly string[];
  /** `["*"]` unless said. */
  readonly apiGroups?: readonly string[];
  /** `["*"]` unless said. */
  readonly apiVersions?: readonly string[];
  /** `["CREATE", "UPDATE"]` unless said. */
  readonly operations?: readonly ("CREATE" | "UPDATE" | "DELETE" | "CONNECT" | "*")[];
  readonly scope?: "Cluster" | "Namespaced" | "*";
}

/** What a webhook says of a request: nothing or `true`: it may be; `false` or a text: it may not, and why. */
export type Verdict =
  | undefined
  | boolean
  | string
  | {
      readonly allowed: boolean;
      readonly message?: string;
      /** The HTTP status of the refusal; 403 unless said. */
      readonly code?: number;
      readonly reason?: string;
      /** Shown to whoever asks. */
      readonly warnings?: readonly string[];
      readonly auditAnnotations?: Readonly<Record<string, string>>;
    };

/** An operation of a JSON patch (RFC 6902). */
export interface JsonPatchOperation {
  readonly op: "add" | "remove" | "replace" | "move" | "copy" | "test";
  readonly path: string;
  readonly value?: unknown;
  readonly from?: string;
}

/** What a webhook makes of an object: the object as it is to be, a JSON patch, or nothing: then what it changed in place counts. */
export type Mutation = object | readonly JsonPatchOperation[] | null | undefined;

/** A webhook that is a function of the test's own. */
export interface WebhookOptions<T = KubeObject> {
  /** Of its configuration; `webhook-1.test.pintle.dev` and so on unless said. At least three parts with dots between. */
  readonly name?: string;
  readonly rules: readonly WebhookRule[];
  /** Says whether a request may be. Give one of `validate` and `mutate`. */
  readonly validate?: (request: AdmissionRequest<T>) => Verdict | Promise<Verdict>;
  /** Changes what is asked: it answers the object as it is to be, or a JSON patch, or nothing – then what it changed in place
   *  counts. What it throws is the refusal. */
  readonly mutate?: (request: AdmissionRequest<T>) => Mutation | Promise<Mutation>;
  /** `Fail` unless said: without an answer the request fails, too. */
  readonly failurePolicy?: "Fail" | "Ignore";
  /** 1 to 30; 10 unless said, by the cluster's clock. */
  readonly timeoutSeconds?: number;
  readonly namespaceSelector?: LabelSelector;
  readonly objectSelector?: LabelSelector;
  readonly matchConditions?: readonly { readonly name: string; readonly expression: string }[];
  readonly matchPolicy?: "Exact" | "Equivalent";
  /** Of one that mutates: `Never` unless said. */
  readonly reinvocationPolicy?: "Never" | "IfNeeded";
}

/** A webhook that answers. */
export interface Webhook {
  readonly name: string;
  /** What it was asked, the oldest first: the newest 10,000. */
  readonly requests: readonly AdmissionRequest[];
  /** Takes it away, and its configuration. */
  remove(): Promise<void>;
}

const known: readonly string[] = [
  "name",
  "rules",
  "validate",
  "mutate",
  "failurePolicy",
  "timeoutSeconds",
  "namespaceSelector",
  "objectSelector",
  "matchConditions",
  "matchPolicy",
  "reinvocationPolicy",
];

/** Throws TypeError for what are no options. */
export function checkWebhookOptions(options: WebhookOptions<never>): void {
  if (typeof options !== "object" || options === null)
    throw new TypeError(`${shown(options)} must be options such as { rules, validate }`);
  for (const [field, value] of Object.entries(options))
    if (!known.includes(field))
      throw new TypeError(`${field}: ${shown(value)} is none of ${known.join(", ")}`);
}

/** The webhook's configuration, as the API has it. Throws TypeError for options. */
export function webhookConfiguration<T>(
  options: WebhookOptions<T>,
  { name, url }: { readonly name: string; readonly url: string },
): AnyManifest {
  const { validate, mutate, rules, name: _, failurePolicy = "Fail", ...rest } = options;
  if ((validate === undefined) === (mutate === undefined))
    throw new TypeError("a webhook needs one of validate and mutate: give two for both");
  if (typeof (validate ?? mutate) !== "function")
    throw new TypeError(`${validate === undefined ? "mutate" : "validate"}: must be a function`);
  if (!Array.isArray(rules) || rules.length === 0)
    throw new TypeError(`rules: ${shown(rules)} must be a list such as [{ resources: ["pods"] }]`);
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: validate === undefined ? "MutatingWebhookConfiguration" : "ValidatingWebhookConfiguration",
    metadata: { name },
    webhooks: [
      {
        name,
        clientConfig: { url },
        rules: rules.map((rule) => ({
          apiGroups: ["*"],
          apiVersions: ["*"],
          operations: ["CREATE", "UPDATE"],
          ...rule,
        })),
        admissionReviewVersions: ["v1"],
        sideEffects: "None",
        failurePolicy,
        ...rest,
      },
    ],
  } as AnyManifest;
}

/** Answers reviews by the test's function. */
export function admissionAnswer<T>(
  { validate, mutate }: Pick<WebhookOptions<T>, "validate" | "mutate">,
  onRequest: (request: AdmissionRequest) => void,
): AnswerReview {
  return async (review) => {
    const request = review.request as AdmissionRequest<T>;
    // One that mutates may change in place what it is handed.
    onRequest((mutate === undefined ? request : structuredClone(request)) as AdmissionRequest);
    const response = await (validate === undefined
      ? mutated(mutate, request)
      : validated(validate, request)
    ).catch((error: unknown) => refused(error instanceof Error ? error.message : String(error)));
    const { apiVersion, kind } = review;
    return { apiVersion, kind, response: { uid: request.uid, ...response } };
  };
}

async function validated<T>(
  validate: NonNullable<WebhookOptions<T>["validate"]>,
  request: AdmissionRequest<T>,
): Promise<object> {
  const verdict = await validate(request);
  if (verdict === undefined || verdict === true) return { allowed: true };
  if (verdict === false || verdict === "") return refused("the webhook refused it");
  if (typeof verdict === "string") return refused(verdict);
  if (typeof verdict?.allowed !== "boolean")
    throw new TypeError(
      `validate answered ${shown(verdict)}, which is neither a boolean, a text, nor { allowed }`,
    );
  const { allowed, message, code = 403, reason, ...rest } = verdict;
  return allowed ? { allowed, ...rest } : { allowed, ...rest, status: { message, code, reason } };
}

async function mutated<T>(
  mutate: WebhookOptions<T>["mutate"],
  request: AdmissionRequest<T>,
): Promise<object> {
  const before = structuredClone(request.object);
  const made = (await mutate?.(request)) ?? request.object ?? {};
  if (typeof made !== "object")
    throw new TypeError(`mutate answered ${shown(made)}, which is neither an object nor a JSON patch`);
  const patch = Array.isArray(made) ? made : difference((before ?? {}) as object, made);
  if (patch.length === 0) return { allowed: true };
  return {
    allowed: true,
    patchType: "JSONPatch",
    patch: Buffer.from(JSON.stringify(patch)).toString("base64"),
  };
}

const refused = (message: string) => ({ allowed: false, status: { message, code: 403 } });

/** A JSON patch that makes one object of the other, field by field. Pure. */
export function difference(before: object, after: object): readonly JsonPatchOperation[] {
  const had = new Map(Object.entries(before));
  const has = new Map(Object.entries(after));
  const pathOf = (field: string) => `/${field.replaceAll("~", "~0").replaceAll("/", "~1")}`;
  return [
    ...[...had.keys()]
      .filter((field) => has.get(field) === undefined)
      .map((field) => ({ op: "remove" as const, path: pathOf(field) })),
    ...[...has]
      .filter(
        ([field, value]) => value !== undefined && JSON.stringify(value) !== JSON.stringify(had.get(field)),
      )
      .map(([field, value]) => ({ op: "add" as const, path: pathOf(field), value })),
  ];
}
