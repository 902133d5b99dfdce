import type { Pod } from "../../../client/types.ts";
import type { Attributes } from "./admission.ts";

/** The pod of a write that creates one or changes what its containers may use: limits of namespaces hold for it. */
export function sizedPod(attributes: Attributes): Pod | undefined {
  const { kind, operation, object, by } = attributes;
  const isPod = kind.kind === "Pod" && kind.group === "";
  const resizes = isPod && operation === "update" && by.subresource === "resize";
  return resizes ? (object as Pod) : newPod(attributes);
}

/** The pod of a write that creates one (not through a subresource). */
export function newPod(attributes: Attributes): Pod | undefined {
  return attributes.operation === "create" ? writtenPod(attributes) : undefined;
}

/** The pod of a write through the main resource, be it new or not. */
export function writtenPod({ kind, object, by }: Attributes): Pod | undefined {
  const isPod = kind.kind === "Pod" && kind.group === "" && by.subresource === "";
  return isPod ? (object as Pod | undefined) : undefined;
}
