// What each side is measured with: plain JavaScript over the package that is built, so that nothing but the side itself is loaded.

const kind = (group, version, name, plural, namespaced = true) => ({
  group,
  version,
  kind: name,
  plural,
  namespaced,
});
export const namespaces = kind("", "v1", "Namespace", "namespaces", false);
export const configmaps = kind("", "v1", "ConfigMap", "configmaps");
export const deployments = kind("apps", "v1", "Deployment", "deployments");

const objects = 10;

/** One test as people write them for controllers: a namespace of its own, objects made, listed, changed, watched, and deleted. */
export async function oneTest(client, name) {
  await client.create(namespaces, { metadata: { name } });
  const at = (index) => ({ namespace: name, name: `map-${index}` });
  const made = await Promise.all(
    Array.from({ length: objects }, (_, index) =>
      client.create(configmaps, {
        metadata: { ...at(index), labels: { app: "suite" } },
        data: { value: "0" },
      }),
    ),
  );
  const { items, metadata } = await client.list(configmaps, { namespace: name, labelSelector: "app=suite" });
  if (items.length !== objects) throw new Error(`${items.length} objects instead of ${objects}`);
  const ended = new AbortController();
  const seen = (async () => {
    let changes = 0;
    const options = {
      namespace: name,
      labelSelector: "app=suite",
      resourceVersion: metadata.resourceVersion,
    };
    for await (const { type } of client.watch(configmaps, options, ended.signal))
      if (type === "MODIFIED" && ++changes === objects) return;
  })();
  for (const one of made) await client.update(configmaps, { ...one, data: { value: "1" } });
  await seen;
  ended.abort(new Error("seen"));
  const containers = [{ name: "c", image: "registry.example/c" }];
  const template = { metadata: { labels: { app: "web" } }, spec: { containers } };
  await client.patch(
    deployments,
    { namespace: name, name: "web" },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "web", namespace: name },
      spec: { replicas: 2, selector: { matchLabels: { app: "web" } }, template },
    },
    { type: "apply", fieldManager: "suite", force: true },
  );
  await client.deleteCollection(configmaps, { namespace: name, labelSelector: "app=suite" });
  await client.delete(deployments, { namespace: name, name: "web" });
}

/** Creates for so long with so many at a time; answers how many a second. */
export async function createsPerSecond(client, { seconds, clients }) {
  const endMs = performance.now() + seconds * 1000;
  let count = 0;
  const one = async (worker) => {
    for (let index = 0; performance.now() < endMs; index++, count++)
      await client.create(configmaps, {
        metadata: { namespace: "default", name: `load-${worker}-${index}` },
        data: { text: "x".repeat(256) },
      });
  };
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: clients }, (_, worker) => one(worker)));
  return (count * 1000) / (performance.now() - startedMs);
}
