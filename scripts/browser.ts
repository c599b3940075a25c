// Chromium for the tests: the one that is installed, else Debian's.
import { existsSync } from "node:fs";
import { findProgram, installPackages } from "./debian.ts";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge"];
const applications = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
  "C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe",
];
const cjkFonts = ["/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", "/usr/share/fonts/noto-cjk"];

/** Without sandbox where it cannot have one (root, containers); quiet towards the network. */
export const browserArgs = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export function findBrowser(): string | undefined {
  const given = process.env["SWITCHYARD_BROWSER"];
  if (given && existsSync(given)) return given;
  return findProgram(...names) ?? applications.find((file) => existsSync(file));
}

/** @throws Error with one line that names what to install */
export async function ensureBrowser(): Promise<string> {
  const isMissing =
    findBrowser() === undefined || (process.platform === "linux" && !cjkFonts.some((file) => existsSync(file)));
  if (isMissing) await installPackages("chromium", "fonts-noto-cjk");
  const found = findBrowser();
  if (!found)
    throw new Error(
      "Install Chromium or Chrome (Debian: apt-get install chromium fonts-noto-cjk), then run this again.",
    );
  return found;
}
