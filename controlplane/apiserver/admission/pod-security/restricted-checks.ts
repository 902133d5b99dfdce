import type { Container, Volume } from "../../../../client/types.ts";
import { procMount } from "./baseline-checks.ts";
import {
  allContainers,
  type Check,
  type CheckRow,
  containersText,
  hasOwnUsers,
  isWindows,
  namesWhere,
  plural,
  quoted,
  settersText,
  sortedSet,
  unless,
  uses,
} from "./check.ts";
import { seccompRequired } from "./profile-checks.ts";

const privilegeEscalation: Check = ({ spec }) => {
  const bad = namesWhere(spec, ({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false);
  if (bad.length === 0) return undefined;
  return {
    reason: "allowPrivilegeEscalation != false",
    detail: `${containersText(bad)} must set securityContext.allowPrivilegeEscalation=false`,
  };
};

const capabilities: Check = ({ spec }) => {
  const of = ({ securityContext }: Container) => securityContext?.capabilities ?? {};
  const added = (container: Container) =>
    (of(container).add ?? []).filter((one) => one !== "NET_BIND_SERVICE");
  const keeping = namesWhere(spec, (container) => !(of(container).drop ?? []).includes("ALL"));
  const adding = namesWhere(spec, (container) => added(container).length > 0);
  const details: string[] = [];
  if (keeping.length > 0)
    details.push(`${containersText(keeping)} must set securityContext.capabilities.drop=["ALL"]`);
  if (adding.length > 0) {
    const found = quoted(sortedSet(allContainers(spec).flatMap(added)));
    details.push(`${containersText(adding)} must not include ${found} in securityContext.capabilities.add`);
  }
  if (details.length === 0) return undefined;
  return { reason: "unrestricted capabilities", detail: details.join("; ") };
};

const allowedVolumes = [
  "configMap",
  "csi",
  "downwardAPI",
  "emptyDir",
  "ephemeral",
  "image",
  "persistentVolumeClaim",
  "projected",
  "secret",
] as const satisfies readonly (keyof Volume)[];
/** In the order in which a volume's type is looked for. */
const otherVolumes = [
  "hostPath",
  "gcePersistentDisk",
  "awsElasticBlockStore",
  "gitRepo",
  "nfs",
  "iscsi",
  "glusterfs",
  "rbd",
  "flexVolume",
  "cinder",
  "cephfs",
  "flocker",
  "fc",
  "azureFile",
  "vsphereVolume",
  "quobyte",
  "azureDisk",
  "photonPersistentDisk",
  "portworxVolume",
  "scaleIO",
  "storageos",
] as const satisfies readonly (keyof Volume)[];

const volumeTypes: Check = ({ spec }) => {
  const bad = (spec.volumes ?? []).filter((volume) => allowedVolumes.every((type) => !volume[type]));
  if (bad.length === 0) return undefined;
  const types = sortedSet(bad.map((volume) => otherVolumes.find((type) => volume[type]) ?? "unknown"));
  const names = bad.map(({ name }) => name);
  const what = `${plural("restricted volume type", types.length)} ${quoted(types)}`;
  return {
    reason: "restricted volume types",
    detail: `${plural("volume", names.length)} ${quoted(names)} ${uses(names.length)} ${what}`,
  };
};

const runAsNonRoot: Check = ({ spec }) => {
  const reason = "runAsNonRoot != true";
  const ofPod = spec.securityContext?.runAsNonRoot;
  const own = ({ securityContext }: Container) => securityContext?.runAsNonRoot;
  const setters = settersText(
    ofPod === false,
    namesWhere(spec, (container) => own(container) === false),
  );
  if (setters !== "") return { reason, detail: `${setters} must not set securityContext.runAsNonRoot=false` };
  const without = ofPod === true ? [] : namesWhere(spec, (container) => own(container) === undefined);
  if (without.length === 0) return undefined;
  return { reason, detail: `pod or ${containersText(without)} must set securityContext.runAsNonRoot=true` };
};

const runAsUser: Check = ({ spec }) => {
  const setters = settersText(
    spec.securityContext?.runAsUser === 0,
    namesWhere(spec, ({ securityContext }) => securityContext?.runAsUser === 0),
  );
  return setters === ""
    ? undefined
    : { reason: "runAsUser=0", detail: `${setters} must not set runAsUser=0` };
};

/** In the order in which violations are told, after those of the baseline. */
export const restrictedChecks: readonly CheckRow[] = [
  {
    id: "allowPrivilegeEscalation",
    versions: [
      [8, privilegeEscalation],
      [25, unless(isWindows, privilegeEscalation)],
    ],
  },
  {
    id: "capabilities_restricted",
    versions: [
      [22, capabilities],
      [25, unless(isWindows, capabilities)],
    ],
    overrides: ["capabilities_baseline"],
  },
  { id: "procMount_restricted", versions: [[35, procMount]], overrides: ["procMount"] },
  { id: "restrictedVolumes", versions: [[0, volumeTypes]], overrides: ["hostPathVolumes"] },
  {
    id: "runAsNonRoot",
    versions: [
      [0, runAsNonRoot],
      [35, unless(hasOwnUsers, runAsNonRoot)],
    ],
  },
  {
    id: "runAsUser",
    versions: [
      [23, runAsUser],
      [35, unless(hasOwnUsers, runAsUser)],
    ],
  },
  {
    id: "seccompProfile_restricted",
    versions: [
      [19, seccompRequired],
      [25, unless(isWindows, seccompRequired)],
    ],
    overrides: ["seccompProfile_baseline"],
  },
];
