/** The kernel's shares of millicores of CPU: 1024 a core. Pure. */
export const cpuShares = (millis: number): number =>
  Math.min(262_144, Math.max(2, Math.floor((millis * 1024) / 1000)));

/** Microseconds of CPU per 100 ms for millicores; 0: no limit. Pure. */
export const cpuQuotaUs = (millis: number): number => (millis === 0 ? 0 : Math.max(1000, millis * 100));
