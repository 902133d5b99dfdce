import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startTestApiserver, type TestApiserver } from "../testing.ts";

interface Step {
  readonly note?: string;
  readonly method: string;
  readonly path: string;
  readonly type?: string;
  readonly body?: unknown;
  readonly answer: {
    readonly code: number;
    readonly message?: string;
    readonly reason?: string;
    readonly details?: { readonly causes?: readonly unknown[] };
    readonly warnings?: readonly string[];
    /** What became of the object that was sent. */
    readonly object?: Readonly<Record<string, unknown>>;
  };
}

const recordings: Readonly<Record<string, string>> = {
  validating: "testdata/answers.json",
  mutating: "testdata/mutating-answers.json",
};
const stepsOf = (file: string): readonly (Step | { readonly settle: true })[] =>
  JSON.parse(readFileSync(join(import.meta.dirname, file), "utf8"));

/** Names that are made up differ. */
const same = (text: string | undefined) => text?.replace(/"c-[a-z0-9]{5}"/, '"c-?"');

for (const [kind, file] of Object.entries(recordings))
  describe(`${kind} admission policies say and do what those of kube-apiserver do`, () => {
    let api: TestApiserver;
    before(async () => {
      api = await startTestApiserver();
    });
    after(() => api.stop());

    let at = "";
    for (const [index, step] of stepsOf(file).entries()) {
      if ("settle" in step) continue;
      const { method, path, body, type, answer } = step;
      const name = (body as { metadata?: { name?: string } } | undefined)?.metadata?.name ?? "";
      if (path.endsWith("admissionpolicies") && method === "POST") at = name;
      it(`${index}: ${at} ${method} ${path} ${name}`, async () => {
        const got = await api.admin.call(method, path, {
          ...(body !== undefined && { body }),
          ...(type !== undefined && { type }),
        });
        if (answer.object !== undefined && got.code < 300) {
          const { metadata, data, spec } = got.body;
          const { labels, annotations } = metadata;
          const found = { labels, annotations, data, spec };
          assert.deepEqual(
            JSON.parse(JSON.stringify(found)),
            Object.fromEntries(Object.entries(answer.object).filter(([, value]) => value !== null)),
          );
        }
        const warnings = [got.headers.warning ?? []].flat().flatMap((line) => line.split(/, (?=299 )/));
        assert.deepEqual(
          {
            code: got.code,
            message: same(got.code < 300 ? undefined : got.body.message),
            reason: got.code < 300 ? undefined : got.body.reason,
            causes: got.code < 300 ? undefined : got.body.details?.causes,
            warnings: warnings.map((line) => line.replace(/^299 - "(.*)"$/, "$1").replaceAll('\\"', '"')),
          },
          {
            code: answer.code,
            message: same(answer.message),
            reason: answer.reason,
            causes: answer.details?.causes,
            warnings: answer.warnings ?? [],
          },
        );
      });
    }

    it("have the time of their match conditions told", async () => {
      const { text } = await api.admin.call("GET", "/metrics");
      const name = "apiserver_admission_match_condition_evaluation_seconds_count";
      assert.match(
        text,
        new RegExp(`^${name}\\{kind="policy",name="[^"]+",operation="[^"]+",type="validate"\\}`, "m"),
      );
    });
  });
