/** A time as kubectl's describe writes it (RFC 1123 with a numeric zone); undefined if there is none. */
export function timeText(time: string | undefined): string | undefined {
  if (time === undefined) return undefined;
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? time : date.toUTCString().replace(/GMT$/, "+0000");
}
