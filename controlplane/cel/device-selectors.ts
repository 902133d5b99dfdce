import { compile } from "./compile.ts";
import type { DeclaredSizes } from "./cost/sizes.ts";
import { type Environment, Meter } from "./environment.ts";
import { quantityValue } from "./functions/quantities.ts";
import { semverValue } from "./functions/semver.ts";
import { kubernetesFunctions } from "./library.ts";
import { type CelType, mapOf, opaque, types, typeText } from "./types.ts";
import { CelError, CelMap, type Value } from "./values.ts";

/** By which of its properties a device is chosen: the `cel` selectors of DeviceClasses and of requests in ResourceClaims. */

/** What an expression may ask of a device. */
const device: CelType = {
  kind: "object",
  name: "kubernetes.DRADevice",
  fields: new Map<string, CelType>([
    ["driver", types.string],
    ["attributes", mapOf(types.string, mapOf(types.string, types.dyn))],
    ["capacity", mapOf(types.string, mapOf(types.string, opaque("kubernetes.Quantity")))],
    ["allowMultipleAllocations", types.bool],
  ]),
};
const environment: Environment = {
  variables: new Map([["device", device]]),
  functions: kubernetesFunctions,
  binds: true,
};

/** What an expression may cost at most. */
const costMaxAllowed = 1_000_000;

const entriesMax = 32;
const domainMax = 63;
const nameMax = 32;
const valueMax = 64;

/** How large what is known of a device can be. A name beside a domain is that of an attribute. */
const deviceSizes: DeclaredSizes = ([root, part, domain, name, ...more]) => {
  if (root !== "device" || more.length > 0) return undefined;
  if (part === undefined) return 0;
  const isAttribute = part === "attributes";
  if (!isAttribute && part !== "capacity") {
    if (domain !== undefined) return undefined;
    return part === "driver" ? domainMax : part === "allowMultipleAllocations" ? 1 : undefined;
  }
  if (domain === undefined) return entriesMax;
  if (domain === "@keys") return name === undefined ? domainMax : undefined;
  if (domain !== "@values") return undefined;
  if (name === undefined) return entriesMax;
  if (name === "@keys") return nameMax;
  if (isAttribute) return name === "@indices" ? undefined : valueMax;
  return name === "@values" ? 0 : undefined;
};

/** A device as its driver's ResourceSlice shows it. */
export interface SelectableDevice {
  /** What a name without a domain is beside. */
  readonly driver: string;
  readonly allowMultipleAllocations?: boolean | undefined;
  readonly attributes?: Readonly<Record<string, DeviceAttribute>> | undefined;
  readonly capacity?: Readonly<Record<string, { readonly value: string }>> | undefined;
}

/** One of its fields is set. */
export interface DeviceAttribute {
  readonly bool?: boolean | undefined;
  readonly int?: bigint | number | undefined;
  readonly string?: string | undefined;
  readonly version?: string | undefined;
}

export interface DeviceSelector {
  /** It may cost more than Kubernetes stores; one that is stored may be run. */
  readonly isTooComplex: boolean;
  /** Throws CelError where the expression and the device do not go together, CostExceeded where it takes too long. */
  readonly matches: (selected: SelectableDevice) => boolean;
}

/** @returns What the expression says, or Kubernetes' words for why it is none. */
export function compileDeviceSelector(expression: string): DeviceSelector | { readonly problem: string } {
  const compiled = compile(expression, environment);
  if ("problem" in compiled) return compiled;
  const { type, costMax, evaluate } = compiled.program;
  if (type.kind !== "bool" && type.kind !== "dyn")
    return { problem: `must evaluate to bool or the unknown type, not ${typeText(type)}` };
  return {
    isTooComplex: costMax(deviceSizes) > costMaxAllowed,
    matches: (selected) => {
      const value = evaluate(new Map([["device", deviceValue(selected)]]), new Meter(costMaxAllowed));
      if (typeof value !== "boolean") throw new CelError("CEL result could not be converted to bool");
      return value;
    },
  };
}

function deviceValue(selected: SelectableDevice): Value {
  const { driver, allowMultipleAllocations = false, attributes = {}, capacity = {} } = selected;
  const value = new CelMap("kubernetes.DRADevice");
  value.set("driver", driver);
  value.set("allowMultipleAllocations", allowMultipleAllocations);
  value.setLazy("attributes", () => byDomain(driver, attributes, attributeValue));
  value.setLazy("capacity", () => byDomain(driver, capacity, (one) => quantityValue(one.value)));
  return value;
}

/** A domain of which the device has nothing is an empty map: expressions need not ask first. */
function byDomain<T>(
  driver: string,
  named: Readonly<Record<string, T>>,
  read: (of: T, name: string) => Value,
): CelMap {
  const domains = new CelMap(undefined, new CelMap());
  for (const [name, one] of Object.entries(named)) {
    const slash = name.indexOf("/");
    const domain = slash < 0 ? driver : name.slice(0, slash);
    const inner = domains.has(domain) ? (domains.get(domain) as CelMap) : new CelMap();
    domains.set(domain, inner);
    inner.setLazy(name.slice(slash + 1), () => read(one, name));
  }
  return domains;
}

function attributeValue({ bool, int, string, version }: DeviceAttribute, name: string): Value {
  if (int !== undefined) return BigInt(int);
  if (bool !== undefined) return bool;
  if (string !== undefined) return string;
  if (version !== undefined) return semverValue(version);
  throw new CelError(`attribute ${name}: unsupported attribute value`);
}
