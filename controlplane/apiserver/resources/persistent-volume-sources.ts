import { dns1123Label, dns1123Subdomain } from "../../../client/rules/names.ts";
import type { PersistentVolume, Volume } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { csiDriverName } from "./csi-names.ts";
import { forbidden, invalid, required } from "./field-errors.ts";
import { validateRemoteVolume } from "./remote-volume-validation.ts";
import { validateHostPath } from "./volume-validation.ts";

type Spec = PersistentVolume["spec"];

/** What a persistent volume may be, in the order in which Kubernetes looks for it, under the names by which it refuses a
 *  second one. */
const sources = {
  hostPath: "hostPath",
  gcePersistentDisk: "gcePersistentDisk",
  awsElasticBlockStore: "awsElasticBlockStore",
  glusterfs: "glusterfs",
  flocker: "flocker",
  nfs: "nfs",
  rbd: "rbd",
  quobyte: "quobyte",
  cephfs: "cephFS",
  iscsi: "iscsi",
  cinder: "cinder",
  fc: "fc",
  flexVolume: "flexVolume",
  azureFile: "azureFile",
  vsphereVolume: "vsphereVolume",
  photonPersistentDisk: "photonPersistentDisk",
  portworxVolume: "portworxVolume",
  azureDisk: "azureDisk",
  scaleIO: "scaleIO",
  local: "local",
  storageos: "storageos",
  csi: "csi",
} as const satisfies Partial<Record<keyof Spec, string>>;
type Source = keyof typeof sources;
const order = Object.keys(sources) as readonly Source[];

/** The part of a spec that says where the data is; a copy as far as its top level. */
export function sourceOf(spec: Spec): Pick<Spec, Source> {
  return Object.fromEntries(order.flatMap((name) => (spec[name] === undefined ? [] : [[name, spec[name]]])));
}

/** Exactly one source, of which only the first is looked into. */
export function validateVolumeSource(spec: Spec, name: string, field: string): readonly FieldError[] {
  const [first, ...others] = order.filter((one) => spec[one] !== undefined);
  if (first === undefined) return [required(field, "must specify a volume type")];
  return [
    ...validateOne(first, spec, name, field),
    ...others.flatMap((one) =>
      // Kubernetes counts this one without minding the others.
      one === "flexVolume"
        ? validateOne(one, spec, name, field)
        : [forbidden(`${field}.${sources[one]}`, "may not specify more than 1 volume type")],
    ),
  ];
}

function validateOne(source: Source, spec: Spec, name: string, field: string): readonly FieldError[] {
  const at = `${field}.${source}`;
  switch (source) {
    case "hostPath":
      return spec.hostPath === undefined ? [] : validateHostPath(spec.hostPath, at);
    case "local":
      return validateLocal(spec, field);
    case "csi":
      return validateCsi(spec, at);
    case "iscsi":
      return validateIscsi(spec, name, at);
    default:
      return [
        // The rest is what pods' volumes may be, too.
        ...validateRemoteVolume({ name, [source]: spec[source] } as Volume, field, { isPod: true }),
        ...secretProblems(spec[source], source, at),
        ...ownProblems(spec, source, at),
      ];
  }
}

function validateLocal({ local, nodeAffinity }: Spec, field: string): readonly FieldError[] {
  if (local === undefined) return [];
  const at = `${field}.local.path`;
  const problems: FieldError[] = [];
  if (!local.path) problems.push(required(at));
  else if (local.path.split("/").includes(".."))
    problems.push(invalid(at, local.path, "must not contain '..'"));
  if (nodeAffinity === undefined)
    problems.push(required(`${field}.nodeAffinity`, "Local volume requires node affinity"));
  return problems;
}

const csiSecrets = [
  "controllerPublishSecretRef",
  "controllerExpandSecretRef",
  "nodePublishSecretRef",
  "nodeExpandSecretRef",
] as const;

