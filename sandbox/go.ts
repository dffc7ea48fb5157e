import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { cacheDirectory } from "./cache";
import { SandboxError, systemCode } from "./errors";
import { lastLines, run, type RunOptions, type RunResult } from "./run";

/** The module of the sandbox's programs. */
export const moduleDirectory = __dirname;

/** The pinned versions of go.mod, by module, and the Go version that it asks for. */
export function pinnedVersions(): { go: string; version(module: string): string; modules: number } {
    const text = readFileSync(join(moduleDirectory, "go.mod"), "utf8");
    const versions = new Map<string, string>();
    for (const [, module, version] of text.matchAll(/^\t(\S+) (v\S+)/gm)) {
        versions.set(module ?? "", version ?? "");
    }
    return {
        go: /^go (\S+)/m.exec(text)?.[1] ?? "",
        modules: versions.size,
        version(module) {
            const version = versions.get(module);
            if (version === undefined) {
                throw new Error(`go.mod requires no ${module}`);
            }
            return version;
        },
    };
}

function ownFolder(): string {
    return join(cacheDirectory(), "go");
}

/**
 * The environment of Go commands. Go's own caches go into our folder, unless the user says where they are: whoever
 * shares a cache between projects wants it used, and nobody else wants gigabytes in the home directory.
 */
function goEnvironment(): NodeJS.ProcessEnv {
    const own = ownFolder();
    const env: NodeJS.ProcessEnv = { ...process.env };
    env.GOCACHE ??= join(own, "build");
    env.GOMODCACHE ??= env.GOPATH ? undefined : join(own, "modules");
    env.GOPATH ??= join(own, "path");
    env.GOTMPDIR = join(own, "tmp");
    // Modules are read-only by default, and then only `go clean` can delete them.
    env.GOFLAGS = [env.GOFLAGS, "-modcacherw"].filter(Boolean).join(" ");
    env.GOWORK = "off";
    // Without C everything builds the same whether or not a C compiler with its headers is there.
    env.CGO_ENABLED = "0";
    // Go counts its own use in the user's configuration folder. The user's settings for Go still come from there.
    env.GOENV ??= join(process.env.XDG_CONFIG_HOME ?? join(homedir(), ".config"), "go", "env");
    env.XDG_CONFIG_HOME = join(own, "config");
    mkdirSync(env.GOTMPDIR, { recursive: true, mode: 0o700 });
    return env;
}

/** Whether caches of ours are there. */
export function hasGoCaches(): boolean {
    return existsSync(ownFolder());
}

/** Deletes Go's caches where they are ours: they are needed to go on after an interruption, and no longer. */
export async function deleteGoCaches(): Promise<void> {
    await rm(ownFolder(), { recursive: true, force: true });
}

/** How to run a Go command: always in the folder of a module. */
export interface GoOptions extends RunOptions {
    cwd: string;
    /** A module that is checked by a sum of our own, so that Go need not ask the public checksum database for it. */
    unsummed?: string;
}

/** Runs a Go command. */
export async function runGo(args: readonly string[], options: GoOptions): Promise<RunResult> {
    const env = goEnvironment();
    if (options.unsummed !== undefined) {
        env.GONOSUMDB = options.unsummed;
    }
    try {
        return await run("go", args, { ...options, env });
    } catch (error) {
        if (systemCode(error) === "ENOENT") {
            throw new SandboxError(
                "Go is not installed: there is no program `go` in PATH. The sandbox's programs are built with it, once.",
                `Install Go ${pinnedVersions().go} or newer from https://go.dev/dl, or put the programs themselves ` +
                    "into PATH or the folder that KUBEBUILDER_ASSETS names.",
                { cause: error },
            );
        }
        throw error;
    }
}

/** Fails when the installed Go is too old and may not fetch a newer one by itself. */
export async function checkGoVersion(): Promise<void> {
    // In a folder without go.mod, so that the answer is about the installed Go and not the one it would switch to.
    const result = await runGo(["env", "GOVERSION", "GOTOOLCHAIN"], { cwd: tmpdir() });
    const [version = "", toolchain = ""] = result.stdout.trim().split("\n");
    const installed = version.replace(/^go/, "");
    // Go learned to fetch newer versions of itself in 1.21; older ones print nothing for GOTOOLCHAIN.
    const fetches = toolchain !== "" && toolchain !== "local";
    if (isOlder(installed, pinnedVersions().go) && !fetches) {
        throw goTooOld(`Go ${installed} is installed`);
    }
}

function goTooOld(found: string): SandboxError {
    const { go } = pinnedVersions();
    return new SandboxError(
        `${found}, but the sandbox's programs need Go ${go} or newer.`,
        `Install Go ${go} or newer from https://go.dev/dl, or let the installed Go fetch it: GOTOOLCHAIN=auto.`,
    );
}

/** Compares dotted numbers; what follows the numbers (`rc1`, `-custom`) does not count. */
export function isOlder(version: string, than: string): boolean {
    const parts = (text: string) => (/^\d+(\.\d+)*/.exec(text)?.[0] ?? "0").split(".").map(Number);
    const [left, right] = [parts(version), parts(than)];
    for (let index = 0; index < Math.max(left.length, right.length); index++) {
        const difference = (left[index] ?? 0) - (right[index] ?? 0);
        if (difference !== 0) {
            return difference < 0;
        }
    }
    return false;
}

const network =
    /dial (tcp|udp)|no such host|connection (refused|reset)|i\/o timeout|TLS handshake|proxyconnect|module lookup disabled|unexpected EOF|Could not resolve|network is unreachable|reading https?:|toolchain not available/i;

/** Turns the failure of a Go command into an error that says what to do. */
export function goFailure(what: string, result: RunResult, log?: string): SandboxError {
    const brief = lastLines(result.stderr, 2);
    if (/no space left on device|ENOSPC|disk quota exceeded/i.test(result.stderr)) {
        return diskFull(what, brief);
    }
    if (/go\.mod requires go >=|invalid go version|unknown directive: tool/.test(result.stderr)) {
        return goTooOld(`The installed Go is too old (${result.stderr.trim().split("\n")[0]})`);
    }
    if (network.test(result.stderr)) {
        return new SandboxError(
            `${what} failed: Go modules could not be downloaded.\n${brief}`,
            "Check the network and, behind a proxy, HTTPS_PROXY and GOPROXY (https://go.dev/ref/mod#module-proxy); " +
                "then run the command again, it continues where it stopped.",
        );
    }
    if (result.code === null) {
        return new SandboxError(`${what} was interrupted.`, "Run the command again: it continues where it stopped.");
    }
    const details = `${lastLines(result.stderr, 12)}${log ? `\n    (all of it: ${log})` : ""}`;
    return new SandboxError(
        `${what} failed (exit code ${result.code}).\n${details}`,
        `Read the lines above; deleting ${cacheDirectory()} makes the next run start from nothing.`,
    );
}

function diskFull(what: string, details: string): SandboxError {
    return new SandboxError(
        `${what} failed: the disk is full.\n${details}`,
        `Free about 7 GB on the disk of ${cacheDirectory()}, or point XDG_CACHE_HOME to a disk that has them; ` +
            "then run the command again, it continues where it stopped. 0.5 GB of it stay in use.",
    );
}

/** Maps a full disk that our own writes hit onto the same error as a full disk under Go. */
export function explainFullDisk(what: string, error: unknown): unknown {
    return systemCode(error) === "ENOSPC" || systemCode(error) === "EDQUOT"
        ? diskFull(what, `    ${error instanceof Error ? error.message : ""}`)
        : error;
}
