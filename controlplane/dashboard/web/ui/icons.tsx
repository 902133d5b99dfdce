/** Line icons, drawn on 16 by 16. What they mean stands beside them in words, so that they are hidden from readers. */
const paths = {
  home: "M2 7.5 8 2.5l6 5V14H2zM6.5 14V9.5h3V14",
  search: "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zm3.5-1.5L14 14",
  menu: "M2 4h12M2 8h12M2 12h12",
  close: "M3.5 3.5l9 9m0-9-9 9",
  sun: "M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM8 1v2m0 10v2M1 8h2m10 0h2M3 3l1.4 1.4m7.2 7.2L13 13M3 13l1.4-1.4m7.2-7.2L13 3",
  moon: "M13 9.5A5.5 5.5 0 0 1 6.500 3 5.500 5.500 0 1 0 13 9.500z",
  up: "M4 10l4-4 4 4",
  down: "M4 6l4 4 4-4",
  right: "M6 4l4 4-4 4",
  user: "M8 8a3 3 0 1 0 0-6 3 3 0 0 0 0 6zm-5.500 6a5.500 5.500 0 0 1 11 0",
  copy: "M5.500 5.500h8v8h-8zM3 10.500H2.500v-8h8V3",
  alert: "M8 2 1.500 13.500h13zM8 6.500v3.500m0 1.500v.5",
  wide: "M2 3h12v10H2zM6 3v10m4-10v10",
  plug: "M6 2v4m4-4v4M4 6h8v2a4 4 0 0 1-8 0zM8 12v3",
} as const;

export type IconName = keyof typeof paths;

export const Icon = ({ name }: { readonly name: IconName }) => (
  <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
    <path d={paths[name]} />
  </svg>
);
