import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import type { AnyManifest } from "../../client/kube/manifest.ts";
import { resources } from "../../client/resources.ts";
import { type CauseCode, causes } from "../../client/why/causes.ts";
import { explainObject } from "../../client/why/explain.ts";
import { gather } from "../../client/why/gather.ts";
import { survey } from "../../client/why/survey.ts";
import { findingsText } from "../../client/why/text.ts";
import type { Cluster } from "../../cluster/cluster.ts";
import { startCluster } from "../../cluster/start-cluster.ts";
import { discover } from "../kubectl/discovery.ts";
import { parseOne } from "../kubectl/targets.ts";
import { readerOf } from "./reader.ts";
import { type Setup, setups } from "./testing/broken-setups.ts";

const folder = join(import.meta.dirname, "../../examples/broken");
const rewrites = process.env.REWRITE === "1";

/** Each example stands in a namespace of its name. The second line of its head says what to ask, the last what is answered. */
interface Example {
  readonly name: string;
  readonly text: string;
  readonly ask: string;
  readonly says: string | undefined;
  readonly manifests: readonly AnyManifest[];
}

function readExample(file: string): Example {
  const text = readFileSync(join(folder, file), "utf8");
  const of = (word: string) => new RegExp(`^# ${word}: (.+)$`, "m").exec(text)?.[1];
  return {
    name: file.replace(/\.yaml$/, ""),
    text,
    ask: of("Ask")?.replace("pintle why ", "") ?? "",
    says: of("Says"),
    manifests: parseAllDocuments(text).map((document) => document.toJS() as AnyManifest),
  };
}

const examples = readdirSync(folder)
  .filter((file) => file.endsWith(".yaml"))
  .map(readExample);

async function make(
  cluster: Cluster,
  { name, manifests }: Example,
  { labels, before, after }: Setup,
): Promise<void> {
  await cluster.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name, ...(labels && { labels }) } });
  await cluster.until(resources.serviceaccounts, (all) =>
    all.some(({ metadata }) => metadata.namespace === name),
  );
  await before?.(cluster);
  for (const manifest of manifests) {
    const { namespaced } = await cluster.client.kindOf(manifest);
    await cluster.client.apply(
      namespaced ? { ...manifest, metadata: { ...manifest.metadata, namespace: name } } : manifest,
    );
  }
  await after?.(cluster, name);
}

async function ask(cluster: Cluster, { name, ask: words }: Example) {
  const { client, clock } = cluster;
  const { rest } = client;
  const { resource, name: object } = parseOne(await discover(rest), [words]);
  const ref = { name: object, namespace: resource.namespaced ? name : undefined };
  const { signal } = new AbortController();
  const found = await gather(readerOf(rest), (facts) => explainObject(resource, ref, facts), {
    nowMs: clock.wallMs(),
    signal,
  });
  assert.ok(found.result, `${words}: ${found.unread.join()}`);
  assert.deepEqual(found.unread, []);
  return { text: findingsText(words, found.result), first: found.result[0] };
}

/** Compares the first line, or writes it into the example. */
function compare(example: Example, text: string): void {
  const [line = ""] = text.split("\n");
  if (rewrites) {
    const head = example.text
      .replace(/^# Says: .*\n/m, "")
      .replace(/^(# Ask: .*\n)/m, (asked) => `${asked}# Says: ${line}\n`);
    writeFileSync(join(folder, `${example.name}.yaml`), head);
  } else assert.equal(line, example.says, text);
}

describe("cli/why: the broken examples", function () {
  this.timeout(120_000);

  const alone = examples.filter(({ name }) => setups[name]?.cluster !== undefined);
  const together = examples.filter((example) => !alone.includes(example));

  describe("in one cluster", () => {
    let cluster: Cluster;

    before(async () => {
      cluster = await startCluster({
        clock: "manual",
        seed: 1,
        nodes: 2,
        pods: together.flatMap(({ name }) =>
          (setups[name]?.pods ?? []).map((one) => ({ namespace: name, ...one })),
        ),
      });
      for (const example of together) await make(cluster, example, setups[example.name] ?? {});
      await cluster.clock.advance("4m");
    });

    after(() => cluster?.stop());

    for (const example of together)
      it(`${example.name} is explained in the first line`, async () => {
        const { text, first } = await ask(cluster, example);
        compare(example, text);
        assert.ok(first && first.code !== "healthy", text);
        if (Object.hasOwn(causes, example.name))
          assert.equal(first.code, setups[example.name]?.code ?? example.name, text);
      });

    it("all are found when everything is looked at, each where it stands", async () => {
      const { signal } = new AbortController();
      const { result, unread } = await gather(
        readerOf(cluster.client.rest),
        (facts) => survey(undefined, facts),
        {
          nowMs: cluster.clock.wallMs(),
          signal,
          isWide: true,
        },
      );
      assert.deepEqual(unread, []);
      const found = new Set(
        result.flatMap(({ subjects }) => subjects.map(({ namespace, name }) => namespace ?? name)),
      );
      // What somebody wants so is not wrong, and ConfigMaps are not gone through.
      const isToBeFound = ({ name, ask: words }: Example) =>
        !words.startsWith("configmap/") &&
        !(Object.hasOwn(causes, name) && causes[name as CauseCode].severity === "info");
      const missed = together
        .filter(isToBeFound)
        .filter(({ name, ask: words }) => !found.has(name) && !found.has(words.split("/")[1] ?? ""));
      assert.deepEqual(
        missed.map(({ name }) => name),
        [],
      );
    });
  });

  for (const example of alone)
    it(`${example.name} is explained in the first line`, async () => {
      const setup = setups[example.name] ?? {};
      await using cluster = await startCluster({
        clock: "manual",
        seed: 1,
        ...setup.cluster,
        pods: [...(setup.pods ?? [])],
      });
      await make(cluster, example, setup);
      await cluster.clock.advance("4m");
      const { text, first } = await ask(cluster, example);
      compare(example, text);
      assert.equal(first?.code, setup.code ?? example.name, text);
    });

  it("are one for each cause that a manifest can make", () => {
    const wanted = (Object.keys(causes) as CauseCode[]).flatMap((code) => {
      const { example } = causes[code] as { readonly example?: string | null };
      return example === null ? [] : [example ?? code];
    });
    assert.deepEqual(examples.map(({ name }) => name).sort(), [...new Set(wanted)].sort());
  });
});
