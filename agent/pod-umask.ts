/** From now on all that this process makes may be read by the users of pods, whatever the umask of who started it, but for what
 *  is made with a narrower mode. */
export function letPodsRead(): void {
  process.umask(0o022);
}
