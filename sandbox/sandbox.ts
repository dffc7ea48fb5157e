import { existsSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { isReady } from "./client";
import { bringUpApi, bringUpControllers, isHealthy, type Cluster } from "./cluster";
import { readAccess } from "./credentials";
import { withLock } from "./lock";
import { loopback } from "./ports";
import { isAlive } from "./processes";
import { ensurePrograms } from "./programs";
import { Servers, endServers } from "./servers";
import { layout, openState, readState, serverKeys, type State } from "./state";
import { fileNames, type Programs, type Report } from "./types";

/** A running sandbox. */
export interface Sandbox {
    /** The folder that holds everything of it. */
    readonly directory: string;
    /** Path of its kubeconfig; the context is named `sandbox`. */
    readonly kubeconfig: string;
    /** URL of its API server. */
    readonly server: string;
    /** The id that is also in the cluster, in the ConfigMap that `marker` names. */
    readonly id: string;
    /** Whether it ran already, all of it. */
    readonly reused: boolean;
}

/** What nobody should take for the real thing. */
const simulated = "its nodes, pods, volumes, load balancers and certificates are simulated, webhooks are off";

/** What to start. */
export interface StartOptions {
    /** The folder for everything of this sandbox: it must be empty, absent, or hold a sandbox. */
    directory: string;
    /** Hears what is being done. */
    report: Report;
    /** Port of the API server on 127.0.0.1; any free one when absent. */
    port?: number;
    /** The programs, when the caller has them already. */
    programs?: Programs;
}

/**
 * Starts a sandbox: a real Kubernetes control plane on loopback, with simulated nodes and pods. One that runs is
 * reused, one that runs in parts is repaired, and its data are kept.
 */
export async function startSandbox(options: StartOptions): Promise<Sandbox> {
    const directory = resolve(options.directory);
    const programs = options.programs ?? (await ensurePrograms(options.report));
    return holding(directory, options.report, async () => {
        const state = await openState(directory);
        const servers = new Servers(programs, directory, state);
        const cluster: Cluster = { directory, state, servers, report: options.report };
        const reused = (options.port ?? state.port) === state.port && (await isHealthy(cluster));
        if (!reused) {
            await bringUp(cluster, options.port);
        }
        const server = `https://${loopback}:${state.port}`;
        options.report(`Sandbox ${reused ? "already runs" : "runs"} at ${server}; ${simulated}`);
        return { directory, kubeconfig: layout(directory).kubeconfig, server, id: state.id, reused };
    });
}

async function bringUp(cluster: Cluster, port: number | undefined): Promise<void> {
    try {
        const access = await bringUpApi(cluster, port);
        await bringUpControllers(cluster, access);
    } catch (error) {
        // Logs and data stay: the error names the log, and the next start goes on from the data.
        await cluster.servers.endStarted();
        if (!existsSync(layout(cluster.directory).logs)) {
            // Nothing was ever started here.
            await rm(cluster.directory, { recursive: true, force: true });
        }
        throw error;
    }
}

/** Ends every program of the sandbox in a folder and deletes the folder. Returns false when there is none. */
export async function stopSandbox(options: { directory: string; report?: Report }): Promise<boolean> {
    const directory = resolve(options.directory);
    const report = options.report ?? (() => undefined);
    if (!existsSync(directory)) {
        return false;
    }
    return holding(directory, report, async () => {
        const state = readState(directory);
        if (state === undefined) {
            return false;
        }
        report("Ending the sandbox's programs");
        await endServers(directory, state);
        await deleteDirectory(directory);
        return true;
    });
}

/** Deletes the state last: without it an interrupted deletion would leave a folder that nobody dares to touch. */
async function deleteDirectory(directory: string): Promise<void> {
    const names = (await readdir(directory)).map((name) => join(directory, name));
    const contents = names.filter((name) => name !== layout(directory).state);
    await Promise.all(contents.map((name) => rm(name, { recursive: true, force: true })));
    await rm(directory, { recursive: true, force: true });
}

/** What is known of a sandbox without touching it. */
export interface SandboxStatus {
    /** `partial`: some programs ended, or the API server does not answer. Starting it again repairs that. */
    readonly state: "absent" | "stopped" | "partial" | "running";
    readonly directory: string;
    readonly kubeconfig?: string;
    readonly server?: string;
    readonly id?: string;
    /** Each program, and the process that runs it. */
    readonly programs: readonly { readonly name: string; readonly pid?: number }[];
}

/** Looks at the sandbox in a folder. */
export async function sandboxStatus(options: { directory: string }): Promise<SandboxStatus> {
    const directory = resolve(options.directory);
    const state = readState(directory);
    if (state === undefined) {
        return { state: "absent", directory, programs: [] };
    }
    const programs = serverKeys.map((key) => {
        const record = state.servers[key];
        return { name: fileNames[key], pid: record && isAlive(record) ? record.pid : undefined };
    });
    const alive = programs.filter(({ pid }) => pid !== undefined).length;
    const ready = alive === programs.length && (await answers(directory, state));
    return {
        state: ready ? "running" : alive > 0 ? "partial" : "stopped",
        directory,
        kubeconfig: layout(directory).kubeconfig,
        server: `https://${loopback}:${state.port}`,
        id: state.id,
        programs,
    };
}

async function answers(directory: string, state: State): Promise<boolean> {
    return existsSync(layout(directory).authority) && isReady(await readAccess(directory, state.port));
}

function holding<T>(directory: string, report: Report, action: () => Promise<T>): Promise<T> {
    const waiting = (pid: number) =>
        report(`Waiting for another run (process ${pid}) that starts or stops this sandbox`);
    return withLock(layout(directory).lock, waiting, action);
}
