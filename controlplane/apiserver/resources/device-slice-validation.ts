import { dns1123Label, dns1123Subdomain } from "../../../client/rules/names.ts";
import type { ResourceSlice } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { sameValue } from "../schema/same-value.ts";
import { validateNodeSelector } from "./affinity-validation.ts";
import { csiDriverName } from "./csi-names.ts";
import { capacityProblems } from "./device-capacity-validation.ts";
import {
  bindingProblems,
  deviceNameProblems,
  listProblems,
  named,
  poolProblems,
  setProblems,
  taintProblems,
} from "./device-rules.ts";
import { immutable, invalid, required, tooLong, tooMany } from "./field-errors.ts";

type Spec = ResourceSlice["spec"];
type Device = NonNullable<Spec["devices"]>[number];
/** The model calls `int` by another name. */
type Attribute = NonNullable<Device["attributes"]>[string] & { readonly int?: number };
type Counters = Readonly<Record<string, unknown>>;

const devicesMax = 128;
/** Of devices with taints or counters. */
const richDevicesMax = 64;
const counterSetsMax = 8;
const countersMax = 32;
const consumptionsMax = 2;
const taintsMax = 16;
const entriesMax = 32;
const attributeBytesMax = 64;

/** What a slice of devices may not say. */
export function validateSlice(spec: Spec, current: Spec | undefined): readonly FieldError[] {
  const { driver, pool, devices = [], sharedCounters } = spec;
  const problems: FieldError[] = [
    ...csiDriverName(driver, "spec.driver"),
    ...poolProblems(pool?.name, "spec.pool.name"),
  ];
  if ((pool?.resourceSliceCount ?? 0) <= 0)
    problems.push(
      invalid("spec.pool.resourceSliceCount", pool?.resourceSliceCount ?? 0, "must be greater than zero"),
    );
  if ((pool?.generation ?? 0) < 0)
    problems.push(invalid("spec.pool.generation", pool?.generation, "must be greater than or equal to zero"));
  if (current !== undefined)
    problems.push(
      ...immutable("spec.pool.name", pool?.name ?? "", current.pool?.name ?? ""),
      ...immutable("spec.driver", driver ?? "", current.driver ?? ""),
      ...immutable("spec.nodeName", spec.nodeName ?? null, current.nodeName ?? null),
    );
  problems.push(...placeProblems(spec));
  if (sharedCounters !== undefined && spec.devices !== undefined)
    problems.push(invalid("spec", "", "only one of `sharedCounters` or `devices` is allowed"));
  const isRich = devices.some(
    ({ taints = [], consumesCounters = [] }) => taints.length > 0 || consumesCounters.length > 0,
  );
  return [
    ...problems,
    ...setProblems(devices, {
      max: isRich ? richDevicesMax : devicesMax,
      field: "spec.devices",
      judge: (device, at) => validateDevice(device, at, { spec, current }),
      keyOf: ({ name }) => name ?? "",
    }),
    ...setProblems(sharedCounters, {
      max: counterSetsMax,
      field: "spec.sharedCounters",
      judge: ({ name = "", counters = {} }, at) =>
        counterProblems(name, counters, [`${at}.name`, `${at}.counters`]),
      keyOf: ({ name }) => name ?? "",
    }),
  ];
}

/** Where the devices are: at one node, at some, at all, or as each of them says. */
function placeProblems(spec: Spec): readonly FieldError[] {
  const { nodeName, nodeSelector, allNodes, perDeviceNodeSelection: perDevice } = spec;
  const problems: FieldError[] = [];
  if (nodeName === "")
    problems.push(invalid("spec.nodeName", "", "must be either unset or set to a non-empty string"));
  else if (nodeName !== undefined) problems.push(...named(dns1123Subdomain, nodeName, "spec.nodeName"));
  if (nodeSelector !== undefined) {
    problems.push(...validateNodeSelector(nodeSelector, "spec.nodeSelector"));
    if (nodeSelector.nodeSelectorTerms?.length !== 1)
      problems.push(
        invalid(
          "spec.nodeSelector.nodeSelectorTerms",
          nodeSelector.nodeSelectorTerms ?? null,
          "must have exactly one node selector term",
        ),
      );
  }
  for (const [name, value] of Object.entries({ allNodes, perDeviceNodeSelection: perDevice }))
    if (value === false) problems.push(invalid(`spec.${name}`, false, "must be either unset or set to true"));
  const set = [
    ...(nodeName ? ["`nodeName`"] : []),
    ...(nodeSelector === undefined ? [] : ["`nodeSelector`"]),
    ...(allNodes === true ? ["`allNodes`"] : []),
    ...(perDevice === true ? ["`perDeviceNodeSelection`"] : []),
  ];
  const text = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";
  if (set.length === 0) problems.push(required("spec", text));
  if (set.length > 1)
    problems.push(invalid("spec", `{${set.join(", ")}}`, `${text}, but multiple fields are set`));
  return problems;
}

interface Surroundings {
  readonly spec: Spec;
  readonly current: Spec | undefined;
}

