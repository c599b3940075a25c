#!/usr/bin/env node
// Entry of the command line: whatever it reads after this is compiled once, and kept for the commands that follow.
import { homedir } from "node:os";
import { defaultHome } from "../home.ts";
import { folderProblem } from "./folder-problem.ts";
import { keepCompiled } from "./keep-compiled.ts";
import { leaveOutLoopback } from "./leave-out-loopback.ts";

leaveOutLoopback(process.env);
const home = defaultHome(process.env, process.platform, homedir());
// Told by what is read next, in the person's language.
if (!process.env["SWITCHYARD_HOME"] || folderProblem(home) === undefined) keepCompiled(home);
await import("./run.ts");
