import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import type { KubeObject } from "../../../client/types.ts";
import type { Kind } from "../registry/kind.ts";
import { writtenForm } from "../schema/written-form.ts";
import { cronJobs } from "./cronjobs.ts";
import { limitRanges } from "./limitranges.ts";
import { podDisruptionBudgets } from "./poddisruptionbudgets.ts";
import { podTemplates } from "./podtemplates.ts";
import { resourceQuotas } from "./resourcequotas.ts";
import { statefulSets } from "./statefulsets.ts";

const kinds = [statefulSets, cronJobs, podDisruptionBudgets, podTemplates, limitRanges, resourceQuotas];

/** What kube-apiserver 1.36.3 makes of a new object. */
interface Recorded {
  readonly object: { readonly metadata?: object };
  /** `field: message` each. */
  readonly problems?: readonly string[];
  readonly stored?: { readonly metadata: object };
}
const folder = new URL("testdata/recorded/", import.meta.url);
const recordedOf = (file: string): readonly Recorded[] =>
  JSON.parse(readFileSync(new URL(file, folder), "utf8"));

function created(kind: Kind, { object }: Recorded): KubeObject {
  const made: KubeObject = {
    apiVersion: kind.group === "" ? kind.version : `${kind.group}/${kind.version}`,
    kind: kind.kind,
    ...structuredClone(object),
    metadata: {
      name: "x",
      namespace: "k1",
      uid: "u",
      resourceVersion: "",
      creationTimestamp: "",
      ...(kind.hasGeneration && { generation: 1 }),
      ...object.metadata,
    },
  };
  kind.applyDefaults(made);
  kind.prepareForCreate?.(made);
  kind.dropDisabled?.(made);
  return made;
}

const problemsOf = (kind: Kind, object: KubeObject) =>
  [...kind.validate(object), ...(kind.validateCreate?.(object) ?? [])].map(
    ({ field, message }) => `${field}: ${message}`,
  );

describe("new objects, filled in and refused as kube-apiserver 1.36.3 does", () => {
  for (const file of readdirSync(folder)) {
    const kind = kinds.find((one) => `${one.singular}.json` === file);
    if (kind === undefined) throw new Error(`${file} is of no kind`);
    describe(kind.kind, () => {
      for (const recorded of recordedOf(file))
        it(JSON.stringify(recorded.object), () => {
          const object = created(kind, recorded);
          assert.deepEqual(problemsOf(kind, object).sort(), [...(recorded.problems ?? [])].sort());
          if (recorded.stored === undefined) return;
          const { apiVersion: _version, kind: _kind, metadata, ...rest } = writtenForm(object);
          const { uid: _uid, resourceVersion: _revision, creationTimestamp: _time, ...shown } = metadata;
          assert.deepEqual({ metadata: shown, ...rest }, recorded.stored);
        });
    });
  }
});
