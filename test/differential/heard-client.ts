import type { TestClient } from "../../controlplane/apiserver/testing.ts";

type Client = Pick<TestClient, "call">;

/** The same client, that asks for version 0 – whatever a cache has – only once that cache has heard of all that is there: else
 *  two servers answer as they have come along, each at its own pace. */
export function heardClient({ call }: Client): Client {
  return {
    call: async (method, path, options) => {
      if (method === "GET" && anyVersion.test(path)) await untilHeard({ call }, path);
      return call(method, path, options);
    },
  };
}

const anyVersion = /[?&]resourceVersion=0(?=&|$)/;

/** Reads what is there, and then from a cache that is at least as new. */
async function untilHeard({ call }: Client, path: string): Promise<void> {
  const [collection = "", query = ""] = path.split("?");
  const selector = new URLSearchParams(query).get("labelSelector") ?? "";
  const asked = `${collection}?${new URLSearchParams({ labelSelector: selector })}`;
  const { code, body } = await call("GET", asked);
  if (code !== 200) return; // as the question itself will be
  const items: readonly { readonly metadata: { readonly resourceVersion: string } }[] = body.items ?? [];
  const newest = Math.max(0, ...items.map(({ metadata }) => Number(metadata.resourceVersion)));
  if (newest > 0) await call("GET", `${asked}&resourceVersion=${newest}`);
}
