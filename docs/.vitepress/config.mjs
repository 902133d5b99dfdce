import { sidebar } from "./pages.mjs";
import { inlinePictures } from "./pictures.mjs";

const parts = sidebar();
/** The first page of a part. */
const firstOf = (part) => {
  const [first] = part.items;
  return first?.link ?? first?.items?.[0]?.link;
};

/** A pintle: the pin that a hinge turns on. */
const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#3451b2"/>
<path d="M8 3v10M4.5 5.5h7M4.5 9.5h7" stroke="#fff" stroke-width="2" stroke-linecap="round"/></svg>`;

// biome-ignore lint/style/noDefaultExport: VitePress reads the default export.
export default {
  title: "Pintle",
  description: "A Kubernetes-compatible cluster in one TypeScript package, on its own etcd-compatible store",
  lang: "en",
  cleanUrls: false,
  // Nobody serves the site yet; its links hold wherever it is put at the root of a host.
  base: process.env.PINTLE_DOCS_BASE ?? "/",
  lastUpdated: false,
  // In the page, as browsers ask for /favicon.ico otherwise, which is not there.
  head: [["link", { rel: "icon", href: `data:image/svg+xml,${encodeURIComponent(icon)}` }]],
  markdown: { config: inlinePictures, theme: { light: "github-light", dark: "github-dark" } },
  // The tables of fields make one large page, which is read whole.
  vite: { build: { chunkSizeWarningLimit: 4096 } },
  themeConfig: {
    search: { provider: "local" },
    nav: parts.filter(firstOf).map((part) => {
      const link = firstOf(part);
      return { text: part.text, link, activeMatch: link.replace(/[^/]*$/, "") };
    }),
    sidebar: parts.filter(firstOf),
    outline: [2, 3],
  },
};
