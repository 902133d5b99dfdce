/** Versions of the CNI specification that the agent speaks, the oldest first. */
export const cniVersions: readonly string[] = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"];

/** What a configuration or plugin that names no version speaks. */
export const oldestCniVersion = "0.1.0";

/** Whether a version is that one or a later one; both are among those above. Pure. */
export function isAtLeast(version: string, other: string): boolean {
  return cniVersions.indexOf(version) >= cniVersions.indexOf(other);
}
