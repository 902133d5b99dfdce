import { goJsonError } from "../go-json-error.ts";
import { isObject, objectOf } from "../json.ts";
import type { FieldError } from "../registry/kind.ts";
import { invalid, required } from "./field-errors.ts";
import { type Taint, validateTaints } from "./taint-validation.ts";

const avoidedPods = "scheduler.alpha.kubernetes.io/preferAvoidPods";
const oldTaints = "scheduler.alpha.kubernetes.io/taints";

/** What annotations of a node say in JSON that Kubernetes still reads. */
export function validateNodeAnnotations(
  annotations: Readonly<Record<string, string>>,
): readonly FieldError[] {
  const at = "metadata.annotations";
  const problems: FieldError[] = [];
  const read = (name: string, field: string, check: (value: unknown) => readonly FieldError[]) => {
    const text = annotations[name] ?? "";
    if (text === "") return;
    const flaw = goJsonError(text);
    problems.push(...(flaw === undefined ? check(JSON.parse(text)) : [invalid(field, name, flaw)]));
  };
  read(oldTaints, at, (value) => {
    const taints = (Array.isArray(value) ? value : []).map(objectOf);
    return validateTaints(taints as unknown as readonly Taint[], `${at}.${oldTaints}`);
  });
  read(avoidedPods, `${at}.AvoidPods`, (value) => {
    const { preferAvoidPods: entries } = objectOf(value);
    return (Array.isArray(entries) ? entries : []).flatMap((entry, index) =>
      signatureProblems(objectOf(objectOf(entry).podSignature), `${at}.${avoidedPods}[${index}]`),
    );
  });
  return problems;
}

function signatureProblems({ podController }: Record<string, unknown>, at: string): readonly FieldError[] {
  if (!isObject(podController)) return [required(`${at}.PodSignature`)];
  if (podController.controller === true) return [];
  return [invalid(`${at}.PodSignature.PodController.Controller`, false, "must point to a controller")];
}
