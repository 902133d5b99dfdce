/** A span of time as Go writes it: `1h0m0s`, `1.5s`, `20.5ms`, `3µs`, to the microsecond. */
export function goDurationText(milliseconds: number): string {
  const sign = milliseconds < 0 ? "-" : "";
  const microseconds = Math.round(Math.abs(milliseconds) * 1_000);
  if (microseconds === 0) return "0s";
  if (microseconds < 1_000) return `${sign}${microseconds}µs`;
  if (microseconds < 1_000_000) return `${sign}${microseconds / 1_000}ms`;
  const wholeMinutes = Math.floor(microseconds / 60e6);
  const seconds = `${(microseconds - wholeMinutes * 60e6) / 1e6}s`;
  if (wholeMinutes === 0) return sign + seconds;
  const hours = Math.floor(wholeMinutes / 60);
  return `${sign}${hours > 0 ? `${hours}h` : ""}${wholeMinutes % 60}m${seconds}`;
}
