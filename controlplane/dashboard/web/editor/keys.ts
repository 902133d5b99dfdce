import { type Kind, kindKey } from "../api/discovery.ts";

/** Under which drafts are kept. */
export const objectKey = (kind: Kind, namespace: string, name: string): string =>
  `${kindKey(kind)}/${namespace}/${name}`;
export const newKey = (kind: Kind): string => `new ${kindKey(kind)}`;