function validateCsi({ csi }: Spec, field: string): readonly FieldError[] {
  if (csi === undefined) return [];
  const problems: FieldError[] = [...csiDriverName(csi.driver, `${field}.driver`)];
  if (!csi.volumeHandle) problems.push(required(`${field}.volumeHandle`));
  for (const name of csiSecrets) {
    const secret = csi[name];
    if (secret === undefined) continue;
    problems.push(...named(secret.name, `${field}.${name}.name`, dns1123Subdomain));
    problems.push(...named(secret.namespace, `${field}.${name}.namespace`, dns1123Label));
  }
  return problems;
}

function named(
  value: string | undefined,
  field: string,
  rule: (value: string) => readonly string[],
): readonly FieldError[] {
  return value ? rule(value).map((text) => invalid(field, value, text)) : [required(field)];
}

const initiatorForms: Readonly<Record<string, RegExp>> = {
  iqn: /iqn\.\d{4}-\d{2}\.([a-zA-Z0-9-.]+)(:[^,;*&$|\s]+)$/,
  eui: /^eui.[a-zA-Z0-9]{16}$/,
  naa: /^naa.[a-zA-Z0-9]{32}$/,
};
const targetBytesMax = 64;

function validateIscsi({ iscsi }: Spec, name: string, field: string): readonly FieldError[] {
  if (iscsi === undefined) return [];
  const { targetPortal = "", iqn = "", lun, initiatorName, secretRef } = iscsi;
  const problems: FieldError[] = [];
  const checkForm = (value: string, at: string) => {
    const form = initiatorForms[value.slice(0, 3)];
    if (form === undefined || !form.test(value)) problems.push(invalid(at, value, "must be valid format"));
  };
  if (targetPortal === "") problems.push(required(`${field}.targetPortal`));
  if (initiatorName !== undefined) {
    if (Buffer.byteLength(`${name}:${targetPortal}`) > targetBytesMax) {
      const text =
        "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.";
      problems.push(invalid(`${field}.targetportal`, targetPortal, text));
    }
    checkForm(initiatorName, `${field}.initiatorname`);
  }
  if (iqn === "") problems.push(required(`${field}.iqn`));
  else checkForm(iqn, `${field}.iqn`);
  if (lun < 0 || lun > 255)
    problems.push(invalid(`${field}.lun`, lun, "must be between 0 and 255, inclusive"));
  if ((iscsi.chapAuthDiscovery || iscsi.chapAuthSession) && secretRef === undefined)
    problems.push(required(`${field}.secretRef`));
  if (secretRef !== undefined && !secretRef.name) problems.push(required(`${field}.secretRef.name`));
  return problems;
}

/** Secrets of volumes that are in no namespace say in which one they are themselves. */
function secretProblems(source: unknown, kind: Source, field: string): readonly FieldError[] {
  if (kind !== "cinder" && kind !== "storageos") return [];
  const { secretRef } = source as { readonly secretRef?: { readonly namespace?: string } };
  return secretRef === undefined || secretRef.namespace ? [] : [required(`${field}.secretRef.namespace`)];
}

function ownProblems(spec: Spec, source: Source, field: string): readonly FieldError[] {
  const problems: FieldError[] = [];
  if (source === "glusterfs" && spec.glusterfs?.endpointsNamespace !== undefined) {
    const { endpointsNamespace: namespace } = spec.glusterfs;
    const empty = "if the endpointnamespace is set, it must be a valid namespace name";
    const texts = namespace === "" ? [empty] : dns1123Label(namespace);
    problems.push(...texts.map((text) => invalid(`${field}.endpointsNamespace`, namespace, text)));
  }
  if (source === "azureFile" && spec.azureFile?.secretNamespace === "")
    problems.push(required(`${field}.secretNamespace`));
  if (source === "flexVolume")
    for (const key of Object.keys(spec.flexVolume?.options ?? {}))
      if (/\.(kubernetes|k8s)\.io$/.test(`.${(key.split("/", 2)[0] ?? "").toLowerCase()}`))
        problems.push(
          invalid(`${field}.options[${key}]`, key, "kubernetes.io and k8s.io namespaces are reserved"),
        );
  return problems;
}
