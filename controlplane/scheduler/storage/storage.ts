import type {
  CSIStorageCapacity,
  PersistentVolume,
  PersistentVolumeClaim,
  StorageClass,
} from "../../../client/types.ts";

/** Claims and volumes as scheduling sees them: as the informers show them, and as was decided a moment ago. */
export interface Storage {
  claim(namespace: string, name: string): PersistentVolumeClaim | undefined;
  volume(name: string): PersistentVolume | undefined;
  volumes(): readonly PersistentVolume[];
  storageClass(name: string): StorageClass | undefined;
  /** The node on which a claim's volume is to be made. */
  selectedNode(claim: PersistentVolumeClaim): string | undefined;
  /** Names of volumes that were promised to claims. */
  taken(): ReadonlySet<string>;
  /** How many volumes of each driver the node can have at once. */
  volumeLimits(node: string): ReadonlyMap<string, number>;
  /** What a driver says of the space where volumes of the class can be made; undefined: it says nothing of that. */
  capacities(storageClass: StorageClass): readonly CSIStorageCapacity[] | undefined;
  /** Volumes that are or are being attached to the node. */
  attachments(node: string): readonly { readonly driver: string; readonly volume: string }[];
}

/** Of a cluster without any. */
export const noStorage: Storage = {
  claim: () => undefined,
  volume: () => undefined,
  volumes: () => [],
  storageClass: () => undefined,
  selectedNode: () => undefined,
  taken: () => new Set(),
  volumeLimits: () => new Map(),
  capacities: () => undefined,
  attachments: () => [],
};
