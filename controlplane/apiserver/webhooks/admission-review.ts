import {
  type AskedRequest,
  describedRequest,
  objectIn,
  type RequestForm,
} from "../admission/matching/asked-request.ts";
import { isObject, type JsonObject, jsonText, listOf, objectOf, stringOf, stringsOf } from "../json.ts";
import { reviewVersions } from "../resources/webhook-client.ts";
import { type FieldShape, readReview, shapeProblem } from "./answered-text.ts";
import type { HookAnswer } from "./hook-client.ts";

/** AdmissionReview of admission.k8s.io in both its versions: the question, and what an answer must look like. Pure. */

const group = "admission.k8s.io";

export interface ReviewQuestion {
  readonly uid: string;
  readonly version: string;
  readonly asked: AskedRequest;
  readonly form: RequestForm;
}

/** The version to speak: the first that the webhook names and that is spoken here. */
export function reviewVersion(versions: readonly string[]): string | undefined {
  return versions.find((one) => reviewVersions.includes(one));
}

export function questionText({ uid, version, asked, form }: ReviewQuestion): string {
  const { options, dryRun, ...described } = describedRequest(asked, form);
  return jsonText({
    kind: "AdmissionReview",
    apiVersion: `${group}/${version}`,
    request: {
      uid,
      ...described,
      object: objectIn(form, asked.object) ?? null,
      oldObject: objectIn(form, asked.old) ?? null,
      dryRun,
      options,
    },
  });
}

export interface AdmissionAnswer {
  readonly allowed: boolean;
  /** A Status. */
  readonly result: JsonObject | undefined;
  readonly warnings: readonly string[];
  readonly annotations: Readonly<Record<string, string>>;
  /** The text of a patch; empty: none. */
  readonly patch: string;
  readonly patchType: string;
}

/** @property stage What went wrong: the call itself, or what the answer says. */
export type ReadAnswer =
  | { readonly answer: AdmissionAnswer }
  | { readonly stage: "call" | "answer"; readonly problem: string };

const isText = (value: unknown) => typeof value === "string";
const responseShapes: readonly FieldShape[] = [
  { field: "uid", type: "types.UID", fits: isText },
  { field: "allowed", type: "bool", fits: (value) => typeof value === "boolean" },
  { field: "status", type: "v1.Status", fits: isObject },
  { field: "patch", type: "[]uint8", fits: isText },
  { field: "patchType", type: "v1.PatchType", fits: isText },
  { field: "auditAnnotations", type: "map[string]string", fits: isObject },
  { field: "warnings", type: "[]string", fits: Array.isArray },
];
const statusShapes: readonly FieldShape[] = [
  { field: "message", type: "string", fits: isText },
  { field: "reason", type: "v1.StatusReason", fits: isText },
  { field: "code", type: "int32", fits: Number.isInteger },
];

export function readAnswer(
  answer: HookAnswer,
  { uid, version, mutates }: { readonly uid: string; readonly version: string; readonly mutates: boolean },
): ReadAnswer {
  const read = readReview(answer, { group, version, kind: "AdmissionReview", versions: reviewVersions });
  if ("problem" in read) return { stage: "call", problem: read.problem };
  const { review } = read;
  const response = isObject(review.response) ? review.response : undefined;
  const malformed =
    shapeProblem(
      review,
      [{ field: "response", type: "v1.AdmissionResponse", fits: isObject }],
      "AdmissionReview",
    ) ??
    shapeProblem(response ?? {}, responseShapes, "AdmissionResponse.response") ??
    shapeProblem(objectOf(response?.status), statusShapes, "Status.response.status");
  if (malformed !== undefined) return { stage: "call", problem: malformed };
  const said = stringOf(response?.patch);
  const patch = decoded(said);
  if (patch === undefined)
    return { stage: "call", problem: `illegal base64 data at input byte ${badByteOf(said)}` };
  if (response === undefined) return { stage: "answer", problem: "webhook response was absent" };
  const type = response.patchType === null ? undefined : response.patchType;
  if (version === "v1") {
    const wrong = wrongAnswer(review, { response, uid, mutates, patch, type });
    if (wrong !== undefined) return { stage: "answer", problem: wrong };
  }
  return {
    answer: {
      allowed: response.allowed === true,
      result: isObject(response.status) ? response.status : undefined,
      warnings: stringsOf(response.warnings),
      annotations: textMap(response.auditAnnotations),
      patch: mutates ? patch : "",
      // Of old nobody had to say what a patch is: there is one type.
      patchType: version === "v1" ? stringOf(type) : "JSONPatch",
    },
  };
}

interface Given {
  readonly response: JsonObject;
  readonly uid: string;
  readonly mutates: boolean;
  readonly patch: string;
  readonly type: unknown;
}

function wrongAnswer(review: JsonObject, { response, uid, mutates, patch, type }: Given): string | undefined {
  if (response.uid !== uid)
    return `expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response.uid ?? "")}`;
  if (review.kind !== "AdmissionReview")
    return `expected webhook response of ${group}/v1, Kind=AdmissionReview, got /, Kind=`;
  if (!mutates) {
    if (patch !== "") return "validating webhook may not return response.patch";
    return type === undefined ? undefined : "validating webhook may not return response.patchType";
  }
  if (patch !== "" && type === undefined) return "webhook returned response.patch but not response.patchType";
  if (patch === "" && type !== undefined) return "webhook returned response.patchType but not response.patch";
  return type === "" ? 'webhook returned invalid response.patchType of ""' : undefined;
}

function decoded(text: string): string | undefined {
  return /^[A-Za-z0-9+/]*={0,2}$/.test(text) && text.length % 4 === 0
    ? Buffer.from(text, "base64").toString("utf8")
    : undefined;
}

function badByteOf(text: string): number {
  const at = text.search(/[^A-Za-z0-9+/=]/);
  return at < 0 ? text.length : at;
}

function textMap(value: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(objectOf(value)).filter((pair): pair is [string, string] => typeof pair[1] === "string"),
  );
}

export const operationsOf = (patch: unknown): readonly JsonObject[] => listOf(patch).filter(isObject);
