import type { Allocation } from "../../../client/rules/allocated-devices.ts";
import { preventsUse } from "../../../client/rules/device-taints.ts";
import type { SelectableNode } from "../../../client/rules/node-selector.ts";
import type { DeviceClass, ResourceClaim } from "../../../client/types.ts";
import type { AllocatedDevices } from "./allocated-devices.ts";
import { allocationOf, type Chosen } from "./allocation.ts";
import { consumedBy, hasRoom } from "./capacity.ts";
import { type DeviceRule, deviceRule, fullName, type RequestName } from "./constraints.ts";
import { Counters } from "./counters.ts";
import type { Amounts, ExactRequest } from "./devices.ts";
import { isReachable, type Pool, type PoolDevice } from "./pools.ts";
import { endOf, type SearchLimit } from "./search-limit.ts";
import { partsOf, requestsOf, type Wanted, type WantedClaim } from "./wanted.ts";

/** As in Kubernetes' API. */
const devicesMax = 32;

export interface AllocateInput {
  /** Those that hold no devices yet. */
  readonly claims: readonly ResourceClaim[];
  readonly node: SelectableNode;
  readonly pools: readonly Pool[];
  readonly allocated: Pick<AllocatedDevices, "holds" | "holdsWhole" | "consumedOf">;
  readonly deviceClass: (name: string) => DeviceClass | undefined;
  /** Whether a device is chosen by the selectors' expressions. Throws DeviceFault. */
  readonly selects: (selectors: Selectors, device: PoolDevice, of: string) => boolean;
  readonly limit: SearchLimit;
  /** A name for one share of a device that several claims may have. */
  readonly newShare: () => string;
}

export type Selectors = ExactRequest["selectors"];

/** Something is wrong with a claim, a class or a pool: no other device would help. */
export class DeviceFault extends Error {}

export type Allocated =
  /** In the order of the claims. */
  | { readonly allocations: readonly Allocation[] }
  /** `isFault`: with what is asked for, so that no other node is worth a look. */
  | { readonly problem: string; readonly isFault: boolean };

/** Devices for all claims at once, on one node: the first solution that an exhaustive search finds, in the order of the requests
 *  and of what drivers name their pools and devices. Pure but for the names of shares. */
export function allocate(input: AllocateInput): Allocated {
  try {
    const search = new Search(input);
    if (search.run()) return { allocations: search.allocations() };
    const isInvalid = input.pools.some((pool) => pool.isInvalid);
    return {
      problem: isInvalid ? "invalid resource pools were encountered" : "cannot allocate all claims",
      isFault: false,
    };
  } catch (error) {
    if (error instanceof DeviceFault) return { problem: error.message, isFault: true };
    throw error;
  }
}

/** Where a search stands: which device of which request of which claim is looked for next. */
interface Step {
  readonly claim: number;
  readonly request: number;
  /** What is taken for the request; undefined: nothing was decided yet. */
  readonly wanted: Wanted | undefined;
  readonly taken: number;
  /** Devices before this one were tried for the request: the order of a request's devices does not matter. */
  readonly from: number;
}

class Search {
  readonly #input: AllocateInput;
  readonly #devices: readonly PoolDevice[];
  readonly #wanted: readonly WantedClaim[];
  readonly #rules: readonly (readonly DeviceRule[])[];
  readonly #counters: Counters;
  readonly #chosen: Chosen[][];
  /** By device: by which claims it was chosen. */
  readonly #users = new Map<string, number[]>();
  /** By device that several may share: what is consumed of it, one entry for each share. */
  readonly #shares = new Map<string, Amounts[]>();
  /** By request and device: whether the selectors choose it. */
  readonly #selected = new Map<Wanted, Map<string, boolean>>();
  readonly #mustEnd: () => boolean;

