import { join } from "node:path";
import { helmEnvironment } from "../../sandbox";
import { isObject, parseJson, textAt, type Json } from "../json";
import { output, run, type Completed } from "../process";

/** A release as helm lists it. */
export interface ReleaseStatus {
    status: string;
    revision: number;
    /** Chart and version in one, as `istiod-1.31.1`. */
    chart: string;
}

/** helm, on one cluster only: it is never left to find a kubeconfig of the user's. */
export class Helm {
    constructor(
        private readonly program: string,
        private readonly kubeconfig: string,
        /** The folder that relative chart paths start from. */
        private readonly cwd: string,
        /** Where helm keeps files of its own: the user's stay untouched. */
        private readonly home: string,
    ) {}

    /** The release, whatever its status, or undefined when there is none. */
    async status(name: string, namespace: string): Promise<ReleaseStatus | undefined> {
        const text = await this.output(["list", "--all", "--filter", `^${name}$`, "-n", namespace, "-o", "json"]);
        const parsed = parseJson(text);
        const listed: unknown[] = Array.isArray(parsed) ? parsed : [];
        const found = listed.find((item) => textAt(item, "name") === name);
        return found === undefined
            ? undefined
            : {
                  status: textAt(found, "status") ?? "",
                  revision: Number(textAt(found, "revision")),
                  chart: textAt(found, "chart") ?? "",
              };
    }

    /** The values that the release was given; the chart's defaults are not among them. */
    async values(name: string, namespace: string): Promise<Json> {
        const values = parseJson(await this.output(["get", "values", name, "-n", namespace, "-o", "json"]));
        return isObject(values) ? values : {};
    }

    /** Revisions of the release that were deployed once, the newest first. */
    async deployedRevisions(name: string, namespace: string): Promise<number[]> {
        const parsed = parseJson(await this.output(["history", name, "-n", namespace, "-o", "json"]));
        const history: unknown[] = Array.isArray(parsed) ? parsed : [];
        return history
            .filter(isObject)
            .filter(({ status }) => status === "deployed" || status === "superseded")
            .map(({ revision }) => Number(revision))
            .sort((a, b) => b - a);
    }

    /** Installs or upgrades. The values go in by a pipe: no file holds them, and no list of processes shows them. */
    async upgrade(args: readonly string[], values: Json): Promise<void> {
        const input = JSON.stringify(values);
        await output({ ...this.command(["upgrade", "--install", ...args, "--values", "-"]), input });
    }

    /** Runs any other helm command to its end. */
    output(args: readonly string[]): Promise<string> {
        return output(this.command(args));
    }

    /** Runs a helm command whose failure is an answer. */
    try(args: readonly string[]): Promise<Completed> {
        return run(this.command(args));
    }

    private command(args: readonly string[]) {
        // Discovery is cached under ~/.kube otherwise.
        const cache = join(this.home, "kube-cache");
        const env = { ...helmEnvironment(this.home), KUBECACHEDIR: cache, HELM_KUBECONTEXT: undefined };
        return { program: this.program, args: [...args, "--kubeconfig", this.kubeconfig], cwd: this.cwd, env };
    }
}
