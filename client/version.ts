/** The release of Kubernetes whose API this is, and that nodes say they are of. kubectl of more than one minor release more or
 *  less says so in `kubectl version`, as it does of any server. */
export const kubernetesVersion = { major: "1", minor: "36", gitVersion: "v1.36.3+pintle" } as const;
