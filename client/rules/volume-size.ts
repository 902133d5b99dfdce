import type { PersistentVolumeClaim } from "../types.ts";

/** How large a claim's volume is to be, and how large it is said to be: quantities. Pure. */
export const requestOf = ({ spec }: PersistentVolumeClaim): string =>
  spec.resources?.requests?.storage ?? "0";
export const capacityOf = ({ status }: PersistentVolumeClaim): string => status?.capacity?.storage ?? "0";
