/** What is used of a room, and what of it is asked for. The words beside it say the same. */
export function UsageBar({
  used,
  requested,
  all,
}: {
  readonly used?: number | undefined;
  readonly requested?: number;
  readonly all: number;
}) {
  const percent = (part: number | undefined) =>
    all <= 0 || part === undefined ? 0 : Math.min(100, (part / all) * 100);
  const isFull = percent(Math.max(used ?? 0, requested ?? 0)) >= 90;
  return (
    <svg
      class={isFull ? "usage usage-full" : "usage"}
      viewBox="0 0 100 10"
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <rect class="usage-room" width="100" height="10" rx="1" />
      <rect class="usage-asked" width={percent(requested)} height="10" />
      <rect class="usage-used" width={percent(used)} y="2.5" height="5" />
    </svg>
  );
}
