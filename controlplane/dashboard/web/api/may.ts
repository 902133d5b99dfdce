import { signal } from "@preact/signals";
import type { Deed } from "./rights.ts";
import { callJson } from "./session.ts";

const known = signal<ReadonlyMap<string, boolean>>(new Map());
const asked = new Set<string>();

/** Whether the person may do just this, as the server says, in a namespace or (`""`) in all of them; until it has said so, it is
 *  taken for allowed. What may be done somewhere in a namespace is `rights.ts`'. */
export function may(deed: Deed, namespace: string): boolean {
  const key = JSON.stringify([deed, namespace]);
  if (!asked.has(key)) {
    asked.add(key);
    void ask(key, deed, namespace);
  }
  return known.value.get(key) ?? true;
}

async function ask(key: string, { verb, group, resource: path }: Deed, namespace: string): Promise<void> {
  const [resource, subresource] = path.split("/");
  const resourceAttributes = {
    verb,
    group,
    resource,
    ...(subresource && { subresource }),
    ...(namespace && { namespace }),
  };
  const review = {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SelfSubjectAccessReview",
    spec: { resourceAttributes },
  };
  try {
    const path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    const { status } = await callJson<{ readonly status?: { readonly allowed?: boolean } }>(path, {
      method: "POST",
      body: review,
    });
    known.value = new Map(known.value).set(key, status?.allowed ?? false);
  } catch {
    // What is not allowed is then refused by the server, with its own words.
    asked.delete(key);
  }
}