function validateDevice(device: Device, field: string, { spec, current }: Surroundings) {
  const { name = "", attributes = {}, capacity = {}, taints = [], consumesCounters } = device;
  const problems: FieldError[] = [...named(dns1123Label, name, `${field}.name`)];
  const entries = Object.keys(attributes).length + Object.keys(capacity).length;
  if (entries > entriesMax)
    problems.push(
      invalid(field, entries, `the total number of attributes and capacities must not exceed ${entriesMax}`),
    );
  for (const [key, attribute] of Object.entries(attributes))
    problems.push(
      ...deviceNameProblems(key, `${field}.attributes`),
      ...attributeProblems(attribute, `${field}.attributes[${key}]`),
    );
  for (const [key, amount] of Object.entries(capacity))
    problems.push(
      ...deviceNameProblems(key, `${field}.capacity`),
      ...capacityProblems(amount, `${field}.capacity[${key}]`, device.allowMultipleAllocations === true),
    );
  const before = current?.devices?.find((one) => one.name === name);
  if (before === undefined || !sameValue(before.taints ?? [], taints))
    problems.push(
      ...listProblems(taints, { max: taintsMax, field: `${field}.taints`, judge: taintProblems }),
    );
  problems.push(
    ...setProblems(consumesCounters, {
      max: consumptionsMax,
      field: `${field}.consumesCounters`,
      judge: ({ counterSet = "", counters = {} }, at) =>
        counterProblems(counterSet, counters, [`${at}.counterSet`, `${at}.counters`]),
      keyOf: ({ counterSet }) => counterSet ?? "",
    }),
    ...devicePlaceProblems(device, field, spec.perDeviceNodeSelection === true),
    ...bindingProblems(device, field),
  );
  return problems;
}

function counterProblems(
  name: string,
  counters: Counters,
  [nameField, countersField]: readonly [string, string],
): readonly FieldError[] {
  const keys = Object.keys(counters);
  const problems: FieldError[] =
    name === "" ? [required(nameField)] : [...named(dns1123Label, name, nameField)];
  if (keys.length === 0) problems.push(required(countersField));
  else if (keys.length > countersMax) problems.push(tooMany(countersField, keys.length, countersMax));
  else problems.push(...keys.flatMap((key) => named(dns1123Label, key, countersField)));
  return problems;
}

const numbers = "(0|[1-9]\\d*)";
const release = "(0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*)";
const build = "[0-9a-zA-Z-]+";
const semantic = new RegExp(
  `^${numbers}\\.${numbers}\\.${numbers}(-${release}(\\.${release})*)?(\\+${build}(\\.${build})*)?$`,
);

function attributeProblems(attribute: Attribute, field: string): readonly FieldError[] {
  const { bool, int, string, version } = attribute;
  const problems: FieldError[] = [];
  const length = (value: string, at: string) =>
    Buffer.byteLength(value) > attributeBytesMax ? [tooLong(at, attributeBytesMax)] : [];
  if (string !== undefined) problems.push(...length(string, `${field}.string`));
  if (version !== undefined) {
    // Longer ones are refused for that alone: the pattern is not run on them.
    const isShort = length(version, "").length === 0;
    if (isShort && !semantic.test(version))
      problems.push(
        invalid(`${field}.version`, version, "must be a string compatible with semver.org spec 2.0.0"),
      );
    problems.push(...length(version, `${field}.version`));
  }
  const set = [bool, int, string, version].filter((value) => value !== undefined).length;
  if (set === 0) problems.push(invalid(field, "", "exactly one value must be specified"));
  if (set > 1)
    problems.push(invalid(field, shownAttribute(attribute), "exactly one value must be specified"));
  return problems;
}

/** As Kubernetes shows it: by the names of its own type. */
function shownAttribute({ int, bool, string, version }: Attribute): unknown {
  return {
    IntValue: int ?? null,
    BoolValue: bool ?? null,
    StringValue: string ?? null,
    VersionValue: version ?? null,
    IntValues: null,
    BoolValues: null,
    StringValues: null,
    VersionValues: null,
  };
}

function devicePlaceProblems(device: Device, field: string, perDevice: boolean): readonly FieldError[] {
  const { nodeName, nodeSelector, allNodes } = device;
  const any = nodeName !== undefined || nodeSelector !== undefined || allNodes !== undefined;
  if (!perDevice)
    return any
      ? [
          invalid(
            field,
            null,
            "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec",
          ),
        ]
      : [];
  const problems: FieldError[] = [];
  if (nodeName === "") problems.push(invalid(`${field}.nodeName`, "", "must not be empty"));
  else if (nodeName !== undefined) problems.push(...named(dns1123Subdomain, nodeName, `${field}.nodeName`));
  if (nodeSelector !== undefined)
    problems.push(...validateNodeSelector(nodeSelector, `${field}.nodeSelector`));
  if (allNodes === false)
    problems.push(invalid(`${field}.allNodes`, false, "must be either unset or set to true"));
  const set = [
    ...(nodeName ? ["`nodeName`"] : []),
    ...(nodeSelector === undefined ? [] : ["`nodeSelector`"]),
    ...(allNodes === true ? ["`allNodes`"] : []),
  ];
  const text =
    "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec";
  if (set.length === 0) problems.push(required(field, text));
  if (set.length > 1) problems.push(invalid(field, `{${set.join(", ")}}`, text));
  return problems;
}
