import { dns1123Label } from "../../../client/rules/names.ts";
import { reservationsMax } from "../../../client/rules/resource-claims.ts";
import type { ResourceClaim } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { sameValue } from "../schema/same-value.ts";
import { interfaceAddress } from "./addresses.ts";
import { validateNodeSelector } from "./affinity-validation.ts";
import { validateConditions } from "./condition-validation.ts";
import { csiDriverName } from "./csi-names.ts";
import {
  type RequestNames,
  requestNamesOf,
  requestReference,
  requestReferences,
} from "./device-claim-validation.ts";
import {
  bindingProblems,
  configMax,
  configurationProblems,
  jsonProblems,
  listProblems,
  named,
  poolProblems,
  setProblems,
} from "./device-rules.ts";
import { forbidden, immutable, invalid, notSupported, required, tooLong, tooMany } from "./field-errors.ts";

type Status = NonNullable<ResourceClaim["status"]>;
type Allocation = NonNullable<Status["allocation"]>;
type Results = NonNullable<NonNullable<Allocation["devices"]>["results"]>;
type Device = NonNullable<Status["devices"]>[number];

const resultsMax = 32;
const conditionsMax = 8;
const dataBytesMax = 10 * 1024;
const interfaceNameBytesMax = 256;
const hardwareAddressBytesMax = 128;
const addressesMax = 16;

interface Identified {
  readonly driver?: string;
  readonly pool?: string;
  readonly device?: string;
  readonly shareID?: string;
}
export const deviceId = ({ driver = "", pool = "", device = "", shareID }: Identified): string =>
  [driver, pool, device, ...(shareID === undefined ? [] : [shareID])].join("/");

/** As Kubernetes shows it: by the names of its own type. */
const shownId = ({ driver = "", pool = "", device = "", shareID = "" }: Identified) => ({
  Driver: driver,
  Pool: pool,
  Device: device,
  ShareID: shareID,
});

export const resultsOf = ({ status }: ResourceClaim): Results => status?.allocation?.devices?.results ?? [];

/** What may not be said of what a claim got. */
export function validateClaimStatus(next: ResourceClaim, current: ResourceClaim): readonly FieldError[] {
  const { reservedFor = [], allocation, devices } = next.status ?? {};
  const before = current.status?.allocation;
  const allocated = new Set(resultsOf(next).map(deviceId));
  const problems: FieldError[] = [
    ...setProblems(reservedFor, {
      max: reservationsMax,
      field: "status.reservedFor",
      judge: ({ resource, name, uid }, at) =>
        Object.entries({ resource, name, uid }).flatMap(([field, value]) =>
          value ? [] : [required(`${at}.${field}`)],
        ),
      keyOf: ({ uid }) => uid ?? "",
    }),
    ...setProblems(devices, {
      max: Number.POSITIVE_INFINITY,
      field: "status.devices",
      judge: (device, at) => validateDevice(device, at, allocated),
      keyOf: shownId,
    }),
  ];
  if (reservedFor.length > 0 && allocation === undefined)
    problems.push(forbidden("status.reservedFor", "may not be specified when `allocated` is not set"));
  else if (next.metadata.deletionTimestamp !== undefined) {
    const known = current.status?.reservedFor ?? [];
    if (reservedFor.some((one) => !known.some((old) => sameValue(old, one))))
      problems.push(
        forbidden(
          "status.reservedFor",
          "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set",
        ),
      );
  }
  if (allocation === undefined) return problems;
  if (before !== undefined)
    return [...problems, ...immutable("status.allocation", allocation, before, "*resource.AllocationResult")];
  return [...problems, ...validateAllocation(allocation, requestNamesOf(next.spec))];
}

function validateAllocation({ devices, nodeSelector }: Allocation, names: RequestNames) {
  const at = "status.allocation";
  return [
    ...listProblems(devices?.results, {
      max: resultsMax,
      field: `${at}.devices.results`,
      judge: (result, field) => [
        ...requestReference(result.request ?? "", `${field}.request`, names),
        ...csiDriverName(result.driver, `${field}.driver`),
        ...poolProblems(result.pool, `${field}.pool`),
        ...named(dns1123Label, result.device ?? "", `${field}.device`),
        ...bindingProblems(result, field),
        ...uidProblems(result.shareID, `${field}.shareID`),
      ],
    }),
    ...listProblems(devices?.config, {
      max: 2 * configMax,
      field: `${at}.devices.config`,
      judge: (config, field) => [
        ...sourceProblems(config.source, `${field}.source`),
        ...requestReferences(config.requests, `${field}.requests`, names),
        ...configurationProblems(config, field),
      ],
    }),
    ...(nodeSelector === undefined ? [] : validateNodeSelector(nodeSelector, `${at}.nodeSelector`)),
  ];
}

function sourceProblems(source: string | undefined, field: string): readonly FieldError[] {
  const sources = ["FromClaim", "FromClass"];
  if (!source) return [required(field)];
  return sources.includes(source) ? [] : [notSupported(field, source, sources)];
}

function validateDevice(
  device: Device,
  field: string,
  allocated: ReadonlySet<string>,
): readonly FieldError[] {
  const { conditions = [], data, networkData } = device;
  const problems: FieldError[] = [
    ...csiDriverName(device.driver, `${field}.driver`),
    ...poolProblems(device.pool, `${field}.pool`),
    ...named(dns1123Label, device.device ?? "", `${field}.device`),
    ...uidProblems(device.shareID, `${field}.shareID`),
  ];
  if (!allocated.has(deviceId(device)))
    problems.push(invalid(field, shownId(device), "must be an allocated device in the claim"));
  if (conditions.length > conditionsMax)
    problems.push(tooMany(`${field}.conditions`, conditions.length, conditionsMax));
  problems.push(...validateConditions(conditions, `${field}.conditions`));
  if (data !== undefined) problems.push(...jsonProblems(data, `${field}.data`, dataBytesMax));
  const { interfaceName = "", hardwareAddress = "", ips } = networkData ?? {};
  const at = `${field}.networkData`;
  if (Buffer.byteLength(interfaceName) > interfaceNameBytesMax)
    problems.push(tooLong(`${at}.interfaceName`, interfaceNameBytesMax));
  if (Buffer.byteLength(hardwareAddress) > hardwareAddressBytesMax)
    problems.push(tooLong(`${at}.hardwareAddress`, hardwareAddressBytesMax));
  problems.push(
    ...setProblems(ips, {
      max: addressesMax,
      field: `${at}.ips`,
      judge: interfaceAddress,
      keyOf: (address) => address,
    }),
  );
  return problems;
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function uidProblems(uid: string | undefined, field: string): readonly FieldError[] {
  if (uid === undefined || uuid.test(uid)) return [];
  if (uuid.test(uid.toLowerCase()))
    return [
      invalid(
        field,
        uid,
        "uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters",
      ),
    ];
  const why = uid.length === 36 ? "invalid UUID format" : `invalid UUID length: ${uid.length}`;
  return [invalid(field, uid, `error validating uid: ${why}`)];
}
