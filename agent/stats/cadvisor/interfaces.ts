import type { InterfaceFigures } from "./figures.ts";

/** What cAdvisor leaves out: itself, and the host's ends of pods, which are named otherwise here. */
const left = /^(lo$|veth|docker|pp[0-9a-f]{12}$)/;

/** Of the text of /proc/PID/net/dev, in which `eth0: 1 2 3 …` follows two lines of headings. Pure. */
export function readInterfaces(text: string): readonly InterfaceFigures[] {
  return text.split("\n").flatMap((line) => {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).trim();
    if (colon < 0 || name === "" || left.test(name)) return [];
    const [b = 0, p = 0, e = 0, d = 0, , , , , tb = 0, tp = 0, te = 0, td = 0] = line
      .slice(colon + 1)
      .trim()
      .split(/\s+/)
      .map(Number);
    return [
      {
        name,
        received: { bytes: b, packets: p, errors: e, dropped: d },
        sent: { bytes: tb, packets: tp, errors: te, dropped: td },
      },
    ];
  });
}
