import * as pulumi from "@pulumi/pulumi";
import { contradictions } from "./settings/contradictions";
import { ConfigError, issueProblems, type ConfigProblem } from "./settings/problems";
import { schema, type ClusterSettings, type Settings } from "./settings/schema";

export { bookinfoNamespace, gatewayCertificates, hostClaims, hostName } from "./settings/hosts";
export { ConfigError } from "./settings/problems";
export type { Settings } from "./settings/schema";

const prefix = "pulumi-istio-platform:";
const texts: readonly string[] = ["domain", "internalDomain"];

/** Reads and checks the config of the stack that runs. Throws {@link ConfigError} with every problem at once. */
export function loadSettings(): Settings {
    return parseSettings(pulumi.runtime.allConfig());
}

/** Checks a stack's config, given as Pulumi has it: strings by full key, objects and lists as JSON. */
export function parseSettings(config: Record<string, string>): Settings {
    const values = Object.fromEntries(
        Object.entries(config)
            .filter(([key]) => key.startsWith(prefix))
            .map(([key, text]) => [key.slice(prefix.length), text] as const)
            .map(([key, text]) => [key, texts.includes(key) ? text : fromJson(text)]),
    );
    const cluster: ClusterSettings = {
        context: config["kubernetes:context"],
        kubeconfig: config["kubernetes:kubeconfig"],
    };
    const result = schema.safeParse(values);
    const issues = result.success ? [] : result.error.issues;
    const wrong = new Set(issues.map(({ path: [key] }) => key));
    const sound = only(values, (key) => key in schema.shape && !wrong.has(key));
    const problems = [
        ...clusterProblems(cluster),
        ...issues.flatMap((issue) => issueProblems(schema, issue, values)),
        ...contradictions(only(schema.partial().parse(sound), (key) => !wrong.has(key))),
    ];
    if (!result.success || problems.length > 0) {
        throw new ConfigError(problems);
    }
    return { ...result.data, cluster };
}

/** Some keys of an object: what is wrong is left out, so that nothing is concluded from its defaults. */
function only<T extends object>(values: T, wanted: (key: string) => boolean): Partial<T> {
    const kept: Partial<T> = { ...values };
    Object.keys(kept)
        .filter((key) => !wanted(key))
        .forEach((key) => Reflect.deleteProperty(kept, key));
    return kept;
}

function fromJson(text: string): unknown {
    try {
        return JSON.parse(text);
    } catch {
        return text;
    }
}

function clusterProblems({ context }: ClusterSettings): ConfigProblem[] {
    return context
        ? []
        : [
              {
                  path: "kubernetes:context",
                  value: context,
                  reason: "the stack names no cluster, and whatever context is current is never deployed to",
                  fix: "run `pulumi config set kubernetes:context NAME`, with a name from `kubectl config get-contexts`",
              },
          ];
}
