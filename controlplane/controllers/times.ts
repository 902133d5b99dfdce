/** Times as they stand in objects: RFC 3339 in whole seconds. */
export function timeText(wallMs: number): string {
  return `${new Date(Math.floor(wallMs / 1000) * 1000).toISOString().slice(0, 19)}Z`;
}

/** Milliseconds since the epoch; an absent or unreadable time is 0, before everything. */
export function timeMs(text: string | undefined): number {
  const value = text === undefined ? 0 : Date.parse(text);
  return Number.isNaN(value) ? 0 : value;
}
