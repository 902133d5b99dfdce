import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { startTestApiserver, type TestApiserver } from "../testing.ts";
import { configure, startTestHook, type TestHook } from "./testing.ts";

/** What kube-apiserver 1.36.3 asked a webhook about these requests. */
interface Recorded {
  readonly what: string;
  readonly path: string;
  readonly request: object;
}
const file = new URL("testdata/reviews.json", import.meta.url);
const recorded: readonly Recorded[] = JSON.parse(readFileSync(file, "utf8"));

const ns = "/api/v1/namespaces/admrec";
const deployments = "/apis/apps/v1/namespaces/admrec/deployments";
const containers = [{ name: "c", image: "i" }];
const selector = { matchLabels: { a: "b" } };
const merge = "application/merge-patch+json";
const configMap = (metadata: object) => ({ apiVersion: "v1", kind: "ConfigMap", metadata, data: { a: "1" } });
const reviews = "/apis/authorization.k8s.io/v1/namespaces/admrec/localsubjectaccessreviews";

type Step = readonly [method: string, path: string, body?: object, type?: string];
const steps: Readonly<Record<string, Step>> = {
  create: ["POST", `${ns}/configmaps?fieldManager=me&fieldValidation=Strict`, configMap({ name: "c" })],
  generate: ["POST", `${ns}/configmaps?dryRun=All`, configMap({ generateName: "c-" })],
  patch: ["PATCH", `${ns}/configmaps/c`, { data: { b: "1" } }, merge],
  apply: [
    "PATCH",
    `${ns}/configmaps/d?fieldManager=me`,
    configMap({ name: "d" }),
    "application/apply-patch+yaml",
  ],
  delete: [
    "DELETE",
    `${ns}/configmaps/c`,
    { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy: "Foreground", gracePeriodSeconds: 3 },
  ],
  deletecollection: ["DELETE", `${ns}/configmaps?fieldSelector=metadata.name%3Dd`],
  status: ["PATCH", `${ns}/pods/p/status`, { status: { phase: "Pending", message: "m" } }, merge],
  binding: [
    "POST",
    `${ns}/pods/p/binding`,
    { apiVersion: "v1", kind: "Binding", metadata: { name: "p" }, target: { kind: "Node", name: "n" } },
  ],
  exec: ["POST", `${ns}/pods/p/exec?command=ls&command=-l&stdout=true&container=c`],
  attach: ["POST", `${ns}/pods/p/attach?stdin=true`],
  evict: [
    "POST",
    `${ns}/pods/p/eviction`,
    { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: "p" } },
  ],
  scale: ["PATCH", `${deployments}/d/scale`, { spec: { replicas: 3 } }, merge],
  nsupdate: ["PATCH", "/api/v1/namespaces/admrec", { metadata: { labels: { x: "y" } } }, merge],
  lsar: [
    "POST",
    reviews,
    {
      apiVersion: "authorization.k8s.io/v1",
      kind: "LocalSubjectAccessReview",
      metadata: { namespace: "admrec" },
      spec: { user: "u", resourceAttributes: { namespace: "admrec", verb: "get", resource: "pods" } },
    },
  ],
};

const serverFields = ["managedFields", "uid", "resourceVersion", "creationTimestamp", "generation", "labels"];

/** What an object is and where, without what it says. */
function place(object: Record<string, unknown> | null): unknown {
  if (object === null) return null;
  const { spec: _, status: __, data: ___, target: ____, ...rest } = object;
  if (typeof rest.metadata !== "object" || rest.metadata === null) return rest;
  const metadata = Object.fromEntries(
    Object.entries(rest.metadata).filter(([field]) => !serverFields.includes(field)),
  );
  return { ...rest, metadata };
}

describe("a webhook is asked what kube-apiserver 1.36.3 asks about", () => {
  let api: TestApiserver;
  let hook: TestHook;
  before(async () => {
    api = await startTestApiserver();
    hook = await startTestHook();
    const create = (path: string, body: object) => api.admin.call("POST", path, { body });
    const labels = { admrec: "yes" };
    await create("/api/v1/namespaces", {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "admrec", labels },
    });
    await create(`${ns}/pods`, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "p" },
      spec: { containers },
    });
    const template = { metadata: { labels: { a: "b" } }, spec: { containers } };
    const spec = { replicas: 2, selector, template };
    await create(deployments, { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "d" }, spec });
    await configure(api.admin, "mutating", "all", [
      {
        name: "m.admrec.io",
        clientConfig: { url: hook.url("/m"), caBundle: hook.caBundle },
        rules: [{ operations: ["*"], apiGroups: ["*"], apiVersions: ["*"], resources: ["*/*"] }],
        sideEffects: "None",
        admissionReviewVersions: ["v1"],
        namespaceSelector: { matchLabels: labels },
      },
    ]);
  });
  after(async () => {
    await hook.stop();
    await api.stop();
  });

  for (const { what, path, request } of recorded)
    it(what, async () => {
      const [method, url, body, type] = steps[what] ?? ["GET", "/"];
      hook.seen.length = 0;
      await api.admin.call(method, url, { ...(body && { body }), ...(type && { type }) });
      const [asked] = hook.seen;
      assert.equal(asked?.path, path);
      const { uid, userInfo, ...found } = asked.review.request;
      assert.match(uid, /^[0-9a-f-]{36}$/);
      assert.deepEqual(
        [userInfo.username, userInfo.groups],
        ["admin", ["system:masters", "system:authenticated"]],
      );
      const shown = { ...found, object: place(found.object), oldObject: place(found.oldObject) };
      assert.deepEqual(shown, request);
    });
});
