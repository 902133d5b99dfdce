import type { Role, User } from "./auth-rows.ts";
import { type KeyRange, KeyRanges, keyRange } from "./key-ranges.ts";

/** What a user's roles allow together. */
export interface Rights {
  /** Everything, as the role `root` does. */
  readonly isRoot: boolean;
  readonly read: KeyRanges;
  readonly write: KeyRanges;
}

export const rootName = "root";

export function rightsOf({ roles }: User, roleOf: (name: string) => Role | undefined): Rights {
  const read: KeyRange[] = [];
  const write: KeyRange[] = [];
  for (const name of roles)
    for (const { permType, key, rangeEnd } of roleOf(name)?.permissions ?? []) {
      const range = keyRange(key, rangeEnd);
      if (permType === "READ" || permType === "READWRITE") read.push(range);
      if (permType === "WRITE" || permType === "READWRITE") write.push(range);
    }
  return { isRoot: roles.includes(rootName), read: new KeyRanges(read), write: new KeyRanges(write) };
}
