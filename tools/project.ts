import { join, resolve } from "node:path";

/** The checkout that this file belongs to. */
export const root = resolve(__dirname, "..");

/** The folder of one stack's sandbox, and of everything that is only good for that sandbox. */
export function sandboxDirectory(stack: string): string {
    return join(sandboxesDirectory, stack);
}

/** The folder that holds all sandboxes of this checkout. */
export const sandboxesDirectory = join(root, ".sandbox");

/** Files beside the sandbox's own in its folder. Relative ones are as the program sees them from the checkout. */
export function sandboxFiles(stack: string) {
    const directory = sandboxDirectory(stack);
    return {
        kubeconfig: join(directory, "kubeconfig"),
        charts: join(directory, "charts"),
        relativeCharts: `./.sandbox/${stack}/charts`,
        stackConfig: join(directory, `Pulumi.${stack}.yaml`),
        /** State of the Pulumi CLI: the stack's checkpoints live and die with its sandbox. */
        backend: join(directory, "pulumi"),
        passphrase: join(directory, "passphrase"),
        /** What the rehearsal generated, as passwords: kept so that a second run finds nothing to change. */
        generated: join(directory, "generated.json"),
    };
}
