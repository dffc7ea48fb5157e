import { randomUUID } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { SandboxError } from "./errors";

/** The programs that run while a sandbox does, in the order in which they start. */
export const serverKeys = ["etcd", "kubeApiserver", "kubeControllerManager", "kubeScheduler", "kwok"] as const;

/** One of the programs that run while a sandbox does. */
export type ServerKey = (typeof serverKeys)[number];

const serverRecord = z.object({
    pid: z.number().int().positive(),
    /** Start time, which tells the process from a later one with the same pid. */
    started: z.string(),
    /** Changes with the program's path, version, flags and files: a process with another one is out of date. */
    fingerprint: z.string(),
});

const stateSchema = z.object({
    /** What this file is: only a folder that holds such a file is ever deleted. */
    kind: z.literal("pulumi-istio-platform-sandbox"),
    /** Random, and also in the cluster itself: proves that a cluster is the one of this folder. */
    id: z.uuid(),
    /** Port of the API server on 127.0.0.1; 0 before it was chosen. */
    port: z.number().int().min(0).max(65_535),
    servers: z.partialRecord(z.enum(serverKeys), serverRecord),
});

/** A process of the sandbox. */
export type ServerRecord = z.infer<typeof serverRecord>;

/** What is remembered of a sandbox between two commands. */
export type State = z.infer<typeof stateSchema>;

/** The files of a sandbox. */
export function layout(directory: string) {
    return {
        state: join(directory, "state.json"),
        kubeconfig: join(directory, "kubeconfig"),
        tokens: join(directory, "tokens.csv"),
        serviceAccountKey: join(directory, "service-account.key"),
        certificates: join(directory, "certificates"),
        /** The API server's own certificate, followed by the authority that it made for it. */
        authority: join(directory, "certificates", "apiserver.crt"),
        logs: join(directory, "logs"),
        home: join(directory, "home"),
        /** Beside the folder, since it outlives it. */
        lock: `${directory}.lock`,
    };
}

/** Reads the state of the sandbox in a folder; undefined when there is none. */
export function readState(directory: string): State | undefined {
    const file = layout(directory).state;
    if (!existsSync(file)) {
        return undefined;
    }
    try {
        return stateSchema.parse(JSON.parse(readFileSync(file, "utf8")));
    } catch (error) {
        throw new SandboxError(
            `${file} is not the state of a sandbox, or it is damaged.`,
            `End the programs that run in ${directory}, if any, and delete that folder.`,
            { cause: error },
        );
    }
}

/** Writes the state at once and in one step: what it names can be found and ended after any interruption. */
export function writeState(directory: string, state: State): void {
    const file = layout(directory).state;
    writeFileSync(`${file}.new`, `${JSON.stringify(state, undefined, 2)}\n`, { mode: 0o600 });
    renameSync(`${file}.new`, file);
}

/** Opens the sandbox's folder: makes it when it is not there, and refuses one that holds anything else. */
export async function openState(directory: string): Promise<State> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const known = readState(directory);
    if (known !== undefined) {
        return known;
    }
    const strangers = (await readdir(directory)).filter((name) => name !== "state.json.new");
    if (strangers.length > 0) {
        throw new SandboxError(
            `${directory} holds something that is not a sandbox (${strangers.slice(0, 3).join(", ")}).`,
            "Name an empty folder, or one that does not exist yet.",
        );
    }
    const state: State = { kind: "pulumi-istio-platform-sandbox", id: randomUUID(), port: 0, servers: {} };
    writeState(directory, state);
    return state;
}
