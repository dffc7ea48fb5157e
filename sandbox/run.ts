import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { onInterrupt } from "./interrupt";

/** How to run a command. */
export interface RunOptions {
    /** Working directory. */
    cwd?: string;
    /** The whole environment; this process's own when absent. */
    env?: NodeJS.ProcessEnv;
    /** Ends the command after this time. */
    timeoutMs?: number;
    /** Hears every line of standard error as it comes. */
    onErrorLine?: (line: string) => void;
}

/** How a command ended. */
export interface RunResult {
    /** Exit code, or null when a signal (or the timeout) ended it. */
    readonly code: number | null;
    readonly stdout: string;
    readonly stderr: string;
}

/** Runs a command to its end. Rejects only when it cannot be started (`ENOENT`: no such program). */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const child = spawn(command, args, {
        cwd: options.cwd,
        env: options.env,
        timeout: options.timeoutMs,
        stdio: ["ignore", "pipe", "pipe"],
    });
    const stdout: string[] = [];
    const stderr: string[] = [];
    child.stdout.setEncoding("utf8").on("data", (text: string) => stdout.push(text));
    createInterface({ input: child.stderr }).on("line", (line) => {
        stderr.push(line);
        options.onErrorLine?.(line);
    });
    // Ctrl-C reaches the command through the terminal, but a signal sent to this process alone would not.
    const dispose = onInterrupt(() => child.kill("SIGINT"));
    return new Promise<RunResult>((resolve, reject) => {
        child.on("error", reject);
        child.on("close", (code) => resolve({ code, stdout: stdout.join(""), stderr: stderr.join("\n") }));
    }).finally(dispose);
}

/** The last lines of a text, indented so that they stand apart in an error message. */
export function lastLines(text: string, count: number): string {
    const lines = text.trimEnd().split("\n").slice(-count);
    return lines.map((line) => `    ${line.slice(0, 300)}`).join("\n");
}

/** A time span as people say it: `45 s`, `3 min 10 s`. */
export function formatDuration(ms: number): string {
    const seconds = Math.round(ms / 1000);
    return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
