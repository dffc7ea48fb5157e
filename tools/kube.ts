import { Agent, request, type RequestOptions } from "node:https";
import { KubeConfig } from "@kubernetes/client-node";
import { UserError } from "./errors";
import { at, listAt, parseJson, textAt, type Json } from "./json";

/** A Kubernetes object of any kind. */
export interface KubeObject extends Json {
    apiVersion: string;
    kind: string;
    metadata: Json;
}

/** The API server's refusal. */
export class ApiError extends Error {
    constructor(
        readonly status: number,
        message: string,
    ) {
        super(message);
        this.name = "ApiError";
    }
}

interface Call {
    method: "GET" | "PATCH" | "DELETE";
    path: string;
    query?: Record<string, string>;
    body?: unknown;
}

/**
 * A cluster's API, for objects of any kind. The client library's own object API is not used for writing: it drops
 * fields that it does not know, and the very point here is that the server sees them and refuses.
 */
export class Kube {
    private readonly resources = new Map<string, Promise<unknown>>();
    private readonly agent: Agent;

    private constructor(
        private readonly server: URL,
        private readonly options: RequestOptions,
    ) {
        const { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername } = options;
        const tls = { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername };
        this.agent = new Agent({ ...tls, keepAlive: true, maxSockets: 16 });
    }

    /** Connects by a kubeconfig file. */
    static connect(kubeconfig: string): Promise<Kube> {
        const config = new KubeConfig();
        config.loadFromFile(kubeconfig);
        return Kube.of(config);
    }

    /** Connects to the cluster of the config's current context. */
    static async of(config: KubeConfig): Promise<Kube> {
        const cluster = config.getCurrentCluster();
        if (!cluster) {
            throw new UserError(`The kubeconfig names no cluster for the context "${config.getCurrentContext()}".`);
        }
        const options: RequestOptions = {};
        await config.applyToHTTPSOptions(options);
        return new Kube(new URL(cluster.server), options);
    }

    /** The object, or undefined when there is none; nor is there one of a kind that the cluster does not have. */
    read(apiVersion: string, kind: string, name: string, namespace?: string): Promise<unknown> {
        return this.callIfThere("GET", apiVersion, kind, name, namespace);
    }

    /** Deletes the object where there is one. */
    async remove(apiVersion: string, kind: string, name: string, namespace?: string): Promise<void> {
        await this.callIfThere("DELETE", apiVersion, kind, name, namespace);
    }

    /** Applies an object, every field of it checked, and returns what it became. */
    async apply(object: KubeObject, fieldManager: string): Promise<unknown> {
        const { apiVersion, kind } = object;
        const path = await this.path(
            apiVersion,
            kind,
            textAt(object, "metadata", "name") ?? "",
            textAt(object, "metadata", "namespace"),
        );
        const query = { fieldManager, fieldValidation: "Strict", force: "true" };
        return this.call({ method: "PATCH", path, query, body: object });
    }

    /** Closes the connections, so that the process can end. */
    close(): void {
        this.agent.destroy();
    }

    private async callIfThere(
        method: "GET" | "DELETE",
        ...[apiVersion, kind, name, namespace]: [string, string, string, string | undefined]
    ): Promise<unknown> {
        try {
            return await this.call({ method, path: await this.path(apiVersion, kind, name, namespace) });
        } catch (error) {
            if (error instanceof ApiError && error.status === 404) {
                return undefined;
            }
            throw error;
        }
    }

    private async path(apiVersion: string, kind: string, name: string, namespace?: string): Promise<string> {
        const resource = await this.resource(apiVersion, kind);
        const scope = at(resource, "namespaced") === true ? `/namespaces/${namespace ?? "default"}` : "";
        return `${group(apiVersion)}${scope}/${textAt(resource, "name") ?? ""}/${encodeURIComponent(name)}`;
    }

    /** Asks again for a kind that was not there: its definition may have come meanwhile. */
    private async resource(apiVersion: string, kind: string): Promise<unknown> {
        const find = async () => {
            const known = listAt(await this.resources.get(apiVersion), "resources");
            return known.find((item) => textAt(item, "kind") === kind && !textAt(item, "name")?.includes("/"));
        };
        const found = await find();
        if (found !== undefined) {
            return found;
        }
        const asked = this.call({ method: "GET", path: group(apiVersion) });
        this.resources.set(apiVersion, asked);
        asked.catch(() => this.resources.delete(apiVersion));
        const now = await asked.then(find);
        if (now === undefined) {
            throw new ApiError(404, `the cluster has no kind ${kind} in ${apiVersion}`);
        }
        return now;
    }

    private async call(call: Call): Promise<unknown> {
        const { status, body } = await this.send(call);
        const answer = parse(body);
        if (status < 200 || status > 299) {
            throw new ApiError(status, textAt(answer, "message") ?? (body.slice(0, 300) || `status ${status}`));
        }
        return answer;
    }

    private send({ method, path, query, body }: Call): Promise<{ status: number; body: string }> {
        const url = new URL(path.replace(/^\//, ""), withSlash(this.server));
        url.search = new URLSearchParams(query).toString();
        const headers = {
            ...this.options.headers,
            accept: "application/json",
            ...(body === undefined ? {} : { "content-type": "application/apply-patch+yaml" }),
        };
        return new Promise((resolve, reject) => {
            const options = { method, headers, auth: this.options.auth, agent: this.agent, timeout: 30_000 };
            const sent = request(url, options, (response) => {
                let text = "";
                response.setEncoding("utf8").on("data", (part: string) => (text += part));
                response.on("error", reject);
                response.on("end", () => resolve({ status: response.statusCode ?? 0, body: text }));
            });
            sent.on("timeout", () => sent.destroy(new Error(`${this.server.origin} does not answer`)));
            sent.on("error", reject).end(body === undefined ? undefined : JSON.stringify(body));
        });
    }
}

function group(apiVersion: string): string {
    return apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

function withSlash(url: URL): URL {
    return url.pathname.endsWith("/") ? url : new URL(`${url.href}/`);
}

function parse(body: string): unknown {
    try {
        return parseJson(body);
    } catch {
        return undefined;
    }
}
