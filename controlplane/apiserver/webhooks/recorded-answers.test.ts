import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { startTestApiserver, type TestAnswer, type TestApiserver } from "../testing.ts";
import { configure, startTestHook, type TestHook, unconfigure } from "./testing.ts";

/** What a webhook answers, and what kube-apiserver 1.36.3 said to its client then. */
interface Recorded {
  readonly name: string;
  readonly phase: "mutating" | "validating";
  readonly hook?: object;
  readonly answer?: unknown;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly hangs?: true;
  readonly operation?: "update" | "delete";
  readonly result: {
    readonly code: number;
    readonly message?: string;
    readonly reason?: string;
    readonly details?: object;
    readonly stored?: object;
    readonly warnings: string | null;
  };
}

const file = new URL("testdata/answers.json", import.meta.url);
const recorded: readonly Recorded[] = JSON.parse(readFileSync(file, "utf8"));

/** Where what we say differs on purpose, and what we say. */
const differently: Readonly<Record<string, string>> = {
  // Kubernetes goes where it is sent, with a GET.
  redirects: "the server responded with the status code 302 but did not return more information",
  // Kubernetes reads the object as what the patch says that it is, and fails at its data.
  "patches the kind": 'no kind "Secret" is registered for version "v1" in scheme "pkg/runtime/scheme.go:111"',
};

describe("a webhook's answer leads to what kube-apiserver 1.36.3 makes of it: it", () => {
  let api: TestApiserver;
  let hook: TestHook;
  const hanging: ServerResponse[] = [];
  before(async () => {
    api = await startTestApiserver();
    hook = await startTestHook();
  });
  after(async () => {
    for (const response of hanging) response.destroy();
    await hook.stop();
    await api.stop();
  });

  for (const [index, one] of recorded.entries())
    it(`${one.name} (${one.phase})`, async () => {
      const namespace = `recorded-${index}`;
      const path = `/api/v1/namespaces/${namespace}/configmaps`;
      const labels = { recorded: namespace };
      const body = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" }, data: { a: "1" } };
      await api.admin.call("POST", "/api/v1/namespaces", {
        body: { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace, labels } },
      });
      if (one.operation !== undefined) await api.admin.call("POST", path, { body });
      hook.answer = ({ review }, response) => {
        if (one.hangs) return void hanging.push(response);
        response.statusCode = one.status ?? 200;
        for (const [name, value] of Object.entries(one.headers ?? {})) response.setHeader(name, value);
        const text = typeof one.answer === "string" ? one.answer : JSON.stringify(one.answer);
        response.end(text.replaceAll("$UID", review.request.uid));
      };
      await configure(api.admin, one.phase, namespace, [
        {
          name: "w.admrec.io",
          clientConfig: { url: hook.url("/w"), caBundle: hook.caBundle },
          rules: [{ operations: ["*"], apiGroups: [""], apiVersions: ["*"], resources: ["configmaps"] }],
          sideEffects: "None",
          admissionReviewVersions: ["v1"],
          namespaceSelector: { matchLabels: labels },
          ...one.hook,
        },
      ]);
      const answer = await asked(one, path, body);
      await unconfigure(api.admin, one.phase, namespace);
      compare(answer, one);
    });

  function asked({ operation }: Recorded, path: string, body: object): Promise<TestAnswer> {
    if (operation === "delete") return api.admin.call("DELETE", `${path}/c`);
    if (operation === undefined) return api.admin.call("POST", path, { body });
    const type = "application/merge-patch+json";
    return api.admin.call("PATCH", `${path}/c`, { body: { data: { a: "3" } }, type });
  }

  function compare({ code, body, headers }: TestAnswer, { name, result }: Recorded): void {
    const own = differently[name];
    const text = (message: string | undefined) =>
      message
        ?.replaceAll(String(hook.port), "PORT")
        .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "UID");
    const isStatus = body.kind === "Status";
    assert.equal(code, result.code, body.message);
    if (own !== undefined) {
      assert.ok(body.message.endsWith(own), body.message);
      return;
    }
    assert.equal(isStatus ? text(body.message) : undefined, result.message);
    assert.equal(isStatus ? body.reason : undefined, result.reason);
    if (code < 500 && isStatus) assert.deepEqual(body.details, result.details);
    const { metadata, data } = body;
    const stored = isStatus
      ? undefined
      : { data, labels: metadata.labels, annotations: metadata.annotations, name: metadata.name };
    assert.deepEqual(JSON.parse(JSON.stringify(stored ?? null)), result.stored ?? null);
    const warnings = [headers.warning ?? []].flat().join(", ");
    assert.equal(warnings, result.warnings ?? "");
  }
});
