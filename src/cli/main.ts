#!/usr/bin/env node
// Entry of the command line: whatever it reads after this is compiled once, and kept for the commands that follow.
import { homedir } from "node:os";
import { defaultHome } from "../home.ts";
import { keepCompiled } from "./keep-compiled.ts";
import { leaveOutLoopback } from "./leave-out-loopback.ts";

leaveOutLoopback(process.env);
keepCompiled(defaultHome(process.env, process.platform, homedir()));
await import("./run.ts");
