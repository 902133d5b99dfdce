import type { FlagTable, FlagValues } from "../../../base/os/flags.ts";

const certFile = (what: string) =>
  ({
    kind: "string",
    value: "FILE",
    help: `authority that signs ${what}, PEM; absent: nobody here does`,
  }) as const;
const keyFile = { kind: "string", value: "FILE", help: "its private key, PEM" } as const;

/** kube-controller-manager's names and defaults. */
export const clusterSigningFlags = {
  "cluster-signing-cert-file": certFile(
    "approved requests for certificates of every signer of the cluster's own",
  ),
  "cluster-signing-key-file": keyFile,
  "cluster-signing-kubelet-serving-cert-file": certFile("those for kubernetes.io/kubelet-serving alone"),
  "cluster-signing-kubelet-serving-key-file": keyFile,
  "cluster-signing-kubelet-client-cert-file": certFile(
    "those for kubernetes.io/kube-apiserver-client-kubelet alone",
  ),
  "cluster-signing-kubelet-client-key-file": keyFile,
  "cluster-signing-kube-apiserver-client-cert-file": certFile(
    "those for kubernetes.io/kube-apiserver-client alone",
  ),
  "cluster-signing-kube-apiserver-client-key-file": keyFile,
  "cluster-signing-legacy-unknown-cert-file": certFile("those for kubernetes.io/legacy-unknown alone"),
  "cluster-signing-legacy-unknown-key-file": keyFile,
  "cluster-signing-duration": {
    kind: "duration",
    default: 365 * 24 * 3_600_000,
    help: "how long such certificates are valid at most",
  },
} as const satisfies FlagTable;

/** The signers that are the cluster's own, with the word for each in flags. */
const signerFlags = {
  "kubernetes.io/kubelet-serving": "kubelet-serving",
  "kubernetes.io/kube-apiserver-client-kubelet": "kubelet-client",
  "kubernetes.io/kube-apiserver-client": "kube-apiserver-client",
  "kubernetes.io/legacy-unknown": "legacy-unknown",
} as const;

export interface SigningFiles {
  readonly certificateFile: string;
  readonly keyFile: string;
}

export interface ClusterSigning {
  /** By the signer's name. One that is not there signs nothing. */
  readonly files: ReadonlyMap<string, SigningFiles>;
  readonly durationMsMax: number;
}

/** Undefined where nothing is signed here. */
export function clusterSigningConfig(
  flags: FlagValues<typeof clusterSigningFlags>,
  problems: string[],
): ClusterSigning | undefined {
  const durationMsMax = flags["cluster-signing-duration"];
  if (durationMsMax <= 0) problems.push("--cluster-signing-duration: must be greater than zero");
  const pair = (name: string, certificateFile: string | undefined, key: string | undefined) => {
    if ((certificateFile === undefined) !== (key === undefined))
      problems.push(`--${name}-cert-file and --${name}-key-file: one needs the other`);
    return certificateFile !== undefined && key !== undefined ? { certificateFile, keyFile: key } : undefined;
  };
  const forAll = pair(
    "cluster-signing",
    flags["cluster-signing-cert-file"],
    flags["cluster-signing-key-file"],
  );
  const files = new Map<string, SigningFiles>();
  for (const [signer, word] of Object.entries(signerFlags)) {
    const name = `cluster-signing-${word}` as const;
    const own = pair(name, flags[`${name}-cert-file`], flags[`${name}-key-file`]);
    if (own !== undefined && forAll !== undefined)
      problems.push(`--${name}-cert-file: not allowed together with --cluster-signing-cert-file`);
    const one = own ?? forAll;
    if (one !== undefined) files.set(signer, one);
  }
  return files.size === 0 ? undefined : { files, durationMsMax };
}
