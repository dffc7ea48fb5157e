import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { commandOf, type Command } from "./commands";
import { SandboxError } from "./errors";
import { onInterrupt } from "./interrupt";
import { endProcesses, inspectProcess, isAlive } from "./processes";
import { lastLines } from "./run";
import { layout, serverKeys, writeState, type ServerKey, type State } from "./state";
import { fileNames, type ProgramPaths } from "./types";

/** A program of the sandbox ended right after its start. */
export class ServerFailed extends SandboxError {
    /** Whether it did so because another program has its port. */
    readonly portTaken: boolean;

    constructor(key: ServerKey, log: string) {
        const text = existsSync(log) ? readFileSync(log, "utf8") : "";
        const taken = /address already in use/.test(text);
        super(
            `${fileNames[key]} ended. Its last lines:\n${lastLines(text, 12)}\n    (all of it: ${log})`,
            "Stop the sandbox and start it again; when that does not help, the lines above tell what is missing.",
        );
        this.portTaken = taken;
    }
}

/** The programs of one sandbox: starts them, knows which of them run, ends them. */
export class Servers {
    readonly #started = new Set<ServerKey>();

    constructor(
        private readonly programs: ProgramPaths,
        private readonly directory: string,
        private readonly state: State,
    ) {}

    /** Whether the program runs, and with the flags that it would be started with now. */
    isCurrent(key: ServerKey): boolean {
        const record = this.state.servers[key];
        return record !== undefined && isAlive(record) && record.fingerprint === this.#command(key).fingerprint;
    }

    /** Whether the program runs at all. */
    isRunning(key: ServerKey): boolean {
        const record = this.state.servers[key];
        return record !== undefined && isAlive(record);
    }

    /** Starts a program unless it runs already; one that runs with other flags is ended first. */
    async ensure(key: ServerKey): Promise<void> {
        if (this.isCurrent(key)) {
            return;
        }
        await this.end([key]);
        this.#start(key);
    }

    /** Fails when a program that was started here has ended since. */
    check(): void {
        for (const key of this.#started) {
            if (!this.isRunning(key)) {
                throw new ServerFailed(key, this.#log(key));
            }
        }
    }

    /** Ends the programs, clients before what they talk to. */
    async end(keys: readonly ServerKey[]): Promise<void> {
        const ordered = serverKeys.filter((key) => keys.includes(key)).reverse();
        for (const key of ordered) {
            await endServer(this.directory, this.state, key);
            this.#started.delete(key);
        }
    }

    /** Ends what was started here and nothing else. */
    async endStarted(): Promise<void> {
        await this.end([...this.#started]);
    }

    #command(key: ServerKey): Command {
        return commandOf(key, this.programs, this.directory, this.state);
    }

    #log(key: ServerKey): string {
        return join(layout(this.directory).logs, `${fileNames[key]}.log`);
    }

    #start(key: ServerKey): void {
        const { program, args, fingerprint } = this.#command(key);
        const output = openLog(this.#log(key));
        // Without a listener a signal would end us between the start and its record; with one it waits for both.
        const dispose = onInterrupt(() => undefined);
        try {
            const child = spawn(program, args, {
                cwd: this.directory,
                env: serverEnvironment(this.directory),
                detached: true,
                stdio: ["ignore", output, output],
            });
            // A program that cannot be started has no pid, and says why in an event after this.
            child.on("error", () => undefined);
            const record = child.pid === undefined ? undefined : inspectProcess(child.pid);
            if (record === undefined) {
                throw new ServerFailed(key, this.#log(key));
            }
            this.state.servers[key] = { ...record, fingerprint };
            writeState(this.directory, this.state);
            this.#started.add(key);
            child.unref();
        } finally {
            closeSync(output);
            setImmediate(dispose);
        }
    }
}

/** Ends every program of a sandbox by its record, clients before what they talk to. */
export async function endServers(directory: string, state: State): Promise<void> {
    for (const key of [...serverKeys].reverse()) {
        await endServer(directory, state, key);
    }
}

/** Ends one program by its record, and forgets it. */
async function endServer(directory: string, state: State, key: ServerKey): Promise<void> {
    const record = state.servers[key];
    if (record === undefined) {
        return;
    }
    const left = await endProcesses([record], key === "etcd" ? 2_000 : 3_000);
    if (left.length > 0) {
        throw new SandboxError(
            `${fileNames[key]} (process ${record.pid}) does not end, not even by force.`,
            "It hangs in the operating system, mostly on a disk that does not answer; try again when that is mended.",
        );
    }
    delete state.servers[key];
    writeState(directory, state);
}

/** Keeps the log of the run before, which tells why that one ended. */
function openLog(file: string): number {
    mkdirSync(join(file, ".."), { recursive: true, mode: 0o700 });
    if (existsSync(file)) {
        renameSync(file, `${file}.old`);
    }
    return openSync(file, "w", 0o600);
}

/**
 * An environment in which the user's own settings cannot matter: a proxy, a kubeconfig, KWOK's configuration in the
 * home directory.
 */
function serverEnvironment(directory: string): NodeJS.ProcessEnv {
    const { home } = layout(directory);
    mkdirSync(home, { recursive: true, mode: 0o700 });
    return { PATH: process.env.PATH, HOME: home, TMPDIR: home, KWOK_WORKDIR: join(home, "kwok") };
}
