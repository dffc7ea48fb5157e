import { lookup } from "node:dns/promises";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { ChartPin } from "../versions";
import { helmEnvironment } from "./helm";
import { lastLines, run } from "./run";

/** How long a repository may take to be reached, and a chart to be downloaded. */
const reachMs = 3_000;
const pullMs = 60_000;

/** Pulls charts from their official repositories, asking each host only once whether it is there. */
export class OfficialCharts {
    readonly #reachable = new Map<string, Promise<boolean>>();

    /** `home` is a folder for helm's own files, which otherwise go into the user's. */
    constructor(
        private readonly helm: string,
        private readonly home: string,
    ) {}

    /** Puts the packaged chart into the folder. Returns undefined when that worked, and else why it did not. */
    async pull(pin: ChartPin, folder: string): Promise<string | undefined> {
        if (!(await this.#isReachable(pin.repository))) {
            return `${pin.repository} cannot be reached`;
        }
        const chart = pin.repository.startsWith("oci://")
            ? [`${pin.repository}/${pin.chart}`]
            : [pin.chart, "--repo", pin.repository];
        const args = ["pull", ...chart, "--version", pin.version, "--destination", folder];
        const result = await run(this.helm, args, { env: helmEnvironment(this.home), timeoutMs: pullMs });
        return result.code === 0 ? undefined : `${pin.repository}: ${lastLines(result.stderr, 1).trim()}`;
    }

    #isReachable(repository: string): Promise<boolean> {
        const { host } = new URL(repository);
        const known = this.#reachable.get(host) ?? Promise.race([canConnect(repository), giveUp()]);
        this.#reachable.set(host, known);
        return known;
    }
}

async function giveUp(): Promise<boolean> {
    await sleep(reachMs, undefined, { ref: false });
    return false;
}

/** Whether a connection can be made: to the proxy, where there is one, since then nothing else may be reachable. */
async function canConnect(repository: string): Promise<boolean> {
    const proxy = process.env.HTTPS_PROXY ?? process.env.https_proxy;
    const target = new URL(proxy ? proxy : repository.replace(/^oci:/, "https:"));
    const port = Number(target.port) || (target.protocol === "http:" ? 80 : 443);
    try {
        const { address } = await lookup(target.hostname);
        return await new Promise<boolean>((resolve) => {
            const socket = connect({ host: address, port, timeout: reachMs });
            const answer = (reachable: boolean) => {
                socket.destroy();
                resolve(reachable);
            };
            socket.once("connect", () => answer(true));
            socket.once("error", () => answer(false));
            socket.once("timeout", () => answer(false));
        });
    } catch {
        return false;
    }
}
