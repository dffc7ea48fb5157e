import { createServer } from "node:net";
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

/**
 * The port for the API server: the one asked for, or nothing else; without a wish the one it had before while that is
 * free, so that kubeconfigs stay valid, and any free one otherwise.
 */
export async function choosePort(wanted: number | undefined, former: number): Promise<number> {
    if (wanted !== undefined) {
        if ((await tryPort(wanted)) === undefined) {
            throw portTaken(wanted);
        }
        return wanted;
    }
    const port = (former === 0 ? undefined : await tryPort(former)) ?? (await tryPort(0));
    if (port === undefined) {
        throw new SandboxError(`There is no free port on ${loopback}.`, "End programs that listen on many ports.");
    }
    return port;
}

/** The error for a port that was asked for by number and is not to be had. */
export function portTaken(port: number): SandboxError {
    return new SandboxError(
        `Port ${port} on ${loopback} is taken by another program, or this user may not listen on it.`,
        `End that program (\`lsof -nP -iTCP:${port} -sTCP:LISTEN\` names it), choose another port, ` +
            "or name none and get any free one.",
    );
}
