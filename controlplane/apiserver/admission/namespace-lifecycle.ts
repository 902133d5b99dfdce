import { forbidden, notFound } from "../api-error.ts";
import { objectOf, stringOf } from "../json.ts";
import type { Kind } from "../registry/kind.ts";
import { type Attributes, admittedNamespace, type Plugin, refusal } from "./admission.ts";
import { type LookupDeps, storedObject } from "./stored-lookup.ts";

/** Namespaces that every cluster has. */
export const systemNamespaces = ["default", "kube-system", "kube-public", "kube-node-lease"] as const;
const immortalNamespaces: ReadonlySet<string> = new Set(["default", "kube-system", "kube-public"]);

/** Kubernetes' NamespaceLifecycle: nothing new in a namespace that is missing (404) or being deleted (403), and the
 *  namespaces that the cluster cannot do without stay. */
export function namespaceLifecycle(deps: LookupDeps): Plugin {
  return {
    mutate: (attributes) => {
      const { kind, operation } = attributes;
      if (operation === "delete") keepImmortal(kind, attributes.old.metadata.name);
      if (operation !== "create" || !kind.namespaced || isAccessReview(kind)) return undefined;
      return requireNamespace(deps, attributes);
    },
  };
}

/** Whether a namespace is there is not told to those who ask what they may do in it. */
const isAccessReview = ({ group, plural }: Kind) =>
  group === "authorization.k8s.io" && plural === "localsubjectaccessreviews";

async function requireNamespace(deps: LookupDeps, attributes: Attributes): Promise<void> {
  const namespace = admittedNamespace(attributes);
  const found = await storedObject(deps, { group: "", plural: "namespaces", namespace: "", name: namespace });
  if (found === undefined) throw notFound({ group: "", plural: "namespaces" }, namespace);
  const terminating = stringOf(objectOf(found.status).phase) === "Terminating";
  if (!terminating && found.metadata.deletionTimestamp === undefined) return;
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  throw refusal(attributes, why, [
    {
      reason: "NamespaceTerminating",
      message: `namespace ${namespace} is being terminated`,
      field: "metadata.namespace",
    },
  ]);
}

function keepImmortal(kind: Kind, name: string): void {
  if (kind.kind === "Namespace" && kind.group === "" && immortalNamespaces.has(name))
    throw forbidden(kind, name, "this namespace may not be deleted");
}
