import { globSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createTerminal, inOneRow } from "../../src/cli/terminal.ts";
import { sendJson, startScriptedServer } from "../backends/scripted-server.ts";
import { tag } from "../proxy/harness.ts";
import { newShell } from "../service/serving.ts";

function written(stream: "stdout" | "stderr", work: (terminal: ReturnType<typeof createTerminal>) => void): string {
  let text = "";
  const write = vi.spyOn(process[stream], "write").mockImplementation((piece) => {
    text += String(piece);
    return true;
  });
  try {
    work(createTerminal({}, false));
  } finally {
    write.mockRestore();
  }
  return text;
}

const evil = "\u001b]0;owned\u0007 \u009b31m \r\u007f";

/** What is to be seen in the end on a terminal that both streams write to. */
function seen(work: (terminal: ReturnType<typeof createTerminal>) => void): string {
  let screen = "";
  const streams = [process.stdout, process.stderr];
  const before = streams.map((stream) => stream.isTTY);
  const writes = streams.map((stream) =>
    vi.spyOn(stream, "write").mockImplementation((piece) => {
      for (const [index, part] of String(piece).split("\r\u001b[K").entries())
        screen = (index === 0 ? screen : screen.slice(0, screen.lastIndexOf("\n") + 1)) + part;
      return true;
    }),
  );
  try {
    for (const stream of streams) stream.isTTY = true;
    work(createTerminal({}, false));
  } finally {
    for (const [index, stream] of streams.entries()) stream.isTTY = before[index] ?? false;
    for (const write of writes) write.mockRestore();
  }
  return screen;
}

describe("a line of progress", () => {
  it("keeps to one row, however narrow it is and however wide its signs are", () => {
    const text = "45 % · 180 MB of 398 MB · 3.2 MB/s";
    expect(inOneRow(text, 80)).toBe(text);
    expect(inOneRow(text, undefined)).toBe(text);
    expect(inOneRow(text, 12)).toBe("45 % · 180…");
    expect(inOneRow("正在加载模型，请稍候", 12)).toBe("正在加载模…");
  });

  it("is not drawn where nothing can be wiped out", () => {
    const before = process.stderr.isTTY;
    let written = "";
    const write = vi.spyOn(process.stderr, "write").mockImplementation((piece) => {
      written += String(piece);
      return true;
    });
    try {
      process.stderr.isTTY = true;
      createTerminal({ TERM: "dumb" }, false).progress("half of it");
    } finally {
      process.stderr.isTTY = before;
      write.mockRestore();
    }
    expect(written).toBe("");
  });
});

describe("a terminal to which answer, notes and progress go", () => {
  it("keeps every word of an answer, and no progress line", () => {
    const screen = seen(({ progress, show, write, note }) => {
      progress("Loading…");
      progress("Loading: half of it");
      for (const word of ["The", " sea", " is", " blue."]) {
        show(word);
        progress("");
      }
      write("\n");
      note("what answered");
    });
    expect(screen).toBe("The sea is blue.\nwhat answered\n");
  });

  it("leaves the line of an answer whole: what is told waits for its end, an error does not", () => {
    const screen = seen(({ show, note, complain }) => {
      show("| a |");
      note("the first part was not answered as asked");
      show(" b |\n| c |");
      note("what answered");
      complain("lost");
    });
    expect(screen).toBe("| a | b |\nthe first part was not answered as asked\n| c |\nwhat answered\nlost\n");
  });

  it("does not draw progress into the line of an answer", () => {
    const screen = seen(({ progress, show, write, note }) => {
      show("- ");
      progress("Writing: 3 tokens so far");
      show("one\n");
      progress("Writing: 4 tokens so far");
      note("a part was left out");
      progress("12 %");
      write("two\n");
    });
    expect(screen).toBe("- one\na part was left out\ntwo\n");
  });
});

describe("what a server says about itself", () => {
  it("cannot drive the terminal", () => {
    const note = written("stderr", ({ note: say }) => say(`gpu-box reports an error: ${evil}\n  中文`));
    expect(note).toBe("gpu-box reports an error: ␛]0;owned␇ U+009B31m ␍␡\n  中文\n");
    expect(written("stderr", ({ complain }) => complain(evil))).toBe("␛]0;owned␇ U+009B31m ␍␡\n");
    expect(written("stdout", ({ write }) => write(`${evil}\n`))).toBe("␛]0;owned␇ U+009B31m ␍␡\n");
  });

  it("is whole in JSON, and cannot drive the terminal there either", () => {
    const text = written("stdout", ({ writeJson }) => writeJson({ evil }));
    expect(text).toMatch(/^[\u0020-\u007e]+\n$/);
    expect(JSON.parse(text)).toEqual({ evil });
  });

  it("goes through the one file that knows how: nothing else in the shell writes", () => {
    const writing = globSync("src/cli/**/*.ts").filter((file) =>
      /process\.std(?:out|err)\.write|console\./.test(readFileSync(file, "utf8")),
    );
    expect(writing.map((file) => basename(file))).toEqual(["terminal.ts"]);
  });

  it("is not shown as the name of a model where it is none; in its version and its errors signs are visible", async () => {
    const model = (name: string) => tag(name, "completion");
    const server = await startScriptedServer({
      "GET /api/version": (_, response) => sendJson(response, { version: `0.13.0${evil}` }),
      "GET /api/tags": (_, response) =>
        sendJson(response, { models: [model("good:1b"), model(`bad:1b${evil}`), model("two\nlines:1b")] }),
      "GET /api/ps": (_, response) => sendJson(response, { models: [model(`loaded${evil}`)] }),
      "POST /api/chat": (_, response) => {
        response.writeHead(500, { "content-type": "application/json" });
        response.end(JSON.stringify({ error: `broken ${evil}` }));
      },
    });
    onTestFinished(() => server.close());
    const shell = await newShell();
    onTestFinished(() => shell.close());
    const env = { SWITCHYARD_OLLAMA_URL: server.url };
    for (const args of [["status"], ["models"], ["status", "--json"], ["ask", "x", "--model", "good:1b"], ["doctor"]]) {
      const { out, err } = await shell.run(args, env);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
      expect(out + err, args.join(" ")).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
      expect(out, args.join(" ")).not.toMatch(/bad:1b|lines:1b|loaded.*owned/);
    }
    const { out } = await shell.run(["status"], env);
    expect(out).toContain("good:1b");
    expect(out).toMatch(/2 left out: their names are no text/);
  });
});
