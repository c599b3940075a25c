import { describe, expect, it } from "vitest";
import { knownModel, sizeByTag } from "../../src/core/catalogue.ts";
import { type FitAsk, isOlder, judgeFit, memoryNeed } from "../../src/core/fit.ts";
import { formatMessage } from "../../src/core/message.ts";

const gb = 1e9;
const gib = 2 ** 30;
const llama: FitAsk = {
  model: "llama3.1:8b",
  sizeBytes: 4.9 * gb,
  shape: { layers: 32, kvHeads: 8, keyLength: 128, valueLength: 128 },
  contextTokens: 8192,
  parallel: 1,
};

describe("the memory that a model needs", () => {
  it("is its weights, 128 KiB a token for the shape of Llama 3.1 8B, and the runtime", () => {
    const need = memoryNeed(llama);
    expect(need.contextBytes).toBe(8192 * 128 * 1024);
    expect(need.totalBytes).toBe(need.weightsBytes + need.contextBytes + need.runtimeBytes);
    expect(need.basis).toBe("shape");
  });

  it("has a context for each answer that is made at once", () => {
    expect(memoryNeed({ ...llama, parallel: 4 }).contextBytes).toBe(4 * memoryNeed(llama).contextBytes);
  });

  it("is four times larger for a model of the same size whose heads do not share", () => {
    const deepseek = knownModel("deepseek-coder:6.7b");
    const perToken = (shape: FitAsk["shape"]) => memoryNeed({ ...llama, ...(shape ? { shape } : {}) }).contextBytes;
    expect(perToken(deepseek?.shape)).toBe(4 * perToken(llama.shape));
  });

  it("is rather over than under the truth where only the size is known", () => {
    const { shape: _, ...unknown } = llama;
    expect(memoryNeed(unknown).contextBytes).toBeGreaterThanOrEqual(memoryNeed(llama).contextBytes);
    expect(memoryNeed(unknown).basis).toBe("size");
  });

  it("is what was measured, and the difference for another context", () => {
    const measured = { bytes: 6.2 * gb, contextTokens: 8192 };
    expect(memoryNeed({ ...llama, measured }).totalBytes).toBe(6.2 * gb);
    const larger = memoryNeed({ ...llama, measured, contextTokens: 16384 });
    expect(larger.totalBytes).toBe(6.2 * gb + 8192 * 128 * 1024);
    expect(larger.basis).toBe("measured");
  });

  it("is corrected by what other models took over their estimates", () => {
    const plain = memoryNeed(llama).totalBytes;
    expect(memoryNeed({ ...llama, correction: 1.2 }).totalBytes).toBeCloseTo(plain * 1.2, -3);
  });
});

describe("whether it fits", () => {
  const verdict = (ask: Partial<FitAsk>, room: Parameters<typeof judgeFit>[1]) => judgeFit({ ...llama, ...ask }, room);

  it("is said with every number that went into it", () => {
    const fit = verdict({}, { memoryBytes: 16 * gib, diskFreeBytes: 80 * gb });
    expect(fit.verdict).toBe("fits");
    expect(fit.lines.map((line) => formatMessage(line))).toEqual([
      "Weights: 4.9 GB",
      "Context of 8192 tokens: 1.1 GB",
      "Runtime: 735 MB",
      "Together: 6.7 GB (from the model’s shape)",
      "Memory: 17.2 GB, of which 2.1 GB stay with the system",
      "Disk: 80.0 GB free",
    ]);
    expect(formatMessage(fit.says)).toBe("It fits: 6.7 GB of 15.0 GB.");
  });

  it("goes by the limit for models where there is one", () => {
    const room = { memoryBytes: 64 * gib, limitBytes: 8 * gib };
    expect(verdict({}, room).verdict).toBe("fits");
    expect(verdict({ parallel: 4 }, room).verdict).toBe("too-large");
  });

  it("is no for the moment where other programs have the memory, with what is free", () => {
    const room = { memoryBytes: 16 * gib, freeBytes: 6 * gb };
    const fit = verdict({ isInstalled: true }, room);
    expect(fit.verdict).toBe("not-now");
    expect(formatMessage(fit.says)).toContain("it wants 6.7 GB, and 6.0 GB of memory are free");
    expect(fit.lines.map((line) => formatMessage(line)).join()).toContain("Free at the moment");
    expect(verdict({}, { ...room, freeBytes: 7 * gb }).verdict).toBe("fits");
    expect(verdict({}, { ...room, vramBytes: 8 * gib }).verdict).toBe("fits");
    expect(verdict({ sizeBytes: 40 * gb }, room).verdict).toBe("too-large");
  });

  it("says that it will be slow where it is larger than the graphics card, and too large where both are too small", () => {
    const memoryBytes = 16 * gib;
    expect(verdict({}, { memoryBytes, vramBytes: 8 * gib }).verdict).toBe("fits");
    expect(verdict({}, { memoryBytes, vramBytes: 6 * gib }).verdict).toBe("slow");
    expect(verdict({ sizeBytes: 40 * gb }, { memoryBytes, vramBytes: 8 * gib }).verdict).toBe("too-large");
  });

  it("is no for want of disk, unless it is there or nearly there", () => {
    const room = { memoryBytes: 64 * gib, diskFreeBytes: 5 * gb };
    expect(verdict({}, room).verdict).toBe("no-disk");
    expect(verdict({ arrivedBytes: 2 * gb }, room).verdict).toBe("fits");
    expect(verdict({ isInstalled: true }, room).verdict).toBe("fits");
  });

  it("is no where the server is too old, and both versions are named", () => {
    const fit = verdict({ requires: "0.11.0" }, { memoryBytes: 64 * gib, version: "0.9.6" });
    expect(fit.verdict).toBe("too-old");
    expect(formatMessage(fit.says)).toContain("it wants 0.11.0, this is 0.9.6");
    expect(isOlder("0.31.1", "0.11.0")).toBe(false);
    expect(isOlder("built by me", "0.11.0")).toBe(false);
  });

  it("is not claimed of a server whose memory nobody knows", () => {
    expect(verdict({}, { version: "0.31.1" }).verdict).toBe("unknown");
  });
});

describe("the size of a model that is in no list", () => {
  it("is told by its tag: parameters times bits", () => {
    expect(sizeByTag("foo:7b")).toBeCloseTo(4.2 * gb, -8);
    expect(sizeByTag("foo:70b-instruct-q8_0")).toBeCloseTo(77 * gb, -9);
    expect(sizeByTag("mixtral:8x7b")).toBeCloseTo(33.6 * gb, -8);
    expect(sizeByTag("foo:1.5b-fp16")).toBeCloseTo(3 * gb, -8);
    expect(sizeByTag("smollm2:135m")).toBeCloseTo(81e6, -6);
    expect(sizeByTag("foo:latest")).toBeUndefined();
  });
});
