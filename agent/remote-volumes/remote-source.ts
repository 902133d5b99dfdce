import type { PersistentVolume, Pod, Volume } from "../../client/types.ts";
import { ConfigError } from "../sync/environment.ts";

interface AnySource {
  /** Of the pod's volume, or the persistent volume. */
  readonly name: string;
  readonly isReadOnly: boolean;
  readonly mountOptions: readonly string[];
}

export interface NfsSource extends AnySource {
  readonly kind: "nfs";
  readonly server: string;
  readonly path: string;
}

export interface IscsiSource extends AnySource {
  readonly kind: "iscsi";
  /** With their ports; the first names folders. */
  readonly portals: readonly string[];
  readonly iqn: string;
  readonly lun: number;
  /** The interface of iscsiadm that is there. */
  readonly baseIface: string;
  /** By which name this node shows itself, over an interface of its own; undefined: by its usual one. */
  readonly initiatorName: string | undefined;
  /** Empty: whatever is there, or ext4. */
  readonly fsType: string;
  readonly isBlock: boolean;
  /** Whether it is to show who it is to find targets, and to use one. */
  readonly chap: { readonly discovery: boolean; readonly session: boolean };
  readonly secret: { readonly namespace: string; readonly name: string } | undefined;
}

/** A volume that another machine has. */
export type RemoteSource = NfsSource | IscsiSource;

export const remoteKinds: ReadonlySet<string> = new Set(["nfs", "iscsi"]);

type Kinds = Pick<Volume, "nfs" | "iscsi">;

const isRemote = ({ nfs, iscsi }: Kinds) => nfs !== undefined || iscsi !== undefined;

/** A pod's own; undefined for other kinds of volumes. Throws ConfigError where it cannot be said to a program. Pure. */
export function inlineRemote({ metadata }: Pod, volume: Volume): RemoteSource | undefined {
  if (!isRemote(volume)) return undefined;
  const { name, nfs, iscsi } = volume;
  const isReadOnly = nfs?.readOnly ?? iscsi?.readOnly ?? false;
  return sourceOf(
    volume,
    { name, isReadOnly, mountOptions: [] },
    { namespace: metadata.namespace ?? "", isBlock: false },
  );
}

/** A claim's volume, likewise. Pure. */
export function persistentRemote(
  { metadata, spec }: PersistentVolume,
  { isReadOnly, namespace }: { readonly isReadOnly: boolean; readonly namespace: string },
): RemoteSource | undefined {
  const kinds = { nfs: spec.nfs, iscsi: spec.iscsi } as Kinds;
  if (!isRemote(kinds)) return undefined;
  // Either may say so: the volume, or the claim of the pod.
  const isForced = spec.nfs?.readOnly ?? spec.iscsi?.readOnly ?? false;
  const any = {
    name: metadata.name,
    isReadOnly: isReadOnly || isForced,
    mountOptions: spec.mountOptions ?? [],
  };
  return sourceOf(kinds, any, { namespace, isBlock: spec.volumeMode === "Block" });
}

function sourceOf(
  { nfs, iscsi }: Kinds,
  any: AnySource,
  { namespace, isBlock }: { readonly namespace: string; readonly isBlock: boolean },
): RemoteSource {
  if (nfs !== undefined) {
    if (isBlock)
      throw new ConfigError(
        `spec.volumeMode: Block of persistent volume ${any.name} is not supported by NFS`,
      );
    return checkedSource({ ...any, kind: "nfs", server: nfs.server, path: nfs.path });
  }
  const { targetPortal = "", portals = [], iqn = "", lun = 0, secretRef } = iscsi ?? {};
  const { namespace: own = "" } = (secretRef ?? {}) as { readonly namespace?: string };
  return checkedSource({
    ...any,
    kind: "iscsi",
    portals: [...new Set([targetPortal, ...portals].map(withPort))],
    iqn,
    lun,
    baseIface: iscsi?.iscsiInterface || "default",
    initiatorName: iscsi?.initiatorName || undefined,
    fsType: iscsi?.fsType ?? "",
    isBlock,
    chap: { discovery: iscsi?.chapAuthDiscovery ?? false, session: iscsi?.chapAuthSession ?? false },
    secret: secretRef?.name ? { name: secretRef.name, namespace: own || namespace } : undefined,
  });
}

/** As the kubelet: an address with a colon has its port. */
const withPort = (portal: string): string => (portal.includes(":") ? portal : `${portal}:3260`);

/** The interface of iscsiadm that a volume is reached over. */
export const ifaceOf = ({ portals, initiatorName, baseIface, name }: IscsiSource): string =>
  initiatorName === undefined ? baseIface : `${portals[0]}:${name}`;

/** Words of programs, names of folders: whatever the API let through, each stays what it is. */
const forms = {
  server: /^[A-Za-z0-9[_][-A-Za-z0-9._:%[\]]{0,252}$/,
  portal:
    /^(\[[0-9A-Fa-f:.]+(%[-A-Za-z0-9._]+)?\]|[A-Za-z0-9_][-A-Za-z0-9._]*)(:\d{1,5})?$|^[0-9A-Fa-f]*:[0-9A-Fa-f:.]+$/,
  path: /^\/[^\0\n]{0,4095}$/,
  target: /^(iqn\.\d{4}-\d{2}\.[A-Za-z0-9.-]+(:[^,;*&$|\s/\0]+)?|eui\.[A-Za-z0-9]{16}|naa\.[A-Za-z0-9]{32})$/,
  iface: /^[A-Za-z0-9[][-A-Za-z0-9._:%[\]]{0,252}$/,
  fsType: /^[a-z][a-z0-9_.-]{0,31}$/,
  mountOption: /^[\x21-\x7e]{1,1024}$/,
} as const;

const optionsMost = 100;
const portalsMost = 64;

/** Throws ConfigError. Pure. */
export function checkedSource<S extends RemoteSource>(source: S): S {
  const check = (form: keyof typeof forms, ...values: readonly string[]) => {
    const bad = values.find((value) => !forms[form].test(value));
    if (bad !== undefined)
      throw new ConfigError(
        `${JSON.stringify(bad.slice(0, 200))} of volume ${source.name} is no ${form} that can be used`,
      );
  };
  check("mountOption", ...source.mountOptions);
  if (source.mountOptions.length > optionsMost)
    throw new ConfigError(`volume ${source.name} has more than ${optionsMost} mount options`);
  if (source.kind === "nfs") {
    check("server", source.server);
    check("path", source.path);
    return source;
  }
  check("portal", ...source.portals);
  if (source.portals.length > portalsMost)
    throw new ConfigError(`volume ${source.name} has more than ${portalsMost} portals`);
  check("target", source.iqn, ...(source.initiatorName === undefined ? [] : [source.initiatorName]));
  check("iface", source.baseIface, ifaceOf(source));
  if (source.fsType !== "") check("fsType", source.fsType);
  if (!Number.isInteger(source.lun) || source.lun < 0 || source.lun > 255)
    throw new ConfigError(`lun ${source.lun} of volume ${source.name} is not 0 to 255`);
  return source;
}
