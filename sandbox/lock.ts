import { randomUUID } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { systemCode } from "./errors";
import { inspectProcess } from "./processes";

/**
 * Runs `action` while holding the lock file, so that two runs never do the same work at once. The lock of a process
 * that died is taken over. `waiting` hears once who holds the lock, when it has to be waited for.
 */
export async function withLock<T>(file: string, waiting: (pid: number) => void, action: () => Promise<T>): Promise<T> {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const own = lockText();
    let told = false;
    while (!tryLock(file, own)) {
        const holder = readLock(file);
        if (holder !== undefined && isStale(holder)) {
            takeAway(file, holder);
            continue;
        }
        if (holder !== undefined && !told) {
            told = true;
            waiting(Number(holder.split(" ")[0]));
        }
        await sleep(250);
    }
    try {
        return await action();
    } finally {
        if (readLock(file) === own) {
            rmSync(file, { force: true });
        }
    }
}

/** Whether a living process holds the lock. */
export function isLocked(file: string): boolean {
    const holder = readLock(file);
    return holder !== undefined && !isStale(holder);
}

function lockText(): string {
    const self = inspectProcess(process.pid);
    return `${process.pid} ${self?.started ?? ""} ${randomUUID()}`;
}

/** Created complete and only if absent, in one step: a lock that is there always names its holder. */
function tryLock(file: string, text: string): boolean {
    const draft = `${file}.${process.pid}.${randomUUID()}`;
    writeFileSync(draft, text, { mode: 0o600 });
    try {
        linkSync(draft, file);
        return true;
    } catch (error) {
        if (systemCode(error) === "EEXIST") {
            return false;
        }
        throw error;
    } finally {
        rmSync(draft, { force: true });
    }
}

function readLock(file: string): string | undefined {
    try {
        return readFileSync(file, "utf8");
    } catch (error) {
        if (systemCode(error) === "ENOENT") {
            return undefined;
        }
        throw error;
    }
}

function isStale(text: string): boolean {
    const started = text.slice(text.indexOf(" ") + 1, text.lastIndexOf(" "));
    return inspectProcess(Number(text.split(" ")[0]))?.started !== started;
}

/**
 * Removes the lock of a dead process. Moving it aside first tells whether it still is that lock: another run may have
 * taken it over in the meantime, and then its lock goes back.
 */
function takeAway(file: string, stale: string): void {
    const aside = `${file}.${process.pid}.${randomUUID()}`;
    try {
        renameSync(file, aside);
    } catch (error) {
        if (systemCode(error) === "ENOENT") {
            return;
        }
        throw error;
    }
    if (readFileSync(aside, "utf8") === stale) {
        rmSync(aside, { force: true });
        return;
    }
    try {
        linkSync(aside, file);
    } catch (error) {
        if (systemCode(error) !== "EEXIST") {
            throw error;
        }
    } finally {
        rmSync(aside, { force: true });
    }
}
