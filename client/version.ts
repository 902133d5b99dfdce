/** The release of Kubernetes whose API this is, and that nodes say they are of. kubectl of one minor release more or
 *  less does not warn of skew. */
export const kubernetesVersion = { major: "1", minor: "33", gitVersion: "v1.33.0+pintle" } as const;
