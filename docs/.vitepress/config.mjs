import { sidebar } from "./pages.mjs";
import { inlinePictures } from "./pictures.mjs";

const parts = sidebar();
/** The first page of a part. */
const firstOf = (part) => {
  const [first] = part.items;
  return first?.link ?? first?.items?.[0]?.link;
};

// biome-ignore lint/style/noDefaultExport: VitePress reads the default export.
export default {
  title: "Pintle",
  description: "A Kubernetes-compatible cluster in one TypeScript package, on its own etcd-compatible store",
  lang: "en",
  cleanUrls: false,
  // Nobody serves the site yet; its links hold wherever it is put at the root of a host.
  base: process.env.PINTLE_DOCS_BASE ?? "/",
  lastUpdated: false,
  markdown: { config: inlinePictures, theme: { light: "github-light", dark: "github-dark" } },
  // The tables of fields make one large page, which is read whole.
  vite: { build: { chunkSizeWarningLimit: 4096 } },
  themeConfig: {
    search: { provider: "local" },
    nav: parts.filter(firstOf).map((part) => ({ text: part.text, link: firstOf(part) })),
    sidebar: parts.filter(firstOf),
    outline: [2, 3],
  },
};
