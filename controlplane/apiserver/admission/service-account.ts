import { objectOf, stringOf } from "../json.ts";
import type { Admission } from "./admission.ts";

/** A pod without a service account gets `default`. A mirror pod is what its node says it is, and gets none. */
export const serviceAccount: Admission = async ({ kind, operation, object }) => {
  if (operation !== "create" || kind.kind !== "Pod" || kind.group !== "") return;
  if (object.metadata.annotations?.["kubernetes.io/config.mirror"] !== undefined) return;
  const spec = objectOf(object.spec);
  const name = stringOf(spec.serviceAccountName) || stringOf(spec.serviceAccount) || "default";
  spec.serviceAccountName = name;
  spec.serviceAccount = name;
};
