import type { KubeObject, Pod } from "../../client/types.ts";
import { invalid } from "./api-error.ts";
import { yamlValue } from "./handlers/decode-body.ts";
import { isObject, toKubeObject } from "./json.ts";
import { pods } from "./resources/pods.ts";
import { duplicatesInYaml } from "./schema/duplicate-fields.ts";
import { firstDocument } from "./schema/first-document.ts";
import { schemas } from "./schema-wiring.ts";

/** What a file says of one pod, read and judged as the server does a new one, but strictly: what it would leave out is refused.
 *  `place` says where the pod is to be, before it is judged; mutates. Throws an Error that says what is wrong. */
export function podOfManifest(text: string, place: (pod: Pod) => void): Pod {
  const first = firstDocument(text);
  if (saysMore(text.slice(first.length))) throw new Error("there is more than one document in it");
  const said = yamlValue(first);
  if (!isObject(said) || said.apiVersion !== "v1" || said.kind !== "Pod")
    throw new Error("it is not an object of apiVersion v1 and kind Pod");
  const { typeErrors, unknown } = schemas().of({ group: "", version: "v1", kind: "Pod" }).accept(said);
  const flaws = typeErrors.length > 0 ? typeErrors : [...unknown, ...duplicatesInYaml(first)];
  if (flaws.length > 0) throw new Error(flaws.join(", "));
  const object: KubeObject = toKubeObject(said);
  pods.applyDefaults(object);
  // Kinds hide their types; the schema has just said that it is one.
  const pod = object as unknown as Pod;
  place(pod);
  pods.prepareForCreate?.(object);
  pods.dropDisabled?.(object);
  const problems = pods.validate(object);
  if (problems.length > 0) throw invalid(pods, pod.metadata.name, problems);
  return pod;
}

const saysMore = (rest: string): boolean =>
  rest.split("\n").some((line) => !/^\s*(?:(?:---|\.\.\.)\s*)?(?:#.*)?$/.test(line));
