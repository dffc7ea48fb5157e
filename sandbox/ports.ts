import { randomInt } from "node:crypto";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { SandboxError, systemCode } from "./errors";

/** The address that everything listens on. */
export const loopback = "127.0.0.1";

/** Listens on the port for a moment. Returns the port, or undefined when another program has it. */
async function tryPort(port: number): Promise<number | undefined> {
    const server = createServer();
    try {
        await new Promise<void>((resolve, reject) => {
            server.once("error", reject).listen({ port, host: loopback, exclusive: true }, resolve);
        });
        const address = server.address();
        return typeof address === "object" ? address?.port : undefined;
    } catch (error) {
        if (systemCode(error) === "EADDRINUSE" || systemCode(error) === "EACCES") {
            return undefined;
        }
        throw error;
    } finally {
        server.close();
    }
}

/** Like `tryPort`, with patience: a process that was just killed holds its port for some moments more. */
async function retryPort(port: number): Promise<number | undefined> {
    for (let attempt = 1; ; attempt++) {
        const free = await tryPort(port);
        if (free !== undefined || attempt === 20) {
            return free;
        }
        await sleep(50);
    }
}

/**
 * Any free port, below those that systems give to outgoing connections: while the API server is away, a connection of
 * anybody could take its port otherwise, even one of its own clients that tries to reach it.
 */
async function anyPort(): Promise<number | undefined> {
    for (let attempt = 1; attempt <= 20; attempt++) {
        const port = await tryPort(randomInt(20_000, 30_000));
        if (port !== undefined) {
            return port;
        }
    }
    return tryPort(0);
}

/**
 * The port for the API server: the one asked for, or nothing else; without a wish the one it had before while that is
 * free, so that kubeconfigs stay valid, and any free one otherwise.
 */
export async function choosePort(wanted: number | undefined, former: number): Promise<number> {
    if (wanted !== undefined && !(Number.isInteger(wanted) && wanted > 0 && wanted < 65_536)) {
        throw new SandboxError(
            `${wanted} is no port.`,
            "Name a whole number from 1 to 65535, or none for any free port.",
        );
    }
    const first = wanted ?? former;
    const port = first === 0 ? undefined : await (first === former ? retryPort(first) : tryPort(first));
    if (port === undefined && wanted !== undefined) {
        throw portTaken(wanted);
    }
    const chosen = port ?? (await anyPort());
    if (chosen === undefined) {
        throw new SandboxError(`There is no free port on ${loopback}.`, "End programs that listen on many ports.");
    }
    return chosen;
}

/** The error for a port that was asked for by number and is not to be had. */
export function portTaken(port: number): SandboxError {
    return new SandboxError(
        `Port ${port} on ${loopback} is taken by another program, or this user may not listen on it.`,
        `End that program (\`lsof -nP -iTCP:${port} -sTCP:LISTEN\` names it), choose another port, ` +
            "or name none and get any free one.",
    );
}
