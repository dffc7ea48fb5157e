import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { isOlder, pinnedVersions } from "./go";
import { run } from "./run";
import { fileNames, mapPrograms, programKeys, type ProgramPaths, type Report } from "./types";

/** How a program tells its version, and the oldest one that the sandbox's flags and objects work with. */
const requirements = {
    etcd: { args: ["--version"], oldest: "3.5" },
    kubeApiserver: { args: ["--version"], oldest: "1.32" },
    kubeControllerManager: { args: ["--version"], oldest: "1.32" },
    kubeScheduler: { args: ["--version"], oldest: "1.32" },
    kwok: { args: ["--version"], oldest: "0.8" },
    helm: { args: ["version", "--template", "{{.Version}}"], oldest: "3.18" },
} as const satisfies Record<keyof ProgramPaths, { args: readonly string[]; oldest: string }>;

/** Programs that were there already, and the version of each. */
export interface InstalledPrograms {
    readonly paths: ProgramPaths;
    readonly versions: ProgramPaths;
}

/**
 * Looks for all the programs in KUBEBUILDER_ASSETS and then PATH. Returns undefined when one is missing or does not
 * fit: a mix of found and built programs would be one that nobody tested.
 */
export async function findInstalled(report: Report): Promise<InstalledPrograms | undefined> {
    const found = programKeys.map((key) => ({ key, path: locate(fileNames[key]) }));
    if (found.some(({ path }) => path === undefined)) {
        return undefined;
    }
    const paths = mapPrograms((wanted) => found.find(({ key }) => key === wanted)?.path ?? "");
    const read = await Promise.all(
        programKeys.map(async (key) => ({ key, version: await versionOf(key, paths[key]) })),
    );
    const versions = mapPrograms((wanted) => read.find(({ key }) => key === wanted)?.version ?? "");
    const problem = misfit(versions);
    if (problem !== undefined) {
        report(`Not using the programs in KUBEBUILDER_ASSETS and PATH: ${problem}`);
        return undefined;
    }
    return { paths, versions };
}

function locate(name: string): string | undefined {
    const folders = [process.env.KUBEBUILDER_ASSETS, ...(process.env.PATH ?? "").split(delimiter)];
    return folders
        .filter((folder): folder is string => Boolean(folder))
        .map((folder) => join(folder, name))
        .find(isExecutable);
}

function isExecutable(path: string): boolean {
    try {
        accessSync(path, constants.X_OK);
        return true;
    } catch {
        return false;
    }
}

async function versionOf(key: keyof ProgramPaths, path: string): Promise<string> {
    try {
        const { stdout } = await run(path, requirements[key].args, { timeoutMs: 10_000 });
        return /\d+\.\d+\.\d+/.exec(stdout)?.[0] ?? "";
    } catch {
        // Not a program for this machine: an unknown version never fits.
        return "";
    }
}

/** Says why programs of these versions do not work together, or returns undefined when they do. */
export function misfit(versions: ProgramPaths): string | undefined {
    for (const key of programKeys) {
        if (versions[key] === "") {
            return `${fileNames[key]} does not tell its version`;
        }
        if (isOlder(versions[key], requirements[key].oldest)) {
            return `${fileNames[key]} is ${versions[key]}, older than ${requirements[key].oldest}`;
        }
    }
    const minor = (version: string) => version.split(".").slice(0, 2).join(".");
    const kubernetes = [versions.kubeApiserver, versions.kubeControllerManager, versions.kubeScheduler].map(minor);
    const pinned = minor(pinnedVersions().version("k8s.io/kubernetes").slice(1));
    if (new Set(kubernetes).size > 1) {
        return `the Kubernetes programs are of different versions (${kubernetes.join(", ")})`;
    }
    if (isOlder(pinned, kubernetes[0] ?? "")) {
        return `Kubernetes ${kubernetes[0]} is newer than ${pinned}, the newest that was tested`;
    }
    return minor(versions.helm).startsWith("3.") ? undefined : `helm is ${versions.helm}, and only 3.x was tested`;
}
