import { dns1123Label, dns1123Subdomain } from "../../../client/rules/names.ts";
import type { Volume } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { validateClaimTemplate } from "./claim-validation.ts";
import { csiDriverName } from "./csi-names.ts";
import { invalid, notSupported, required } from "./field-errors.ts";
import { descendingPath } from "./relative-path.ts";

/** Volumes that come from elsewhere: the API looks at them as Kubernetes does, a node says that it cannot mount them. */
export function validateRemoteVolume(
  volume: Volume,
  field: string,
  { isPod }: { readonly isPod: boolean },
): readonly FieldError[] {
  return [
    ...Object.entries(requiredFields).flatMap(([kind, names]) => missing(volume, kind, names, field)),
    ...validateDisks(volume, field),
    ...validateIscsi(volume, `${field}.iscsi`),
    ...validateFibreChannel(volume, `${field}.fc`),
    ...validateFlocker(volume, `${field}.flocker`),
    ...validateAzureDisk(volume, `${field}.azureDisk`),
    ...validateNames(volume, field),
    ...validateQuobyte(volume, `${field}.quobyte`),
    ...validateImage(volume, `${field}.image`, isPod),
    ...(volume.ephemeral === undefined
      ? []
      : validateClaimTemplate(
          volume.ephemeral.volumeClaimTemplate,
          `${field}.ephemeral.volumeClaimTemplate`,
        )),
  ];
}

const requiredFields: Readonly<Record<string, readonly string[]>> = {
  gitRepo: ["repository"],
  gcePersistentDisk: ["pdName"],
  awsElasticBlockStore: ["volumeID"],
  nfs: ["server", "path"],
  iscsi: ["targetPortal", "iqn"],
  glusterfs: ["endpoints", "path"],
  persistentVolumeClaim: ["claimName"],
  rbd: ["monitors", "image"],
  cinder: ["volumeID"],
  cephfs: ["monitors"],
  flexVolume: ["driver"],
  azureFile: ["secretName", "shareName"],
  vsphereVolume: ["volumePath"],
  photonPersistentDisk: ["pdID"],
  portworxVolume: ["volumeID"],
  azureDisk: ["diskName", "diskURI"],
  scaleIO: ["gateway", "system", "volumeName"],
  storageos: ["volumeName"],
};

function missing(
  volume: Volume,
  kind: string,
  names: readonly string[],
  field: string,
): readonly FieldError[] {
  const source: unknown = Object.hasOwn(volume, kind) ? volume[kind as keyof Volume] : undefined;
  if (typeof source !== "object" || source === null) return [];
  const given = new Map<string, unknown>(Object.entries(source));
  // Kubernetes calls this one by another name.
  const at = kind === "gcePersistentDisk" ? "persistentDisk" : kind;
  return names.flatMap((name) => {
    const value = given.get(name);
    const empty = Array.isArray(value) ? value.length === 0 : !value;
    return empty ? [required(`${field}.${at}.${name}`)] : [];
  });
}

const inRange = (value: number | undefined, least: number, most: number) =>
  value === undefined || (value >= least && value <= most);

function validateDisks(volume: Volume, field: string): readonly FieldError[] {
  const { gitRepo, nfs, cinder, storageos, gcePersistentDisk: gce, awsElasticBlockStore: aws } = volume;
  const problems: FieldError[] = [];
  if (gitRepo !== undefined)
    problems.push(...descendingPath(gitRepo.directory ?? "", `${field}.gitRepo.directory`));
  for (const [at, disk] of [["persistentDisk", gce] as const, ["awsElasticBlockStore", aws] as const])
    if (!inRange(disk?.partition, 0, 255)) {
      const text = "must be between 1 and 255, inclusive";
      problems.push(invalid(`${field}.${at}.partition`, disk?.partition, text));
    }
  if (nfs !== undefined && !nfs.path?.startsWith("/"))
    problems.push(invalid(`${field}.nfs.path`, nfs.path ?? "", "must be an absolute path"));
  for (const [kind, source] of [["cinder", cinder] as const, ["storageos", storageos] as const])
    if (source?.secretRef !== undefined && !source.secretRef.name)
      problems.push(required(`${field}.${kind}.secretRef.name`));
  return problems;
}

const initiatorForms: Readonly<Record<string, RegExp>> = {
  iqn: /iqn\.\d{4}-\d{2}\.([a-zA-Z0-9-.]+)(:[^,;*&$|\s]+)$/,
  eui: /^eui.[a-zA-Z0-9]{16}$/,
  naa: /^naa.[a-zA-Z0-9]{32}$/,
};

function initiatorProblems(name: string, field: string): readonly FieldError[] {
  const form = initiatorForms[name.slice(0, 3)];
  if (form === undefined)
    return [invalid(field, name, "must be valid format starting with iqn, eui, or naa")];
  return form.test(name) ? [] : [invalid(field, name, "must be valid format")];
}

function validateIscsi({ iscsi, name }: Volume, field: string): readonly FieldError[] {
  if (iscsi === undefined) return [];
  const { iqn, lun, initiatorName, targetPortal } = iscsi;
  const problems: FieldError[] = iqn ? [...initiatorProblems(iqn, `${field}.iqn`)] : [];
  if (!inRange(lun, 0, 255))
    problems.push(invalid(`${field}.lun`, lun, "must be between 0 and 255, inclusive"));
  if ((iscsi.chapAuthDiscovery || iscsi.chapAuthSession) && iscsi.secretRef === undefined)
    problems.push(required(`${field}.secretRef`));
  if (initiatorName !== undefined) {
    problems.push(...initiatorProblems(initiatorName, `${field}.initiatorname`));
    if (`${name}:${targetPortal}`.length > 64) {
      const text =
        "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.";
      problems.push(invalid(field.replace(/\.iscsi$/, ".name"), name, text));
    }
  }
  return problems;
}

