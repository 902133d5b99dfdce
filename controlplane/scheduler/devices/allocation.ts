import type { AllocatedDevice, Allocation } from "../../../client/rules/allocated-devices.ts";
import type { ResourceClaim } from "../../../client/types.ts";
import { consumedText } from "./capacity.ts";
import { fullName } from "./constraints.ts";
import type { Amounts, Device, DeviceConfiguration, NodeSelector } from "./devices.ts";
import type { PoolDevice } from "./pools.ts";
import { requestsOf, type Wanted } from "./wanted.ts";

/** A device that was chosen for a request. */
export interface Chosen {
  readonly wanted: Wanted;
  readonly found: PoolDevice;
  /** Of a device that several share: what this request takes of it, and the name of the share. */
  readonly consumed: Amounts | undefined;
  readonly shareId: string | undefined;
  /** It took what the device is made of. */
  readonly counts: boolean;
}

/** What is written in the claim: Kubernetes' AllocationResult. Pure. */
export function allocationOf(claim: ResourceClaim, chosen: readonly Chosen[], node: string): Allocation {
  const nodeSelector = nodesOf(chosen, node);
  const config = configurationsOf(claim, chosen);
  return {
    devices: {
      results: chosen.map(resultOf),
      ...(config.length > 0 && { config }),
    },
    ...(nodeSelector !== undefined && { nodeSelector }),
  };
}

function resultOf({ wanted, found, consumed, shareId }: Chosen): AllocatedDevice {
  const { request } = wanted;
  return {
    request: fullName(wanted.name),
    driver: found.driver,
    pool: found.pool.name,
    device: found.device.name,
    ...conditionsOf(found.device),
    ...(request.adminAccess === true && { adminAccess: true }),
    ...((request.tolerations ?? []).length > 0 && { tolerations: request.tolerations }),
    ...(shareId !== undefined && { shareID: shareId }),
    ...(consumed !== undefined &&
      consumed.size > 0 && { consumedCapacity: consumedText(consumed, found.device) }),
  } as AllocatedDevice;
}

function conditionsOf({ bindingConditions = [], bindingFailureConditions = [] }: Device) {
  return {
    ...(bindingConditions.length > 0 && { bindingConditions }),
    ...(bindingFailureConditions.length > 0 && { bindingFailureConditions }),
  };
}

/** The classes' configuration, each class's once with all requests that it is for, then the claim's own. */
function configurationsOf(claim: ResourceClaim, chosen: readonly Chosen[]): DeviceConfiguration[] {
  const taken = requestsOf(claim).flatMap(({ name }) => {
    const one = chosen.find(({ wanted }) => wanted.name.main === name);
    return one === undefined ? [] : [one.wanted];
  });
  const classes = new Map(taken.map(({ deviceClass }) => [deviceClass.metadata.name, deviceClass]));
  const ofClasses = [...classes.values()].flatMap(({ metadata, spec }) => {
    const requests = taken
      .filter(({ deviceClass }) => deviceClass.metadata.name === metadata.name)
      .map(({ name }) => fullName(name));
    return (spec.config ?? []).map((config) => ({ ...config, source: "FromClass", requests }));
  });
  const ofClaim = (claim.spec.devices?.config ?? []).flatMap((config) => {
    const one = { ...config, source: "FromClaim" };
    const { requests = [] } = config;
    if (requests.length === 0) return [one];
    return taken
      .filter(({ name }) => requests.includes(name.main) || requests.includes(fullName(name)))
      .map(() => one);
  });
  return [...ofClasses, ...ofClaim];
}

type Term = NodeSelector["nodeSelectorTerms"][number];
type Requirement = NonNullable<Term["matchExpressions"]>[number];

/** Where all devices can be used; undefined: everywhere. */
function nodesOf(chosen: readonly Chosen[], node: string): NodeSelector | undefined {
  const fields: Requirement[] = [];
  const expressions: Requirement[] = [];
  for (const { found } of chosen) {
    const { slice, device } = found;
    const place = slice.spec.perDeviceNodeSelection === true ? device : slice.spec;
    if (place.nodeName !== undefined || device.bindsToNode === true)
      return {
        nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: [node] }] }],
      };
    const [term] = place.nodeSelector?.nodeSelectorTerms ?? [];
    addNew(fields, term?.matchFields);
    addNew(expressions, term?.matchExpressions);
  }
  if (fields.length + expressions.length === 0) return undefined;
  const term = {
    ...(fields.length > 0 && { matchFields: fields }),
    ...(expressions.length > 0 && { matchExpressions: expressions }),
  };
  return { nodeSelectorTerms: [term] };
}

function addNew(to: Requirement[], from: readonly Requirement[] = []): void {
  const textOf = ({ key, operator, values = [] }: Requirement) =>
    JSON.stringify([key, operator, [...new Set(values)].sort()]);
  const known = new Set(to.map(textOf));
  for (const one of from) if (!known.has(textOf(one))) to.push(one);
}
