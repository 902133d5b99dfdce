import { type FieldTree, type Path, setOf, setToTree } from "./field-set.ts";
import { hasField, minusTree, noFields } from "./field-tree.ts";
import type { Manager } from "./managed-fields.ts";

/** Who owns the number of replicas, seen through a Scale and back. Rules: k8s.io/apimachinery managedfields' ScaleHandler. Pure. */

/** Where a version of the scaled kind has its number of replicas; undefined of a version that is not (any more) served. */
export type ReplicasPath = (apiVersion: string) => Path | undefined;

export const scaleVersion = "autoscaling/v1";
const replicasPath: Path = ["f:spec", "f:replicas"];
const treeOf = (path: Path) => setToTree(setOf([path]));
const replicasOfScale: FieldTree = treeOf(replicasPath);

/** The Scale's managers: those who own the number of replicas. */
export function managersOfScale(managers: readonly Manager[], pathIn: ReplicasPath): readonly Manager[] {
  return managers
    .filter((one) => ownsReplicas(one, pathIn))
    .map((one) => ({ ...one, apiVersion: scaleVersion, fields: replicasOfScale }));
}

/** The scaled object's managers once the Scale has those. Who updates is somebody else there, as it speaks of another version:
 *  such owners come back with an entry of their own, of which nobody knows the time. */
export function managersOfScaled(
  managers: readonly Manager[],
  ofScale: readonly Manager[],
  { apiVersion, pathIn }: { readonly apiVersion: string; readonly pathIn: ReplicasPath },
): readonly Manager[] {
  const rest = new Map(ofScale.map((one) => [identity(one), one]));
  const kept = managers.flatMap((one): readonly Manager[] => {
    const path = pathIn(one.apiVersion);
    if (path === undefined) return [];
    if (!ownsReplicas(one, pathIn)) return [one];
    if (rest.delete(identity(one))) return [one];
    return [{ ...one, fields: minusTree(one.fields, treeOf(path)) }];
  });
  const own = pathIn(apiVersion);
  const times = new Map(managers.map((one) => [identity(one), one.time]));
  const gained = [...rest.values()]
    .filter(({ fields }) => own !== undefined && hasField(fields, replicasPath))
    .map((one) => ({
      ...one,
      apiVersion,
      time: times.get(identity(one)),
      fields: own ? treeOf(own) : noFields,
    }));
  return [...kept, ...gained];
}

function ownsReplicas({ apiVersion, fields }: Manager, pathIn: ReplicasPath): boolean {
  const path = pathIn(apiVersion);
  return path !== undefined && hasField(fields, path);
}

const identity = ({ manager, operation, apiVersion, subresource }: Manager) =>
  JSON.stringify([manager, operation, operation === "Apply" ? "" : apiVersion, subresource]);
