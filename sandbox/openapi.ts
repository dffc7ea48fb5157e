import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheDirectory, publish } from "./cache";
import { call } from "./client";
import { bringUpApi } from "./cluster";
import { SandboxError } from "./errors";
import { Servers, endServers } from "./servers";
import { openState } from "./state";
import type { ProgramPaths, Report } from "./types";

/**
 * The OpenAPI document for an API server that was found rather than built: without its source the server itself is
 * the only one to have it. It is asked once and the answer kept.
 */
export async function ensureOpenApi(programs: ProgramPaths, version: string, report: Report): Promise<string> {
    const file = join(cacheDirectory(), `swagger-${version}.json`);
    if (!existsSync(file)) {
        report(`Asking the API server ${version} for its OpenAPI document (once)`);
        const directory = await mkdtemp(join(cacheDirectory(), "openapi-"));
        await writeFile(`${file}.${process.pid}`, await askServer(programs, directory, report));
        await publish(`${file}.${process.pid}`, file);
    }
    return file;
}

async function askServer(programs: ProgramPaths, directory: string, report: Report): Promise<string> {
    const state = await openState(directory);
    const servers = new Servers(programs, directory, state);
    try {
        const access = await bringUpApi({ directory, state, servers, report }, undefined);
        const answer = await call(access, "/openapi/v2");
        if (answer.status !== 200) {
            throw new SandboxError(
                `The API server gives no OpenAPI document (status ${answer.status}).`,
                "Take kube-apiserver out of PATH and KUBEBUILDER_ASSETS, and it will be built.",
            );
        }
        return answer.body;
    } finally {
        await endServers(directory, state);
        await rm(directory, { recursive: true, force: true });
    }
}
