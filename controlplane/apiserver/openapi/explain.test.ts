import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { kinds } from "../resources/table.ts";
import { startTestApiserver, type TestApiserver } from "../testing.ts";
import { kubectls, runKubectl } from "./testing-kubectls.ts";

/** Each takes a processor for a while, and memory. */
const atOnceMax = 3;
/** For a machine that is busy with other things. */
const walkTimeoutMs = 600_000;

const file = (name: string) => readFileSync(join(import.meta.dirname, "testdata", name), "utf8");
const digest = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 10);
const fieldsOf = (output: string) => output.slice(output.indexOf("FIELDS:"));
const withoutValues = (output: string) =>
  output
    .split("\n")
    .filter((line) => !/^\s*enum: /.test(line))
    .join("\n");

describe("kubectl explain", () => {
  let server: TestApiserver;
  let home: string;
  before(async () => {
    server = await startTestApiserver();
    home = await mkdtemp(join(tmpdir(), "pintle-explain-"));
  });
  after(async () => {
    await server.stop();
    await rm(home, { recursive: true, force: true });
  });

  const recorded = file("kubernetes-1.36-explained.txt")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(" ") as [string, string, string, string, string]);

  it("was recorded of every kind that is served, and of none that is not", () => {
    const served = kinds.flatMap((kind) =>
      [kind, ...(kind.otherForms ?? [])].map(
        ({ group, version }) => `${group === "" ? "" : `${group}/`}${version} ${kind.plural}`,
      ),
    );
    const known = new Set(recorded.map(([version, plural]) => `${version} ${plural}`));
    assert.deepEqual(
      served.filter((one) => !known.has(one)),
      [],
    );
    assert.deepEqual(
      [...known].filter((one) => !served.includes(one)),
      unserved,
    );
  });

  const programs = kubectls();
  if (programs.length === 0) it.skip("needs a kubectl on the PATH");
  for (const kubectl of programs) {
    const explain = async (...args: string[]) => {
      const { code, output, errors } = await runKubectl(kubectl, { kubeconfig: server.kubeconfig, home }, [
        "explain",
        ...args,
      ]);
      assert.equal(code, 0, `explain ${args.join(" ")}: ${errors}`);
      return output;
    };

    it(`of 1.${kubectl.minor} tells every field of every kind, by v3 and by v2, as of Kubernetes`, async function () {
      this.timeout(walkTimeoutMs);
      const differing: string[] = [];
      const left = [...recorded];
      const worker = async () => {
        for (let row = left.shift(); row !== undefined; row = left.shift()) {
          const [apiVersion, plural, plain, whole, v2] = row;
          const asked = [plural, `--api-version=${apiVersion}`, "--recursive"];
          const byV3 = fieldsOf(await explain(...asked));
          const isSame =
            digest(withoutValues(byV3)) === plain && (!byV3.includes("enum: ") || digest(byV3) === whole);
          if (!isSame) differing.push(`${apiVersion} ${plural}, v3`);
          // All come from one document of v2: some stand for the others.
          if (!plural.startsWith("p")) continue;
          const byV2 = fieldsOf(await explain(...asked, "--output=plaintext-openapiv2"));
          if (digest(byV2) !== v2) differing.push(`${apiVersion} ${plural}, v2`);
        }
      };
      await Promise.all(Array.from({ length: atOnceMax }, worker));
      assert.deepEqual(differing, []);
    });

    it(`of 1.${kubectl.minor} tells of custom kinds what they say`, async function () {
      this.timeout(walkTimeoutMs);
      // Older ones write it otherwise.
      if (kubectl.minor < 30) this.skip();
      await withDefinitions(server, async () => {
        for (const [args = "", wanted = ""] of explained)
          assert.equal(await explain(...args.split(" ")), wanted);
      });
    });
  }
});

/** Bindings are served by those of pods. */
const unserved = ["v1 bindings"];

/** What was asked, and what kubectl 1.32 printed. */
const explained = file("custom-explained.txt")
  .split(/^\$ explain /m)
  .slice(1)
  .map((part) => [part.slice(0, part.indexOf("\n")), part.slice(part.indexOf("\n") + 1)] as const);

/** With the definitions of testdata/custom-definitions.yaml in use. */
async function withDefinitions({ admin }: TestApiserver, run: () => Promise<void>): Promise<void> {
  const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  const documents = parseAllDocuments(file("custom-definitions.yaml")).map((one) => one.toJS());
  for (const body of documents) assert.equal((await admin.call("POST", path, { body })).code, 201);
  try {
    for (const { spec } of documents)
      while ((await admin.call("GET", `/apis/${spec.group}/v1/${spec.names.plural}`)).code !== 200);
    await run();
  } finally {
    for (const { metadata } of documents) {
      await admin.call("DELETE", `${path}/${metadata.name}`);
      while ((await admin.call("GET", `${path}/${metadata.name}`)).code !== 404);
    }
  }
}
