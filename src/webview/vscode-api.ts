/** What VS Code gives a page; it may be asked for once. */
export interface VsCodeApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}

declare global {
  var acquireVsCodeApi: () => VsCodeApi;
}

/** Messages of the host come from VS Code's own frame, which has this page's origin; no other page has it. */
export function onHostMessage(receive: (message: unknown) => void): void {
  window.addEventListener("message", (event) => {
    if (event.origin === window.origin) receive(event.data);
  });
}
