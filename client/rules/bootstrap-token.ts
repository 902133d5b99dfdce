/** Bootstrap tokens, as Kubernetes has them: `ID.SECRET`, kept in the secret `bootstrap-token-ID` of kube-system. Pure. */
export interface BootstrapToken {
  /** Public: it names the secret. */
  readonly id: string;
  readonly secret: string;
}

export const bootstrapTokens = {
  namespace: "kube-system",
  secretType: "bootstrap.kubernetes.io/token",
  namePrefix: "bootstrap-token-",
} as const;

const pattern = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;

export function parseBootstrapToken(text: string): BootstrapToken | undefined {
  const [, id, secret] = pattern.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

export const isTokenId = (text: string): boolean => /^[a-z0-9]{6}$/.test(text);
