import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { systemCode } from "./errors";

/** A process that can be told apart from a later one with the same pid: pids are recycled, start times are not. */
export interface ProcessRecord {
    readonly pid: number;
    readonly started: string;
}

/** The record of a running process, or undefined when there is none with this pid (a zombie counts as none). */
export function inspectProcess(pid: number): ProcessRecord | undefined {
    const started = process.platform === "linux" ? startedOnLinux(pid) : startedByPs(pid);
    return started === undefined ? undefined : { pid, started };
}

/** Whether the very process of the record still runs. */
export function isAlive(record: ProcessRecord): boolean {
    return inspectProcess(record.pid)?.started === record.started;
}

/**
 * Ends the process groups that the given processes lead and waits for it: politely first, by force after `graceMs`.
 * Returns those that even force did not end.
 */
export async function endProcesses(records: readonly ProcessRecord[], graceMs: number): Promise<ProcessRecord[]> {
    signalAll(records, "SIGTERM");
    const stubborn = await waitForEnd(records, graceMs);
    signalAll(stubborn, "SIGKILL");
    return waitForEnd(stubborn, 5_000);
}

function signalAll(records: readonly ProcessRecord[], signal: NodeJS.Signals): void {
    for (const record of records.filter(isAlive)) {
        try {
            process.kill(-record.pid, signal);
        } catch (error) {
            // It ended between the look and the signal.
            if (systemCode(error) !== "ESRCH") {
                throw error;
            }
        }
    }
}

async function waitForEnd(records: readonly ProcessRecord[], limitMs: number): Promise<ProcessRecord[]> {
    const deadline = Date.now() + limitMs;
    let alive = records.filter(isAlive);
    while (alive.length > 0 && Date.now() < deadline) {
        await sleep(25);
        alive = alive.filter(isAlive);
    }
    return alive;
}

let bootId: string | undefined;

/** Start time in clock ticks since boot, with the id of that boot: neither alone survives a restart of the machine. */
function startedOnLinux(pid: number): string | undefined {
    try {
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
        // The second field is the command in parentheses, which may itself hold spaces and parentheses.
        const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        bootId ??= readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
        return fields[0] === "Z" || fields[0] === "X" ? undefined : `${bootId}/${fields[19]}`;
    } catch (error) {
        if (systemCode(error) === "ENOENT" || systemCode(error) === "ESRCH") {
            return undefined;
        }
        throw error;
    }
}

function startedByPs(pid: number): string | undefined {
    const result = spawnSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], {
        encoding: "utf8",
        env: { ...process.env, LC_ALL: "C", TZ: "UTC" },
    });
    const [state, ...started] = result.stdout.trim().split(/\s+/);
    return !state || state.startsWith("Z") ? undefined : started.join(" ");
}
