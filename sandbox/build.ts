import { existsSync, readFileSync } from "node:fs";
import { copyFile, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheDirectory, digest, publish } from "./cache";
import {
    checkGoVersion,
    deleteGoCaches,
    explainFullDisk,
    goFailure,
    hasGoCaches,
    moduleDirectory,
    pinnedVersions,
    runGo,
} from "./go";
import { isLocked, withLock } from "./lock";
import { formatDuration } from "./run";
import { fileNames, mapPrograms, type ProgramPaths, type Report } from "./types";

/** The programs that were built, and the OpenAPI document that came with their source. */
export interface BuiltPrograms extends ProgramPaths {
    readonly swagger: string;
}

/** Linker flags that tell the programs their own versions, taken from go.mod as release builds take them from tags. */
export function linkerFlags(): string {
    const pinned = pinnedVersions();
    const kubernetes = pinned.version("k8s.io/kubernetes");
    const [major = "", minor = ""] = kubernetes.slice(1).split(".");
    const variables: [string, string][] = [
        ["helm.sh/helm/v3/internal/version.version", pinned.version("helm.sh/helm/v3")],
    ];
    for (const holder of ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"]) {
        variables.push(
            [`${holder}.gitVersion`, kubernetes],
            [`${holder}.gitMajor`, major],
            [`${holder}.gitMinor`, minor],
            [`${holder}.gitCommit`, "built-from-module"],
            [`${holder}.gitTreeState`, "clean"],
        );
    }
    // Without a cluster helm believes in Kubernetes 1.20 unless told better, and charts render something else for it.
    for (const holder of ["helm.sh/helm/v3/pkg/chartutil", "helm.sh/helm/v3/pkg/lint/rules"]) {
        variables.push([`${holder}.k8sVersionMajor`, major], [`${holder}.k8sVersionMinor`, minor]);
    }
    return ["-s", "-w", ...variables.map(([name, value]) => `-X ${name}=${value}`)].join(" ");
}

/** Builds the programs from their pinned Go modules, or returns those that an earlier run built. */
export async function buildPrograms(report: Report): Promise<BuiltPrograms> {
    const folder = join(cacheDirectory(), `programs-${cacheKey()}`);
    const lock = join(cacheDirectory(), "lock");
    // Caches that nobody uses, beside finished programs, are what an interruption between the two left behind.
    const leftovers = hasGoCaches() && !isLocked(lock);
    if (!isComplete(folder) || leftovers) {
        const waiting = (pid: number) => report(`Waiting for another run (process ${pid}) that uses the cache`);
        await withLock(lock, waiting, async () => {
            // The other run may just have built them.
            if (!isComplete(folder)) {
                await buildInto(folder, report);
            }
            report("Deleting what only the build needed");
            await deleteGoCaches();
        });
    }
    return contents(folder);
}

function cacheKey(): string {
    const files = ["go.mod", "go.sum"].map((name) => readFileSync(join(moduleDirectory, name), "utf8"));
    return digest(...files, linkerFlags(), process.platform, process.arch);
}

function contents(folder: string): BuiltPrograms {
    return { ...mapPrograms((key) => join(folder, fileNames[key])), swagger: join(folder, "swagger.json") };
}

function isComplete(folder: string): boolean {
    return Object.values(contents(folder)).every(existsSync);
}

async function buildInto(folder: string, report: Report): Promise<void> {
    const partial = `${folder}.partial`;
    try {
        await checkGoVersion();
        await rm(partial, { recursive: true, force: true });
        await mkdir(partial, { recursive: true, mode: 0o700 });
        const stale = await downloadModules(report);
        await compile(partial, stale, report);
        // Go names a program after its folder, and etcd's is in one called server.
        await rename(join(partial, "server"), join(partial, fileNames.etcd));
        await copySwagger(partial);
        await publish(partial, folder);
    } catch (error) {
        throw explainFullDisk("Building the sandbox's programs", error);
    }
}

/** Downloads the modules, which checks them against go.sum, and returns how many packages are to be compiled. */
async function downloadModules(report: Report): Promise<number> {
    const started = Date.now();
    const { modules } = pinnedVersions();
    let done = 0;
    const tell = () => {
        const count = done === 0 ? "" : `: ${done} of at most ${modules}, ${formatDuration(Date.now() - started)}`;
        report(`Getting the Go modules of the sandbox's programs${count}`);
    };
    const args = ["list", ...buildFlags(), "-deps", "-f", "{{if and .Stale (ne .Name `main`)}}stale{{end}}", "tool"];
    const result = await ticking(tell, () =>
        runGo(args, {
            cwd: moduleDirectory,
            onErrorLine: (line) => (done += line.startsWith("go: downloading ") ? 1 : 0),
        }),
    );
    if (result.code !== 0) {
        throw goFailure("Getting the Go modules of the sandbox's programs", result);
    }
    return result.stdout.split("\n").filter((line) => line === "stale").length;
}

async function compile(folder: string, packages: number, report: Report): Promise<void> {
    const started = Date.now();
    let done = 0;
    const tell = () =>
        report(`Building the sandbox's programs (once): ${progress(done, packages, Date.now() - started)}`);
    // With -v Go prints each package that it begins to compile.
    const args = ["build", ...buildFlags(), "-v", "-o", `${folder}/`, "tool"];
    const result = await ticking(tell, () =>
        runGo(args, { cwd: moduleDirectory, onErrorLine: (line) => (done += /^[\w./~-]+$/.test(line) ? 1 : 0) }),
    );
    if (result.code !== 0) {
        const log = join(cacheDirectory(), "build.log");
        await writeFile(log, result.stderr);
        throw goFailure("Building the sandbox's programs", result, log);
    }
}

function buildFlags(): string[] {
    return ["-trimpath", "-buildvcs=false", "-ldflags", linkerFlags()];
}

/** "120 of 2915 packages, 35 s, about 13 min 30 s left": the estimate waits until there is something to go by. */
export function progress(done: number, all: number, elapsedMs: number): string {
    const parts = [`${Math.min(done, all)} of ${all} packages`, formatDuration(elapsedMs)];
    if (done >= all) {
        parts.push("linking");
    } else if (elapsedMs > 10_000 && done > all / 50) {
        parts.push(`about ${formatDuration((elapsedMs / done) * (all - done))} left`);
    }
    return parts.join(", ");
}

async function ticking<T>(tell: () => void, action: () => Promise<T>): Promise<T> {
    tell();
    const timer = setInterval(tell, 1000);
    try {
        return await action();
    } finally {
        clearInterval(timer);
    }
}

async function copySwagger(folder: string): Promise<void> {
    const result = await runGo(["list", "-m", "-f", "{{.Dir}}", "k8s.io/kubernetes"], { cwd: moduleDirectory });
    if (result.code !== 0) {
        throw goFailure("Finding the source of Kubernetes", result);
    }
    await copyFile(join(result.stdout.trim(), "api", "openapi-spec", "swagger.json"), join(folder, "swagger.json"));
}
