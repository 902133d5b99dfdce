/** What statuses and events say of pulls, as the kubelet words it. */
export const pullWords = {
  pulling: (image: string) => `Pulling image "${image}"`,
  present: (image: string) =>
    `Container image "${image}" already present on machine and can be accessed by the pod`,
  pulled: (image: string, tookMs: number, sizeBytes: number) =>
    `Successfully pulled image "${image}" in ${tookMs}ms. Image size: ${sizeBytes} bytes.`,
  failed: (image: string, why: string) => `failed to pull image "${image}": ${why}`,
  failedEvent: (image: string, message: string) => `Failed to pull image "${image}": ${message}`,
  backOff: (image: string) => `Back-off pulling image "${image}"`,
  backOffStatus: (image: string, message: string) =>
    `Back-off pulling image "${image}": ErrImagePull: ${message}`,
  never: (image: string) => `Container image "${image}" is not present with pull policy of Never`,
} as const;
