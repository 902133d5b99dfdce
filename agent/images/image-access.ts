import type { PullCredentials, PullSecret } from "./pull-credentials.ts";

/** Who may use a pulled image without asking its registry (kubelet's pull records, KEP-2535). Keys are repositories
 *  (`registry/repository`): the same image may be public in one and private in another. */
export type ImageAccess = Readonly<Record<string, RepositoryAccess>>;

/** It came without credentials: everyone. Else who shows the credentials, or a pull secret, that it came with. */
export type RepositoryAccess = "everyone" | readonly SecretRecord[];

export interface SecretRecord extends PullSecret {
  readonly hash: string;
}

/** Secrets that are added to a record without a pull. */
const secretsMost = 100;

export type Verdict =
  | { readonly mayUse: false }
  /** With what is to be recorded, so that it will be known again after its other half has changed. */
  | { readonly mayUse: true; readonly record?: PullCredentials };

/** Whether a pod may use an image that is on the node. One that no pull brought (`access` is absent) is everyone's:
 *  kubelet's default policy, NeverVerifyPreloadedImages. */
export async function mayUse(
  access: ImageAccess | undefined,
  repository: string,
  credentialsOfPod: () => Promise<readonly PullCredentials[]>,
): Promise<Verdict> {
  if (access === undefined) return { mayUse: true };
  const records = access[repository];
  if (records === "everyone") return { mayUse: true };
  if (records === undefined || records.length === 0) return { mayUse: false };
  for (const credentials of await credentialsOfPod())
    for (const record of records) {
      const isSameHash = record.hash === credentials.hash;
      const isSameSecret = isSame(record, credentials.secret);
      const isFull = records.length >= secretsMost;
      if (!isSameHash && (!isSameSecret || isFull)) continue;
      const isKnown = (isSameHash && isSameSecret) || isFull;
      return { mayUse: true, ...(!isKnown && { record: credentials }) };
    }
  return { mayUse: false };
}

/** The record after a pull with these credentials, or without. What everyone may have stays so. */
export function withPull(
  access: ImageAccess | undefined,
  repository: string,
  used: Pick<PullCredentials, "hash" | "secret"> | undefined,
): ImageAccess {
  const before = access?.[repository] ?? [];
  if (used === undefined || before === "everyone") return { ...access, [repository]: "everyone" };
  const { namespace, name, uid } = used.secret;
  const others = before.filter((record) => !isSame(record, used.secret));
  return { ...access, [repository]: [...others, { namespace, name, uid, hash: used.hash }] };
}

const isSame = (a: PullSecret, b: PullSecret) =>
  a.uid === b.uid && a.namespace === b.namespace && a.name === b.name;
