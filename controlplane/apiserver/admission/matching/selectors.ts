import { matchesLabels, type Selector } from "../../../../base/label-selector.ts";
import { notFound } from "../../api-error.ts";
import { type LookupDeps, storedObject } from "../stored-lookup.ts";
import { type AskedRequest, labelsOf } from "./asked-request.ts";

const isEmpty = (selector: Selector) => selector !== null && selector.length === 0;

/** Do the labels of the request's namespace match? What is in none always does, but for namespaces themselves.
 *  Fails with 404 where the namespace is not there. */
export async function namespaceMatches(
  deps: LookupDeps,
  selector: Selector,
  asked: AskedRequest,
): Promise<boolean> {
  const isNamespace = asked.form.plural === "namespaces";
  if ((asked.namespace === "" && !isNamespace) || isEmpty(selector)) return true;
  return matchesLabels(selector, await namespaceLabels(deps, asked));
}

async function namespaceLabels(
  deps: LookupDeps,
  asked: AskedRequest,
): Promise<Readonly<Record<string, string>>> {
  const { form, subresource, operation, namespace } = asked;
  // A namespace that is made or changed counts as what it is to be.
  if (
    form.plural === "namespaces" &&
    subresource === "" &&
    (operation === "CREATE" || operation === "UPDATE")
  )
    return labelsOf(asked.object);
  const found = await storedObject(deps, { group: "", plural: "namespaces", namespace: "", name: namespace });
  if (found === undefined) throw notFound({ group: "", plural: "namespaces" }, namespace);
  return labelsOf(found);
}

/** Do the labels of the object match, or those of the one that it replaces? */
export function objectMatches(selector: Selector, { object, old }: AskedRequest): boolean {
  if (isEmpty(selector)) return true;
  return [object, old].some((one) => one !== undefined && matchesLabels(selector, labelsOf(one)));
}
