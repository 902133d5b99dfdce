// What `pintle why -A` costs its process in a large cluster, where some workloads are broken: reading what the API answers, and
// finding out. The API server's work and the way are not in it.
//   npm run bench:why -- 10000
import type { ApiClient, ListOptions, ObjectList } from "../../client/api.ts";
import type { KubeObject, Resource } from "../../client/types.ts";
import { gather } from "../../client/why/gather.ts";
import { survey } from "../../client/why/survey.ts";

const pods = Number(process.argv[2] ?? 10_000);
const perWorkload = 20;
const brokenOf = 20;
const rounds = 7;
const nowMs = Date.UTC(2026, 0, 1);
const creationTimestamp = new Date(nowMs - 3_600_000).toISOString();
const meta = (name: string, uid: string, more: object = {}) => ({
  name,
  namespace: `team-${Number(uid.split("-")[1]) % 50}`,
  uid,
  resourceVersion: "1",
  creationTimestamp,
  ...more,
});
const owned = (kind: string, name: string, uid: string) => ({
  ownerReferences: [{ apiVersion: "apps/v1", kind, name, uid, controller: true }],
});

const made: Record<string, string[]> = {
  pods: [],
  deployments: [],
  replicasets: [],
  services: [],
  endpointslices: [],
  nodes: [],
};
const add = (plural: string, object: object) => made[plural]?.push(JSON.stringify(object));
const conditions = (ready: boolean) =>
  ["PodScheduled", "Initialized", "ContainersReady", "Ready"].map((type, at) => ({
    type,
    status: at < 2 || ready ? "True" : "False",
    lastTransitionTime: creationTimestamp,
  }));

for (let at = 0; at < pods / 100; at++)
  add("nodes", {
    metadata: { ...meta(`node-${at}`, `node-${at}`), namespace: undefined },
    status: {
      conditions: [{ type: "Ready", status: "True" }],
      allocatable: { cpu: "64", memory: "256Gi", pods: "110" },
    },
  });
for (let at = 0; at < pods / perWorkload; at++) {
  const name = `app-${at}`;
  const labels = { app: name };
  const isBroken = at % brokenOf === 0;
  const revision = { annotations: { "deployment.kubernetes.io/revision": "1" } };
  const template = {
    metadata: { labels },
    spec: { containers: [{ name: "app", image: "registry.example/app:1" }] },
  };
  add("deployments", {
    metadata: meta(name, `d-${at}`, revision),
    spec: { replicas: perWorkload, selector: { matchLabels: labels }, template },
  });
  add("replicasets", {
    metadata: meta(`${name}-1`, `r-${at}`, { ...revision, ...owned("Deployment", name, `d-${at}`) }),
    spec: { replicas: perWorkload, selector: { matchLabels: labels }, template },
  });
  add("services", { metadata: meta(name, `s-${at}`), spec: { selector: labels, ports: [{ port: 80 }] } });
  add("endpointslices", {
    metadata: meta(`${name}-1`, `e-${at}`, { labels: { "kubernetes.io/service-name": name } }),
    endpoints: Array.from({ length: perWorkload }, (_, pod) => ({
      addresses: [`10.0.${at % 250}.${pod}`],
      conditions: { ready: !isBroken },
    })),
  });
  for (let pod = 0; pod < perWorkload; pod++)
    add("pods", {
      metadata: meta(`${name}-1-${pod}`, `p${pod}-${at}`, {
        labels,
        ...owned("ReplicaSet", `${name}-1`, `r-${at}`),
      }),
      spec: {
        nodeName: `node-${at % (pods / 100)}`,
        restartPolicy: "Always",
        containers: [
          {
            name: "app",
            image: "registry.example/app:1",
            resources: { requests: { cpu: "100m", memory: "64Mi" } },
            env: Array.from({ length: 20 }, (_, one) => ({
              name: `SETTING_${one}`,
              value: "some value that takes its room",
            })),
          },
        ],
      },
      status: {
        phase: isBroken ? "Pending" : "Running",
        conditions: conditions(!isBroken),
        containerStatuses: [
          {
            name: "app",
            image: "registry.example/app:1",
            ready: !isBroken,
            restartCount: 0,
            state: isBroken
              ? { waiting: { reason: "ImagePullBackOff", message: "manifest unknown" } }
              : { running: { startedAt: creationTimestamp } },
          },
        ],
      },
    });
}

/** As answers come: a text for each page. */
const list = async <T>(
  { plural, kind }: Resource<T>,
  { limit = 1000, continue: from = "0" }: ListOptions = {},
): Promise<ObjectList<T>> => {
  const all = made[plural] ?? [];
  const at = Number(from);
  const page = `[${all.slice(at, at + limit).join(",")}]`;
  const items = (JSON.parse(page) as KubeObject[]).map((item) => ({ ...item, kind })) as unknown as T[];
  const next = at + limit < all.length ? { continue: String(at + limit) } : {};
  return { items, metadata: { resourceVersion: "1", ...next } };
};
const client: Pick<ApiClient, "get" | "list"> = {
  list,
  get: () => Promise.reject(new Error("nothing is read alone")),
};
const { signal } = new AbortController();
for (let round = 0; round < rounds; round++) {
  const cpu = process.cpuUsage();
  let analysisMs = 0;
  let analyses = 0;
  const { result } = await gather(
    { client, logs: async function* () {} },
    (facts) => {
      const beganMs = performance.now();
      const folds = survey(undefined, facts);
      analysisMs += performance.now() - beganMs;
      analyses++;
      return folds;
    },
    { nowMs, signal, isWide: true },
  );
  const { user, system } = process.cpuUsage(cpu);
  const subjects = result.reduce((sum, one) => sum + one.subjects.length, 0);
  console.log(
    `${pods} pods, ${pods / perWorkload} workloads: ${result.length} causes in ${subjects} objects; CPU ${Math.round((user + system) / 1000)} ms, ${Math.round(analysisMs)} ms in ${analyses} analyses; ${Math.round(process.memoryUsage().rss / 2 ** 20)} MiB resident`,
  );
}
