import { request } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import type { Access } from "./credentials";

/** An answer of the API server. */
export interface Answer {
    readonly status: number;
    readonly body: string;
}

/** A request that changes something. */
export interface Change {
    readonly method: "PATCH" | "DELETE";
    readonly contentType?: string;
    readonly body?: string;
}

/**
 * Asks the API server for a path, or changes what is there. Plain HTTPS instead of the client library, which loads for
 * half a second and, worse, drops the fields of known kinds that its models spell differently
 * (`x-kubernetes-preserve-unknown-fields`).
 */
export function call(access: Access, path: string, change?: Change): Promise<Answer> {
    return new Promise((resolve, reject) => {
        const options = {
            method: change?.method ?? "GET",
            ca: access.authority,
            headers: {
                authorization: `Bearer ${access.token}`,
                accept: "application/json",
                ...(change?.contentType && { "content-type": change.contentType }),
            },
            timeout: 10_000,
            agent: false,
        };
        const ongoing = request(`${access.server}${path}`, options, (response) => {
            const parts: string[] = [];
            response.setEncoding("utf8").on("data", (text: string) => parts.push(text));
            response.on("error", reject);
            response.on("end", () => resolve({ status: response.statusCode ?? 0, body: parts.join("") }));
        });
        ongoing.on("timeout", () => ongoing.destroy(new Error(`${access.server} does not answer`)));
        ongoing.on("error", reject).end(change?.body);
    });
}

/** Whether the API server says that it is ready, to a client with our credentials. */
export async function isReady(access: Access): Promise<boolean> {
    try {
        return (await call(access, "/readyz")).status === 200;
    } catch {
        return false;
    }
}

/** Polls until the condition holds. Returns false when the time is up; `check` may throw to end the wait early. */
export async function waitUntil(
    condition: () => boolean | Promise<boolean>,
    limitMs: number,
    check: () => void,
): Promise<boolean> {
    const deadline = Date.now() + limitMs;
    while (!(await condition())) {
        if (Date.now() > deadline) {
            return false;
        }
        check();
        await sleep(50);
    }
    return true;
}
