import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

const name = "pulumi-istio-platform";

/** The folder that keeps what is built once per user. It can be deleted at any time; the next start makes it anew. */
export function cacheDirectory(): string {
    const directory = join(cacheHome(), name);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    return directory;
}

function cacheHome(): string {
    const configured = process.env.XDG_CACHE_HOME;
    // The XDG specification: a relative path is invalid and to be ignored.
    if (configured && isAbsolute(configured)) {
        return configured;
    }
    return process.platform === "darwin" ? join(homedir(), "Library", "Caches") : join(homedir(), ".cache");
}

/** A short key that changes when any of the parts does. */
export function digest(...parts: string[]): string {
    const hash = createHash("sha256");
    for (const part of parts) {
        // The length in front keeps ("ab", "c") and ("a", "bc") apart.
        hash.update(`${part.length}:`).update(part);
    }
    return hash.digest("hex").slice(0, 16);
}

/** Makes a finished folder visible under its final name in one step, so that nobody ever sees half of it. */
export async function publish(finished: string, final: string): Promise<void> {
    await rm(final, { recursive: true, force: true });
    await rename(finished, final);
}