  constructor(input: AllocateInput) {
    this.#input = input;
    this.#mustEnd = endOf(input.limit);
    this.#devices = input.pools.flatMap(({ devices }) => devices);
    this.#counters = new Counters(input.allocated);
    this.#rules = input.claims.map(rulesOf);
    this.#chosen = input.claims.map(() => []);
    this.#wanted = input.claims.map((claim) => ({
      claim,
      requests: requestsOf(claim).map((request) =>
        partsOf(request).map((part) => this.#wantedOf(claim, part)),
      ),
    }));
    this.#wanted.forEach(checkCount);
  }

  run(): boolean {
    return this.#next({ claim: 0, request: 0, wanted: undefined, taken: 0, from: 0 });
  }

  allocations(): readonly Allocation[] {
    return this.#wanted.map(({ claim }, index) =>
      allocationOf(claim, this.#chosen[index] ?? [], this.#input.node.name),
    );
  }

  #wantedOf(
    claim: ResourceClaim,
    { name, request }: { readonly name: RequestName; readonly request: ExactRequest },
  ): Wanted {
    const at = `${shown(claim)}, request ${fullName(name)}`;
    const empty = (request.selectors ?? []).findIndex(({ cel }) => cel === undefined);
    if (empty >= 0)
      throw new DeviceFault(`${at}, selector #${empty}: CEL expression empty (unsupported selector type?)`);
    const deviceClass = this.#input.deviceClass(request.deviceClassName);
    if (deviceClass === undefined)
      throw new DeviceFault(`${at}: could not retrieve device class ${request.deviceClassName}`);
    const wanted = { claim, name, request, deviceClass, count: request.count ?? 1, all: undefined };
    if (request.allocationMode !== "All") return wanted;
    for (const { isIncomplete, isInvalid, driver, name: pool } of this.#input.pools) {
      const why = isIncomplete ? "being updated" : "invalid";
      if (isIncomplete || isInvalid)
        throw new DeviceFault(
          `${at}: asks for all devices, but resource pool ${driver}/${pool} is currently ${why}`,
        );
    }
    const all = this.#devices.filter(
      (device) => this.#isSelected(wanted, device) && this.#hasRoom(wanted, device),
    );
    return { ...wanted, all, count: all.length };
  }

  /** Looks for all that is still lacking. Leaves what it chose where it answers true, and nothing where it does not. */
  #next({ claim, request, wanted, taken, from }: Step): boolean {
    if (this.#mustEnd())
      throw new DeviceFault(`node ${this.#input.node.name}: timed out trying to allocate devices`);
    const requests = this.#wanted[claim]?.requests;
    if (requests === undefined) return true;
    if (request >= requests.length)
      return this.#next({ claim: claim + 1, request: 0, wanted: undefined, taken: 0, from: 0 });
    if (wanted === undefined)
      return (requests[request] ?? []).some((part) =>
        this.#next({ claim, request, wanted: part, taken: 0, from: 0 }),
      );
    if (wanted.all !== undefined && wanted.all.length === 0) return false;
    if (taken >= wanted.count)
      return this.#next({ claim, request: request + 1, wanted: undefined, taken: 0, from: 0 });
    if ((this.#chosen[claim]?.length ?? 0) + wanted.count - taken > devicesMax) return false;
    const candidates = wanted.all ?? this.#devices;
    // All means each of them: there is no other to try in its place.
    const end = wanted.all === undefined ? candidates.length : from + 1;
    for (let index = from; index < end; index++) {
      const device = candidates[index];
      if (device === undefined || !this.#take(claim, wanted, device)) continue;
      if (this.#next({ claim, request, wanted, taken: taken + 1, from: index + 1 })) return true;
      this.#giveBack(claim, wanted, device);
    }
    return false;
  }

  #take(claim: number, wanted: Wanted, found: PoolDevice): boolean {
    const { request, name } = wanted;
    const { key, device } = found;
    const isAdmin = request.adminAccess === true;
    const isShared = device.allowMultipleAllocations === true;
    if (!this.#isFree(claim, found, isAdmin)) return false;
    if (!this.#isSelected(wanted, found) || !this.#hasRoom(wanted, found)) return false;
    if (preventsUse(device.taints, request.tolerations)) return false;
    // Who shares a device that is shared already takes no more of what it is made of.
    const counts = !(isShared && this.#isSharedAlready(key));
    if (counts && !this.#counters.take(found)) return false;
    const rules = this.#rules[claim] ?? [];
    const refusing = rules.findIndex((rule) => !rule.add(name, found));
    if (refusing >= 0) {
      for (const rule of rules.slice(0, refusing).reverse()) rule.remove(name);
      if (counts) this.#counters.giveBack(found);
      return false;
    }
    const consumed = isShared ? consumedBy(request.capacity?.requests, device) : undefined;
    if (consumed === undefined) this.#users.set(key, [...(this.#users.get(key) ?? []), claim]);
    else this.#shares.set(key, [...(this.#shares.get(key) ?? []), consumed]);
    const shareId = isShared ? this.#input.newShare() : undefined;
    this.#chosen[claim]?.push({ wanted, found, consumed, shareId, counts });
    return true;
  }

  #giveBack(claim: number, { name }: Wanted, found: PoolDevice): void {
    const chosen = this.#chosen[claim]?.pop();
    if (chosen?.consumed === undefined) this.#users.get(found.key)?.pop();
    else this.#shares.get(found.key)?.pop();
    for (const rule of [...(this.#rules[claim] ?? [])].reverse()) rule.remove(name);
    if (chosen?.counts) this.#counters.giveBack(found);
  }

  /** An administrator has what others have, but once. */
  #isFree(claim: number, { key, device }: PoolDevice, isAdmin: boolean): boolean {
    const users = this.#users.get(key) ?? [];
    if (isAdmin) return device.allowMultipleAllocations === true || !users.includes(claim);
    return users.length === 0 && !this.#input.allocated.holdsWhole(key);
  }

  #isSharedAlready(key: string): boolean {
    return (this.#shares.get(key)?.length ?? 0) > 0 || this.#input.allocated.consumedOf(key) !== undefined;
  }

  #hasRoom({ request }: Wanted, { key, device }: PoolDevice): boolean {
    const taken = [this.#input.allocated.consumedOf(key), ...(this.#shares.get(key) ?? [])];
    return hasRoom(request.capacity?.requests, device, taken);
  }

  #isSelected(wanted: Wanted, found: PoolDevice): boolean {
    const known = this.#selected.get(wanted) ?? new Map<string, boolean>();
    this.#selected.set(wanted, known);
    const before = known.get(found.key);
    if (before !== undefined) return before;
    const { claim, deviceClass, request } = wanted;
    const { device, slice } = found;
    const { selects, node } = this.#input;
    const isSelected =
      selects(deviceClass.spec.selectors, found, `class ${deviceClass.metadata.name}`) &&
      selects(request.selectors, found, shown(claim)) &&
      (slice.spec.perDeviceNodeSelection !== true || isReachable(device, node));
    known.set(found.key, isSelected);
    return isSelected;
  }
}

const shown = ({ metadata }: ResourceClaim): string => `claim ${metadata.namespace}/${metadata.name}`;

function rulesOf(claim: ResourceClaim): readonly DeviceRule[] {
  return (claim.spec.devices?.constraints ?? []).map((constraint, index) => {
    const rule = deviceRule(constraint);
    if (rule !== undefined) return rule;
    throw new DeviceFault(
      `${shown(claim)}, constraint #${index}: empty constraint (unsupported constraint type?)`,
    );
  });
}

/** Throws where not even the smallest of the alternatives would find room in the claim's status. */
function checkCount({ claim, requests }: WantedClaim): void {
  const leastOf = (parts: readonly Wanted[]) => Math.min(...parts.map(({ count }) => count));
  const least = requests.reduce((sum, parts) => sum + (parts.length === 0 ? 0 : leastOf(parts)), 0);
  if (least > devicesMax)
    throw new DeviceFault(
      `${shown(claim)}: number of requested devices ${least} exceeds the claim limit of ${devicesMax}`,
    );
}
