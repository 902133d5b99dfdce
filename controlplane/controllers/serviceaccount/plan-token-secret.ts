import type { Secret, ServiceAccount } from "../../../client/types.ts";

/** A secret in which a service account's token stands. */
export const tokenSecretType = "kubernetes.io/service-account-token";

const nameKey = "kubernetes.io/service-account.name";
const uidKey = "kubernetes.io/service-account.uid";

export type TokenSecretAction =
  | { readonly action: "none" }
  /** Its account is not there. */
  | { readonly action: "delete" }
  | { readonly action: "fill"; readonly secret: Secret };

/** The account that the secret is for; empty for none. */
export function accountNameOf({ metadata }: Secret): string {
  return metadata.annotations?.[nameKey] ?? "";
}

/** The uid of that account; empty where the secret does not say. */
export function accountUidOf({ metadata }: Secret): string {
  return metadata.annotations?.[uidKey] ?? "";
}

/** Is it this account's, and not that of another of the same name? */
export function isOf(secret: Secret, account: ServiceAccount): boolean {
  const uid = accountUidOf(secret);
  return uid === "" || uid === account.metadata.uid;
}

/** The account without a secret that is gone; undefined where it does not list it, or is another of the same name. Pure.
 *  @param accountUid Of which account the secret said to be; empty where it did not say. */
export function withoutSecret(
  account: ServiceAccount,
  secretName: string,
  accountUid: string,
): ServiceAccount | undefined {
  if (accountUid !== "" && accountUid !== account.metadata.uid) return undefined;
  const secrets = account.secrets?.filter(({ name }) => name !== secretName) ?? [];
  return secrets.length === (account.secrets ?? []).length ? undefined : { ...account, secrets };
}

/** What a token secret lacks: the token, the API's authority, the namespace. Pure.
 *  @param sign Makes a token with these claims. */
export function planTokenSecret(
  secret: Secret,
  account: ServiceAccount | undefined,
  { caPem, sign }: { readonly caPem: string | undefined; readonly sign: (claims: Claims) => string },
): TokenSecretAction {
  if (secret.metadata.deletionTimestamp !== undefined) return { action: "none" };
  if (account === undefined || !isOf(secret, account)) return { action: "delete" };
  const { namespace = "", name } = secret.metadata;
  const before = secret.data ?? {};
  const ca = caPem === undefined ? undefined : base64(caPem);
  const lacksCa = ca !== undefined && before["ca.crt"] !== ca;
  if (!lacksCa && before.namespace && before.token) return { action: "none" };
  const data = {
    ...before,
    ...(lacksCa && { "ca.crt": ca }),
    namespace: before.namespace || base64(namespace),
    token: before.token || base64(sign(claimsOf(account, namespace, name))),
  };
  const annotations = {
    ...secret.metadata.annotations,
    [nameKey]: account.metadata.name,
    [uidKey]: account.metadata.uid,
  };
  return { action: "fill", secret: { ...secret, metadata: { ...secret.metadata, annotations }, data } };
}

export type Claims = Readonly<Record<string, string>>;

/** Such tokens have no end: they hold as long as the secret has them. */
function claimsOf({ metadata }: ServiceAccount, namespace: string, secretName: string): Claims {
  return {
    iss: "kubernetes/serviceaccount",
    "kubernetes.io/serviceaccount/namespace": namespace,
    "kubernetes.io/serviceaccount/secret.name": secretName,
    "kubernetes.io/serviceaccount/service-account.name": metadata.name,
    "kubernetes.io/serviceaccount/service-account.uid": metadata.uid,
    sub: `system:serviceaccount:${namespace}:${metadata.name}`,
  };
}

const base64 = (text: string) => Buffer.from(text).toString("base64");
