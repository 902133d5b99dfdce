import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { answersOf, type Sequences } from "../recorded-answers.ts";
import { startTestApiserver, type TestApiserver } from "../testing.ts";

const sequences: Sequences = JSON.parse(
  readFileSync(new URL("testdata/autoscaler-forms.json", import.meta.url), "utf8"),
);

/** Who set what is on record in the stored version's terms here, in Kubernetes in the request's. */
function withoutRecord(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (name, one: unknown) => (name === "managedFields" ? undefined : one)),
  );
}

describe("autoscalers of autoscaling/v1 and v2 are one, as kube-apiserver 1.36.3 shows them:", () => {
  let server: TestApiserver;
  before(async () => {
    server = await startTestApiserver();
  });
  after(() => server.stop());

  for (const [at, [name, steps]] of Object.entries(sequences).entries())
    it(name, async () => {
      const given = await answersOf(server.admin, steps, `forms-${at}`);
      for (const [step, { ask, answer, body }] of steps.entries())
        assert.deepEqual(
          withoutRecord(given[step]?.answer),
          withoutRecord(answer),
          `${ask} ${JSON.stringify(body)}`,
        );
    });
});
