import theme from "vitepress/theme";
import "./pictures.css";

// biome-ignore lint/style/noDefaultExport: VitePress reads the default export.
export default theme;
