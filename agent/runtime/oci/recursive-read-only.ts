/** What is needed for a mount to be read-only with all that is mounted in it: `mount_setattr` in the kernel, and a runtime
 *  that knows the option `rro`. */
const least: Readonly<Record<string, readonly [number, number]>> = { crun: [1, 4], runc: [1, 1] };
const leastKernel = [5, 12] as const;

/** `runtime` as in `crun-1.8.1`, `kernel` as in `6.1.0-18-amd64`. */
export function supportsRecursiveReadOnly(runtime: string, kernel: string): boolean {
  const [name = "", version = ""] = runtime.split("-");
  const wanted = least[name];
  return wanted !== undefined && isAtLeast(version, wanted) && isAtLeast(kernel, leastKernel);
}

function isAtLeast(version: string, [major, minor]: readonly [number, number]): boolean {
  const [first = 0, second = 0] = version.split(/[.+~-]/).map(Number);
  return first > major || (first === major && second >= minor);
}
