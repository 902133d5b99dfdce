import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { Prng } from "../../base/os/random.ts";
import {
  answersOf,
  eventsOf,
  managersByName,
  type Recorded,
  recordedFiles,
  recordedIn,
  type Step,
  versionNow,
} from "../../controlplane/apiserver/recorded-answers.ts";
import { differences, withoutEmptyWrites, withoutRequester } from "./differences.ts";
import { collectionOf, sequenceOf, triedKinds } from "./sequences.ts";
import { type Side, startOurs, startReference, whyNoReference } from "./sides.ts";

const seed = Number(process.env.DIFFERENTIAL_SEED ?? 1);
const roundsOfKind = Number(process.env.DIFFERENTIAL_ROUNDS ?? 3);
const stepsMost = 8;

/** The same requests to a real kube-apiserver and to ours. A seed makes the same requests every time; what differs is
 *  printed as a sequence for `controlplane/apiserver/testdata/answers/`, so that it stays found. */
describe(`answers beside a kube-apiserver's (seed ${seed})`, function () {
  this.timeout(600_000);
  let reference: Side | undefined;
  let ours: Side | undefined;
  before(async function () {
    const missing = whyNoReference();
    if (missing !== undefined) {
      console.log(`    skipped: ${missing}`);
      return this.skip();
    }
    [reference, ours] = await Promise.all([startReference(), startOurs()]);
  });
  after(async () => {
    await Promise.all([reference?.stop(), ours?.stop()]);
  });

  for (const plural of ["clusterroles", "clusterrolebindings", "roles", "rolebindings"])
    it(`default ${plural}`, async () => {
      if (reference === undefined || ours === undefined) throw new Error("nothing runs");
      const [theirs = {}, own = {}] = await Promise.all(
        [reference, ours].map(({ client }) => defaultPolicy(client, plural)),
      );
      assert.deepEqual(own, theirs);
    });

  for (const [at, kind] of triedKinds.entries())
    it(kind.kind, async () => {
      if (reference === undefined || ours === undefined) throw new Error("nothing runs");
      for (let round = 0; round < roundsOfKind; round++) {
        const namespace = `d${seed}-${Date.now().toString(36)}-${at}-${round}`;
        const path = collectionOf(kind).replaceAll("{ns}", namespace);
        const made = sequenceOf(new Prng(seed * 100_003 + at * 101 + round), kind, stepsMost);
        const steps: readonly Step[] = JSON.parse(JSON.stringify(made).replaceAll("{ns}", namespace));
        const played: readonly Played[] = await Promise.all(
          [reference, ours].map(({ client }) => playedOn(client, { steps, namespace, path })),
        );
        const [theirs, own] = played;
        const found = firstDifference(steps, theirs?.answers ?? [], own?.answers ?? []);
        assert.deepEqual(found?.ours, found?.theirs, `round ${round}: ${shown(steps, found?.step ?? 0)}`);
        if (found !== undefined) continue;
        const events = [own, theirs].map((side) =>
          withoutEmptyWrites((side?.events ?? []).map(comparableEvent), kind.kind),
        );
        assert.deepEqual(
          events[0],
          events[1],
          `round ${round}, as a watch tells it: ${shown(steps, steps.length)}`,
        );
      }
    });

  // What the ordinary tests hold ours to, asked of both anew: so a record that is no longer true is found.
  for (const file of recordedFiles())
    it(`recorded: ${file}`, async () => {
      if (reference === undefined || ours === undefined) throw new Error("nothing runs");
      for (const [at, [name, steps]] of Object.entries(recordedIn(file)).entries()) {
        const namespace = `r-${Date.now().toString(36)}-${at}`;
        const [theirs, own] = await Promise.all(
          [reference, ours].map(({ client, stranger }) => answersOf(client, steps, namespace, stranger)),
        );
        const found = firstDifference(steps, theirs ?? [], own ?? []);
        assert.deepEqual(found?.ours, found?.theirs, `${name}: ${shown(steps, found?.step ?? 0)}`);
      }
    });
});

/** What our own parts need beside Kubernetes' roles, and what an add-on brings there. */
const isOwnDefault = (name: string) =>
  name.startsWith("pintle:") || name === "system:aggregated-metrics-reader";

/** What a server made at its start, by namespace and name, but for times, uids, versions and managers, and for the rules that are
 *  gathered from other roles: a controller's to write, which is not there. */
async function defaultPolicy(client: Side["client"], plural: string): Promise<Record<string, object>> {
  const made = "labelSelector=kubernetes.io%2Fbootstrapping%3Drbac-defaults";
  const { body } = await client.call("GET", `/apis/rbac.authorization.k8s.io/v1/${plural}?${made}`);
  return Object.fromEntries(
    body.items
      .filter(({ metadata }: Named) => !isOwnDefault(metadata.name))
      .map(({ metadata, aggregationRule, rules, ...rest }: Named) => {
        const { namespace = "", name, labels, annotations } = metadata;
        const granted = aggregationRule === undefined ? { rules } : { aggregationRule };
        return [`${namespace}/${name}`, { labels, annotations, ...granted, ...rest }];
      }),
  );
}

interface Named {
  readonly metadata: {
    readonly namespace?: string;
    readonly name: string;
    readonly labels?: object;
    readonly annotations?: object;
  };
  readonly aggregationRule?: object;
  readonly rules?: object;
}

interface Played {
  readonly answers: readonly Step[];
  readonly events: readonly unknown[];
}

/** The answers to all steps, and what whoever watches hears of them. */
async function playedOn(
  client: Side["client"],
  {
    steps,
    namespace,
    path,
  }: { readonly steps: readonly Step[]; readonly namespace: string; readonly path: string },
): Promise<Played> {
  const since = await versionNow(client, path);
  const answers = await answersOf(client, steps, namespace);
  return { answers, events: await eventsOf(client, { path, since, namespace }) };
}

/** Who asked stands in some objects, and each server knows its clients by other names. */
const comparableEvent = (event: unknown) => withoutRequester(managersByName(event));

function firstDifference(steps: readonly Step[], theirs: readonly Step[], ours: readonly Step[]) {
  for (const [at, step] of steps.entries()) {
    const [a, b] = [theirs[at]?.answer, ours[at]?.answer].map((answer) => answer && comparable(answer));
    if (a === undefined || b === undefined || isDeepStrictEqual(a, b)) continue;
    if (differences.some(({ is }) => is(step, a, b))) {
      // What only one of them has taken the rest of the sequence is about.
      if (a.code !== b.code) return { step: at, theirs: undefined, ours: undefined };
      continue;
    }
    return { step: at, theirs: a, ours: b };
  }
  return undefined;
}

const comparable = (answer: Recorded): Recorded => managersByName(answer) as Recorded;

const shown = (steps: readonly Step[], upTo: number) => JSON.stringify(steps.slice(0, upTo + 1));
