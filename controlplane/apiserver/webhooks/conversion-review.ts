import { isObject, type JsonObject, jsonText, listOf, objectOf, stringOf } from "../json.ts";
import { reviewVersions } from "../resources/webhook-client.ts";
import { readReview } from "./answered-text.ts";
import type { HookAnswer } from "./hook-client.ts";

/** ConversionReview of apiextensions.k8s.io in both its versions. Pure. */

const group = "apiextensions.k8s.io";

export function conversionQuestion(request: {
  readonly uid: string;
  readonly version: string;
  readonly apiVersion: string;
  readonly objects: readonly JsonObject[];
}): string {
  const { uid, version, apiVersion, objects } = request;
  return jsonText({
    kind: "ConversionReview",
    apiVersion: `${group}/${version}`,
    request: { uid, desiredAPIVersion: apiVersion, objects },
  });
}

export type Converted = { readonly objects: readonly unknown[] } | { readonly problem: string };

export function readConversion(
  answer: HookAnswer,
  { uid, version }: { readonly uid: string; readonly version: string },
): Converted {
  const read = readReview(answer, { group, version, kind: "ConversionReview", versions: reviewVersions });
  if ("problem" in read) return read;
  const { review } = read;
  if (version === "v1" && review.kind !== "ConversionReview")
    return { problem: `expected webhook response of ${group}/v1, Kind=ConversionReview, got /, Kind=` };
  if (!isObject(review.response)) return { problem: "no response provided" };
  const { response } = review;
  if (version === "v1" && response.uid !== uid)
    return {
      problem: `expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response.uid ?? "")}`,
    };
  const { status, message } = objectOf(response.result);
  if (status !== "Success")
    return {
      problem: stringOf(message) || `response.result.status was '${stringOf(status)}', not 'Success'`,
    };
  return { objects: listOf(response.convertedObjects) };
}
