import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import type { RecordedResource } from "../../tools/monitor";
import { field } from "./recorded";
import type { KubernetesObject } from "./schemas";

/** The official charts on this machine, rendered by the real helm. */
export class Charts {
    private readonly rendered = new Map<string, KubernetesObject[]>();

    constructor(
        private readonly helm: string,
        /** Folder of the packaged charts. */
        readonly directory: string,
    ) {}

    /** What a Release would put on the cluster. */
    render(release: RecordedResource): KubernetesObject[] {
        const { name, namespace, values } = release.inputs;
        const chart = this.packageOf(release);
        const key = JSON.stringify([chart, name, namespace, values]);
        const objects = this.rendered.get(key) ?? this.template(chart, String(name), String(namespace), values);
        this.rendered.set(key, objects);
        return objects;
    }

    /** A chart's own values, with every key that it knows. */
    defaults(release: RecordedResource): unknown {
        const text = this.run(["show", "values", this.packageOf(release)]);
        const [document] = parseAllDocuments(text);
        const values: unknown = document?.toJS();
        // Istio's charts keep their defaults under a key of their own, so that profiles can come in between.
        return field(values, "_internal_defaults_do_not_set") ?? values;
    }

    private template(chart: string, name: string, namespace: string, values: unknown): KubernetesObject[] {
        const folder = mkdtempSync(join(tmpdir(), "pulumi-istio-platform-"));
        try {
            const file = join(folder, "values.json");
            writeFileSync(file, JSON.stringify(values ?? {}));
            const args = ["template", name, chart, "--namespace", namespace, "--values", file, "--include-crds"];
            return parseAllDocuments(this.run([...args, "--kube-version", "1.36.0"]))
                .map((document) => withoutNulls(document.toJS()))
                .filter(isObject);
        } finally {
            rmSync(folder, { recursive: true });
        }
    }

    private packageOf(release: RecordedResource): string {
        const chart = String(release.inputs["chart"]).split("/").pop() ?? "";
        return join(
            this.directory,
            chart.endsWith(".tgz") ? chart : `${chart}-${String(release.inputs["version"])}.tgz`,
        );
    }

    private run(args: string[]): string {
        return execFileSync(this.helm, args, { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
    }
}

function isObject(value: unknown): value is KubernetesObject {
    return typeof field(value, "kind") === "string" && typeof field(value, "metadata", "name") === "string";
}

/** A value without the fields that are null: to an API server they are not there. */
function withoutNulls(value: unknown): unknown {
    if (Array.isArray(value)) {
        return value.map(withoutNulls);
    }
    return typeof value === "object" && value !== null
        ? Object.fromEntries(
              Object.entries(value).flatMap(([key, inner]) => (inner === null ? [] : [[key, withoutNulls(inner)]])),
          )
        : value;
}
