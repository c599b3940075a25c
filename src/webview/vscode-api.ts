/** What VS Code gives a page; it may be asked for once. */
export interface VsCodeApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}

declare global {
  var acquireVsCodeApi: () => VsCodeApi;
}

/** Messages of the host come from the frame around this one, never from a page inside or beside it. */
export function onHostMessage(receive: (message: unknown) => void): void {
  window.addEventListener("message", (event) => {
    if (event.source !== null && event.source !== window.parent && event.source !== window) return;
    if (event.origin !== window.origin && event.origin !== parentOrigin()) return;
    receive(event.data);
  });
}

/** VS Code puts the page into a frame of the same origin. */
function parentOrigin(): string {
  try {
    return window.parent.origin;
  } catch {
    return window.origin;
  }
}
