import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { stringify } from "yaml";
import { loopback } from "./ports";
import { layout } from "./state";

/** The name of the kubeconfig's only context. */
export const contextName = "sandbox";

/** Only the owner may read what lets one into the cluster. */
const secret = { mode: 0o600 } as const;

/** Makes the keys that the API server starts with, where they do not exist yet. */
export async function ensureCredentials(directory: string): Promise<void> {
    const files = layout(directory);
    await mkdir(files.certificates, { recursive: true, mode: 0o700 });
    if (!existsSync(files.tokens)) {
        const token = randomBytes(32).toString("hex");
        await writeWhole(files.tokens, `${token},sandbox-admin,sandbox-admin,system:masters\n`);
    }
    if (!existsSync(files.serviceAccountKey)) {
        const { privateKey } = generateKeyPairSync("ec", {
            namedCurve: "P-256",
            privateKeyEncoding: { type: "sec1", format: "pem" },
            publicKeyEncoding: { type: "spki", format: "pem" },
        });
        await writeWhole(files.serviceAccountKey, privateKey);
    }
}

/** What a client needs to talk to the API server. */
export interface Access {
    readonly server: string;
    /** Certificates that the server's own is to be checked with, as PEM. */
    readonly authority: string;
    readonly token: string;
}

/** Reads what a client needs; the API server must have made its certificate by then. */
export async function readAccess(directory: string, port: number): Promise<Access> {
    const files = layout(directory);
    const tokens = await readFile(files.tokens, "utf8");
    return {
        server: `https://${loopback}:${port}`,
        authority: await readFile(files.authority, "utf8"),
        token: tokens.slice(0, tokens.indexOf(",")),
    };
}

/** Writes the kubeconfig of the sandbox's administrator. */
export async function writeKubeconfig(directory: string, access: Access): Promise<void> {
    const cluster = {
        server: access.server,
        "certificate-authority-data": Buffer.from(access.authority).toString("base64"),
    };
    const config = {
        apiVersion: "v1",
        kind: "Config",
        clusters: [{ name: contextName, cluster }],
        users: [{ name: "sandbox-admin", user: { token: access.token } }],
        contexts: [{ name: contextName, context: { cluster: contextName, user: "sandbox-admin" } }],
        "current-context": contextName,
    };
    await writeWhole(layout(directory).kubeconfig, stringify(config));
}

/** Writes a file in one step, so that an interruption leaves none or the whole of it. */
async function writeWhole(file: string, text: string): Promise<void> {
    await writeFile(`${file}.new`, text, secret);
    await rename(`${file}.new`, file);
}
