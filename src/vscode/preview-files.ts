// Previews as files of a read-only file system: the editor brings the tabs of files back when a window is loaded anew.
import * as vscode from "vscode";

export interface PreviewFile {
  readonly text: string;
  /** Unix ms, more after each change: by it the editor knows that there is something new. */
  readonly changedMs: number;
}

export class PreviewFiles implements vscode.FileSystemProvider, vscode.Disposable {
  readonly #find: (uri: vscode.Uri) => Promise<PreviewFile>;
  readonly #changed = new vscode.EventEmitter<vscode.FileChangeEvent[]>();
  readonly onDidChangeFile = this.#changed.event;

  constructor(find: (uri: vscode.Uri) => Promise<PreviewFile>) {
    this.#find = find;
  }

  tellChange(uri: vscode.Uri): void {
    this.#changed.fire([{ type: vscode.FileChangeType.Changed, uri }]);
  }

  async stat(uri: vscode.Uri): Promise<vscode.FileStat> {
    const { text, changedMs } = await this.#find(uri);
    const permissions = vscode.FilePermission.Readonly;
    return { type: vscode.FileType.File, ctime: 0, mtime: changedMs, size: Buffer.byteLength(text), permissions };
  }

  async readFile(uri: vscode.Uri): Promise<Uint8Array> {
    return new TextEncoder().encode((await this.#find(uri)).text);
  }

  /** Changes are told of all of them. */
  watch(): vscode.Disposable {
    return new vscode.Disposable(() => undefined);
  }

  readDirectory(): [string, vscode.FileType][] {
    return [];
  }

  createDirectory(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  writeFile(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  delete(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  rename(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  dispose(): void {
    this.#changed.dispose();
  }
}