function validateFibreChannel({ fc }: Volume, field: string): readonly FieldError[] {
  if (fc === undefined) return [];
  const { targetWWNs = [], wwids = [], lun } = fc;
  const problems: FieldError[] = [];
  if (targetWWNs.length === 0 && wwids.length === 0)
    problems.push(required(`${field}.targetWWNs`, "must specify either targetWWNs or wwids, but not both"));
  if (targetWWNs.length > 0 && wwids.length > 0) {
    const text = "targetWWNs and wwids can not be specified simultaneously";
    problems.push(invalid(`${field}.targetWWNs`, targetWWNs, text));
  }
  if (targetWWNs.length > 0 && lun === undefined)
    problems.push(required(`${field}.lun`, "lun is required if targetWWNs is specified"));
  if (targetWWNs.length > 0 && !inRange(lun, 0, 255))
    problems.push(invalid(`${field}.lun`, lun, "must be between 0 and 255, inclusive"));
  return problems;
}

function validateFlocker({ flocker }: Volume, field: string): readonly FieldError[] {
  if (flocker === undefined) return [];
  const { datasetName = "", datasetUUID = "" } = flocker;
  const problems: FieldError[] = [];
  if (datasetName === "" && datasetUUID === "")
    problems.push(required(field, "one of datasetName and datasetUUID is required"));
  if (datasetName !== "" && datasetUUID !== "") {
    const text = "datasetName and datasetUUID can not be specified simultaneously";
    problems.push(invalid(field, "resource", text));
  }
  if (datasetName.includes("/"))
    problems.push(invalid(`${field}.datasetName`, datasetName, "must not contain '/'"));
  return problems;
}

const cachingModes = ["None", "ReadOnly", "ReadWrite"];
const diskKinds = ["Dedicated", "Managed", "Shared"];
const managedUri =
  "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}";
const blobUri = "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd";

function validateAzureDisk({ azureDisk }: Volume, field: string): readonly FieldError[] {
  if (azureDisk === undefined) return [];
  const { cachingMode, kind, diskURI = "" } = azureDisk;
  const problems: FieldError[] = [];
  if (cachingMode !== undefined && !cachingModes.includes(cachingMode))
    problems.push(notSupported(`${field}.cachingMode`, cachingMode, cachingModes));
  if (kind !== undefined && !diskKinds.includes(kind))
    problems.push(notSupported(`${field}.kind`, kind, diskKinds));
  if (kind === "Managed" && !diskURI.startsWith("/subscriptions/"))
    problems.push(notSupported(`${field}.diskURI`, diskURI, [managedUri]));
  if (kind !== undefined && kind !== "Managed" && !diskURI.startsWith("https://"))
    problems.push(notSupported(`${field}.diskURI`, diskURI, [blobUri]));
  return problems;
}

function validateNames({ csi, storageos }: Volume, field: string): readonly FieldError[] {
  const problems: FieldError[] = [];
  if (csi !== undefined) problems.push(...csiDriverName(csi.driver, `${field}.csi.driver`));
  if (csi?.nodePublishSecretRef !== undefined) {
    const { name = "" } = csi.nodePublishSecretRef;
    if (name === "") problems.push(required(`${field}.csi.nodePublishSecretRef.name`));
    else problems.push(...dns1123Subdomain(name).map((text) => invalid(`${field}.csi.name`, name, text)));
  }
  for (const name of ["volumeName", "volumeNamespace"] as const) {
    const value = storageos?.[name];
    if (value)
      problems.push(...dns1123Label(value).map((text) => invalid(`${field}.storageos.${name}`, value, text)));
  }
  return problems;
}

const tenantMax = 64;

function validateQuobyte({ quobyte }: Volume, field: string): readonly FieldError[] {
  if (quobyte === undefined) return [];
  const { registry = "", tenant = "", volume } = quobyte;
  const rule = "must be a host:port pair or multiple pairs separated by commas";
  const problems: FieldError[] = [];
  if (registry === "") problems.push(required(`${field}.registry`, rule));
  else if (tenant.length > tenantMax) {
    const text = `must be a UUID and may not exceed a length of ${tenantMax} characters`;
    problems.push(required(`${field}.tenant`, text));
  } else if (!registry.split(",").every((pair) => /^([^:[\]]*|\[[^[\]]*\]):[^:[\]]*$/.test(pair)))
    problems.push(invalid(`${field}.registry`, registry, rule));
  if (!volume) problems.push(required(`${field}.volume`));
  return problems;
}

const pullPolicies = ["Always", "IfNotPresent", "Never"];

/** A workload's controller may still fill in which image it is. */
function validateImage({ image }: Volume, field: string, isPod: boolean): readonly FieldError[] {
  if (image === undefined) return [];
  const { reference, pullPolicy } = image;
  return [
    ...(isPod && !reference ? [required(`${field}.reference`)] : []),
    ...(pullPolicy === undefined || pullPolicies.includes(pullPolicy)
      ? []
      : [notSupported(`${field}.pullPolicy`, pullPolicy, pullPolicies)]),
  ];
}
