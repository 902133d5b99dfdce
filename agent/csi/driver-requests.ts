import type { AccessMode, NodeAbility } from "./messages.ts";
import { accessModeOf, type CsiSource } from "./volume-source.ts";

/** What drivers are asked, in the words of CSI. Pure. */

type Texts = Readonly<Record<string, string>>;
export type SecretData = Readonly<Record<string, Uint8Array>>;

export const entries = (texts: Texts) => Object.entries(texts).map(([key, value]) => ({ key, value }));
const secretEntries = (data: SecretData) => Object.entries(data).map(([key, value]) => ({ key, value }));

/** @param group The pod's, where the driver gives the volume to it. */
function capability(source: CsiSource, abilities: ReadonlySet<NodeAbility>, group: number | undefined) {
  const mode: AccessMode = accessModeOf(source, abilities.has("SINGLE_NODE_MULTI_WRITER"));
  const accessMode = { mode };
  if (source.isBlock) return { block: {}, accessMode };
  return {
    mount: {
      fsType: source.fsType,
      mountFlags: source.mountOptions,
      volumeMountGroup: group === undefined ? "" : String(group),
    },
    accessMode,
  };
}

export interface VolumeAsk {
  readonly source: CsiSource;
  readonly abilities: ReadonlySet<NodeAbility>;
  readonly group: number | undefined;
  readonly secrets: SecretData;
  /** Of the volume's attachment. */
  readonly publishContext: Texts;
  /** Empty where the driver does not stage. */
  readonly stagingPath: string;
}

export const stageRequest = ({
  source,
  abilities,
  group,
  secrets,
  publishContext,
  stagingPath,
}: VolumeAsk) => ({
  volumeId: source.handle,
  publishContext: entries(publishContext),
  stagingTargetPath: stagingPath,
  volumeCapability: capability(source, abilities, group),
  secrets: secretEntries(secrets),
  volumeContext: entries(source.attributes),
});

export const publishRequest = (
  ask: VolumeAsk & { readonly targetPath: string; readonly podContext: Texts },
) => ({
  volumeId: ask.source.handle,
  publishContext: entries(ask.publishContext),
  stagingTargetPath: ask.stagingPath,
  targetPath: ask.targetPath,
  volumeCapability: capability(ask.source, ask.abilities, ask.group),
  readonly: ask.source.isReadOnly,
  secrets: secretEntries(ask.secrets),
  volumeContext: entries({ ...ask.source.attributes, ...ask.podContext }),
});

export const expandRequest = (
  ask: Omit<VolumeAsk, "group" | "publishContext"> & {
    readonly volumePath: string;
    readonly bytes: number;
  },
) => ({
  volumeId: ask.source.handle,
  volumePath: ask.volumePath,
  capacityRange: { requiredBytes: ask.bytes },
  stagingTargetPath: ask.stagingPath,
  volumeCapability: capability(ask.source, ask.abilities, undefined),
  secrets: secretEntries(ask.secrets),
});
