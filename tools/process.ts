import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { Interrupted } from "./errors";
import { interruption, onInsistence } from "./interrupts";

/** A program to run. */
export interface Command {
    program: string;
    args: readonly string[];
    cwd?: string;
    env?: NodeJS.ProcessEnv;
    /** Text for its standard input. @default - no input at all */
    input?: string;
    /** How to ask it to end. @default "SIGTERM" */
    stopSignal?: NodeJS.Signals;
    /** Hears every line of both outputs as it comes. */
    onLine?: (line: string) => void;
}

/** What a program printed, and how it ended. */
export interface Completed {
    code: number;
    stdout: string;
    stderr: string;
}

/** A program that ended with another code than 0. */
export class ProcessError extends Error {
    constructor(
        readonly command: Command,
        readonly completed: Completed,
    ) {
        super(
            `${[command.program, ...command.args].join(" ")} ended with code ${completed.code}: ${lastWords(completed)}`,
        );
        this.name = "ProcessError";
    }

    /** The program's last words, which mostly are the reason. */
    get reason(): string {
        return lastWords(this.completed);
    }
}

/** Runs a program to its end, whatever its code. Throws {@link Interrupted} when the user stopped it. */
export async function run(command: Command): Promise<Completed> {
    if (interruption.aborted) {
        throw new Interrupted();
    }
    // A process group of its own: Ctrl-C reaches it once, through us, and not a second time from the terminal.
    const child = spawn(command.program, command.args, {
        cwd: command.cwd,
        env: command.env ?? process.env,
        stdio: ["pipe", "pipe", "pipe"],
        detached: true,
    });
    const stop = () => signalGroup(child, command.stopSignal ?? "SIGTERM");
    const forget = onInsistence(() => signalGroup(child, "SIGKILL"));
    interruption.addEventListener("abort", stop, { once: true });
    try {
        // A program that ends without reading its input is not an error here: its code tells.
        child.stdin.on("error", () => undefined).end(command.input ?? "");
        return await completion(child, command.onLine);
    } finally {
        interruption.removeEventListener("abort", stop);
        forget();
        if (interruption.aborted) {
            throw new Interrupted();
        }
    }
}

/** Runs a program that must succeed and returns its standard output. */
export async function output(command: Command): Promise<string> {
    const completed = await run(command);
    if (completed.code !== 0) {
        throw new ProcessError(command, completed);
    }
    return completed.stdout;
}

function completion(child: ChildProcess, onLine: Command["onLine"]): Promise<Completed> {
    const texts = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
        const stream = child[name];
        stream?.setEncoding("utf8").on("data", (text: string) => (texts[name] += text));
        if (stream && onLine) {
            createInterface({ input: stream }).on("line", onLine);
        }
    }
    return new Promise((resolve, reject) => {
        child.on("error", reject);
        child.on("close", (code, signal) => resolve({ code: code ?? (signal ? 128 : 1), ...texts }));
    });
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) {
        return;
    }
    try {
        process.kill(-child.pid, signal);
    } catch {
        // It ended between the look and the signal.
    }
}

/** The end of what a program said, which mostly is the reason why it ended. */
export function lastWords({ stdout, stderr }: Completed): string {
    const lines = (stderr.trim() || stdout.trim()).split("\n");
    return lines.slice(-6).join("\n");
}
